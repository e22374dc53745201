"""What a hospital says and nobody can judge, or that it withholds, is kept in sight and stops nothing else."""

from __future__ import annotations

import json
from dataclasses import replace

import httpx

from gateways.fhir_client import FhirClient
from scheduler.fetched import as_read, take
from scheduler.listening import listen_due, notified
from store import anomalies
from store.subscription_tables import ListeningRow
from tests.facade.conftest import HEARTBEAT, Facade, Json
from tests.facade.followed import NOW, heard, listen, rows, their_patient, weight
from tests.peers.hospital import Hospital


def test_a_resource_that_cannot_be_read_is_set_aside_and_stops_nobody(polling: Facade) -> None:
    polling.referred()
    (following,) = polling.house.service.followings
    bad, good = (weight("p1", kilos, polling.house.clock.now) for kilos in (60, 70))
    bad |= {"id": "bad", "status": "no-such-status", "subject": {"reference": "Patient/p1"}}
    good |= {"id": "good", "meta": {"versionId": "4"}}
    identifier = {"system": "urn:oid:1.2.250.1.999.1", "value": "IPP-0"}
    answers: dict[str, Json] = {
        "/Observation/_search": {
            "resourceType": "Bundle",
            "type": "searchset",
            "entry": [{"resource": "odd"}, {"resource": {"resourceType": "Observation"}}]
            + [{"resource": each} for each in (bad, good)],
        },
        "/Patient/p1": {"resourceType": "Patient", "id": "p1", "identifier": [identifier]},
    }
    empty = {"resourceType": "Bundle", "type": "searchset"}

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=answers.get(request.url.path, empty))

    client = FhirClient("http://hospital.test", transport=httpx.MockTransport(answer))
    odd = replace(following, destination=replace(following.destination, client=client))
    while listen_due(odd, now=polling.house.clock.now):
        pass
    known = heard(polling)
    assert known["Observation", "bad"].outcome == "unreadable"
    assert known["Observation", "good"].outcome == "heard"
    with polling.house.service.db.read() as session:
        waiting = [row for row in anomalies.open_ones(session) if row.kind == "unreadable"]
    assert [row.remote for row in waiting] == ["Observation/bad"]
    assert json.loads(waiting[0].body) == bad


def test_what_names_two_of_our_patients_is_for_a_person_to_settle(
    polling: Facade, fhir_server: Hospital
) -> None:
    polling.referred(0)
    polling.referred(1)
    both = [their_patient(fhir_server, number)["id"] for number in (0, 1)]
    made = fhir_server.post(
        {
            "resourceType": "Task",
            "status": "requested",
            "intent": "order",
            "for": {"reference": f"Patient/{both[0]}", "identifier": {"system": "urn:x", "value": "local"}},
        }
    )
    report = fhir_server.post(weight(both[0], 61, polling.house.clock.now))
    (following,) = polling.house.service.followings
    read = as_read({**report, "id": "two", "patient": {"reference": f"Patient/{both[1]}"}}, b"{}")
    assert read is not None
    assert take(following, read)
    listen(polling)
    known = heard(polling)
    assert known["Task", made["id"]].outcome == "heard"
    with polling.house.service.db.read() as session:
        kinds = {row.remote: row.kind for row in anomalies.open_ones(session)}
    assert kinds["Observation/two"] == "contradictory"


def test_what_we_may_not_read_is_in_sight_and_asked_for_again(polling: Facade) -> None:
    (following,) = polling.house.service.followings
    allowed = False

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/Observation/o1":
            said = weight("p1", 70, NOW) | {"id": "o1"}
            return httpx.Response(200, json=said) if allowed else httpx.Response(403)
        if request.url.path.startswith("/Patient/"):
            return httpx.Response(404)
        return httpx.Response(200, json={"resourceType": "Bundle", "type": "searchset"})

    client = FhirClient("http://hospital.test", transport=httpx.MockTransport(answer))
    strict = replace(following, destination=replace(following.destination, client=client))
    clock = polling.house.clock

    def look() -> ListeningRow:
        while listen_due(strict, now=clock.now):
            pass
        return rows(polling)["Observation"]

    look()
    notified(following.works, "chu", "Observation", None, "o1", now=clock.now)
    assert look().reason.startswith("The server does not let us read Observation/o1 (403)")
    clock.wait(seconds=HEARTBEAT)
    assert "Observation/o1" in look().reason
    allowed = True
    clock.wait(hours=1)
    assert look().reason == ""
    assert ("Observation", "o1") in heard(polling)
