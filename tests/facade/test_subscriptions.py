"""Subscribers are told of what changes: in order, at least once, in the words that they asked for."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

from sqlmodel import select

from fhir_mappings.notices import LEVELS
from fhir_mappings.subscribing import topic
from fhir_mappings.validate import check
from pathway import events as e
from scheduler.notifying import Teller, match_due
from scheduler.telling import tell_due
from store import subscriptions
from store.resource_tables import ResourceVersionRow
from store.subscription_tables import NotificationRow
from tests.facade.conftest import Facade
from tests.facade.subscribed import SECRET, numbered, row, shown, subscribe, wish, work
from tests.house import RADIOLOGIST
from tests.peers.subscriber import Subscriber


def test_a_plain_subscriber_is_called_without_a_word_for_every_change(
    facade: Facade, subscriber: Subscriber
) -> None:
    kept = subscribe(facade, wish(subscriber.url, "Task?status=ready", header=[SECRET]))
    assert kept["status"] == "requested"
    work(facade)
    assert shown(facade)["status"] == "active"
    assert subscriber.calls == []
    facade.referred()
    work(facade)
    assert {(call.method, call.path, call.body) for call in subscriber.calls} == {("POST", "/hook", b"")}
    assert subscriber.calls[0].headers["authorization"] == "Bearer tres-secret"
    assert row(facade).told == len(subscriber.calls) > 0


def test_one_with_a_payload_is_put_each_resource_as_it_was(facade: Facade, subscriber: Subscriber) -> None:
    subscribe(facade, wish(subscriber.url, "CarePlan?", payload="application/fhir+json"))
    work(facade)
    facade.referred()
    work(facade)
    (first, *_) = subscriber.calls
    plan = first.json
    assert (first.method, first.path) == ("PUT", f"/hook/CarePlan/{plan['id']}")
    assert plan["resourceType"] == "CarePlan"
    assert plan["meta"]["versionId"] == "1"
    assert first.headers["content-type"] == "application/fhir+json"


def test_the_backport_shakes_hands_then_numbers_every_event(facade: Facade, subscriber: Subscriber) -> None:
    subscribe(facade, numbered(subscriber.url, "Task?status=ready,requested"))
    work(facade)
    (hands,) = subscriber.calls
    assert (hands.parameter("type"), hands.parameter("status")) == ("handshake", "requested")
    assert hands.parameter("events-since-subscription-start") == "0"
    facade.referred()
    work(facade)
    told = subscriber.numbers()
    assert told == list(range(1, len(told) + 1))
    assert told
    last = subscriber.calls[-1]
    assert last.json["type"] == "history"
    assert last.parameter("status") == "active"
    assert last.parameter("topic") == topic(facade.house.service.site)
    event = last.parameter("notification-event")
    focus = next(part for part in event["part"] if part["name"] == "focus")["valueReference"]["reference"]
    assert focus.startswith("http://jalon.test/fhir/Task/")
    assert len(last.json["entry"]) == 1


def test_a_notification_holds_what_was_asked_and_is_r4(facade: Facade, subscriber: Subscriber) -> None:
    for content in LEVELS:
        subscribe(facade, numbered(f"{subscriber.url}/{content}", content=content, most=100, id=content))
    work(facade)
    facade.referred()
    work(facade)
    for content in LEVELS:
        call = [each for each in subscriber.calls if each.path == f"/hook/{content}"][-1]
        assert check(call.json) == []
        tasks = [each["resource"] for each in call.json["entry"][1:]]
        assert bool(tasks) is (content == "full-resource")
        assert ("Task/" in call.body.decode()) is (content != "empty")
        assert len(tasks) in (0, len(call.numbers))


def test_a_sign_of_life_is_given_when_nothing_happens(facade: Facade, subscriber: Subscriber) -> None:
    subscribe(facade, numbered(subscriber.url, heartbeat=60))
    work(facade)
    facade.house.clock.wait(seconds=59)
    work(facade)
    assert len(subscriber.calls) == 1
    facade.house.clock.wait(seconds=1)
    work(facade)
    work(facade)
    assert [call.parameter("type") for call in subscriber.calls] == ["handshake", "heartbeat"]
    assert subscriber.calls[-1].parameter("events-since-subscription-start") == "0"


def test_versions_of_one_resource_come_in_their_order_though_the_clock_was_set_back(
    facade: Facade, subscriber: Subscriber
) -> None:
    subscribe(facade, numbered(subscriber.url, "Task?"))
    work(facade)
    pathway_id = facade.referred()
    facade.house.clock.wait(seconds=-30)
    facade.house.record(pathway_id, e.StepCompleted(by=RADIOLOGIST, step="triage", outcome="accepted"))
    work(facade)
    with facade.house.service.db.read() as session:
        told = session.exec(select(NotificationRow).order_by(NotificationRow.number)).all()  # type: ignore[arg-type]
    by_id: dict[str, list[int]] = {}
    for each in told:
        by_id.setdefault(each.id, []).append(each.version)
    assert any(len(versions) > 1 for versions in by_id.values())
    assert all(versions == sorted(versions) for versions in by_id.values())


def test_thousands_of_untold_versions_are_matched_batch_by_batch(
    facade_anywhere: Facade, subscriber: Subscriber
) -> None:
    facade, count = facade_anywhere, 3000
    subscribe(facade, numbered(subscriber.url, "Task?status=ready"))
    work(facade)
    at = facade.house.clock.now
    with facade.house.service.db.write() as session:
        session.add_all(
            ResourceVersionRow(
                type="Task" if number % 3 else "Flag",
                id=f"t{number}",
                version=1,
                updated=at + timedelta(microseconds=number),
                method="POST",
                content={
                    "resourceType": "Task",
                    "id": f"t{number}",
                    "status": "ready" if number % 2 else "draft",
                },
            )
            for number in range(count)
        )
    match_due(facade.house.service.teller, now=at)
    wanted = sum(1 for number in range(count) if number % 3 and number % 2)
    assert row(facade).events == wanted
    with facade.house.service.db.read() as session:
        assert not subscriptions.any_untold(session)
        first = subscriptions.between(session, "s1", 1, wanted, limit=count)
    assert [each.number for each in first] == list(range(1, wanted + 1))
    assert [each.at for each in first] == sorted(each.at for each in first)


def test_any_number_of_workers_tell_each_event_once_and_in_order(
    facade_anywhere: Facade, subscriber: Subscriber
) -> None:
    facade = facade_anywhere
    for id_ in ("s1", "s2"):
        subscribe(facade, numbered(f"{subscriber.url}/{id_}", "Task?", id=id_))
    work(facade)
    facade.referred()
    teller = facade.house.service.teller
    workers = [replace(teller, works=replace(teller.works, owner=f"worker-{number}")) for number in range(4)]

    def run(one: Teller) -> None:
        for _ in range(4):
            match_due(one, now=facade.house.clock.now)
            tell_due(one, now=facade.house.clock.now)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run, workers))
    for id_ in ("s1", "s2"):
        told = subscriber.numbers(f"/hook/{id_}")
        assert told == list(range(1, row(facade, id_).events + 1))
        assert told


def test_without_a_subscriber_nothing_is_kept_to_tell(facade: Facade) -> None:
    facade.referred()
    work(facade)
    with facade.house.service.db.read() as session:
        assert not subscriptions.any_untold(session)


def test_what_another_system_writes_is_told_in_its_own_words(facade: Facade, subscriber: Subscriber) -> None:
    subscribe(facade, numbered(subscriber.url, "Observation?", content="full-resource"))
    work(facade)
    said = (
        b'{"resourceType":"Observation","status":"final","code":{"text":"Poids"},'
        b'"valueQuantity":{"value":71.50,"unit":"kg"}}'
    )
    answer = facade.ask(
        "POST", "/Observation", content=said, headers={"Content-Type": "application/fhir+json"}
    )
    assert answer.status_code == 201
    work(facade)
    (_, told) = subscriber.calls
    assert b'"value":71.50' in told.body
    assert told.json["entry"][1]["resource"]["id"] == answer.json()["id"]
    assert told.json["entry"][1]["request"] == {"method": "POST", "url": "Observation"}
