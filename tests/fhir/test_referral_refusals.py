"""Referrals that are refused: each refusal names the element and the remedy, and tells nothing about the
patient."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from fhir.resources.R4B.operationoutcome import OperationOutcome

from fhir_mappings.body import MAX_BYTES
from fhir_mappings.outcome import Issue, information, operation_outcome, warning
from tests.fhir.referral_cast import add, bundle, observed, only, read, taken, without

Change = Callable[[dict[str, Any]], Any]


def refusal(sent: dict[str, Any] | bytes) -> Issue:
    """The first error for which this Bundle is refused."""
    intake = read(sent)
    assert intake.referral is None
    assert intake.missing == ()
    return next(issue for issue in intake.issues if issue.refuses)


# --- the bytes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        (b"", "structure", "not JSON"),
        (b"<Bundle/>", "structure", "not JSON"),
        (b'{"resourceType":"Bundle"', "structure", "not JSON"),
        (b"\xff\xfe{}", "structure", "UTF-8"),
        (b"[]", "structure", "not an object"),
        (b'{"resourceType":"Bundle","type":"message","type":"transaction"}', "structure", "type twice"),
        (b'{"a":NaN}', "structure", "NaN"),
        (b'{"a":-Infinity}', "structure", "Infinity"),
        (b'{"a":1e999}', "value", "too large"),
        (b'{"a":' + b"9" * 5000 + b"}", "structure", "too long"),
        (b'{"a":"\\ud800"}', "value", "surrogate"),
        (b'{"a":"\\u0000"}', "value", "NUL"),
        (b"[" * 5000, "too-costly", "100 levels"),
        (b'{"a":' * 101 + b"1" + b"}" * 101, "too-costly", "100 levels"),
        (b'"' + b" " * MAX_BYTES + b'"', "too-long", "20 MB"),
    ],
    ids=lambda value: value[:20].decode(errors="replace") if isinstance(value, bytes) else None,
)
def test_a_body_that_is_not_sound_json_is_refused_before_anything_reads_it(
    body: bytes, code: str, says: str
) -> None:
    issue = refusal(body)
    assert issue.code == code
    assert says in issue.diagnostics


def test_brackets_and_quotes_in_strings_do_not_count_as_depth() -> None:
    sent = add(bundle(), {"resourceType": "Basic", "note": "[" * 500 + '\\"' + "{" * 500})
    assert read(sent).referral is not None


def test_an_escaped_backslash_before_u0000_is_just_text() -> None:
    sent = add(bundle(), {"resourceType": "Basic", "note": "\\u0000"})
    assert read(sent).referral is not None


# --- the Bundle -------------------------------------------------------------------------------------------


def drop(kind: str) -> Change:
    """Leave out the resources of this type."""
    return lambda sent: without(sent, kind)


def put(kind: str, **elements: Any) -> Change:
    """Set elements of the one resource of this type; None takes an element away."""

    def change(sent: dict[str, Any]) -> None:
        resource = only(sent, kind)
        for name, value in elements.items():
            if value is None:
                resource.pop(name, None)
            else:
                resource[name] = value

    return change


def twice(kind: str) -> Change:
    """Send the resources of this type a second time under another fullUrl."""

    def change(sent: dict[str, Any]) -> dict[str, Any]:
        return add(sent, dict(only(sent, kind)))

    return change


REQUEST = "Bundle.entry[3].resource.ofType(ServiceRequest)"
PATIENT = "Bundle.entry[0].resource.ofType(Patient)"
CONDITION = "Bundle.entry[2].resource.ofType(Condition)"
REFUTED = {
    "coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-ver-status", "code": "refuted"}]
}

REFUSALS: list[tuple[str, Change, str, str, str]] = [
    ("not a Bundle", lambda _: {"resourceType": "Patient"}, "structure", "resourceType", "Bundle"),
    (
        "wrong type",
        lambda sent: {**sent, "type": "collection"},
        "value",
        "Bundle.type",
        "transaction or message",
    ),
    ("no entries", lambda sent: {**sent, "entry": []}, "required", "Bundle.entry", "add the resources"),
    ("odd entry", lambda sent: {**sent, "entry": ["x"]}, "structure", "Bundle.entry[0]", "must be an object"),
    ("no request", drop("ServiceRequest"), "required", "Bundle.entry", "add the one that asks"),
    ("two requests", twice("ServiceRequest"), "multiple-matches", REQUEST, "one Bundle for each"),
    (
        "another procedure",
        put("ServiceRequest", code={"text": "Coloscopie"}),
        "not-supported",
        f"{REQUEST}.code",
        "LHMH002",
    ),
    ("status missing", put("ServiceRequest", status=None), "required", f"{REQUEST}.status", "add it"),
    ("status bogus", put("ServiceRequest", status="bogus"), "code-invalid", f"{REQUEST}.status", "active"),
    ("draft", put("ServiceRequest", status="draft"), "business-rule", f"{REQUEST}.status", "must be active"),
    (
        "revoked",
        put("ServiceRequest", status="revoked"),
        "business-rule",
        f"{REQUEST}.status",
        "must be active",
    ),
    ("intent missing", put("ServiceRequest", intent=None), "required", f"{REQUEST}.intent", "add it"),
    ("intent bogus", put("ServiceRequest", intent="wish"), "code-invalid", f"{REQUEST}.intent", "order"),
    (
        "forbidden",
        put("ServiceRequest", doNotPerform=True),
        "business-rule",
        f"{REQUEST}.doNotPerform",
        "remove",
    ),
    (
        "unknown element",
        put("ServiceRequest", colour="red"),
        "structure",
        f"{REQUEST}.colour",
        "remove or rename",
    ),
    (
        "unknown modifier",
        put("ServiceRequest", modifierExtension=[{"url": "urn:x", "valueBoolean": True}]),
        "extension",
        f"{REQUEST}.modifierExtension",
        "leave it out",
    ),
    ("no patient", drop("Patient"), "required", "Bundle.entry", "add the one that ServiceRequest.subject"),
    (
        "subject points nowhere",
        put("ServiceRequest", subject={"reference": "Patient/none"}),
        "not-found",
        f"{REQUEST}.subject",
        "correct the reference",
    ),
    ("no subject", put("ServiceRequest", subject=None), "required", f"{REQUEST}.subject", "add it"),
    (
        "requester points nowhere",
        put("ServiceRequest", requester={"reference": "Practitioner/none"}),
        "not-found",
        f"{REQUEST}.requester",
        "correct the reference",
    ),
    ("no requester", put("ServiceRequest", requester=None), "required", f"{REQUEST}.requester", "name the"),
    (
        "reason points nowhere",
        put("ServiceRequest", reasonReference=[{"reference": "Condition/none"}]),
        "not-found",
        f"{REQUEST}.reasonReference[0]",
        "correct the reference",
    ),
    (
        "no identifier",
        put("Patient", identifier=None),
        "required",
        f"{PATIENT}.identifier",
        "add the hospital's",
    ),
    ("no system", put("Patient", identifier=[{"value": "1"}]), "required", f"{PATIENT}.identifier", "system"),
    ("no name", put("Patient", name=None), "required", f"{PATIENT}.name", "Patient.name.family"),
    (
        "old name only",
        put("Patient", name=[{"use": "old", "family": "X"}]),
        "required",
        f"{PATIENT}.name",
        "family",
    ),
    ("no birth date", put("Patient", birthDate=None), "required", f"{PATIENT}.birthDate", "YYYY-MM-DD"),
    ("birth year", put("Patient", birthDate="1947"), "value", f"{PATIENT}.birthDate", "YYYY-MM-DD"),
    ("birth month 13", put("Patient", birthDate="1947-13-01"), "value", f"{PATIENT}.birthDate", "YYYY-MM-DD"),
    ("born tomorrow", put("Patient", birthDate="2027-02-02"), "value", f"{PATIENT}.birthDate", "future"),
    ("gender bogus", put("Patient", gender="f"), "code-invalid", f"{PATIENT}.gender", "female"),
    ("name a string", put("Patient", name="X"), "structure", f"{PATIENT}.name", "a list"),
    (
        "merged away",
        put("Patient", link=[{"type": "replaced-by", "other": {"display": "x"}}]),
        "business-rule",
        f"{PATIENT}.link",
        "surviving",
    ),
    (
        "condition of nobody",
        put("Condition", subject={"reference": "Patient/none"}),
        "not-found",
        f"{CONDITION}.subject",
        "correct the reference",
    ),
    (
        "condition refuted",
        put("Condition", verificationStatus=REFUTED),
        "business-rule",
        f"{CONDITION}.verificationStatus",
        "that stands",
    ),
    (
        "impossible onset",
        put("Condition", onsetDateTime="2027-02-31"),
        "value",
        f"{CONDITION}.onsetDateTime",
        "YYYY-MM-DD",
    ),
    (
        "two onsets",
        put("Condition", onsetString="en janvier"),
        "structure",
        CONDITION,
        "only one of",
    ),
    (
        "nameless requester",
        put("Practitioner", name=None),
        "required",
        "Bundle.entry[1].resource.ofType(Practitioner).name",
        "add Practitioner.name",
    ),
    (
        "broken observation",
        lambda sent: add(sent, {**observed("29463-7", 60, "kg"), "effectiveDateTime": "hier"}),
        "value",
        "Bundle.entry[6].resource.ofType(Observation).effectiveDateTime",
        "YYYY-MM-DD",
    ),
    (
        "observation without status",
        lambda sent: add(sent, {**observed("29463-7", 60, "kg"), "status": None}),
        "required",
        "Bundle.entry[6].resource.ofType(Observation).status",
        "add it",
    ),
    (
        "observation of nobody",
        lambda sent: add(sent, {**observed("29463-7", 60, "kg"), "subject": {"reference": "Patient/none"}}),
        "not-found",
        "Bundle.entry[6].resource.ofType(Observation).subject",
        "correct the reference",
    ),
    (
        "drug that is nowhere",
        lambda sent: add(
            sent,
            {
                "resourceType": "MedicationStatement",
                "status": "active",
                "medicationReference": {"reference": "Medication/none"},
            },
        ),
        "not-found",
        "Bundle.entry[6].resource.ofType(MedicationStatement).medicationReference",
        "correct the reference",
    ),
    (
        "drug status bogus",
        lambda sent: add(sent, taken("Eliquis", status="ongoing")),
        "code-invalid",
        "Bundle.entry[6].resource.ofType(MedicationStatement).status",
        "active",
    ),
    (
        "message without header",
        lambda sent: {**sent, "type": "message"},
        "required",
        "Bundle.entry[0]",
        "first",
    ),
]


@pytest.mark.parametrize(
    ("change", "code", "where", "remedy"), [each[1:] for each in REFUSALS], ids=[each[0] for each in REFUSALS]
)
def test_a_refusal_names_the_element_and_the_remedy(
    change: Change, code: str, where: str, remedy: str
) -> None:
    sent = bundle()
    issue = refusal(change(sent) or sent)
    assert issue.code == code
    assert where in issue.expression
    assert remedy in issue.diagnostics
    assert issue.diagnostics.endswith(".")


@pytest.mark.parametrize("change", [each[1] for each in REFUSALS], ids=[each[0] for each in REFUSALS])
def test_a_refusal_tells_nothing_about_the_patient(change: Change) -> None:
    sent = bundle()
    issues = read(change(sent) or sent).issues
    told = json.dumps(operation_outcome(issues))
    whole = json.dumps(bundle()) + "hier"
    for secret in (
        "Marchand",
        "Odile",
        "1947-05-03",
        "IPP-1",
        "+33639980011",
        "odile@example.org",
        "T12",
        "hier",
    ):
        assert secret in whole
        assert secret not in told


def test_two_resources_under_one_url_are_ambiguous() -> None:
    sent = bundle()
    second = {"fullUrl": sent["entry"][0]["fullUrl"], "resource": {"resourceType": "Patient", "id": "b"}}
    sent["entry"].append(second)
    assert refusal(sent).code == "multiple-matches"


def test_a_condition_of_another_patient_is_refused() -> None:
    sent = add(bundle(), {"resourceType": "Patient", "identifier": [{"system": "urn:b", "value": "9"}]})
    del sent["entry"][-1]["resource"]["subject"]
    only(sent, "Condition")["subject"] = {"reference": sent["entry"][-1]["fullUrl"]}
    assert "not the patient" in refusal(sent).diagnostics


def test_an_old_request_in_the_history_does_not_compete_with_the_active_one() -> None:
    sent = bundle()
    sent = add(sent, {**only(sent, "ServiceRequest"), "status": "completed"})
    assert read(sent).referral is not None


def test_several_faults_are_told_at_once() -> None:
    sent = bundle()
    put("Patient", identifier=None, birthDate=None)(sent)
    put("ServiceRequest", requester=None)(sent)
    assert len([issue for issue in read(sent).issues if issue.refuses]) == 3


# --- the OperationOutcome ---------------------------------------------------------------------------------


def test_an_outcome_is_well_formed_with_the_gravest_first() -> None:
    issues = [warning("value", "One.", "Patient.name"), refusal(b"x")]
    outcome = operation_outcome(issues, id="request-1")
    OperationOutcome.model_validate(outcome)
    assert outcome["id"] == "request-1"
    assert [each["severity"] for each in outcome["issue"]] == ["error", "warning"]
    assert outcome["issue"][1]["expression"] == ["Patient.name"]


def test_an_outcome_without_issues_says_that_all_went_well() -> None:
    outcome = operation_outcome([])
    OperationOutcome.model_validate(outcome)
    assert outcome["issue"][0]["severity"] == "information"
    assert outcome == operation_outcome([information("All went well.")])


@pytest.mark.parametrize(("severity", "code"), [("grave", "value"), ("error", "oops")])
def test_an_issue_that_fhir_does_not_know_is_a_mistake_of_ours(severity: str, code: str) -> None:
    with pytest.raises(ValueError, match="FHIR R4"):
        Issue(severity, code, "Something.")
