"""What changes on a real hospital's server reaches us, whichever way we hear of it and whatever is lost on the way."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from app.following import secret_of
from app.secrets import installation_key
from fhir_mappings.body import MAX_BYTES
from scheduler.listening import listen_due
from tests.facade.conftest import HEARTBEAT, TYPES, Facade, open_following
from tests.facade.followed import heard, listen, missed, rows, their_patient, weight
from tests.peers.hospital import Hospital
from tests.peers.rest_hooks import RestHooks


def hooks(facade: Facade, hospital: Hospital, **bad: Any) -> RestHooks:
    def post(path: str, body: bytes) -> int:
        return facade.client.post(path, content=body).status_code

    return RestHooks(hospital, post, **bad)


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
