"""A hospital updates a Task: the step moves as the table allows, or a sentence says what to do instead."""

from copy import deepcopy
from datetime import timedelta
from functools import cache
from typing import Any

import pytest

from fhir_mappings.heard import Heard
from fhir_mappings.inbound import IMMUTABLE, task_event
from fhir_mappings.task_moves import ROLES, STATUSES, Role, may_move
from pathway import events as e
from pathway.decide import decide
from pathway.lifecycle import StepStatus
from pathway.refusal import Refused
from pathway.state import Actor, Pathway
from tests.fhir.pathway_cast import DAY, GROUND, REFERRED, SITE, SYSTEM, find, journey, resources

Json = dict[str, Any]
STAGES = journey()
DR_ROUX = {"reference": "Practitioner/r7", "display": "Dr Roux"}


def hear(stage: str, ref: str, role: Role, by: Actor = SYSTEM, **said: Any) -> Heard:
    """What an update with these elements comes to; an element given as None is left out."""
    pathway, current = STAGES[stage], said_of(stage, ref)
    incoming = {**deepcopy(current), **said}
    incoming = {name: value for name, value in incoming.items() if value is not None}
    return hear_task(pathway, ref, current, incoming, role, by)


@cache
def said_of(stage: str, ref: str) -> Json:
    """Our projection of this Task at this stage."""
    return find(resources(STAGES[stage]), "Task", ref)


def hear_task(
    pathway: Pathway, ref: str, current: Json, incoming: Json, role: Role, by: Actor = SYSTEM
) -> Heard:
    key, _, occurrence = ref.partition("/")
    step = pathway.at(key, int(occurrence))
    assert step is not None
    heard = task_event(
        current, incoming, step, GROUND.protocol.step(key), SITE, role=role, by=by, occurred=None
    )
    assert heard.refused == any(issue.refuses for issue in heard.issues)
    assert not (heard.refused and heard.events)
    return heard


def after(stage: str, heard: Heard) -> Pathway:
    pathway = STAGES[stage]
    for event in heard.events:
        pathway = decide(pathway, event, GROUND, at=pathway.as_of + timedelta(minutes=5))
    return pathway


def the_issue(heard: Heard) -> tuple[str, str]:
    [issue] = heard.issues
    return issue.code, issue.expression[0]


def outcome(code: str) -> Json:
    return {
        "type": {"coding": [{"system": "https://jalon.example/fhir/CodeSystem/output", "code": "outcome"}]},
        "valueCodeableConcept": {
            "coding": [{"system": "https://jalon.example/fhir/CodeSystem/outcome", "code": code}]
        },
    }


def answer(key: str, **value: Any) -> Json:
    coding = {"system": "https://jalon.example/fhir/CodeSystem/answer", "code": key}
    return {"type": {"coding": [coding]}, **value}


# --- claimed, received, accepted --------------------------------------------------------------------------


def test_what_comes_back_unchanged_is_no_event() -> None:
    for stage, pathway in STAGES.items():
        for step in pathway.steps:
            for role in ("owner", "requester"):
                assert hear(stage, step.ref, role).events == (), (stage, step.ref)


def test_a_task_is_seen_then_taken() -> None:
    assert hear("referred", "triage/1", "owner", status="received").events == (
        e.StepReceived(by=SYSTEM, step="triage", occurrence=1),
    )
    [taken] = hear("triage received", "triage/1", "owner", status="accepted").events
    assert isinstance(taken, e.StepAccepted)
    assert taken.owner == "hospital"


def test_a_member_of_the_queue_claims_a_task_by_setting_its_owner() -> None:
    heard = hear("triaged", "consult/1", "performer-queue", owner=DR_ROUX)
    assert heard.events == (
        e.StepAccepted(by=SYSTEM, step="consult", occurrence=1, owner="Dr Roux <Practitioner/r7>"),
    )
    said = find(resources(after("triaged", heard)), "Task", "consult/1")
    assert (said["status"], said["owner"]) == ("accepted", DR_ROUX)


def test_a_claim_may_move_the_task_in_the_same_breath() -> None:
    heard = hear("triaged", "consult/1", "performer-queue", owner=DR_ROUX, status="in-progress")
    assert [type(each) for each in heard.events] == [e.StepAccepted, e.StepStarted]
    said = find(resources(after("triaged", heard)), "Task", "consult/1")
    assert (said["status"], said["owner"]) == ("in-progress", DR_ROUX)


def test_a_queue_moves_nothing_it_has_not_claimed() -> None:
    heard = hear("triaged", "consult/1", "performer-queue", status="in-progress")
    assert the_issue(heard) == ("forbidden", "Task.owner")


