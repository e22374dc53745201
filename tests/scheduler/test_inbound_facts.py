"""A laboratory, a pharmacy and a form speak of our patients: facts, corrected and taken back like any other word."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pathway.hold_plan import HoldStatus
from tests.house import Clock, open_house, plain_settings
from tests.scheduler.hospital_says import UCUM, HospitalSays, lived, measured, subject, taking

MONDAY = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)


@pytest.fixture
def says(sqlite_url: str, tmp_path: Path) -> Iterator[HospitalSays]:
    house = open_house(plain_settings(sqlite_url, tmp_path), Clock(MONDAY))
    yield HospitalSays(house)
    house.close()


@pytest.mark.parametrize(
    ("loinc", "value", "unit", "key", "known"),
    [
        ("6301-6", 1.3, "{INR}", "inr", 1.3),
        ("34714-6", 2.1, "1", "inr", 2.1),
        ("777-3", 210, "10*9/L", "platelets_g_l", 210),
        ("14682-9", 88, "umol/L", "creatinine_umol_l", 88),
        ("2160-0", 1.0, "mg/dL", "creatinine_umol_l", 88.42),
        ("29463-7", 62.5, "kg", "weight_kg", 62.5),
        ("72514-3", 7, "{score}", "pain_nrs", 7),
        ("8310-5", 38.2, "Cel", "temperature_c", 38.2),
        ("59408-5", 97, "%", "spo2", 97),
        ("8867-4", 71, "/min", "heart_rate", 71),
    ],
)
def test_a_measurement_is_a_fact_in_our_unit(
    says: HospitalSays, loinc: str, value: float, unit: str, key: str, known: float
) -> None:
    pathway_id = says.referred()
    heard = says.says(measured(loinc, value, unit, "2027-03-01T08:30:00Z"))
    fact = says.state(pathway_id).fact(key)
    assert heard.moved
    assert fact is not None
    assert (fact.value, fact.at) == (known, MONDAY.replace(hour=8, minute=30))


def test_a_blood_pressure_is_read_from_its_panel(says: HospitalSays) -> None:
    pathway_id = says.referred()
    panel = measured("85354-9", 0, "mm[Hg]", "2027-03-01T08:30:00Z")
    del panel["valueQuantity"]
    panel["component"] = [
        {
            "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
            "valueQuantity": {"value": value, "system": UCUM, "code": "mm[Hg]"},
        }
        for code, value in (("8480-6", 128), ("8462-4", 74))
    ]
    says.says(panel)
    state = says.state(pathway_id)
    assert [state.fact(key).value for key in ("sbp", "dbp")] == [128, 74]  # type: ignore[union-attr]


@pytest.mark.parametrize("status", ["preliminary", "registered", "cancelled", "entered-in-error"])
def test_what_is_not_final_is_no_fact(says: HospitalSays, status: str) -> None:
    pathway_id = says.referred()
    assert not says.says(measured("6301-6", 3, "{INR}", "2027-03-01T08:30:00Z", status=status)).moved
    assert says.state(pathway_id).fact("inr") is None


def test_an_impossible_value_or_an_unknown_unit_is_refused_and_the_sender_told(says: HospitalSays) -> None:
    pathway_id = says.referred()
    for value, unit in ((210, "{INR}"), (1.2, "furlong")):
        heard = says.says(measured("6301-6", value, unit, "2027-03-01T08:30:00Z"))
        assert not heard.moved
        assert heard.issues[0].expression[0].startswith("Observation.value")
    assert says.state(pathway_id).fact("inr") is None


def test_the_same_word_twice_or_an_older_one_changes_nothing(says: HospitalSays) -> None:
    pathway_id = says.referred()
    meta = {"versionId": "3", "lastUpdated": "2027-03-01T08:40:00Z"}
    says.says(measured("6301-6", 1.2, "{INR}", "2027-03-01T08:30:00Z", id="o", meta=meta))
    seq = says.state(pathway_id).seq
    says.says(measured("6301-6", 1.2, "{INR}", "2027-03-01T08:30:00Z", id="o", meta=meta))
    older = {"versionId": "2", "lastUpdated": "2027-03-01T08:35:00Z"}
    says.says(measured("6301-6", 9, "{INR}", "2027-03-01T08:30:00Z", id="o", meta=older))
    assert says.state(pathway_id).seq == seq


def test_a_corrected_measurement_replaces_and_a_wrong_one_is_forgotten(says: HospitalSays) -> None:
    pathway_id = says.referred()
    first = measured("6301-6", 4.5, "{INR}", "2027-03-01T08:30:00Z", id="o")
    says.says(first)
    says.says({**first, "status": "corrected", "effectiveDateTime": "2027-02-27T08:30:00Z"})
    fact = says.state(pathway_id).fact("inr")
    assert fact is not None
    assert fact.at.day == 27
    says.says({**first, "status": "entered-in-error"})
    assert says.state(pathway_id).fact("inr") is None


def test_a_measurement_of_nobody_we_know_is_passed_over_unless_it_names_something_of_ours(
    says: HospitalSays,
) -> None:
    pathway_id = says.referred()
    stranger = measured("6301-6", 1.2, "{INR}", "2027-03-01T08:30:00Z", number=999)
    assert not says.says(stranger).moved
    assert not says.listed()
    value = f"{pathway_id}/triage/1"
    named = {"identifier": {"system": "https://jalon.example/fhir/id/request", "value": value}}
    says.says({**stranger, "basedOn": [named]})
    assert [row.kind for row in says.listed()] == ["unmatched"]


def test_a_pain_score_of_a_patient_with_two_fractures_has_to_say_which(says: HospitalSays) -> None:
    first = says.referred()
    second = says.referred(0, reference="R-2", onset=datetime(2026, 11, 3).date())
    assert first != second
    pain = measured("72514-3", 9, "{score}", "2027-03-01T08:30:00Z")
    says.says(pain)
    assert [row.kind for row in says.listed()] == ["unmatched"]
    value = f"{second}/triage/1"
    says.says(
        {
            **pain,
            "basedOn": [{"identifier": {"system": "https://jalon.example/fhir/id/request", "value": value}}],
        }
    )
    found = [says.state(one).fact("pain_nrs") for one in (first, second)]
    assert [fact.value for fact in found if fact] == [8, 9]
    says.says(measured("29463-7", 61, "kg", "2027-03-01T08:30:00Z"))
    assert all(says.state(one).fact("weight_kg") for one in (first, second))


# --- drugs ------------------------------------------------------------------------------------------------


def test_an_antithrombotic_that_is_learned_of_expires_a_plan_made_without_it(says: HospitalSays) -> None:
    pathway_id = lived(says, lambda tale: tale.until_confirmed())
    assert says.state(pathway_id).hold.status is HoldStatus.NOT_REQUIRED
    says.says(taking("Apixaban", "B01AF02", dateAsserted="2027-02-12"))
    state = says.state(pathway_id)
    fact = state.fact("antithrombotics")
    assert fact is not None
    assert isinstance(fact.value, list)
    assert [drug["atc"] for drug in fact.value] == ["B01AF02"]
    assert state.hold.status is HoldStatus.EXPIRED


def test_drugs_are_known_one_by_one_stopped_one_by_one_and_taken_back(says: HospitalSays) -> None:
    pathway_id = says.referred(facts=())

    def listed() -> list[tuple[str, str]] | None:
        fact = says.state(pathway_id).fact("antithrombotics")
        value = fact.value if fact else None
        return [(drug["atc"], drug["status"]) for drug in value] if isinstance(value, list) else None

    apixaban = taking("Apixaban", "B01AF02", id="a", dateAsserted="2027-02-20")
    aspirin = taking("Kardégic", "B01AC06", id="b", dateAsserted="2027-02-21")
    says.says(apixaban)
    says.says(aspirin)
    assert listed() == [("B01AF02", "active"), ("B01AC06", "active")]
    says.says({**apixaban, "status": "stopped", "dateAsserted": "2027-02-28"})
    assert listed() == [("B01AF02", "stopped"), ("B01AC06", "active")]
    says.says({**aspirin, "status": "entered-in-error"})
    assert listed() == [("B01AF02", "stopped")]


def test_an_old_statement_against_a_newer_none_is_a_question_for_a_person(says: HospitalSays) -> None:
    pathway_id = says.referred()
    says.says(taking("Apixaban", "B01AF02", dateAsserted="2026-12-01"))
    assert says.state(pathway_id).fact("antithrombotics").value == []  # type: ignore[union-attr]
    assert [row.kind for row in says.listed()] == ["contradictory"]


# --- forms ------------------------------------------------------------------------------------------------


def test_the_answers_of_a_form_are_recorded_by_the_key_of_the_question(says: HospitalSays) -> None:
    pathway_id = says.referred()
    form = {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "subject": subject(),
        "authored": "2027-03-01T08:00:00Z",
        "item": [
            {"linkId": "analgesia_tried", "answer": [{"valueString": "paracétamol"}]},
            {"linkId": "g", "item": [{"linkId": "red_flag_infection", "answer": [{"valueBoolean": False}]}]},
            {"linkId": "crp_mg_l", "answer": [{"valueDecimal": 99999}]},
            {"linkId": "nothing-of-ours", "answer": [{"valueString": "?"}]},
        ],
    }
    heard = says.says(form)
    state = says.state(pathway_id)
    assert state.fact("analgesia_tried").value == "paracétamol"  # type: ignore[union-attr]
    assert state.fact("red_flag_infection").value is False  # type: ignore[union-attr]
    assert state.fact("crp_mg_l") is None
    assert [issue.expression for issue in heard.issues] == [
        ("QuestionnaireResponse.item[2].answer[0].value",)
    ]
    assert not says.says({**form, "status": "in-progress"}).moved


def drugs(says: HospitalSays, pathway_id: str, key: str = "antithrombotics") -> list[str] | None:
    fact = says.state(pathway_id).fact(key)
    value = fact.value if fact is not None else None
    return [drug["atc"] for drug in value] if isinstance(value, list) else None


def test_a_statement_that_is_corrected_to_another_drug_leaves_no_ghost_of_the_first(
    says: HospitalSays,
) -> None:
    pathway_id = says.referred(facts=())
    says.says(taking("Kardégic 75 mg", "B01AC06", id="aspirin"))
    says.says(taking("Préviscan", "B01AA12", id="m"))
    says.says(taking("Eliquis 5 mg", "B01AF02", id="m"))
    assert drugs(says, pathway_id) == ["B01AC06", "B01AF02"]
    says.says(taking("Xarelto 20 mg", "B01AF01", id="m"))
    assert drugs(says, pathway_id) == ["B01AC06", "B01AF01"]
    says.says(taking("Xarelto 20 mg", "B01AF01", id="m", status="entered-in-error"))
    assert drugs(says, pathway_id) == ["B01AC06"]


def test_a_statement_that_is_corrected_to_a_drug_of_the_other_list_leaves_the_first(
    says: HospitalSays,
) -> None:
    pathway_id = says.referred(facts=())
    says.says(taking("Kardégic 75 mg", "B01AC06", id="aspirin"))
    says.says(taking("Préviscan", "B01AA12", id="m"))
    says.says(taking("Doliprane", "N02BE01", id="m"))
    assert drugs(says, pathway_id) == ["B01AC06"]
    assert drugs(says, pathway_id, "medications") == ["B01AC06", "N02BE01"]
