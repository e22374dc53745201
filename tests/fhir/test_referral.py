"""Referrals that are accepted: what is read of patient and fracture, and what is left for a person to
complete."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle

from fhir_mappings.ins import NIR, NOT_REAL, QUALIFIED
from fhir_mappings.referral import read_referral
from fhir_mappings.structure import structure_issues
from pathway.referral import (
    Contact,
    Fracture,
    Identifier,
    Referral,
    fracture_keys,
    from_dict,
    same_fracture,
    to_dict,
)
from tests.fhir.referral_cast import (
    AUTHORED,
    NADIA,
    NUMBER,
    ODILE,
    PAIN,
    RECEIVED,
    T12,
    accepted,
    add,
    bundle,
    only,
    read,
    said,
)

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "protocols/demo/referrals"
SYNTHEA = ROOT / "tests/data/synthea"
ONSET = date(2027, 1, 20)
DEMO_DAY = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
CHANGED_IN_DEMO = {"birthDate", "telecom", "address", "communication"}


# --- real records -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "level", "onset", "drugs"),
    [("liz-conn", "L1", date(2026, 10, 28), []), ("clemente-kreiger", "T12", date(2026, 11, 2), ["B01AF02"])],
)
def test_a_whole_synthea_record_with_a_referral_in_it_is_read(
    name: str, level: str, onset: date, drugs: list[str]
) -> None:
    body = (DEMO / f"{name}.json").read_bytes()
    Bundle.model_validate_json(body)
    intake = read_referral(body, received=DEMO_DAY)
    assert intake.issues == ()
    assert intake.missing == ()
    referral = intake.referral
    assert referral is not None
    assert (referral.fracture.level, referral.fracture.onset) == (level, onset)
    assert referral.fracture.cause == "osteoporotic"
    assert referral.patient.contact.mobile is not None
    assert referral.patient.contact.email is not None
    against = referral.fact("antithrombotics")
    assert against is not None
    assert isinstance(against.value, list)
    assert [drug["atc"] for drug in against.value] == drugs
    pain = referral.fact("pain_nrs")
    assert pain is not None
    assert pain.at.year == 2026, "the scores of 2012 to 2018 in the record are not this fracture's pain"


@pytest.mark.parametrize(
    ("demo", "record"), [("liz-conn", "Liz_Conn"), ("clemente-kreiger", "Clemente_Kreiger")]
)
def test_everything_synthea_knew_is_still_in_the_demo_referral(demo: str, record: str) -> None:
    (source,) = SYNTHEA.glob(f"{record}_*.json")
    original = json.loads(source.read_text("utf-8"))["entry"]
    sent = json.loads((DEMO / f"{demo}.json").read_text("utf-8"))["entry"]
    assert sent[1 : len(original)] == original[1:]
    before, after = original[0]["resource"], sent[0]["resource"]
    assert {key for key in after if after[key] != before.get(key)} == CHANGED_IN_DEMO


def test_a_synthea_record_without_a_request_is_refused_in_a_sentence() -> None:
    for source in SYNTHEA.glob("*.json"):
        intake = read_referral(source.read_bytes(), received=DEMO_DAY)
        assert intake.referral is None
        (issue,) = intake.issues
        assert "no ServiceRequest" in issue.diagnostics


def test_a_message_with_roles_contained_drugs_and_french_codes_is_read() -> None:
    body = (ROOT / "tests/data/referrals/message.json").read_bytes()
    intake = read_referral(body, received=RECEIVED)
    assert intake.issues == ()
    referral = intake.referral
    assert referral is not None
    assert referral.identifier is None
    assert referral.key.startswith("sha256:")
    assert referral.requester.name == "Pr Luc Garnier"
    assert referral.requester.identifiers == (Identifier("https://rpps.esante.gouv.fr", "99900000033"),)
    assert referral.requester.phone == "+33199001122"
    assert referral.patient.given == "Simone Marie"
    assert referral.patient.contact == Contact("fr", None, "+33199004567", None)
    assert referral.fracture.code == "M48.5"
    assert referral.fracture.level == "T12"
    assert referral.fracture.onset == date(2027, 1, 20)
    assert referral.fracture.cause == "unknown", "'sans métastase' is not a metastasis"
    assert referral.inpatient
    assert referral.priority == "urgent"
    creatinine = referral.fact("creatinine_umol_l")
    assert creatinine is not None
    assert creatinine.value == pytest.approx(79.578)
    assert creatinine.by == "Laboratoire"
    assert creatinine.source == "Observation/2160-0"
    assert creatinine.at == datetime(2027, 1, 30, 23, 0, tzinfo=UTC), (
        "a bare date begins at midnight in Paris"
    )
    against = referral.fact("antithrombotics")
    assert against is not None
    assert against.value == [
        {"atc": "B01AC06", "text": "Kardégic 75 mg", "status": "active", "dose": "75 mg"}
    ]
    everything = referral.fact("medications")
    assert everything is not None
    assert isinstance(everything.value, list)
    assert len(everything.value) == 2, "aspirin against pain is on the list of drugs only"
    assert [question.key for question in intake.missing] == ["pain_nrs"]


# --- there and back ---------------------------------------------------------------------------------------


def test_what_the_example_writes_is_read_back_the_same() -> None:
    apixaban = {"atc": "B01AF02", "text": "Apixaban", "status": "active", "dose": "5 mg x 2"}
    paracetamol = {"atc": "N02BE01", "text": "Paracétamol", "status": "active", "dose": None}
    facts = (
        said("antithrombotics", [apixaban], "MedicationStatement"),
        said("creatinine_umol_l", 58, "Observation/14682-9"),
        said("haemoglobin_g_l", 128.5, "Observation/718-7"),
        said("inpatient", True, "Encounter"),
        said("medications", [paracetamol, apixaban], "MedicationStatement"),
        said("mri_date", "2027-01-31", "ImagingStudy"),
        PAIN,
        said("weight_kg", 62, "Observation/29463-7"),
    )
    sent = bundle(facts=facts)
    Bundle.model_validate(sent)
    assert [issue for entry in sent["entry"] for issue in structure_issues(entry["resource"], "")] == []
    assert accepted(sent) == Referral(
        key="https://hopital.example/demandes|R-1",
        identifier=NUMBER,
        requester=NADIA,
        patient=ODILE,
        fracture=T12,
        facts=facts,
        authored=AUTHORED,
        inpatient=True,
    )
    assert sent == bundle(facts=facts), "the same values give the same Bundle"


@pytest.mark.parametrize("cause", ["osteoporotic", "neoplastic", "traumatic", "unknown"])
def test_the_cause_of_a_fracture_survives_the_journey(cause: str) -> None:
    fracture = Fracture(date(2027, 1, 20), text="Tassement de L3", level="L3", cause=cause)
    assert accepted(bundle(fracture=fracture)).fracture == fracture


def test_a_referral_goes_to_json_and_back() -> None:
    referral = accepted(bundle())
    assert from_dict(json.loads(json.dumps(to_dict(referral)))) == referral
    bare = replace(referral, identifier=None, fracture=Fracture())
    assert from_dict(json.loads(json.dumps(to_dict(bare)))) == bare


# --- one key, one fracture --------------------------------------------------------------------------------


def test_the_same_referral_twice_has_one_key() -> None:
    assert accepted(bundle()).key == accepted(bundle()).key == str(NUMBER)


def test_without_an_identifier_the_key_is_a_digest_of_who_refers_whom_for_what() -> None:
    key = accepted(bundle(identifier=None)).key
    assert key.startswith("sha256:")
    assert key == accepted(bundle(identifier=None, facts=())).key, "facts are not part of it"
    two = replace(ODILE, identifiers=(Identifier("urn:b", "2"), *ODILE.identifiers))
    turned = replace(two, identifiers=two.identifiers[::-1])
    assert (
        accepted(bundle(identifier=None, person=two)).key
        == accepted(bundle(identifier=None, person=turned)).key
    )
    assert key != accepted(bundle(identifier=None, fracture=replace(T12, level="L1"))).key
    assert key != accepted(bundle(identifier=None, requester=replace(NADIA, identifiers=()))).key


def test_an_identifier_without_a_system_is_nobodys_and_the_digest_is_used() -> None:
    sent = bundle()
    only(sent, "ServiceRequest")["identifier"] = [{"value": "17"}]
    assert accepted(sent).key.startswith("sha256:")


def test_the_same_fracture_from_two_senders_is_recognised() -> None:
    other_code = replace(T12, code="M48.5", onset=ONSET + timedelta(days=7))
    elsewhere = replace(ODILE, identifiers=(*ODILE.identifiers, Identifier("urn:b", "2")))
    assert set(fracture_keys(ODILE.identifiers)) & set(fracture_keys(elsewhere.identifiers))
    assert same_fracture((ODILE, T12), (elsewhere, other_code))
    assert same_fracture((ODILE, T12), (elsewhere, Fracture())), "what is unknown does not separate"


def test_two_fractures_of_one_patient_and_two_patients_with_one_fracture_each_are_kept_apart() -> None:
    later = replace(T12, onset=ONSET + timedelta(days=8))
    stranger = replace(ODILE, identifiers=(Identifier("urn:oid:1.2.250.1.999.1", "IPP-2"),))
    assert not same_fracture((ODILE, T12), (ODILE, later))
    assert not same_fracture((ODILE, T12), (ODILE, replace(T12, level="L1")))
    assert not same_fracture((ODILE, T12), (stranger, T12))


# --- what only a person can complete ----------------------------------------------------------------------


def test_a_complete_referral_leaves_no_question() -> None:
    assert read(bundle()).missing == ()


def test_what_is_missing_is_listed_and_only_the_onset_holds_the_start() -> None:
    person = replace(ODILE, contact=Contact())
    intake = read(bundle(person=person, fracture=Fracture(), facts=()))
    assert intake.referral is not None
    assert [question.key for question in intake.missing] == [
        "fracture_onset",
        "fracture_level",
        "contact",
        "pain_nrs",
        "antithrombotics",
    ]
    assert [question.key for question in intake.missing if question.blocks_start] == ["fracture_onset"]
    assert all(question.question_fr and question.question_en for question in intake.missing)


def test_the_onset_of_a_neoplastic_fracture_does_not_hold_the_start() -> None:
    fracture = Fracture(text="Fracture de L2 sur myélome", level="L2", cause="neoplastic")
    (question,) = read(bundle(fracture=fracture)).missing
    assert question.key == "fracture_onset"
    assert not question.blocks_start


@pytest.mark.parametrize("onset", ["2027-01", "2027", "2027-02-05", "9999-12-31T23:59:59Z", "0001-01-01"])
def test_an_onset_known_to_the_month_not_yet_come_or_made_up_is_asked_for(onset: str) -> None:
    sent = bundle()
    only(sent, "Condition")["onsetDateTime"] = onset
    assert [question.key for question in read(sent).missing] == ["fracture_onset"]


def test_an_onset_told_late_in_the_evening_is_that_day_in_paris() -> None:
    sent = bundle()
    only(sent, "Condition")["onsetDateTime"] = "2027-01-20T23:30:00Z"
    assert accepted(sent).fracture.onset == date(2027, 1, 21)


# --- the fracture -----------------------------------------------------------------------------------------


def test_without_a_named_reason_the_patients_vertebral_fracture_is_found_among_the_rest() -> None:
    sent = bundle()
    del only(sent, "ServiceRequest")["reasonReference"]
    sent = add(
        sent,
        {"resourceType": "Condition", "code": {"text": "Fracture du poignet"}, "onsetDateTime": "2027-01-30"},
    )
    sent = add(sent, {"resourceType": "Condition", "code": {"text": "Hypertension"}})
    hip = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "M80.05"}]}
    sent = add(sent, {"resourceType": "Condition", "code": hip, "onsetDateTime": "2027-01-28"})
    assert accepted(sent).fracture == T12


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("Tassement de D12", "T12"),
        ("Fracture Th 11", "T11"),
        ("Compression fracture of first lumbar vertebra", "L1"),
        ("Fracture de la 12e vertèbre thoracique", "T12"),
        ("Fracture L1-L2", None),
        ("Fracture vertébrale, vitamine D3 à 12 ng/mL", None),
        ("Fracture vertébrale", None),
    ],
)
def test_the_level_is_read_from_words_and_left_open_when_they_name_two(text: str, level: str | None) -> None:
    sent = bundle(fracture=Fracture(date(2027, 1, 20), text=text))
    assert accepted(sent).fracture.level == level


@pytest.mark.parametrize(
    ("code", "text", "cause"),
    [
        ("C90.0", "Fracture de L2", "neoplastic"),
        ("S22.0", "Fracture de T9", "traumatic"),
        ("S22.0", "Fracture ostéoporotique de T9 après une chute", "osteoporotic"),
        ("M48.5", "Fracture non traumatique de T9", "unknown"),
        ("M48.5", "Fracture de T9, pas de métastase", "unknown"),
    ],
)
def test_the_cause_is_read_from_codes_then_words(code: str, text: str, cause: str) -> None:
    fracture = Fracture(date(2027, 1, 20), code, "http://hl7.org/fhir/sid/icd-10", text)
    sent = bundle(fracture=fracture)
    assert accepted(sent).fracture.cause == cause


# --- the patient ------------------------------------------------------------------------------------------


def test_a_patient_who_has_died_is_read_as_such() -> None:
    sent = bundle()
    only(sent, "Patient")["deceasedDateTime"] = "2027-01-31"
    assert accepted(sent).patient.deceased


def with_ins(system: str, value: str, *, qualified: bool = True) -> dict[str, Any]:
    """A referral of a patient who has the hospital's own number and a national identity beside it."""
    own = Identifier("https://hopital.example/ipp", "42")
    sent = bundle(person=replace(ODILE, identifiers=(own, Identifier(system, value))))
    if qualified:
        only(sent, "Patient")["extension"] = [QUALIFIED]
    return sent


