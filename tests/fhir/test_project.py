"""A state is said in FHIR: every stage stands by R4, and a resource changes only where something changed."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class

from fhir_mappings.outbound import local_ref, references
from fhir_mappings.site import fhir_id
from fhir_mappings.validate import check
from pathway import events as e
from pathway.referral import Fact
from pathway.state import Actor
from tests.fhir.pathway_cast import (
    ANAESTHETIST,
    DAY,
    PROCEDURE_AT,
    REFERRED,
    SECRETARY,
    SURGEON,
    booked,
    done,
    enrolled,
    find,
    journey,
    resources,
    told,
)

STAGES = journey()
CONSECUTIVE = [pair for pair in pairwise(STAGES) if "refused" not in pair]
Json = dict[str, Any]


def task(stage: str, ref: str) -> Json:
    return find(resources(STAGES[stage]), "Task", ref)


def appointment(stage: str, ref: str) -> Json:
    return find(resources(STAGES[stage]), "Appointment", ref)


def stage_of(said: Json) -> str:
    code: str = said["businessStatus"]["coding"][0]["code"]
    return code


def drug_tasks(stage: str) -> list[Json]:
    found = [each for each in resources(STAGES[stage]) if "contained" in each]
    return sorted(found, key=lambda each: str(each["authoredOn"]))


@pytest.mark.parametrize("stage", STAGES)
def test_every_resource_of_every_stage_parses_as_r4_and_passes_the_rules(stage: str) -> None:
    for resource in resources(STAGES[stage]):
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)
        assert check(resource) == []


@pytest.mark.parametrize("stage", STAGES)
def test_every_reference_between_ours_leads_somewhere_and_every_resource_has_our_identifier(
    stage: str,
) -> None:
    said = resources(STAGES[stage])
    named = {local_ref(each) for each in said}
    assert len(named) == len(said)
    for each in said:
        assert set(references(each)) <= named
        assert each["identifier"][0]["system"].startswith("https://jalon.example/fhir/id/")


@pytest.mark.parametrize("stage", STAGES)
def test_nothing_empty_is_ever_said(stage: str) -> None:
    def empties(value: Any) -> bool:
        if isinstance(value, dict):
            return not value or any(map(empties, value.values()))
        if isinstance(value, list):
            return not value or any(map(empties, value))
        return value is None or value == ""

    assert not empties(resources(STAGES[stage]))


def test_the_same_state_gives_the_same_bytes() -> None:
    for pathway in STAGES.values():
        assert json.dumps(resources(pathway)) == json.dumps(resources(pathway))


def test_every_task_ties_into_the_pathway_and_says_who_owes_it() -> None:
    said = task("referred", "triage/1")
    assert said["groupIdentifier"] == find_plan("referred")["identifier"][0]
    assert said["performerType"][0]["coding"][0]["code"] == "coordinator"
    assert said["requester"]["display"] == "CHU de Jalon"
    assert said["restriction"]["period"]["end"] == "2027-03-03T17:00:00Z"
    assert "focus" not in said


def find_plan(stage: str) -> Json:
    [plan] = [each for each in resources(STAGES[stage]) if each["resourceType"] == "CarePlan"]
    return plan


@pytest.mark.parametrize(
    ("stage", "ref", "status", "business"),
    [
        ("referred", "consult/1", "draft", "waiting"),
        ("referred", "triage/1", "requested", "open"),
        ("triage received", "triage/1", "received", "open"),
        ("triage accepted", "triage/1", "accepted", "open"),
        ("triaged", "triage/1", "completed", "accepted"),
        ("triaged", "consult/1", "ready", "open"),
        ("consult booked", "consult/1", "accepted", "scheduled"),
        ("consult missed", "consult/1", "accepted", "missed"),
        ("consult started", "consult/1", "in-progress", "in-progress"),
        ("hold paused", "hold_plan/1", "on-hold", "on-hold"),
        ("paused", "procedure/1", "on-hold", "scheduled"),
        ("goes on", "procedure/1", "accepted", "scheduled"),
        ("result rejected", "biopsy_result/1", "rejected", "rejected"),
        ("result rejected", "biopsy_result/2", "ready", "open"),
        ("result failed", "biopsy_result/2", "failed", "failed"),
        ("result waived", "biopsy_result/3", "cancelled", "waived"),
        ("refused", "consult/1", "cancelled", "cancelled"),
    ],
)
def test_a_step_is_a_task_in_this_status(stage: str, ref: str, status: str, business: str) -> None:
    said = task(stage, ref)
    assert (said["status"], stage_of(said)) == (status, business)
    if status in ("rejected", "cancelled", "on-hold", "failed"):
        assert said["statusReason"]["text"]


def test_an_overdue_task_stays_open_and_says_so() -> None:
    late = told(enrolled(), e.ChannelOptedOut(by=SECRETARY, channel="sms"), at=REFERRED + timedelta(days=4))
    said = find(resources(late), "Task", "triage/1")
    assert (said["status"], stage_of(said)) == ("requested", "overdue")


def test_a_task_done_carries_its_outcome_and_its_answers() -> None:
    outputs = {each["type"]["coding"][0]["code"]: each for each in task("triaged", "triage/1")["output"]}
    assert outputs["outcome"]["valueCodeableConcept"]["coding"][0]["code"] == "accepted"
    assert outputs["pain_nrs"]["valueQuantity"]["value"] == 8
    assert outputs["inpatient"]["valueBoolean"] is False
    assert outputs["comment"]["valueString"] == "Vit seule"
    assert task("triaged", "triage/1")["owner"] == {"reference": "Practitioner/n1", "display": "Nadia"}


def test_a_visit_is_ordered_then_fulfilled_by_a_task_that_points_to_the_order() -> None:
    said = resources(STAGES["consult booked"])
    order = find(said, "ServiceRequest", "consult/1")
    work = find(said, "Task", "consult/1")
    visit = find(said, "Appointment", "consult/1")
    assert work["code"]["coding"][0]["code"] == "fulfill"
    assert work["focus"]["reference"] == visit["basedOn"][0]["reference"] == local_ref(order)
    assert work["output"][0]["valueReference"]["reference"] == local_ref(visit)
    assert (order["status"], order["intent"]) == ("active", "order")
    assert order["occurrencePeriod"]["end"] == work["restriction"]["period"]["end"]


def test_the_procedure_is_ordered_with_the_code_of_its_protocol() -> None:
    order = find(resources(STAGES["procedure booked"]), "ServiceRequest", "procedure/1")
    assert {"system": "https://smt.esante.gouv.fr/terminologie-ccam", "code": "LHMH002"} in order["code"][
        "coding"
    ]


@pytest.mark.parametrize(
    ("stage", "ref", "status", "answer"),
    [
        ("consult proposed", "consult/1", "pending", "needs-action"),
        ("consult booked", "consult/1", "booked", "accepted"),
        ("consult arrived", "consult/1", "arrived", "accepted"),
        ("consult missed", "consult/1", "noshow", "accepted"),
        ("indicated", "consult/1", "fulfilled", "accepted"),
        ("review cancelled", "review/1", "cancelled", "declined"),
    ],
)
def test_a_slot_is_an_appointment_in_this_status(stage: str, ref: str, status: str, answer: str) -> None:
    said = appointment(stage, ref)
    assert said["status"] == status
    assert {each["status"] for each in said["participant"]} == {answer}
    assert ("cancelationReason" in said) == (status in ("cancelled", "noshow"))


def test_a_moved_slot_is_the_same_appointment_at_another_time() -> None:
    before, after = appointment("hold signed", "procedure/1"), appointment("procedure moved", "procedure/1")
    assert (before["id"], before["identifier"]) == (after["id"], after["identifier"])
    assert before["start"] == "2027-03-24T08:00:00Z"
    assert after["start"] == "2027-03-29T08:00:00Z"


def test_no_drug_is_spoken_of_before_a_signature() -> None:
    assert drug_tasks("procedure booked") == []
    [said] = drug_tasks("hold signed")
    assert said["code"]["coding"][0]["code"] == "suspend"
    assert said["status"] == "ready"
    # Last intake on day D0-3, until 23:59 in Paris.
    assert said["restriction"]["period"]["end"] == "2027-03-21T22:59:00Z"
    assert [each.get("valueString") for each in said["input"]][:2] == ["Arrêt à J-3.", "Dr Klein"]
    assert said["contained"][0]["medicationCodeableConcept"]["coding"][0]["code"] == "B01AF02"


def test_a_plan_signed_for_another_day_cancels_what_was_signed_before() -> None:
    [old] = drug_tasks("procedure moved")
    assert old["status"] == "cancelled"
    assert old["statusReason"]["text"] == "l'intervention a été déplacée"
    assert old["lastModified"] > old["authoredOn"]
    still, new = drug_tasks("hold signed again")
    assert {**still, "meta": old.get("meta")} == {**old, "meta": old.get("meta")}, "said for ever"
    assert new["status"] == "ready"
    assert new["id"] != old["id"]
    assert new["restriction"]["period"]["end"] == "2027-03-26T22:59:00Z"


def test_a_drug_is_resumed_once_that_is_ordered() -> None:
    _, suspended, resumed = drug_tasks("resumption ordered")
    assert suspended["status"] == "completed"
    assert resumed["code"]["coding"][0]["code"] == "resume"
    assert resumed["restriction"]["period"]["end"] == "2027-03-31T06:00:00Z"


@pytest.mark.parametrize(
    ("stage", "status"),
    [("referred", "active"), ("paused", "on-hold"), ("review done", "completed"), ("refused", "revoked")],
)
def test_the_care_plan_says_where_the_pathway_stands(stage: str, status: str) -> None:
    plan = find_plan(stage)
    assert plan["status"] == status
    assert plan["instantiatesCanonical"] == [
        "https://jalon.example/fhir/PlanDefinition/small-vertebroplasty|1.0.0"
    ]
    assert ("end" in plan["period"]) == (status in ("completed", "revoked"))


def test_a_step_that_nothing_happened_to_is_said_in_the_same_words() -> None:
    for earlier, later in CONSECUTIVE:
        before = {local_ref(each): each for each in resources(STAGES[earlier])}
        changed = {ref for each in resources(STAGES[later]) if before.get(ref := local_ref(each)) != each}
        assert not changed & untouched(earlier, later)


def untouched(earlier: str, later: str) -> set[str]:
    now = {step.ref: step for step in STAGES[later].steps}
    return {
        f"{kind}/{fhir_id(STAGES[later].id, step.key, step.occurrence)}"
        for step in STAGES[earlier].steps
        if now[step.ref].touched == step.touched
        for kind in ("Task", "Appointment", "ServiceRequest")
    }


def test_last_modified_moves_with_every_change_of_a_task_and_with_nothing_else() -> None:
    for earlier, later in CONSECUTIVE:
        before = {local_ref(each): each for each in resources(STAGES[earlier])}
        for each in resources(STAGES[later]):
            old = before.get(local_ref(each))
            if each["resourceType"] == "Task" and old is not None:
                assert (old != each) == (old["lastModified"] < each["lastModified"])


def test_a_due_date_that_moves_with_the_procedure_is_a_change_of_the_task() -> None:
    start = told(STAGES["review booked"], at=REFERRED)  # the review hangs on the procedure, which is done
    assert find(resources(start), "Task", "review/1") == task("review booked", "review/1")
    before, after = task("hold signed", "review/1"), task("procedure moved", "review/1")
    assert before["restriction"]["period"] != after["restriction"]["period"]
    assert before["lastModified"] < after["lastModified"]
    assert before["authoredOn"] == after["authoredOn"]


def test_a_fact_about_the_patient_touches_no_task() -> None:
    inr = Fact("inr", 1.1, REFERRED + DAY, "lab", "Observation/6301-6")
    known = told(enrolled(), e.FactsRecorded(by=Actor("lab"), facts=(inr,)), at=REFERRED + DAY)
    assert resources(known) == resources(enrolled())


def test_the_patient_keeps_every_identifier_and_ours_comes_first() -> None:
    [patient] = [each for each in resources(enrolled()) if each["resourceType"] == "Patient"]
    assert [each["value"] for each in patient["identifier"]] == [enrolled().patient_id, "8003344"]
    assert patient["name"] == [{"use": "official", "family": "Petit", "given": ["Odette", "Marie"]}]


def test_what_was_really_done_is_told_with_its_actual_times() -> None:
    at = PROCEDURE_AT + timedelta(days=5)
    begun = told(
        STAGES["goes on"],
        e.StepStarted(by=SURGEON, step="procedure", occurred=at),
        done("procedure", occurred=at + timedelta(minutes=50)),
        at=at + timedelta(hours=2),
    )
    said = find(resources(begun), "Task", "procedure/1")
    assert said["executionPeriod"] == {"start": "2027-03-29T08:00:00Z", "end": "2027-03-29T08:50:00Z"}
    assert said["restriction"]["period"]["end"], "what it was late for can still be read"


def test_an_id_is_always_a_fhir_id_and_never_shared() -> None:
    assert fhir_id("p", "hold_plan", 2) == "p-hold-plan-2"
    long = fhir_id("p" * 60, "anaesthesia_consult", 1)
    assert len(long) <= 64
    assert long != fhir_id("p" * 60, "anaesthesia_consult", 2)
    assert fhir_id("é", 1) != fhir_id("è", 1)


def test_a_hold_that_is_refused_leaves_no_order_about_a_drug() -> None:
    rejected = e.HoldRejected(by=ANAESTHETIST, reason="Stent récent")
    pathway = told(STAGES["procedure booked"], rejected, at=REFERRED + 8 * DAY)
    assert [each for each in resources(pathway) if "contained" in each] == []


def test_a_slot_given_again_after_a_cancellation_is_still_the_same_appointment() -> None:
    again = told(STAGES["review cancelled"], booked("review", REFERRED + 70 * DAY), at=REFERRED + 62 * DAY)
    said = find(resources(again), "Appointment", "review/1")
    assert said["id"] == appointment("review cancelled", "review/1")["id"]
    assert said["start"] == datetime(2027, 5, 10, 9, 30, tzinfo=UTC).isoformat().replace("+00:00", "Z")


def test_an_order_to_resume_ends_with_its_confirmation() -> None:
    *_, resumed = drug_tasks("resumed")
    assert resumed["status"] == "completed"
    for_good = done("resumption_done", "stopped", SECRETARY)
    stopped = told(STAGES["resumption ordered"], for_good, at=REFERRED + 33 * DAY)
    *_, ended = [each for each in resources(stopped) if "contained" in each]
    assert (ended["status"], ended["statusReason"]["text"]) == ("cancelled", "Arrêt définitif")


def test_nothing_is_resumed_without_a_first_intake() -> None:
    ordered = done("resumption_order", by=ANAESTHETIST)
    pathway = told(STAGES["result rejected"], ordered, at=REFERRED + 30 * DAY)
    codes = [each["code"]["coding"][0]["code"] for each in resources(pathway) if "contained" in each]
    assert set(codes) == {"suspend"}


def test_a_dose_taken_too_late_makes_the_hold_failed() -> None:
    for days, status in ((20, "ready"), (21, "failed")):  # D-3 and D-2
        dose = e.LastDoseDeclared(by=SURGEON, drug="B01AF02", taken=REFERRED + days * DAY)
        pathway = told(STAGES["hold signed"], dose, at=REFERRED + 22 * DAY)
        [said] = [each for each in resources(pathway) if "contained" in each]
        assert said["status"] == status