def test_a_task_is_claimed_once() -> None:
    heard = hear("triage accepted", "triage/1", "performer-queue", owner=DR_ROUX)
    assert the_issue(heard) == ("conflict", "Task.owner")
    assert the_issue(hear("triage accepted", "triage/1", "owner", owner=DR_ROUX)) == (
        "conflict",
        "Task.owner",
    )
    assert the_issue(hear("triage accepted", "triage/1", "owner", owner=None)) == ("conflict", "Task.owner")


def test_the_owner_may_be_written_as_a_whole_url() -> None:
    whole = {"reference": "https://hopital.example/r4/Practitioner/n1/_history/3"}
    assert not hear("triage accepted", "triage/1", "owner", owner=whole, status="in-progress").refused


def test_who_asks_does_not_say_who_does_it() -> None:
    assert the_issue(hear("triaged", "consult/1", "requester", owner=DR_ROUX)) == ("forbidden", "Task.owner")


def test_work_that_is_not_due_cannot_be_claimed() -> None:
    heard = hear("referred", "consult/1", "performer-queue", owner=DR_ROUX)
    assert the_issue(heard) == ("business-rule", "Task.owner")


# --- carried out ------------------------------------------------------------------------------------------


def test_a_task_is_begun_and_done_at_its_actual_times() -> None:
    begun = hear(
        "consult arrived",
        "consult/1",
        "owner",
        status="in-progress",
        executionPeriod={"start": "2027-03-06T11:30:00+01:00"},
    )
    assert begun.events[0].occurred == REFERRED + 5 * DAY + timedelta(hours=1)
    ended = hear(
        "consult started",
        "consult/1",
        "owner",
        status="completed",
        output=[outcome("indicated")],
        executionPeriod={"start": "2027-03-06T10:40:00Z", "end": "2027-03-06T11:00:00Z"},
    )
    assert ended.events == (
        e.StepCompleted(
            by=SYSTEM,
            step="consult",
            occurrence=1,
            outcome="indicated",
            occurred=REFERRED + 5 * DAY + timedelta(hours=1, minutes=30),
        ),
    )


def test_the_outcome_may_stand_in_business_status() -> None:
    stage = {"coding": outcome("deferred")["valueCodeableConcept"]["coding"]}
    [event] = hear("consult started", "consult/1", "owner", status="completed", businessStatus=stage).events
    assert isinstance(event, e.StepCompleted)
    assert event.outcome == "deferred"


def test_a_step_with_one_outcome_needs_none_named() -> None:
    [event] = hear("procedure begun", "procedure/1", "owner", status="completed").events
    assert isinstance(event, e.StepCompleted)
    assert event.outcome == "done"


def test_a_step_with_several_outcomes_asks_which_one_it_was() -> None:
    heard = hear("consult started", "consult/1", "owner", status="completed")
    assert the_issue(heard) == ("required", "Task.output")
    assert "indicated, deferred" in heard.issues[0].diagnostics
    wrong = hear("consult started", "consult/1", "owner", status="completed", output=[outcome("fine")])
    assert wrong.issues[0].code == "code-invalid"
    assert "indicated, deferred" in wrong.issues[0].diagnostics


def test_the_answers_a_step_asks_for_are_read_from_its_outputs() -> None:
    outputs = [
        outcome("accepted"),
        answer("pain_nrs", valueQuantity={"value": 7, "code": "{score}"}),
        answer("inpatient", valueBoolean=True),
        answer("comment", valueString="Chute"),
    ]
    heard = hear("triage accepted", "triage/1", "owner", status="in-progress")
    started = after("triage accepted", heard)
    current = find(resources(started), "Task", "triage/1")
    done = hear_task(
        started, "triage/1", current, {**current, "status": "completed", "output": outputs}, "owner"
    )
    [event] = done.events
    assert isinstance(event, e.StepCompleted)
    assert event.data == {"pain_nrs": 7, "inpatient": True, "comment": "Chute"}
    wrong = [outcome("accepted"), answer("pain_nrs", valueQuantity={"value": 70, "unit": "mm"})]
    refused = hear_task(
        started, "triage/1", current, {**current, "status": "completed", "output": wrong}, "owner"
    )
    assert the_issue(refused) == ("value", "Task.output[1]")
    unasked = [outcome("accepted"), answer("colour", valueString="red")]
    refused = hear_task(
        started, "triage/1", current, {**current, "status": "completed", "output": unasked}, "owner"
    )
    assert the_issue(refused) == ("code-invalid", "Task.output[1]")


def test_what_we_say_of_a_task_done_is_what_we_would_hear() -> None:
    done = find(resources(STAGES["triaged"]), "Task", "triage/1")
    started = after("triage accepted", hear("triage accepted", "triage/1", "owner", status="in-progress"))
    current = find(resources(started), "Task", "triage/1")
    incoming = {**current, "status": "completed", "output": done["output"]}
    [event] = hear_task(started, "triage/1", current, incoming, "owner").events
    assert isinstance(event, e.StepCompleted)
    assert event.data == STAGES["triaged"].steps[0].data
    assert event.outcome == "accepted"


