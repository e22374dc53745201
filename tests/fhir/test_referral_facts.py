"""The facts of a referral: silence is not an answer, the latest counts, and what cannot be true is not
believed."""

from __future__ import annotations

import pytest

from tests.fhir.referral_cast import (
    NADIA,
    NO_ANTITHROMBOTIC,
    PAIN,
    accepted,
    add,
    bundle,
    observed,
    read,
    taken,
)

# --- antithrombotics: silence is not an answer ------------------------------------------------------------


def asked_about_antithrombotics(sent: dict[str, object]) -> bool:
    return "antithrombotics" in [question.key for question in read(sent).missing]


def test_an_empty_list_of_drugs_says_nothing_about_antithrombotics() -> None:
    sent = bundle(facts=[PAIN])
    assert accepted(sent).fact("antithrombotics") is None
    assert asked_about_antithrombotics(sent)


def test_a_list_of_other_drugs_says_nothing_about_antithrombotics() -> None:
    sent = add(bundle(facts=[PAIN]), taken("Paracétamol", "N02BE01"))
    assert accepted(sent).fact("antithrombotics") is None
    assert asked_about_antithrombotics(sent)


@pytest.mark.parametrize(
    "statement",
    [
        taken("Antithrombotiques", "B01A", "not-taken"),
        taken("Aucun traitement antithrombotique"),
        taken("Pas d'antithrombotique"),
        {
            "resourceType": "MedicationStatement",
            "status": "unknown",
            "medicationCodeableConcept": {
                "coding": [
                    {
                        "system": "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips",
                        "code": "no-known-medications",
                    }
                ]
            },
        },
    ],
)
def test_an_explicit_none_is_an_answer(statement: dict[str, object]) -> None:
    sent = add(bundle(facts=[PAIN]), statement)
    against = accepted(sent).fact("antithrombotics")
    assert against is not None
    assert against.value == []
    assert not asked_about_antithrombotics(sent)


@pytest.mark.parametrize(
    ("text", "atc", "expected"),
    [
        ("Eliquis 2,5 mg", None, "B01AF02"),
        ("warfarin sodium 5 MG Oral Tablet", None, "B01AA03"),
        ("Traitement par AVK", None, None),
        (None, "B01AX99", "B01AX99"),
    ],
)
def test_an_antithrombotic_is_seen_by_code_or_by_name(
    text: str | None, atc: str | None, expected: str | None
) -> None:
    against = accepted(add(bundle(facts=[PAIN]), taken(text, atc))).fact("antithrombotics")
    assert against is not None
    assert against.value == [{"atc": expected, "text": text, "status": "active", "dose": None}]


def test_a_prescription_counts_as_much_as_a_statement() -> None:
    order = {**taken("Xarelto 20 mg"), "resourceType": "MedicationRequest", "intent": "order"}
    against = accepted(add(bundle(facts=[PAIN]), order)).fact("antithrombotics")
    assert against is not None
    assert against.source == "MedicationRequest"


def test_a_drug_entered_in_error_was_never_there() -> None:
    sent = add(bundle(facts=[PAIN]), taken("Eliquis", status="entered-in-error"))
    assert accepted(sent).facts == (PAIN,)


def test_a_stopped_antithrombotic_is_kept_and_the_question_stays() -> None:
    sent = add(bundle(facts=[PAIN]), taken("Previscan", "B01AA12", "stopped"))
    assert accepted(sent).fact("antithrombotics") is not None
    assert asked_about_antithrombotics(sent)


def test_a_listed_antithrombotic_wins_over_a_statement_that_there_is_none() -> None:
    intake = read(add(bundle(), taken("Plavix 75 mg", "B01AC04")))
    assert intake.referral is not None
    against = intake.referral.fact("antithrombotics")
    assert against is not None
    assert against.value
    assert [issue.code for issue in intake.issues] == ["conflict"]


def test_a_stopped_antithrombotic_agrees_with_an_explicit_none() -> None:
    intake = read(add(bundle(), taken("Previscan", "B01AA12", "stopped")))
    assert intake.issues == ()
    assert intake.missing == ()
    assert intake.referral is not None
    against, drugs = intake.referral.fact("antithrombotics"), intake.referral.fact("medications")
    assert against is not None
    assert against.value == []
    assert drugs is not None, "what was stopped is still on the list of drugs"


def test_a_drug_named_in_a_negative_sentence_is_rather_asked_about_than_overlooked() -> None:
    against = accepted(add(bundle(facts=[PAIN]), taken("Pas d'antiagrégant sauf Plavix"))).fact(
        "antithrombotics"
    )
    assert against is not None
    assert isinstance(against.value, list)
    assert against.value[0]["atc"] == "B01AC04"


def test_no_change_of_the_antithrombotic_is_not_a_none() -> None:
    sent = add(bundle(facts=[PAIN]), taken("Pas de changement de l'antithrombotique"))
    against = accepted(sent).fact("antithrombotics")
    assert against is None or against.value


