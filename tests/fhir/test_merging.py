"""What hospitals add to their copies of ours stays there, and what says the state of the work is ours."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.merging import additions, with_additions
from fhir_mappings.their_capabilities import objections

TOLD = {
    "resourceType": "Task",
    "identifier": [{"system": "ours", "value": "p/s/1"}],
    "status": "requested",
    "intent": "order",
    "extension": [{"url": "ours", "valueCode": "a"}],
}
NOTE = {"text": "Vu avec la famille"}
NUMBER = {"system": "theirs", "value": "42"}


def test_their_identifiers_notes_results_and_extensions_are_kept() -> None:
    theirs = {
        **TOLD,
        "id": "77",
        "meta": {"versionId": "3", "tag": [{"code": "audited"}]},
        "text": {"status": "generated"},
        "identifier": [*TOLD["identifier"], NUMBER],
        "extension": [*TOLD["extension"], {"url": "theirs", "valueCode": "b"}],
        "note": [NOTE],
        "output": [{"type": {"text": "Compte rendu"}, "valueReference": {"reference": "DiagnosticReport/9"}}],
        "encounter": {"reference": "Encounter/5"},
    }
    now = {**TOLD, "status": "completed"}
    said = with_additions(now, additions(TOLD, theirs))
    assert said["status"] == "completed"
    assert said["identifier"] == [*TOLD["identifier"], NUMBER]
    assert said["extension"][1]["url"] == "theirs"
    assert said["note"] == [NOTE]
    assert said["output"][0]["valueReference"] == {"reference": "DiagnosticReport/9"}
    assert said["encounter"] == {"reference": "Encounter/5"}
    assert said["meta"] == {"tag": [{"code": "audited"}]}
    assert "text" not in said
    assert "id" not in said


def test_what_says_the_state_is_never_taken_from_an_old_copy() -> None:
    theirs = {
        **TOLD,
        "status": "on-hold",
        "statusReason": {"text": "Grève"},
        "owner": {"reference": "Practitioner/1"},
        "executionPeriod": {"start": "2027-03-01"},
    }
    assert with_additions(TOLD, additions(TOLD, theirs)) == TOLD


def test_a_result_that_we_say_ourselves_by_now_is_not_said_twice() -> None:
    outcome = {"type": {"coding": [{"system": "out", "code": "outcome"}]}, "valueString": "seen"}
    theirs = {**TOLD, "output": [outcome]}
    ours = {**TOLD, "output": [{**outcome, "valueString": "Vu"}]}
    assert with_additions(ours, additions(TOLD, theirs)) == ours


def test_what_they_take_away_again_is_not_brought_back() -> None:
    first = additions(TOLD, {**TOLD, "note": [NOTE]})
    assert with_additions(TOLD, first)["note"] == [NOTE]
    assert additions(TOLD, TOLD) == {}


LISTS = st.dictionaries(
    st.sampled_from(["note", "identifier", "extension", "output"]),
    st.sampled_from([[NOTE], [NUMBER], [NOTE, NUMBER]]),
)
SINGLES = st.dictionaries(
    st.sampled_from(["encounter", "status", "owner", "location"]),
    st.sampled_from(["requested", {"reference": "X/1"}]),
)
VALUES = st.builds(lambda one, other: one | other, LISTS, SINGLES)


@given(told=VALUES, theirs=VALUES, ours=VALUES)
def test_ours_is_always_said_whole_and_their_copy_as_told_adds_nothing(
    told: Any, theirs: Any, ours: Any
) -> None:
    said = with_additions(ours, additions(told, theirs))
    for name, value in ours.items():
        if isinstance(value, list):
            assert said[name][: len(value)] == value
        else:
            assert said[name] == value
    assert additions(told, told) == {}
    assert with_additions(said, additions(told, theirs)) == said, "saying it again adds it twice"


def statement(*types: str, transaction: bool = True, codes: tuple[str, ...] = ("create", "update")) -> Any:
    return {
        "fhirVersion": "4.0.1",
        "rest": [
            {
                "mode": "server",
                "interaction": [{"code": "transaction"}] if transaction else [],
                "resource": [
                    {"type": one, "interaction": [{"code": code} for code in codes]} for one in types
                ],
            }
        ],
    }


def test_a_server_that_says_it_takes_what_we_write_has_nothing_against_it() -> None:
    assert objections(statement("Patient", "Task"), ["Patient", "Task"]) == []


def test_each_thing_that_it_does_not_take_is_a_sentence_of_its_own() -> None:
    found = objections(statement("Patient", transaction=False, codes=("read", "create")), ["Patient", "Task"])
    assert [one.en for one in found] == [
        "it takes no transactions",
        "it takes no create and no update of Task",
    ]
    assert [one.en for one in objections({"fhirVersion": "5.0.0"})] == [
        "it speaks FHIR 5.0.0, and we write R4 (4.0.1)"
    ]
    assert objections({"fhirVersion": "4.0.1"})[0].fr == "il ne décrit aucun serveur"
