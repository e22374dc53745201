"""What changes on a real hospital's server reaches us, whichever way we hear of it and whatever is lost on the way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from sqlmodel import select

from app.following import secret_of
from app.secrets import installation_key
from fhir_mappings.body import MAX_BYTES
from gateways.fhir_client import FhirClient
from scheduler.comparing import next_night
from scheduler.fetched import as_read, take
from scheduler.listening import listen_due
from store import anomalies, listening
from store.subscription_tables import HeardRow, ListeningRow
from tests.facade.conftest import Facade, Json, open_facade
from tests.house import Clock, patient
from tests.peers.hospital import Hospital
from tests.peers.rest_hooks import RestHooks

HEARTBEAT = 60.0
TYPES = ["Task", "Observation", "Patient"]
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


def real_now() -> datetime:
    """The hospital's server dates its changes by the machine's clock, so a story with it begins now."""
    return datetime.now(UTC)


def open_following(
    tmp_path: Path, hospital: Hospital, by: str, types: list[str], url: str = ""
) -> Iterator[Facade]:
    listen = {"types": types, "by": by, "every_seconds": HEARTBEAT}
    settings: dict[str, Any] = {
        "database_url": url or f"sqlite:///{tmp_path / 'jalon.sqlite'}",
        "fhir_destinations": [{"name": "chu", "url": hospital.base_url, "listen": listen}],
    }
    yield from open_facade(settings, Clock(real_now()))


@pytest.fixture(params=["poll", "subscription", "subscription-r5"])
def following(request: pytest.FixtureRequest, tmp_path: Path, fhir_server: Hospital) -> Iterator[Facade]:
    """Follows the hospital in each of the three ways."""
    yield from open_following(tmp_path, fhir_server, request.param, TYPES)


@pytest.fixture
def polling(tmp_path: Path, fhir_server: Hospital) -> Iterator[Facade]:
    yield from open_following(tmp_path, fhir_server, "poll", TYPES)


@pytest.fixture
def polling_anywhere(database_url: str, tmp_path: Path, fhir_server: Hospital) -> Iterator[Facade]:
    """On SQLite and on PostgreSQL."""
    yield from open_following(tmp_path, fhir_server, "poll", TYPES, database_url)


@pytest.fixture
def numbered(tmp_path: Path, fhir_server: Hospital) -> Iterator[Facade]:
    yield from open_following(tmp_path, fhir_server, "subscription-r5", TYPES)


def listen(facade: Facade) -> None:
    """Look at whatever is due, until nothing is."""
    (one,) = facade.house.service.followings
    for _ in range(60):
        if not listen_due(one, now=facade.house.clock.now):
            return
    raise AssertionError("the listener never comes to rest")


def hooks(facade: Facade, hospital: Hospital, **bad: Any) -> RestHooks:
    def post(path: str, body: bytes) -> int:
        return facade.client.post(path, content=body).status_code

    return RestHooks(hospital, post, **bad)


def rows(facade: Facade) -> dict[str, ListeningRow]:
    with facade.house.service.db.read() as session:
        return {row.type: row for row in listening.followed(session)}


def heard(facade: Facade) -> dict[tuple[str, str], HeardRow]:
    """The last version heard of each resource."""
    with facade.house.service.db.read() as session:
        found = session.exec(select(HeardRow)).all()
    last: dict[tuple[str, str], HeardRow] = {}
    for row in sorted(found, key=lambda one: (one.updated or NOW, one.at)):
        last[f"{row.type}", row.id] = row
    return last


def missed(facade: Facade, hospital: Hospital) -> list[str]:
    """What stands at the hospital in a version that we have not heard."""
    known = heard(facade)
    wrong = []
    for each in hospital.everything():
        key = (each["resourceType"], each["id"])
        if key[0] in TYPES and (key not in known or known[key].version != each["meta"]["versionId"]):
            wrong.append("/".join(key))
    return wrong


def their_patient(hospital: Hospital, number: int = 0) -> Json:
    """The hospital's own record of our patient."""
    identifier = patient(number).identifiers[0]
    return hospital.post(
        {
            "resourceType": "Patient",
            "identifier": [{"system": identifier.system, "value": identifier.value}],
            "name": [{"family": f"Essai{number}", "given": ["Odile"]}],
        }
    )