def test_no_anticoagulant_alone_is_neither_a_drug_nor_a_none() -> None:
    sent = add(bundle(facts=[PAIN]), taken("Pas d'anticoagulant"))
    assert accepted(sent).fact("antithrombotics") is None


# --- measurements -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loinc", "value", "unit", "key", "expected"),
    [
        ("2160-0", 1.0, "mg/dL", "creatinine_umol_l", 88.42),
        ("718-7", 12.8, "g/dL", "haemoglobin_g_l", 128),
        ("777-3", 210, "10*3/uL", "platelets_g_l", 210),
        ("34714-6", 2.6, None, "inr", 2.6),
        ("38214-3", 73, "mm", "pain_nrs", 7.3),
        ("29463-7", 61500, "g", "weight_kg", 61.5),
        ("8310-5", 38.4, "Cel", "temperature_c", 38.4),
        ("1988-5", 96, "mg/L", "crp_mg_l", 96),
    ],
)
def test_a_measurement_is_brought_to_the_unit_of_its_fact(
    loinc: str, value: float, unit: str | None, key: str, expected: float
) -> None:
    fact = accepted(add(bundle(facts=[NO_ANTITHROMBOTIC]), observed(loinc, value, unit))).fact(key)
    assert fact is not None
    assert fact.value == pytest.approx(expected)
    assert fact.source == f"Observation/{loinc}"
    assert fact.by == NADIA.name


@pytest.mark.parametrize(
    ("observation", "said"),
    [
        (observed("29463-7", 62, "stone"), "kg"),
        (observed("29463-7", 62, None), "kg"),
        (observed("72514-3", 80, "{score}"), "0 to 10"),
        (observed("2160-0", 900, "mg/dL"), "10 to 3000"),
        (observed("6301-6", 2.5, "{INR}", at="2027-02-03T08:00:00Z"), "future"),
        ({**observed("6301-6", 2.5, "{INR}"), "status": "preliminary"}, "final"),
        ({**observed("6301-6", 2.5, "{INR}"), "valueQuantity": {"value": 8, "comparator": ">"}}, "bound"),
        ({**observed("6301-6", 2.5, "{INR}"), "subject": {}}, "subject"),
    ],
)
def test_a_number_that_cannot_be_believed_is_not_used_and_the_sender_is_told(
    observation: dict[str, object], said: str
) -> None:
    intake = read(add(bundle(), observation))
    assert intake.referral is not None
    assert intake.referral.facts == (NO_ANTITHROMBOTIC, PAIN)
    (issue,) = intake.issues
    assert issue.severity == "warning"
    assert said in issue.diagnostics


def test_of_each_measurement_the_latest_counts_whatever_the_order() -> None:
    sent = add(bundle(), observed("29463-7", 60, "kg", at="2027-01-30"))
    sent = add(sent, observed("29463-7", 75, "kg", at="2019-01-30"))
    weight = accepted(sent).fact("weight_kg")
    assert weight is not None
    assert weight.value == 60


def test_pain_from_before_the_fracture_is_not_its_pain() -> None:
    sent = add(bundle(facts=[NO_ANTITHROMBOTIC]), observed("72514-3", 3, "{score}", at="2026-12-01"))
    assert [question.key for question in read(sent).missing] == ["pain_nrs"]


def test_an_observation_of_somebody_else_is_nobodys_here() -> None:
    sent = bundle()
    other = {"resourceType": "Patient", "identifier": [{"system": "urn:b", "value": "9"}]}
    sent = add(sent, other)
    del sent["entry"][-1]["resource"]["subject"]
    weight = {**observed("29463-7", 90, "kg"), "subject": {"reference": sent["entry"][-1]["fullUrl"]}}
    assert accepted(add(sent, weight)).fact("weight_kg") is None


@pytest.mark.parametrize(
    ("resource", "seen"),
    [
        (
            {
                "resourceType": "Procedure",
                "status": "completed",
                "code": {
                    "coding": [{"system": "https://smt.esante.gouv.fr/terminologie-ccam", "code": "LHQN001"}]
                },
                "performedDateTime": "2027-01-29",
            },
            True,
        ),
        (
            {
                "resourceType": "DiagnosticReport",
                "status": "final",
                "code": {"text": "IRM lombaire"},
                "effectiveDateTime": "2027-01-29T11:00:00+01:00",
            },
            True,
        ),
        (
            {
                "resourceType": "DiagnosticReport",
                "status": "final",
                "code": {"text": "IRM du genou"},
                "effectiveDateTime": "2027-01-29T11:00:00+01:00",
            },
            False,
        ),
    ],
)
def test_the_mri_of_the_spine_is_dated_and_that_of_a_knee_is_not(
    resource: dict[str, object], seen: bool
) -> None:
    fact = accepted(add(bundle(), resource)).fact("mri_date")
    assert (fact.value if fact else None) == ("2027-01-29" if seen else None)
