"""The trace as AuditEvents: whoever reads or writes leaves one, and only administrators look at them."""

from __future__ import annotations

from typing import Any

import pytest

from app.fhir.audit_events import may_look
from app.fhir.caller import Caller
from app.fhir.errors import FhirError
from app.signin import sign_in_cookie
from fhir_mappings.validate import check
from store import accounts
from store.tokens import Holder
from tests.facade.conftest import FHIR_JSON, MONDAY, Facade

Json = dict[str, Any]
PHRASE = "une longue phrase de passe"


@pytest.fixture
def watched(facade: Facade) -> Facade:
    """A pathway has begun, a system has read its CarePlan, and an administrator has signed in."""
    pathway_id = facade.referred()
    facade.house.clock.wait(minutes=5)
    assert facade.get(f"/CarePlan/{pathway_id}").status_code == 200
    facade.house.clock.wait(minutes=5)
    service = facade.house.service
    with service.db.write() as session:
        accounts.add_account(
            session, login="ada", name="Ada Admin", password=PHRASE, role="admin", now=service.clock()
        )
    signed = accounts.sign_in(service.db, "ada", PHRASE, service.clock())
    assert signed is not None
    facade.client.cookies.set(sign_in_cookie(service.settings.public_url)["key"], signed.token)
    return facade


def looks(facade: Facade, path: str, **rest: Any) -> Any:
    """What the administrator's browser gets."""
    return facade.client.get(f"/fhir{path}", headers={"Accept": FHIR_JSON}, **rest)


def entries(facade: Facade, **params: str) -> list[Json]:
    answer = looks(facade, "/AuditEvent", params=params)
    assert answer.status_code == 200, answer.text
    return [each["resource"] for each in answer.json().get("entry", [])]


def test_whoever_read_a_patients_plan_is_found_by_patient_with_the_hour(watched: Facade) -> None:
    (plan,) = watched.get("/CarePlan").json()["entry"]
    patient = plan["resource"]["subject"]["reference"]
    read = [
        each
        for each in entries(watched, patient=patient, action="R")
        if each["recorded"] < "2027-03-01T09:40"
    ]
    (entry,) = read
    assert entry["recorded"] == "2027-03-01T09:35:00Z"
    assert entry["agent"][0]["who"] == {"display": "RIS"}
    assert entry["entity"][0]["what"] == {"reference": patient}
    assert entry["entity"][1]["name"].startswith("CarePlan/")
    assert check(entry) == []


def test_a_system_without_the_scope_and_a_clinician_do_not_see_who_looked(watched: Facade) -> None:
    assert watched.get("/AuditEvent").status_code == 403
    service = watched.house.service
    with service.db.write() as session:
        accounts.add_account(
            session, login="rey", name="Dr Rey", password=PHRASE, role="clinician", now=service.clock()
        )
    signed = accounts.sign_in(service.db, "rey", PHRASE, service.clock())
    assert signed is not None
    watched.client.cookies.set(sign_in_cookie(service.settings.public_url)["key"], signed.token)
    assert looks(watched, "/AuditEvent").status_code == 403


def test_looking_at_the_trace_leaves_a_trace(watched: Facade) -> None:
    before = len(entries(watched))
    (latest, *_) = entries(watched)
    assert latest["agent"][0]["who"] == {"display": "Ada Admin"}
    assert len(entries(watched)) == before + 2


def test_pages_show_every_entry_once_from_the_latest_to_the_first(watched: Facade) -> None:
    everything = [each["id"] for each in entries(watched, date="lt2027-03-01T09:40:00Z")]
    seen: list[str] = []
    url = "/AuditEvent?_count=1&date=lt2027-03-01T09:40:00Z"
    while url:
        bundle = looks(watched, url).json()
        seen += [each["resource"]["id"] for each in bundle.get("entry", [])]
        onward = next((each["url"] for each in bundle["link"] if each["relation"] == "next"), "")
        url = onward.removeprefix("http://jalon.test/fhir")
    assert seen == everything
    assert len(seen) >= 2


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"date": "gestern"}, "date"),
        ({"date": "ne2027-03-01"}, "date"),
        ({"action": "X"}, "action"),
        ({"_count": "0"}, "_count"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_by_its_name(
    watched: Facade, params: dict[str, str], named: str
) -> None:
    answer = looks(watched, "/AuditEvent", params=params)
    assert answer.status_code == 400
    assert answer.json()["issue"][0]["expression"] == [named]


def test_one_is_read_by_its_id_and_nobody_writes_there(watched: Facade) -> None:
    (latest, *_) = entries(watched, _lastUpdated=f"ge{MONDAY.date()}")
    assert looks(watched, f"/AuditEvent/{latest['id']}").json() == latest
    assert [each["id"] for each in entries(watched, _id=latest["id"])] == [latest["id"]]
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    posted = watched.client.post("/fhir/AuditEvent/_search", content=f"_id={latest['id']}", headers=form)
    assert [each["resource"]["id"] for each in posted.json()["entry"]] == [latest["id"]]
    assert looks(watched, "/AuditEvent/nobody").status_code == 404
    assert watched.ask("POST", "/AuditEvent", resource=latest).status_code == 405


@pytest.mark.parametrize(
    ("scopes", "sees"),
    [
        (("system/*.rs",), False),
        (("system/*.read", "system/Task.rs"), False),
        (("system/AuditEvent.rs",), True),
        (None, False),
    ],
)
def test_a_system_sees_the_trace_only_when_it_was_granted_by_name(
    scopes: tuple[str, ...] | None, sees: bool
) -> None:
    holder = Holder("1", "Entrepôt", "system", None, False, (), scopes=scopes)
    who = Caller(holder.actor, MONDAY, holder)
    if sees:
        may_look(who)
    else:
        with pytest.raises(FhirError) as refused:
            may_look(who)
        assert refused.value.status == 403