def weight(patient_id: str, kilos: float, at: datetime) -> Json:
    """A body weight, measured just now."""
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
        "subject": {"reference": f"Patient/{patient_id}"},
        "effectiveDateTime": at.isoformat(timespec="seconds"),
        "valueQuantity": {"value": kilos, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
    }


def triage_status(facade: Facade, pathway_id: str) -> str:
    step = facade.house.load(pathway_id)[0].last("triage")
    assert step is not None
    return str(step.status.value)


def test_what_the_hospital_changes_in_our_task_moves_the_pathway(
    following: Facade, fhir_server: Hospital
) -> None:
    listen(following)
    bell = hooks(following, fhir_server)
    bell.shake_hands()
    pathway_id = following.referred()
    following.house.tick()
    listen(following)
    value = f"https://jalon.example/fhir/id/task|{pathway_id}/triage/1"
    (task,) = fhir_server.search("Task", identifier=value)
    fhir_server.put({**task, "status": "in-progress"})
    bell.look()
    following.house.clock.wait(seconds=HEARTBEAT)
    listen(following)
    assert triage_status(following, pathway_id) == "in-progress"
    outcomes = {row.outcome for (kind, _), row in heard(following).items() if kind == "Task"}
    assert outcomes == {"ours", "heard"}
    assert missed(following, fhir_server) == []


def test_a_result_of_our_patient_is_a_fact_and_its_bytes_are_kept(
    polling_anywhere: Facade, fhir_server: Hospital
) -> None:
    polling = polling_anywhere
    pathway_id = polling.referred()
    theirs = their_patient(fhir_server)
    said = fhir_server.post(weight(theirs["id"], 71.50, polling.house.clock.now))
    listen(polling)
    row = heard(polling)["Observation", said["id"]]
    assert (row.outcome, row.version) == ("heard", said["meta"]["versionId"])
    assert row.body is not None
    assert json.loads(row.body) == said
    facts = polling.house.load(pathway_id)[0].facts
    assert any(fact.value == 71.5 for fact in facts)


def test_of_strangers_nothing_is_kept_and_each_version_is_heard_once(
    polling: Facade, fhir_server: Hospital
) -> None:
    stranger = fhir_server.post({"resourceType": "Patient", "name": [{"family": "Inconnue"}]})
    fhir_server.post(weight(stranger["id"], 60, polling.house.clock.now))
    listen(polling)
    assert {row.outcome for row in heard(polling).values()} == {"stranger"}
    assert all(row.body is None for row in heard(polling).values())
    before = len(fhir_server.requests())
    polling.house.clock.wait(seconds=HEARTBEAT)
    listen(polling)
    reads = [one for one in fhir_server.requests()[before:] if one["method"] == "GET"]
    assert [one for one in reads if "/Patient/" in one["url"]] == []


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


def test_more_than_a_page_is_read_to_its_end(polling: Facade, fhir_server: Hospital) -> None:
    polling.referred()
    theirs = their_patient(fhir_server)
    entries = [
        {
            "resource": weight(theirs["id"], 40 + number / 10, polling.house.clock.now),
            "request": {"method": "POST", "url": "Observation"},
        }
        for number in range(25)
    ]
    fhir_server.post({"resourceType": "Bundle", "type": "transaction", "entry": entries})
    (following,) = polling.house.service.followings
    while listen_due(replace(following, page=10), now=polling.house.clock.now):
        pass
    assert missed(polling, fhir_server) == []


