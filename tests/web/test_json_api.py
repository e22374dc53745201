"""The API as a system meets it: the worklist, a pathway, events, referrals, and one shape for every error."""

import json
from typing import Any

import pytest
from sqlmodel import select

from app.rights import MAY
from pathway import events as e
from store.tables import DocumentRow
from tests.web.cast import DAY, NADIA, Ward, form_of


def test_nobody_asks_without_a_token(ward: Ward) -> None:
    stranger = ward.browser()
    for answer in (stranger.get("/api/worklist"), stranger.post("/api/referrals", content=b"{}")):
        assert answer.status_code == 401
        assert answer.json()["error"] == "not-signed-in"
        assert answer.headers["www-authenticate"] == "Bearer"
    wrong = stranger.get("/api/worklist", headers={"authorization": "Bearer jalon_wrong"})
    assert wrong.status_code == 401


def test_the_worklist_says_what_is_due_by_whom_and_of_whom(any_ward: Ward) -> None:
    pathway = any_ward.started()
    answer = any_ward.system().get("/api/worklist", params={"role": "coordinator", "limit": 1})
    (item,) = answer.json()["items"]
    assert item["step"] == "triage/1"
    assert item["kind"] == "task"
    assert item["due"] == "2027-03-02T16:00:00+00:00"
    assert item["pathway"]["id"] == pathway
    assert item["patient"]["family"] == "Marchand"
    assert answer.json()["next"] is None


def test_the_worklist_is_paged(ward: Ward) -> None:
    for family in ("A", "B", "C"):
        ward.started(family)
    system = ward.system()
    first = system.get("/api/worklist", params={"limit": 2}).json()
    second = system.get("/api/worklist", params={"limit": 2, "offset": first["next"]}).json()
    assert second["next"] is None
    named = [item["patient"]["family"] for item in first["items"] + second["items"]]
    assert sorted(named) == ["A", "B", "C"]
    ward.later(3 * DAY)
    assert len(system.get("/api/worklist", params={"overdue": True}).json()["items"]) == 3


def test_a_pathway_is_told_with_its_plan_and_what_does_not_fit(any_ward: Ward) -> None:
    pathway = any_ward.started()
    said = any_ward.system().get(f"/api/pathways/{pathway}").json()
    assert said["pathway"]["patient"]["family"] == "Marchand"
    assert {"triage/1/task"} <= {item["key"] for item in said["plan"]}
    assert said["flags"] == []


def test_an_event_is_previewed_and_then_recorded_as_the_holder_of_the_token(any_ward: Ward) -> None:
    pathway = any_ward.started()
    system = any_ward.system("Logiciel du bloc")
    event = {"type": "StepStarted", "step": "triage", "by": {"name": "Dr Personne", "role": "clinician"}}
    preview = system.post(f"/api/pathways/{pathway}/events?preview=true", json=event)
    assert preview.status_code == 200
    assert any_ward.pathway(pathway).seq == 1
    done = system.post(f"/api/pathways/{pathway}/events", json=event)
    assert done.json()["seq"] == 2
    step = any_ward.pathway(pathway).last("triage")
    assert step is not None
    assert step.by == "Logiciel du bloc"


def test_who_has_looked_at_an_older_state_is_told(any_ward: Ward) -> None:
    pathway = any_ward.started()
    any_ward.record(pathway, e.StepStarted(by=NADIA, step="triage"))
    event = {"type": "StepCompleted", "step": "triage", "outcome": "accepted"}
    answer = any_ward.system().post(f"/api/pathways/{pathway}/events?seen=1", json=event)
    assert answer.status_code == 409
    assert answer.json()["error"] == "stale"


