"""A system reads: one resource, with its version, and nobody without a token."""

from __future__ import annotations

from datetime import datetime

from store.audit import Told
from tests.facade.conftest import Facade
from tests.house import RADIOLOGIST


def test_a_task_is_read_with_its_version_and_date(facade: Facade) -> None:
    task = facade.task(facade.referred(), "triage")
    answer = facade.get(f"/Task/{task['id']}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/fhir+json; fhirVersion=4.0"
    assert answer.headers["etag"] == 'W/"1"'
    assert answer.headers["last-modified"] == "Mon, 01 Mar 2027 09:30:00 GMT"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["meta"] == {"versionId": "1", "lastUpdated": "2027-03-01T09:30:00.000000Z"}
    assert answer.json() == task


def test_who_has_this_version_already_is_not_sent_it_again(facade: Facade) -> None:
    task = facade.task(facade.referred(), "triage")
    answer = facade.get(f"/Task/{task['id']}", headers={"If-None-Match": 'W/"1"'})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", 'W/"1"')
    assert facade.get(f"/Task/{task['id']}", headers={"If-None-Match": 'W/"7"'}).status_code == 200


def test_nobody_is_anonymous(facade: Facade) -> None:
    for headers in ({}, {"Authorization": "Bearer jalon_wrong"}, {"Authorization": "Basic eDp5"}):
        for method, path in (("GET", "/Task"), ("GET", "/Task/x"), ("POST", ""), ("PUT", "/Task/x")):
            answer = facade.client.request(method, f"/fhir{path}", headers=headers)
            assert answer.status_code == 401, (method, path)
            assert answer.headers["www-authenticate"] == "Bearer"
            assert answer.json()["issue"][0]["code"] == "login"
    assert facade.client.get("/fhir/metadata").status_code == 200


def test_a_revoked_token_reads_nothing(facade: Facade) -> None:
    from store import tokens

    with facade.house.service.db.write() as session:
        holder = tokens.token_holder(session, facade.reader, facade.house.clock.now)
        assert holder is not None
        tokens.revoke(session, holder.id, facade.house.clock.now)
    assert facade.get("/Task", token=facade.reader).status_code == 401


def test_somebody_signed_in_reads_and_does_not_write(facade: Facade) -> None:
    from store import accounts

    service = facade.house.service
    with service.db.write() as session:
        accounts.add_account(
            session,
            login="claire",
            name="Claire",
            password="une longue phrase de passe",
            role="coordinator",
            now=facade.house.clock.now,
        )
    signed = accounts.sign_in(service.db, "claire", "une longue phrase de passe", facade.house.clock.now)
    assert signed is not None
    task = facade.task(facade.referred(), "triage")
    cookies = {"Cookie": f"__Host-jalon={signed.token}"}
    assert facade.client.get(f"/fhir/Task/{task['id']}", headers=cookies).status_code == 200
    body = {**cookies, "Content-Type": "application/fhir+json"}
    written = facade.client.put(f"/fhir/Task/{task['id']}", headers=body, json=task)
    assert (written.status_code, written.json()["issue"][0]["code"]) == (403, "forbidden")


def test_what_is_not_there_is_a_sentence(facade: Facade) -> None:
    answer = facade.get("/Task/nobody")
    assert answer.status_code == 404
    said = answer.json()
    assert said["resourceType"] == "OperationOutcome"
    assert said["id"] == answer.headers["x-request-id"]
    assert facade.get("/Basic/x").json()["issue"][0]["code"] == "not-supported"
    assert facade.get("/").status_code == 405
    assert facade.get("/no/such/place").status_code == 404


def test_what_is_served_another_way_says_which(facade: Facade) -> None:
    for method, path, allowed in (
        ("DELETE", "/Task/x", "GET, PATCH, PUT"),
        ("DELETE", "/Task", "GET, POST, PUT"),
        ("HEAD", "/Task/x", "GET, PATCH, PUT"),
        ("POST", "/Task/x/_history", "GET"),
        ("PUT", "/_history", "GET"),
        ("GET", "", "POST"),
    ):
        answer = facade.ask(method, path)
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed), (method, path)
        if method != "HEAD":
            assert answer.json()["resourceType"] == "OperationOutcome"


def test_an_answer_in_another_form_is_refused(facade: Facade) -> None:
    task = facade.task(facade.referred(), "triage")
    for accept in ("application/fhir+xml", "text/html", "application/fhir+json; fhirVersion=5.0", "*/*;q=0"):
        assert facade.get(f"/Task/{task['id']}", headers={"Accept": accept}).status_code == 406, accept
    for accept in ("application/json", "text/html, application/fhir+json;q=0.5", "*/*", "application/*"):
        assert facade.get(f"/Task/{task['id']}", headers={"Accept": accept}).status_code == 200, accept
    for form in ("json", "application/fhir+json", "application/fhir%2Bjson"):
        headers = {"Accept": "text/html"}
        assert facade.get(f"/Task/{task['id']}?_format={form}", headers=headers).status_code == 200, form
    assert facade.get(f"/Task/{task['id']}?_format=xml").status_code == 406


def test_every_read_leaves_a_trace_of_whom_it_showed(facade: Facade) -> None:
    first, second = facade.referred(0), facade.referred(1)
    task = facade.task(first, "triage")
    facade.get(f"/Task/{task['id']}", token=facade.reader)
    facade.house.clock.wait(seconds=1)
    facade.get("/CarePlan", token=facade.reader)
    facade.house.clock.wait(seconds=1)
    facade.get("/CarePlan?_id=nobody", token=facade.reader)
    told = _told(facade, "Entrepôt")
    assert [(one.entry.action, one.entry.what) for one in told] == [
        ("read", "search CarePlan"),
        ("read", "search CarePlan"),
        ("read", "search CarePlan"),
        ("read", f"Task/{task['id']}"),
    ]
    patients = [one.entry.patient_id for one in told]
    assert patients[0] is None
    assert len({*patients[1:3]}) == 2
    assert {found for one in told[1:3] for found in one.entry.detail["found"]} == {first, second}


def _told(facade: Facade, actor: str) -> list[Told]:
    service = facade.house.service
    with service.db.read() as session:
        return service.audit.told(session, actor=actor)


def test_what_we_did_not_foresee_is_a_500_that_says_nothing_of_the_patient(
    facade: Facade, caplog: object
) -> None:
    task = facade.task(facade.referred(), "triage")
    facade.house.service.db.engine.dispose()
    with facade.house.service.db.write() as session:
        from sqlmodel import text

        session.connection().execute(text("DROP TABLE audit"))
    answer = facade.get(f"/Task/{task['id']}")
    assert answer.status_code == 500
    said = answer.json()
    assert said["issue"][0]["code"] == "exception"
    logged = caplog.text  # type: ignore[attr-defined]
    assert "OperationalError" in logged
    assert "Essai0" not in logged
    assert task["id"] not in logged
    assert datetime.fromisoformat(task["authoredOn"]).year == 2027
    assert RADIOLOGIST.name not in logged