def test_a_hospital_that_is_down_is_asked_again_later_and_nothing_is_missed(
    polling: Facade, fhir_server: Hospital
) -> None:
    listen(polling)
    polling.referred()
    theirs = their_patient(fhir_server)
    polling.house.clock.wait(seconds=HEARTBEAT)
    fhir_server.fail_next(1, 503, retry_after=90)
    listen(polling)
    waiting = [row for row in rows(polling).values() if row.reason]
    assert waiting
    assert all(row.next_at >= polling.house.clock.now + timedelta(seconds=90) for row in waiting)
    fhir_server.post(weight(theirs["id"], 70, polling.house.clock.now))
    polling.house.clock.wait(seconds=90)
    listen(polling)
    assert missed(polling, fhir_server) == []
    assert all(not row.reason for row in rows(polling).values())


@pytest.mark.parametrize("by", ["subscription", "subscription-r5"])
@pytest.mark.parametrize(
    ("dice", "turns"), [(7, 9), *(pytest.param(seed, 40, marks=pytest.mark.chaos) for seed in range(20, 25))]
)
def test_dropped_doubled_and_shuffled_our_state_is_the_hospitals_within_a_heartbeat_and_a_minute(
    tmp_path: Path, fhir_server: Hospital, by: str, dice: int, turns: int
) -> None:
    for facade in open_following(tmp_path, fhir_server, by, TYPES):
        lost = a_bad_day(facade, fhir_server, Random(dice), turns)
        assert lost > 0
        # From here on nothing changes at the hospital: one heartbeat and sixty seconds.
        clock = facade.house.clock
        end = clock.now + timedelta(seconds=HEARTBEAT + 60)
        while clock.now < end:
            listen(facade)
            clock.wait(seconds=10)
        listen(facade)
        assert missed(facade, fhir_server) == []
        for task in fhir_server.search("Task", _count="200"):
            value = task["identifier"][0]["value"]
            if value.endswith("/triage/1"):
                assert triage_status(facade, value.partition("/")[0]) == task["status"] == "in-progress"


def a_bad_day(facade: Facade, hospital: Hospital, dice: Random, turns: int) -> int:
    """The hospital measures, corrects and begins its Tasks, and the way to us is bad. How many calls were lost."""
    clock = facade.house.clock
    listen(facade)
    bell = hooks(facade, hospital, dropped=0.1, doubled=0.1, shuffled=True, dice=dice)
    bell.shake_hands()
    pathways = [facade.referred(number) for number in range(2)]
    facade.house.tick()
    people = [one["id"] for one in hospital.search("Patient")]
    for turn in range(turns):
        for _ in range(2):
            made = hospital.post(weight(dice.choice(people), 50 + turn, clock.now))
            if dice.random() < 0.5:
                hospital.put({**made, "status": "amended"})
        if turn in (3, 6):
            value = f"https://jalon.example/fhir/id/task|{pathways[turn // 3 - 1]}/triage/1"
            (task,) = hospital.search("Task", identifier=value)
            hospital.put({**task, "status": "in-progress"})
        bell.look()
        if turn % 3 == 0:
            listen(facade)
        clock.wait(seconds=3)
    return bell.lost


def test_a_gap_in_the_numbers_is_made_good_at_once(numbered: Facade, fhir_server: Hospital) -> None:
    listen(numbered)
    bell = hooks(numbered, fhir_server)
    bell.shake_hands()
    numbered.referred()
    theirs = their_patient(fhir_server)
    bell.look()
    listen(numbered)
    bell.dropped = 1.0
    fhir_server.post(weight(theirs["id"], 70, numbered.house.clock.now))
    bell.look()
    listen(numbered)
    assert missed(numbered, fhir_server) != []
    bell.dropped = 0.0
    bell.beat()
    listen(numbered)
    assert missed(numbered, fhir_server) == []
    assert rows(numbered)["Observation"].gaps == 1


def test_a_notification_is_fetched_by_its_id_and_asks_for_no_search(
    numbered: Facade, fhir_server: Hospital
) -> None:
    listen(numbered)
    bell = hooks(numbered, fhir_server)
    bell.shake_hands()
    numbered.referred()
    theirs = their_patient(fhir_server)
    bell.look()
    listen(numbered)
    before = len(fhir_server.requests())
    made = fhir_server.post(weight(theirs["id"], 70, numbered.house.clock.now))
    bell.look()
    listen(numbered)
    asked = [
        one["url"]
        for one in fhir_server.requests()[before:]
        if one["method"] == "GET" or one["url"].endswith("_search")
    ]
    assert [url for url in asked if "Observation" in url] == [f"/fhir/Observation/{made['id']}"]
    assert missed(numbered, fhir_server) == []


