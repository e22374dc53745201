"""A hospital refers: one pathway starts, or the answer says what is missing and who will see to it."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

import httpx
import pytest
import uvicorn

from fhir_mappings.outcome import ISSUE_CODES
from pathway.refusal import Refused
from scheduler.inbound import replay
from store import anomalies
from tests.facade.conftest import FHIR_JSON, Facade, application, referral_bundle
from tests.house import COORDINATOR, fracture, patient
from tests.peers.ports import free_port

MESSAGE = Path(__file__).parents[1] / "data" / "referrals" / "message.json"
DEMO = Path(__file__).parents[2] / "protocols" / "demo" / "referrals"


def test_a_referral_starts_a_pathway(facade_anywhere: Facade) -> None:
    facade = facade_anywhere
    answer = facade.ask("POST", "", resource=referral_bundle())
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert (told["resourceType"], told["type"]) == ("Bundle", "transaction-response")
    assert len(told["entry"]) == len(referral_bundle()["entry"]), "every entry has its answer"
    assert all(each["response"]["status"].startswith("20") for each in told["entry"])
    place = answer.headers["location"]
    assert place.startswith("http://jalon.test/fhir/CarePlan/")
    plan = facade.get(place.removeprefix("http://jalon.test/fhir")).json()
    assert (plan["resourceType"], plan["status"]) == ("CarePlan", "active")
    tasks = [
        each["reference"]["reference"]
        for each in plan["activity"]
        if "Task/" in each["reference"]["reference"]
    ]
    assert all(facade.get(f"/{task}").status_code == 200 for task in tasks)
    assert len(tasks) > 5


def test_the_same_referral_again_is_the_same_pathway(facade: Facade) -> None:
    first = facade.ask("POST", "/", resource=referral_bundle())
    again = facade.ask("POST", "", resource=referral_bundle())
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.headers["location"] == first.headers["location"]
    assert facade.get("/CarePlan?_summary=count").json()["total"] == 1


def test_what_is_wanted_back_can_be_said(facade: Facade) -> None:
    minimal = facade.ask("POST", "", resource=referral_bundle(0), headers={"Prefer": "return=minimal"})
    assert (minimal.status_code, minimal.content) == (201, b"")
    words = facade.ask("POST", "", resource=referral_bundle(0), headers={"Prefer": "return=OperationOutcome"})
    assert words.json()["resourceType"] == "OperationOutcome"
    whole = facade.ask("POST", "", resource=referral_bundle(1), headers={"Prefer": "return=representation"})
    assert whole.json()["resourceType"] == "CarePlan"
    assert whole.headers["etag"] == 'W/"1"'


def test_what_only_a_person_can_complete_is_kept_for_one(facade: Facade) -> None:
    sent = referral_bundle(fracture=fracture(date(2027, 3, 1)))
    for entry in sent["entry"]:
        if entry["resource"]["resourceType"] == "Condition":
            entry["resource"].pop("onsetDateTime", None)
    answer = facade.ask("POST", "", resource=sent)
    assert answer.status_code == 202, answer.text
    issues = answer.json()["issue"]
    assert {each["severity"] for each in issues} == {"information"}
    assert any("On which day did the fracture happen" in each["diagnostics"] for each in issues)
    assert "location" not in answer.headers
    assert facade.get("/CarePlan?_summary=count").json()["total"] == 0
    assert facade.ask("POST", "", resource=sent).status_code == 202


def test_the_same_fracture_from_two_senders_is_shown_and_not_started_twice(facade: Facade) -> None:
    assert facade.ask("POST", "", resource=referral_bundle(0)).status_code == 201
    other = referral_bundle(5, person=patient(0))
    answer = facade.ask("POST", "", resource=other)
    assert answer.status_code == 202
    assert "already running for this fracture" in answer.json()["issue"][0]["diagnostics"]
    assert facade.get("/CarePlan?_summary=count").json()["total"] == 1


def test_what_the_sender_must_put_right_is_refused_by_element_and_nothing_is_kept(facade: Facade) -> None:
    sent = referral_bundle()
    sent["entry"] = [each for each in sent["entry"] if each["resource"]["resourceType"] != "Patient"]
    answer = facade.ask("POST", "", resource=sent)
    assert answer.status_code == 422
    issue = answer.json()["issue"][0]
    assert issue["code"] in ISSUE_CODES
    assert issue["diagnostics"]
    assert issue["expression"]
    assert facade.get("/Patient?_summary=count").json()["total"] == 0


@pytest.mark.parametrize("type_", ["document", "collection", "searchset"])
def test_a_bundle_that_is_no_referral_is_refused(facade: Facade, type_: str) -> None:
    answer = facade.ask("POST", "", resource={**referral_bundle(), "type": type_})
    assert answer.status_code == 422
    assert answer.json()["issue"][0]["expression"] == ["Bundle.type"]


def test_a_message_is_heard_too_and_real_histories_harm_nothing(facade: Facade) -> None:
    facade.house.clock.wait(days=400)
    answers = [
        facade.ask("POST", "", content=path.read_bytes(), headers={"Content-Type": FHIR_JSON})
        for path in (MESSAGE, *sorted(DEMO.glob("*.json")))
    ]
    for answer in answers:
        assert answer.status_code in (201, 202), answer.text


def test_a_person_or_a_stranger_refers_nobody(facade: Facade) -> None:
    body = json.dumps(referral_bundle()).encode()
    answer = facade.client.post("/fhir", content=body, headers={"Content-Type": FHIR_JSON})
    assert answer.status_code == 401
    assert facade.ask("POST", "", content=body, headers={"Content-Type": "text/plain"}).status_code == 415
    latin = {"Content-Type": f"{FHIR_JSON}; charset=iso-8859-1"}
    assert facade.ask("POST", "", content=body, headers=latin).status_code == 415
    r5 = {"Content-Type": f"{FHIR_JSON}; fhirVersion=5.0"}
    assert facade.ask("POST", "", content=body, headers=r5).status_code == 415


@contextmanager
def served(facade: Facade) -> Iterator[str]:
    """The same ``/fhir`` behind a real uvicorn."""
    port = free_port()
    config = uvicorn.Config(
        application(facade.house), host="127.0.0.1", port=port, log_level="warning", ws="none", lifespan="off"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            thread.join(0.02)
            assert thread.is_alive()
        yield f"http://127.0.0.1:{port}/fhir"
    finally:
        server.should_exit = True
        thread.join(10)


def test_the_same_referral_fifty_times_at_once_starts_one_pathway(facade_anywhere: Facade) -> None:
    facade = facade_anywhere
    body = json.dumps(referral_bundle()).encode()
    headers = {"Authorization": f"Bearer {facade.token}", "Content-Type": FHIR_JSON}

    def refer(address: str) -> tuple[int, str | None]:
        answer = httpx.post(address, content=body, headers=headers, timeout=60)
        return answer.status_code, answer.headers.get("location")

    with served(facade) as address, ThreadPoolExecutor(50) as crowd:
        answers = list(crowd.map(refer, [address] * 50))
    assert sorted(status for status, _ in answers) == [200] * 49 + [201]
    assert len({place for _, place in answers}) == 1
    assert facade.get("/CarePlan?_summary=count").json()["total"] == 1
    steps = len(facade.house.load(facade.get("/CarePlan").json()["entry"][0]["resource"]["id"])[0].steps)
    assert facade.get("/Task?_summary=count").json()["total"] == steps


def test_a_body_beyond_the_limit_is_refused_and_the_sender_hears_it(facade: Facade) -> None:
    headers = {"Authorization": f"Bearer {facade.token}", "Content-Type": FHIR_JSON}
    with served(facade) as address:
        answer = httpx.post(address, content=b" " * (21 * 1024 * 1024), headers=headers, timeout=60)
        huge = httpx.put(f"{address}/Task/x", content=b"[" * (21 * 1024 * 1024), headers=headers, timeout=60)
    assert (answer.status_code, huge.status_code) == (413, 413)
    assert answer.json()["issue"][0]["code"] == "too-long"


def test_a_sender_who_hangs_up_half_way_starts_nothing_and_is_no_failure_of_ours(
    facade: Facade, caplog: pytest.LogCaptureFixture
) -> None:
    with served(facade) as address:
        url = httpx.URL(address)
        head = (
            f"POST /fhir HTTP/1.1\r\nHost: {url.host}\r\nAuthorization: Bearer {facade.token}\r\n"
            f"Content-Type: {FHIR_JSON}\r\nContent-Length: 5000\r\n\r\n"
        )
        with socket.create_connection((url.host, url.port), timeout=10) as line:
            line.sendall(head.encode() + b'{"resourceType": "Bun')
        assert httpx.get(f"{address}/metadata", timeout=10).status_code == 200
    assert not [one for one in caplog.records if one.levelname == "ERROR"]
    assert facade.get("/CarePlan?_summary=count").json()["total"] == 0


def test_a_referral_of_somebody_born_on_another_day_starts_nothing_and_is_shown(facade: Facade) -> None:
    assert facade.ask("POST", "", resource=referral_bundle()).status_code == 201
    other = replace(patient(0), birth_date=date(1951, 5, 3))
    sent = referral_bundle(person=other)
    for entry in sent["entry"]:
        for identifier in entry["resource"].get("identifier", []):
            if entry["resource"]["resourceType"] == "ServiceRequest":
                identifier["value"] = "R-other"
    answer = facade.ask("POST", "", resource=sent)
    assert answer.status_code == 409
    assert "born on another day" in answer.json()["issue"][0]["diagnostics"]
    with facade.house.service.db.read() as session:
        (shown,) = anomalies.open_ones(session)
    assert (shown.kind, shown.source) == ("contradictory", "RIS")
    service = facade.house.service
    with pytest.raises(Refused, match="sent again by its sender"), service.db.write() as session:
        replay(session, service.ledger, service.site, shown.id, by=COORDINATOR, at=service.clock())


def test_a_referral_that_names_two_patients_starts_nothing(facade: Facade) -> None:
    for number in (1, 2):
        assert facade.ask("POST", "", resource=referral_bundle(number)).status_code == 201
    both = replace(patient(1), identifiers=(*patient(1).identifiers, *patient(2).identifiers))
    answer = facade.ask("POST", "", resource=referral_bundle(3, person=both))
    assert answer.status_code == 409
    assert "several patients" in answer.json()["issue"][0]["diagnostics"]