# --- not carried out --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stage", "ref", "status", "event"),
    [
        ("result rejected", "biopsy_result/2", "rejected", e.StepRejected),
        ("result rejected", "biopsy_result/2", "failed", e.StepFailed),
        ("result rejected", "biopsy_result/2", "cancelled", e.StepWaived),
        ("result rejected", "biopsy_result/2", "on-hold", e.StepHeld),
        ("consult started", "consult/1", "failed", e.StepFailed),
    ],
)
def test_what_is_not_done_says_why(stage: str, ref: str, status: str, event: type[e.Event]) -> None:
    reason = {"text": "Prélèvement insuffisant"}
    [heard] = hear(stage, ref, "owner", status=status, statusReason=reason).events
    assert type(heard) is event
    assert heard.reason == "Prélèvement insuffisant"  # type: ignore[attr-defined]
    missing = hear(stage, ref, "owner", status=status, statusReason=None)
    assert the_issue(missing) == ("required", "Task.statusReason")
    kept = find(
        resources(after(stage, hear(stage, ref, "owner", status=status, statusReason=reason))), "Task", ref
    )
    assert kept["status"] == status


def test_a_task_on_hold_resumes_to_where_it_came_from() -> None:
    heard = hear("hold paused", "hold_plan/1", "requester", status="ready")
    assert heard.events == (e.StepReleased(by=SYSTEM, step="hold_plan", occurrence=1),)
    elsewhere = hear("hold paused", "hold_plan/1", "requester", status="in-progress")
    assert the_issue(elsewhere) == ("business-rule", "Task.status")
    assert "set ready" in elsewhere.issues[0].diagnostics


def test_a_task_of_a_paused_pathway_waits_for_the_pathway() -> None:
    heard = hear("paused", "procedure/1", "owner", status="accepted")
    assert "whole pathway" in heard.issues[0].diagnostics


def test_work_begun_is_not_cancelled_but_asked_to_abort() -> None:
    heard = hear("consult started", "consult/1", "requester", status="cancelled", statusReason={"text": "x"})
    assert the_issue(heard) == ("business-rule", "Task.status")
    assert "abort" in heard.issues[0].diagnostics


# --- what never changes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("element", IMMUTABLE)
def test_what_never_changes_is_named_when_it_does(element: str) -> None:
    other: Json = {
        "intent": "plan",
        "for": {"reference": "Patient/another"},
        "focus": {"reference": "ServiceRequest/another"},
        "code": {"text": "autre chose"},
        "groupIdentifier": {"system": "urn:x", "value": "1"},
        "identifier": [{"system": "urn:x", "value": "1"}],
    }
    for value in (other[element], None):
        heard = hear("triaged", "consult/1", "owner", status="in-progress", **{element: value})
        assert the_issue(heard) == ("business-rule", f"Task.{element}")


def test_the_hospital_may_add_its_own_identifier_and_write_references_whole() -> None:
    current = find(resources(STAGES["triaged"]), "Task", "consult/1")
    heard = hear(
        "triaged",
        "consult/1",
        "owner",
        status="in-progress",
        identifier=[{"system": "urn:oid:1.2.3", "value": "T-9"}, *current["identifier"]],
        **{
            "for": {"reference": f"https://hopital.example/r4/{current['for']['reference']}", "display": "P."}
        },
    )
    assert not heard.refused


def test_what_is_ours_to_say_is_not_kept_and_that_is_told() -> None:
    heard = hear("triaged", "consult/1", "owner", restriction={"period": {"end": "2030-01-01"}})
    assert heard.events == ()
    assert [issue.severity for issue in heard.issues] == ["warning"]
    assert the_issue(heard) == ("not-supported", "Task.restriction")


# --- the whole table --------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("to", STATUSES)
def test_at_every_stage_a_role_gets_an_event_exactly_where_the_table_allows(to: str, role: Role) -> None:
    for stage in STAGES:
        pathway = STAGES[stage]
        for step in pathway.steps:
            current = said_of(stage, step.ref)
            if current["status"] in (to, "on-hold"):
                continue
            output = [outcome(GROUND.protocol.step(step.key).outcomes[0].key)]
            heard = hear(stage, step.ref, role, status=to, statusReason={"text": "x"}, output=output)
            assert bool(heard.events) == may_move(current["status"], to, role), (stage, step.ref)


def test_what_is_heard_never_breaks_the_door() -> None:
    for stage, pathway in STAGES.items():
        for step in pathway.steps:
            for to in STATUSES:
                heard = hear(stage, step.ref, "owner", status=to, statusReason={"text": "x"})
                try:
                    moved = after(stage, heard)
                except Refused:
                    continue
                if heard.events and step.status is not StepStatus.ON_HOLD:
                    assert find(resources(moved), "Task", step.ref)["status"] == to