def test_a_subscription_that_was_switched_off_or_lost_is_made_again(
    numbered: Facade, fhir_server: Hospital
) -> None:
    listen(numbered)
    hooks(numbered, fhir_server).shake_hands()
    mine = {one["criteria"]: one for one in fhir_server.search("Subscription", _count="50")}
    assert set(mine) == {f"{type_}?" for type_ in TYPES}
    fhir_server.put({**mine["Task?"], "status": "off"})
    numbered.house.clock.wait(seconds=HEARTBEAT)
    listen(numbered)
    assert fhir_server.get(f"Subscription/{mine['Task?']['id']}")["status"] == "requested"
    fhir_server.reset()
    numbered.house.clock.wait(seconds=HEARTBEAT)
    listen(numbered)
    again = fhir_server.search("Subscription", _count="50")
    assert {one["criteria"] for one in again} == set(mine)


def test_the_nightly_comparison_finds_what_everything_else_missed(
    polling: Facade, fhir_server: Hospital
) -> None:
    polling.referred()
    theirs = their_patient(fhir_server)
    listen(polling)
    made = fhir_server.post(weight(theirs["id"], 70, polling.house.clock.now))
    # A server that committed late: its change is older than where we have got to.
    with polling.house.service.db.write() as session:
        for type_ in TYPES:
            row = listening.locked(session, "chu", type_)
            assert row is not None
            row.cursor = real_now() + timedelta(hours=1)
            row.compare_at = real_now() + timedelta(hours=24)
    polling.house.clock.wait(hours=2)
    listen(polling)
    assert missed(polling, fhir_server) == [f"Observation/{made['id']}"]
    polling.house.clock.wait(hours=23)
    listen(polling)
    assert missed(polling, fhir_server) == []
    assert rows(polling)["Observation"].differed == 1
    assert rows(polling)["Observation"].compared is not None
    polling.house.clock.wait(hours=25)
    listen(polling)
    assert rows(polling)["Observation"].differed == 0


def test_the_comparison_is_at_night_in_the_centres_zone() -> None:
    paris = ZoneInfo("Europe/Paris")
    for now, night in (
        (datetime(2027, 3, 1, 2, 59, tzinfo=UTC), datetime(2027, 3, 1, 3, 0, tzinfo=UTC)),
        (datetime(2027, 3, 1, 3, 0, tzinfo=UTC), datetime(2027, 3, 2, 3, 0, tzinfo=UTC)),
        (datetime(2027, 3, 27, 12, 0, tzinfo=UTC), datetime(2027, 3, 28, 2, 0, tzinfo=UTC)),
    ):
        assert next_night(now, paris) == night


def test_only_who_knows_the_address_tells_us_anything(numbered: Facade, fhir_server: Hospital) -> None:
    listen(numbered)
    key = installation_key(numbered.house.service.settings)
    good = f"/fhir/notify/chu/{secret_of(key, 'chu', 'Task')}"
    assert numbered.client.post(good).status_code == 200
    assert numbered.client.post(good, content=b"\xff{{{not json").status_code == 200
    assert numbered.client.put(f"{good}/Task/123", content=b"{}").status_code == 200
    for wrong in (f"/fhir/notify/autre/{secret_of(key, 'chu', 'Task')}", "/fhir/notify/chu/secret"):
        assert numbered.client.post(wrong).status_code == 404
        # Nor is anything taken in: it would be told that this is too much.
        assert numbered.client.post(wrong, content=b" " * (MAX_BYTES + 1)).status_code == 404
    # A Task that is not there is no trouble, and what was pinged is looked for.
    listen(numbered)
    assert not rows(numbered)["Task"].reason
