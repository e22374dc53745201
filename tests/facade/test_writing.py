"""A hospital writes: what it says has happened moves the pathway, and what cannot have happened is refused."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest

from app.projector import projected
from fhir_mappings.task_moves import STATUSES, Role, may_move
from pathway.lifecycle import StepStatus, VisitStatus
from store.resources import put
from tests.facade.conftest import OWNER, Facade

Json = dict[str, Any]

OUTCOME = "https://jalon.example/fhir/CodeSystem/outcome"


def moved(task: Json, status: str, **changes: Any) -> Json:
    """The Task with another status, as a hospital that read it sends it back."""
    said = {**copy.deepcopy(task), "status": status, **changes}
    said.pop("businessStatus", None)
    return said


def completed(task: Json, outcome: str) -> Json:
    said = moved(task, "completed")
    said["businessStatus"] = {"coding": [{"system": OUTCOME, "code": outcome}]}
    return said


def issue(answer: Any) -> Json:
    first: Json = answer.json()["issue"][0]
    return first


def test_a_task_goes_the_whole_way_and_opens_the_next_step(asking_facade: Facade) -> None:
    facade = asking_facade
    pathway_id = facade.referred()
    task = facade.task(pathway_id, "triage")
    assert task["status"] == "requested"
    assert facade.task(pathway_id, "radiologist_consult")["status"] == "draft"

    claimed = facade.put(moved(task, "accepted", owner=OWNER), headers={"If-Match": 'W/"1"'})
    assert claimed.status_code == 200, claimed.text
    assert (claimed.json()["status"], claimed.headers["etag"]) == ("accepted", 'W/"2"')
    assert claimed.json()["owner"] == OWNER

    facade.house.clock.wait(minutes=5)
    started = facade.put(moved(claimed.json(), "in-progress"), headers={"If-Match": 'W/"2"'})
    assert started.json()["status"] == "in-progress", started.text

    facade.house.clock.wait(minutes=5)
    done = facade.put(completed(started.json(), "accepted"), headers={"If-Match": started.headers["etag"]})
    assert done.status_code == 200, done.text
    assert done.json()["status"] == "completed"
    assert facade.task(pathway_id, "radiologist_consult")["status"] == "ready"
    pathway, _ = facade.house.load(pathway_id)
    triage = pathway.last("triage")
    assert triage is not None
    assert (triage.status, triage.outcome, triage.by) == (StepStatus.DONE, "accepted", "RIS")


def test_received_comes_before_accepted_where_the_owner_is_known(asking_facade: Facade) -> None:
    facade = asking_facade
    task = facade.task(facade.referred(), "triage")
    seen = facade.put(moved(task, "received"))
    assert seen.status_code == 403
    assert "Claim the Task first" in issue(seen)["diagnostics"]


def test_saying_again_what_is_already_so_changes_nothing(facade: Facade) -> None:
    task = facade.task(facade.referred(), "triage")
    claimed = facade.put(moved(task, "accepted", owner=OWNER))
    again = facade.put(claimed.json())
    assert (again.status_code, again.headers["etag"]) == (200, claimed.headers["etag"])


def test_a_task_is_claimed_in_ones_own_name_by_one_of_the_queue(facade: Facade) -> None:
    task = facade.task(facade.referred(), "triage")
    for_another = facade.put(moved(task, "accepted", owner={"display": "Clinique du Parc"}))
    assert (for_another.status_code, issue(for_another)["code"]) == (403, "forbidden")
    stranger = facade.put(moved(task, "accepted", owner=OWNER), token=facade.reader)
    assert stranger.status_code == 403
    assert facade.put(moved(task, "accepted", owner=OWNER)).status_code == 200
    late = facade.put(moved(task, "accepted", owner={"display": "Clinique du Parc"}), token=facade.rival)
    assert late.status_code == 409
    assert facade.task(task["identifier"][0]["value"].split("/")[0], "triage")["owner"] == OWNER


def test_only_one_of_two_who_claim_at_once_has_it(facade_anywhere: Facade) -> None:
    facade = facade_anywhere
    task = facade.task(facade.referred(), "triage")
    together = Barrier(2)

    def claim(token: str, owner: Json) -> int:
        together.wait()
        said = moved(task, "accepted", owner=owner)
        return facade.put(said, token=token, headers={"If-Match": 'W/"1"'}).status_code

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(claim, facade.token, OWNER)
        second = pool.submit(claim, facade.rival, {"display": "Clinique du Parc"})
    assert sorted([first.result(), second.result()]) == [200, 412]


def test_who_read_an_older_version_is_told_to_read_again(facade: Facade) -> None:
    task = facade.task(facade.referred(), "triage")
    facade.put(moved(task, "accepted", owner=OWNER))
    stale = facade.put(moved(task, "cancelled", owner=OWNER), headers={"If-Match": 'W/"1"'})
    assert (stale.status_code, issue(stale)["code"]) == (412, "conflict")
    assert 'W/"2"' in issue(stale)["diagnostics"]
    any_version = facade.put(moved(task, "in-progress", owner=OWNER), headers={"If-Match": "*"})
    assert any_version.status_code == 200, any_version.text


@pytest.mark.parametrize("role", ["owner", "requester"])
@pytest.mark.parametrize("came_from", ["accepted", "in-progress", "on-hold"])
def test_the_table_of_moves_is_kept_for_every_role(facade: Facade, came_from: str, role: Role) -> None:
    """On hold it came from accepted, and resumes to nothing else."""
    token = facade.token if role == "owner" else facade.requester
    for number, to in enumerate(STATUSES):
        task = facade.task(facade.referred(number), "triage")
        task = facade.put(moved(task, "accepted", owner=OWNER)).json()
        if came_from != "accepted":
            task = facade.put(moved(task, came_from, statusReason={"text": "parce que"})).json()
        said = moved(task, to, statusReason={"text": "parce que"})
        if to == "completed":
            said = completed(task, "accepted")
        answer = facade.put(said, token=token)
        allowed = may_move(came_from, to, role) and (came_from != "on-hold" or to == "accepted")
        assert (answer.status_code == 200) == (allowed or to == came_from), (to, answer.text)
        if answer.status_code != 200:
            assert (answer.status_code, issue(answer)["expression"]) == (422, ["Task.status"])
            assert issue(answer)["code"] == "business-rule"


def test_a_gate_that_is_not_met_holds_whoever_asks(facade: Facade) -> None:
    pathway_id = facade.triaged()
    task = facade.task(pathway_id, "procedure")
    answer = facade.put(moved(task, "in-progress", owner=OWNER))
    assert answer.status_code in (409, 422)
    assert facade.task(pathway_id, "procedure")["status"] == task["status"]


def test_a_system_signs_nothing(facade: Facade) -> None:
    """A signature names a person; a queue that a token may claim from gives it no hand to sign with."""
    pathway_id = facade.consult_booked()
    consult = facade.task(pathway_id, "radiologist_consult")
    facade.house.clock.now = datetime(2027, 3, 8, 10, tzinfo=UTC)
    started = facade.put(moved(consult, "in-progress", owner=OWNER))
    assert started.status_code == 200, started.text
    outcomes = [
        one.key for one in facade.house.service.protocol.protocol.step("radiologist_consult").outcomes
    ]
    done = facade.put(completed(started.json(), outcomes[0]))
    assert done.status_code == 200, done.text
    indication = facade.task(pathway_id, "indication")
    signed = facade.put(completed({**indication, "owner": OWNER}, "not_indicated"))
    assert (signed.status_code, issue(signed)["code"]) == (403, "forbidden")


def test_what_never_changes_must_come_back_as_it_was(facade: Facade) -> None:
    task = facade.task(facade.referred(), "triage")
    for element, value in (
        ("for", {"reference": "Patient/another"}),
        ("intent", "plan"),
        ("groupIdentifier", {"system": "https://x", "value": "y"}),
    ):
        answer = facade.put(moved(task, "accepted", owner=OWNER, **{element: value}))
        assert (answer.status_code, issue(answer)["expression"]) == (422, [f"Task.{element}"]), element
    other = [{**task["identifier"][0], "value": "another/triage/1"}]
    assert facade.put(moved(task, "accepted", identifier=other)).status_code == 422
    elsewhere = facade.ask("PUT", "/Task/other", resource=task)
    assert (elsewhere.status_code, issue(elsewhere)["expression"]) == (400, ["Task.id"])
    plan = facade.ask("PUT", f"/Task/{task['id']}", resource={**task, "resourceType": "CarePlan"})
    assert plan.status_code == 400


def test_a_task_that_breaks_r4_is_refused_by_element(facade: Facade) -> None:
    task = facade.task(facade.referred(), "triage")
    bogus = facade.put(moved(task, "bogus"))
    assert (bogus.status_code, issue(bogus)["expression"]) == (422, ["Task.status"])
    silent = facade.put(moved(task, "rejected", owner=OWNER))
    assert (silent.status_code, issue(silent)["expression"]) == (422, ["Task.statusReason"])


def test_nobody_makes_a_task_by_writing_one(facade: Facade) -> None:
    task = facade.task(facade.referred(), "triage")
    new = facade.put({**task, "id": "new"})
    assert (new.status_code, issue(new)["expression"]) == (422, ["Task.identifier"])
    ours = facade.put({**task, "id": f"{'0' * 32}-triage-1", "identifier": []})
    assert ours.status_code in (404, 422), "nobody makes one under an id that looks like ours"
    system = task["identifier"][0]["system"]
    for value in ("nobody/triage/1", "nonsense", "a/b/c", f"{task['identifier'][0]['value']}9"):
        answer = facade.ask("PUT", "/Task", params={"identifier": f"{system}|{value}"}, resource=task)
        assert answer.status_code == 404, value
    for condition in ({"identifier": task["id"]}, {"identifier": "https://x|y"}):
        assert facade.ask("PUT", "/Task", params=condition, resource=task).status_code == 422
    assert facade.ask("PUT", "/Task", resource=task).status_code == 400
    assert facade.ask("PUT", "/Task?status=ready", resource=task).status_code in (403, 412)


def test_a_task_is_updated_by_the_identifier_we_gave_it(facade: Facade) -> None:
    task = facade.task(facade.referred(), "triage")
    named = "{system}|{value}".format(**task["identifier"][0])
    said = moved(task, "accepted", owner=OWNER)
    said.pop("id")
    answer = facade.ask("PUT", "/Task", params={"identifier": named}, resource=said)
    assert (answer.status_code, answer.json()["status"]) == (200, "accepted")
    wrong = facade.ask("PUT", "/Task", params={"identifier": named}, resource={**said, "id": "other"})
    assert wrong.status_code == 400


def test_a_patch_is_heard_like_the_whole(facade: Facade) -> None:
    task = facade.task(facade.referred(), "triage")
    claim = [
        {"op": "test", "path": "/status", "value": "ready"},
        {"op": "add", "path": "/owner", "value": OWNER},
        {"op": "replace", "path": "/status", "value": "accepted"},
    ]
    place = f"/Task/{task['id']}"
    answer = facade.ask("PATCH", place, operations=claim, headers={"If-Match": 'W/"1"'})
    assert (answer.status_code, answer.json()["status"]) == (200, "accepted"), answer.text
    late = facade.ask("PATCH", place, operations=claim, headers={"If-Match": 'W/"1"'})
    assert late.status_code == 412
    untrue = facade.ask("PATCH", place, operations=claim)
    assert (untrue.status_code, issue(untrue)["expression"]) == (422, ["[0]"])
    for operations in (
        [{"op": "replace", "path": "/id", "value": "other"}],
        [{"op": "remove", "path": "/resourceType"}],
        [{"op": "replace", "path": "", "value": []}],
        [{"op": "remove", "path": "/intent"}],
        [{"op": "zip", "path": "/status"}],
    ):
        assert facade.ask("PATCH", place, operations=operations).status_code in (400, 422), operations
    merge = facade.ask("PATCH", place, resource={"status": "cancelled"})
    assert merge.status_code == 415


def test_what_is_wanted_back_can_be_said(facade: Facade) -> None:
    task = facade.task(facade.referred(), "triage")
    said = moved(task, "accepted", owner=OWNER)
    minimal = facade.put(said, headers={"Prefer": "return=minimal"})
    assert (minimal.status_code, minimal.content, minimal.headers["etag"]) == (200, b"", 'W/"2"')
    outcome = facade.put(said, headers={"Prefer": "return=OperationOutcome"})
    assert outcome.json()["resourceType"] == "OperationOutcome"
    whole = facade.put(said, headers={"Prefer": "return=representation"})
    assert whole.json()["resourceType"] == "Task"


def test_every_write_leaves_a_trace_and_a_refused_one_changes_nothing(facade: Facade) -> None:
    task = facade.task(facade.referred(), "triage")
    facade.house.clock.wait(seconds=1)
    facade.put(moved(task, "accepted", owner=OWNER))
    service = facade.house.service
    with service.db.read() as session:
        entry = service.audit.told(session, actor="RIS", limit=1)[0].entry
    assert (entry.action, entry.what) == ("write", f"Task/{task['id']}")
    assert entry.detail == {"role": "performer-queue", "moved": True}
    assert entry.patient_id


def test_a_signed_instruction_of_ours_is_read_and_not_moved_from_outside(facade: Facade) -> None:
    task = facade.task(facade.referred(), "triage")
    named = {"system": task["identifier"][0]["system"], "value": "p/suspend/20270301T093000000000/1"}
    content = {key: value for key, value in task.items() if key != "meta"} | {
        "id": "held",
        "identifier": [named],
    }
    with facade.house.service.db.write() as session:
        patient_id = task["for"]["reference"].removeprefix("Patient/")
        now = facade.house.clock.now
        put(session, [projected(content)], pathway_id="p", patient_id=patient_id, now=now)
    read = facade.get("/Task/held").json()
    assert read["identifier"] == [named]
    for answer in (facade.put(moved(read, "completed")), facade.ask("PATCH", "/Task/held", operations=[])):
        assert (answer.status_code, issue(answer)["code"]) == (422, "business-rule")


# --- visits -----------------------------------------------------------------------------------------------


def visit(facade: Facade) -> Json:
    (entry,) = facade.get("/Appointment").json()["entry"]
    return dict(entry["resource"])


def test_an_appointment_that_the_hospital_moves_is_planned_again(facade: Facade) -> None:
    pathway_id = facade.consult_booked()
    before, plan = facade.house.load(pathway_id)
    old = before.last("radiologist_consult")
    assert old is not None
    assert old.visit is not None
    said = visit(facade)
    said |= {"start": "2027-03-10T14:00:00+01:00", "end": "2027-03-10T14:30:00+01:00"}
    answer = facade.put(said, headers={"If-Match": f'W/"{said["meta"]["versionId"]}"'})
    assert answer.status_code == 200, answer.text
    assert answer.json()["start"] == "2027-03-10T13:00:00Z"
    pathway, again = facade.house.load(pathway_id)
    step = pathway.last("radiologist_consult")
    assert step is not None
    assert step.visit is not None
    assert step.visit.start == datetime(2027, 3, 10, 13, tzinfo=UTC)
    assert step.visit.revision == old.visit.revision + 1
    assert step.visit.place == "Salle 2"
    assert plan.by_key() != again.by_key()
    reminders = {item.key: item.at for item in again.items if item.kind == "message" and item.at}
    assert reminders
    assert all(at > datetime(2027, 3, 1, tzinfo=UTC) + timedelta(days=1) for at in reminders.values())
    assert found_due(facade) == ["2027-03-10T13:00:00Z"]


def found_due(facade: Facade) -> list[str]:
    entries = facade.get("/Appointment?due=2027-03-10").json().get("entry", [])
    return [each["resource"]["start"] for each in entries]


def test_an_appointment_is_cancelled_and_its_step_waits_for_another(facade: Facade) -> None:
    pathway_id = facade.consult_booked()
    said = visit(facade)
    patch = [
        {"op": "replace", "path": "/status", "value": "cancelled"},
        {"op": "add", "path": "/cancelationReason", "value": {"text": "Panne de la salle"}},
    ]
    answer = facade.ask("PATCH", f"/Appointment/{said['id']}", operations=patch)
    assert answer.status_code == 200, answer.text
    step = facade.house.load(pathway_id)[0].last("radiologist_consult")
    assert step is not None
    assert step.visit is not None
    assert (step.status, step.visit.status) == (StepStatus.OPEN, VisitStatus.CANCELLED)
    assert step.visit.reason == "Panne de la salle"


def test_the_hospital_books_the_first_slot_by_our_identifier(facade: Facade) -> None:
    pathway_id = facade.triaged()
    task = facade.task(pathway_id, "radiologist_consult")
    said = {
        "resourceType": "Appointment",
        "identifier": [
            {
                "system": "https://jalon.example/fhir/id/appointment",
                "value": f"{pathway_id}/radiologist_consult/1",
            }
        ],
        "status": "booked",
        "start": "2027-03-08T09:00:00Z",
        "end": "2027-03-08T09:30:00Z",
        "participant": [{"actor": task["for"], "status": "accepted"}],
    }
    named = "{system}|{value}".format(**said["identifier"][0])
    other = {**said, "participant": [{"actor": {"reference": "Patient/other"}, "status": "accepted"}]}
    wrong = facade.ask("PUT", "/Appointment", params={"identifier": named}, resource=other)
    assert (wrong.status_code, issue(wrong)["expression"]) == (422, ["Appointment.participant"])
    stranger = facade.ask(
        "PUT", "/Appointment", params={"identifier": named}, resource=said, token=facade.reader
    )
    assert stranger.status_code == 403
    made = facade.ask("PUT", "/Appointment", params={"identifier": named}, resource=said)
    assert made.status_code == 201, made.text
    assert made.headers["location"] == f"http://jalon.test/fhir/Appointment/{task['id']}/_history/1"
    again = facade.ask("PUT", "/Appointment", params={"identifier": named}, resource=said)
    assert (again.status_code, again.headers["etag"]) == (200, 'W/"1"')
    assert facade.task(pathway_id, "radiologist_consult")["status"] == "accepted"


def test_a_visit_that_cannot_be_is_refused_in_a_sentence(facade: Facade) -> None:
    facade.consult_booked()
    said = visit(facade)
    early = facade.put({**said, "status": "noshow"})
    assert (early.status_code, issue(early)["code"]) == (409, "business-rule")
    backwards = facade.put({**said, "end": "2027-03-01T09:00:00Z"})
    assert backwards.status_code == 422
    far = facade.put({**said, "start": "2127-03-08T09:00:00Z", "end": "2127-03-08T10:00:00Z"})
    assert far.status_code == 422