def test_an_ins_whose_key_does_not_fit_is_flagged_and_not_refused() -> None:
    intake = read(with_ins(NIR, "247057512345699"))
    assert intake.referral is not None
    assert [issue.severity for issue in intake.issues] == ["warning"]


def test_an_ins_counts_only_on_an_identity_that_is_qualified() -> None:
    kept = accepted(with_ins(NIR, "2 47 05 75 123 456 18".replace(" ", ""))).patient.identifiers
    assert NIR in {each.system for each in kept}
    intake = read(with_ins(NIR, "247057512345618", qualified=False))
    assert intake.referral is not None
    assert {each.system for each in intake.referral.patient.identifiers} == {"https://hopital.example/ipp"}
    assert "not qualified" in intake.issues[0].diagnostics


def test_an_identity_made_for_tests_is_refused_unless_the_installation_says_that_nobody_is_real() -> None:
    for system in NOT_REAL:
        body = json.dumps(with_ins(system, "247057512345618")).encode()
        refused = read_referral(body, received=RECEIVED)
        assert refused.referral is None
        assert refused.issues[0].expression == ("Bundle.entry[0].resource.ofType(Patient).identifier",)
        assert read_referral(body, received=RECEIVED, test_identities=True).referral is not None


def test_a_referral_written_in_the_future_takes_the_time_of_reception() -> None:
    sent = bundle()
    only(sent, "ServiceRequest")["authoredOn"] = "2028-01-01T00:00:00Z"
    assert accepted(sent).authored == RECEIVED


