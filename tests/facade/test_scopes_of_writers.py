"""What a token of another issuer lets a system write, alone and in a Bundle, and how much of it is shown back."""

from __future__ import annotations

from typing import Any

from tests.facade.conftest import OWNER, Facade, referral_bundle
from tests.facade.test_scopes import facade, token
from tests.facade.test_transactions import bundle, entry, person, result
from tests.house import patient

__all__ = ["facade"]


def test_who_may_only_make_sees_nothing_back(facade: Facade) -> None:
    maker = token(facade, "system/Observation.c system/Patient.c")
    made = facade.ask("POST", "/Observation", resource=result("Patient/x"), token=maker)
    assert (made.status_code, made.content) == (201, b"")
    facade.referred()
    (bearer,) = patient(0).identifiers
    ours: dict[str, Any] = {
        "resourceType": "Patient",
        "identifier": [{"system": bearer.system, "value": bearer.value}],
    }
    heard = facade.ask("POST", "/Patient", resource=ours, token=maker)
    assert (heard.status_code, heard.content) == (200, b""), "our record holds more than was said"
    condition = {"If-None-Exist": "status=final"}
    asked = facade.ask("POST", "/Observation", resource=result("Patient/x"), headers=condition, token=maker)
    assert asked.status_code == 403, "a condition is a search"
    assert facade.put({**result("Patient/x"), "id": "o"}, token=maker).status_code == 403


def test_every_entry_of_a_bundle_needs_its_scope(facade: Facade) -> None:
    maker = token(facade, "system/Observation.cu")
    good, bad = entry("POST", "Observation", result("Patient/x")), entry("POST", "Patient", person(1))
    for wrong in (
        bad,
        entry("GET", "Observation?status=final"),
        entry("POST", "Observation", result("Patient?_id=x")),
    ):
        answer = facade.ask("POST", "", resource=bundle(good, wrong), token=maker)
        assert answer.status_code == 403, answer.text
        assert answer.json()["issue"][0]["expression"] == ["Bundle.entry[1]"]
    assert facade.get("/Observation?_summary=count").json()["total"] == 0
    batch = facade.ask("POST", "", resource=bundle(good, bad, type_="batch"), token=maker).json()
    assert [each["response"]["status"][:3] for each in batch["entry"]] == ["201", "403"]


def test_a_referral_needs_the_right_to_make_what_it_brings(facade: Facade) -> None:
    for scope, status in (("system/Task.cruds", 403), ("system/ServiceRequest.c system/Patient.c", 201)):
        answer = facade.ask("POST", "", resource=referral_bundle(70), token=token(facade, scope))
        assert answer.status_code == status, answer.text


def test_a_patch_tries_nothing_on_what_is_not_the_senders(facade: Facade) -> None:
    """Whether a test holds would tell what stands there."""
    facade.put({**result("Patient/x"), "id": "o"}, token=facade.rival)
    maker = token(facade, "system/Observation.cu system/Task.u system/Patient.u")
    pathway_id = facade.referred()
    task = facade.task(pathway_id, "triage")
    patient_id = facade.house.load(pathway_id)[0].patient_id
    for place, right in (
        ("/Observation/o", "final"),
        (f"/Task/{task['id']}", task["status"]),
        (f"/Patient/{patient_id}", "active"),
    ):
        guesses = [[{"op": "test", "path": "/status", "value": value}] for value in (right, "wrong")]
        answers = [facade.ask("PATCH", place, operations=one, token=maker) for one in guesses]
        assert [each.status_code for each in answers] == [403, 403], [each.text for each in answers]
        assert len({each.json()["issue"][0]["diagnostics"] for each in answers}) == 1
    strangers = [{"op": "test", "path": "/status", "value": "wrong"}]
    stranger = facade.ask("PATCH", f"/Task/{task['id']}", operations=strangers, token=facade.reader)
    assert stranger.status_code == 403
    begun = [
        {"op": "replace", "path": "/status", "value": "in-progress"},
        {"op": "add", "path": "/owner", "value": OWNER},
    ]
    moved = facade.ask("PATCH", f"/Task/{task['id']}", operations=begun, token=maker)
    assert (moved.status_code, moved.content) == (200, b""), moved.text