@pytest.mark.parametrize(
    ("event", "status", "error", "field"),
    [
        ({"type": "StepStarted", "step": "dance"}, 404, "not-found", "step"),
        ({"type": "StepCompleted", "step": "triage", "outcome": "maybe"}, 422, "invalid", "outcome"),
        ({"type": "StepCompleted", "step": "procedure", "outcome": "done"}, 422, "invalid", "data.cement_ml"),
        ({"type": "StepReleased", "step": "triage"}, 409, "conflict", None),
        ({"type": "HoldNotRequired"}, 403, "forbidden", None),
        ({"type": "GateOverridden", "gate": "G1", "reason": "x"}, 403, "forbidden", None),
        ({"type": "RungFired", "key": "triage/1/rung/overdue"}, 403, "forbidden", None),
        ({"type": "Replanned", "planner": "2"}, 403, "forbidden", None),
        ({"type": "Enrolled", "referral": "x"}, 403, "forbidden", None),
        ({"type": "Fly"}, 422, "malformed", "type"),
        ({"type": ["StepStarted"]}, 422, "malformed", "type"),
        ({}, 422, "malformed", "type"),
        ({"type": "StepStarted", "step": 3}, 422, "malformed", "step"),
        ({"type": "StepStarted", "step": "triage", "foot": 1}, 422, "malformed", "foot"),
        (
            {"type": "StepStarted", "step": "triage", "occurred": "9999-12-31T23:59:59-12:00"},
            422,
            "invalid",
            None,
        ),
        ({"type": "VisitBooked", "step": "triage", "start": "2027-03-04"}, 422, "malformed", "start"),
    ],
)
def test_every_error_has_one_shape_and_a_status_that_fits(
    lasting_ward: Ward, event: dict[str, Any], status: int, error: str, field: str | None
) -> None:
    pathway = lasting_ward.started()
    answer = lasting_ward.system().post(f"/api/pathways/{pathway}/events", json=event)
    said = answer.json()
    assert (answer.status_code, said["error"]) == (status, error), said
    assert said.get("field") == field
    assert said["message"]
    assert lasting_ward.pathway(pathway).seq == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"nonsense",
        b'"text"',
        b"{" * 100_000,
        b'{"type": NaN}',
        b"\xff\xfe",
        b'{"type": "\\ud800"}',
        b'{"a": "\\u0000"}',
        b'{"type": "StepStarted", "type": "StepCompleted", "step": "triage"}',
        b'{"type": "' + b"x" * 50_000_000 + b'"}',
    ],
    ids=range(11),
)
def test_what_is_no_event_at_all_is_said_to_be_none(any_lasting_ward: Ward, body: bytes) -> None:
    pathway = any_lasting_ward.started()
    answer = any_lasting_ward.system().post(f"/api/pathways/{pathway}/events", content=body)
    assert answer.status_code == 422
    assert answer.json()["error"] == "malformed"


@pytest.mark.parametrize(
    "address", ["/api/worklist?limit=0", "/api/worklist?offset=x", "/api/pathways/p%00", "/?q=%00"]
)
def test_an_address_that_makes_no_sense_is_refused(any_lasting_ward: Ward, address: str) -> None:
    assert any_lasting_ward.system().get(address, follow_redirects=False).status_code in (400, 422)


def test_a_referral_comes_in_as_a_bundle_once(any_ward: Ward) -> None:
    any_ward.refer("Petit")
    with any_ward.service.db.read() as session:
        # The bytes that came in are kept as they were.
        body = session.exec(select(DocumentRow)).one().body
    bundle = json.loads(body.replace(b"R-Petit", b"R-2").replace(b"IPP-Petit", b"IPP-2"))
    system = any_ward.system()
    first = system.post("/api/referrals", json=bundle)
    assert first.status_code == 201, first.text
    assert first.json()["status"] == "started"
    again = system.post("/api/referrals", json=bundle)
    assert again.status_code == 200
    assert again.json()["pathway"] == first.json()["pathway"]
    assert again.json()["new"] is False


def test_a_referral_that_cannot_be_read_says_element_and_remedy(ward: Ward) -> None:
    answer = ward.system().post("/api/referrals", json={"resourceType": "Bundle", "type": "transaction"})
    assert answer.status_code == 422
    said = answer.json()
    assert said["error"] == "invalid"
    assert said["issues"][0]["expression"] == ["Bundle.entry"]
    assert "add the resources" in said["message"]


def test_a_browser_session_reads_the_api_but_writes_only_from_our_own_pages(ward: Ward) -> None:
    pathway = ward.started()
    browser = ward.browser("nadia")
    assert browser.get(f"/api/pathways/{pathway}").status_code == 200
    event = {"type": "StepStarted", "step": "triage"}
    assert browser.post(f"/api/pathways/{pathway}/events", json=event).status_code == 403
    ours = browser.post(
        f"/api/pathways/{pathway}/events", json=event, headers={"sec-fetch-site": "same-origin"}
    )
    assert ours.status_code == 200
    assert form_of(browser.get("/"), "/sign-out")["csrf"]


def test_every_event_that_a_person_may_send_is_an_event() -> None:
    assert {kind.__name__ for kind in MAY} <= set(e.KINDS)
    unheard = {
        "Enrolled",
        "RungFired",
        "MessageUndelivered",
        "MessageRecalled",
        "Replanned",
        "Migrated",
        "MigrationUndone",
        "IdentityJoined",
        "IdentityParted",
    }
    assert set(e.KINDS) - {kind.__name__ for kind in MAY} == unheard