def test_a_logical_reference_names_a_referrer_who_is_not_in_the_bundle() -> None:
    sent = bundle()
    only(sent, "ServiceRequest")["requester"] = {
        "identifier": {"system": "https://rpps.esante.gouv.fr", "value": "99900000041"},
        "display": "Dr Anne Le Goff",
    }
    requester = accepted(sent).requester
    assert requester.name == "Dr Anne Le Goff"
    assert requester.identifiers == (Identifier("https://rpps.esante.gouv.fr", "99900000041"),)


@pytest.mark.parametrize(
    "reference",
    [
        {"reference": "Patient?identifier=urn:oid:1.2.250.1.999.1|IPP-1"},
        {"reference": "Patient?identifier=urn%3Aoid%3A1.2.250.1.999.1%7CIPP-1"},
        {"identifier": {"system": "urn:oid:1.2.250.1.999.1", "value": "IPP-1"}},
        {"reference": "Patient/odile"},
        {"reference": "Patient/odile/_history/2"},
    ],
)
def test_the_patient_is_found_however_the_request_points_to_her(reference: dict[str, object]) -> None:
    sent = bundle()
    only(sent, "Patient")["id"] = "odile"
    only(sent, "ServiceRequest")["subject"] = reference
    assert accepted(sent) == accepted(bundle())


def test_broken_claims_and_unknown_resources_in_the_bundle_harm_nothing() -> None:
    sent = bundle()
    for junk in (
        {"resourceType": "Claim", "status": 7, "subject": None},
        {"resourceType": "Nonsense"},
        {"resourceType": "Immunization", "vaccineCode": [[[]]]},
        {"resourceType": "Observation", "code": "not even a concept"},
    ):
        sent = add(sent, junk)
    assert accepted(sent) == accepted(bundle())
