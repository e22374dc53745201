"""Systems subscribe here and are told of what changes: in order, at least once, and only what they may read."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from app.fhir.caller import Caller
from app.fhir.errors import FhirError
from app.fhir.subscriptions import before_keeping
from app.projector import projected
from fhir_mappings.notices import CONTENT, FILTER, HEARTBEAT, MOST
from fhir_mappings.subscribing import topic
from fhir_mappings.validate import check
from gateways.hooks import HookClient
from pathway import events as e
from pathway.state import Actor
from scheduler.notifying import Teller, forget_old, match_due, try_again
from scheduler.telling import tell_due
from store import resources, search, subscriptions, tokens
from store.resource_tables import ResourceVersionRow
from store.subscription_tables import NotificationRow, SubscriptionRow
from store.tokens import Holder
from tests.facade.conftest import SECRET as SETTINGS_KEY
from tests.facade.conftest import Facade, Json
from tests.house import RADIOLOGIST
from tests.peers.subscriber import Call, Subscriber

SECRET = "Authorization: Bearer tres-secret"


def wish(url: str, criteria: str = "Task?", **more: Any) -> Json:
    """A plain R4 Subscription, told by empty calls."""
    return {
        "resourceType": "Subscription",
        "id": more.pop("id", "s1"),
        "status": "requested",
        "reason": "Suivi des tâches",
        "criteria": criteria,
        "channel": {"type": "rest-hook", "endpoint": url, **more},
    }


def numbered(url: str, criteria: str = "Task?", *, content: str = "id-only", **more: Any) -> Json:
    """The same in the style of the backport, by topic."""
    extensions = [
        {"url": name, "valuePositiveInt" if name == MOST else "valueUnsignedInt": value}
        for name, value in ((HEARTBEAT, more.pop("heartbeat", None)), (MOST, more.pop("most", None)))
        if value is not None
    ]
    made = wish(url, criteria, **more)
    made["criteria"] = more.pop("topic", "https://jalon.example/fhir/SubscriptionTopic/resource-changed")
    made["_criteria"] = {"extension": [{"url": FILTER, "valueString": criteria}]}
    made["channel"]["payload"] = "application/fhir+json"
    made["channel"]["_payload"] = {"extension": [{"url": CONTENT, "valueCode": content}]}
    if extensions:
        made["channel"]["extension"] = extensions
    return made


def subscribe(facade: Facade, resource: Json, *, scopes: tuple[str, ...] | None = None) -> Json:
    """Have it kept, as whoever writes on the facade does."""
    service, now = facade.house.service, facade.house.clock.now
    with service.db.write() as session:
        (token,) = [one for one in tokens.tokens(session) if one.name == "Entrepôt"]
        holder = Holder(token.id, token.name, "system", None, False, (), scopes=scopes)
        who = Caller(Actor(token.name, "system"), now, holder)
        content = before_keeping(service, session, who, resource)
        body = json.dumps(content).encode()
        resources.keep(session, projected(content), body=body, source=token.name, patient_id=None, now=now)
    return content


def work(facade: Facade) -> None:
    """Match and tell until nothing more is due."""
    teller, clock = facade.house.service.teller, facade.house.clock
    match_due(teller, now=clock.now)
    for _ in range(50):
        if not tell_due(teller, now=clock.now):
            return
    raise AssertionError("the tellers never come to rest")


def row(facade: Facade, id_: str = "s1") -> SubscriptionRow:
    with facade.house.service.db.read() as session:
        found = subscriptions.one(session, id_)
    assert found is not None
    return found


def shown(facade: Facade, id_: str = "s1") -> Json:
    with facade.house.service.db.read() as session:
        found = search.read(session, "Subscription", id_)
    assert found is not None
    return found.content


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


@pytest.mark.parametrize("content", ["empty", "id-only", "full-resource"])
def test_a_notification_holds_what_was_asked_and_is_r4(
    facade: Facade, subscriber: Subscriber, content: str
) -> None:
    subscribe(facade, numbered(subscriber.url, "Task?", content=content, most=100))
    work(facade)
    facade.referred()
    work(facade)
    call = subscriber.calls[-1]
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


def test_who_is_down_for_a_day_hears_everything_in_its_order_afterwards(
    facade: Facade, subscriber: Subscriber
) -> None:
    subscribe(facade, numbered(subscriber.url))
    work(facade)
    subscriber.answers = lambda _: 500
    for number in range(2):
        facade.referred(number)
        for _ in range(4):
            work(facade)
            facade.house.clock.wait(hours=3)
    owed = row(facade).events
    assert subscriber.numbers() == []
    assert row(facade).status == "active"
    subscriber.answers = lambda _: 200
    facade.house.clock.wait(hours=1)
    for _ in range(3):
        work(facade)
    assert subscriber.numbers() == list(range(1, owed + 1))
    assert row(facade).reason == ""


def test_after_three_days_of_failure_it_is_in_error_and_its_events_are_still_counted(
    facade: Facade, subscriber: Subscriber
) -> None:
    subscribe(facade, numbered(subscriber.url))
    work(facade)
    subscriber.answers = lambda _: None
    facade.referred()
    for _ in range(20):
        work(facade)
        facade.house.clock.wait(hours=4)
    assert (row(facade).status, shown(facade)["status"]) == ("error", "error")
    assert shown(facade)["error"]
    before, calls = row(facade).events, len(subscriber.calls)
    facade.referred(1)
    work(facade)
    assert row(facade).events > before
    assert len(subscriber.calls) == calls
    # Its system comes back: it asks for the subscription again and misses nothing.
    subscriber.answers = lambda _: 200
    subscribe(facade, numbered(subscriber.url))
    work(facade)
    assert subscriber.numbers() == list(range(1, row(facade).events + 1))
    assert shown(facade)["status"] == "active"
    assert "error" not in shown(facade)


def test_a_subscriber_that_asks_for_time_gets_it(facade: Facade, subscriber: Subscriber) -> None:
    subscribe(facade, numbered(subscriber.url))
    work(facade)
    subscriber.answers = lambda _: (503, {"Retry-After": "7200"})
    facade.referred()
    work(facade)
    calls = len(subscriber.calls)
    facade.house.clock.wait(minutes=119)
    work(facade)
    assert len(subscriber.calls) == calls
    subscriber.answers = lambda _: 200
    facade.house.clock.wait(minutes=1)
    work(facade)
    assert len(subscriber.numbers()) == row(facade).events


def test_one_that_is_gone_is_told_nothing_more(facade: Facade, subscriber: Subscriber) -> None:
    subscribe(facade, numbered(subscriber.url))
    work(facade)
    subscriber.answers = lambda _: 410
    facade.referred()
    work(facade)
    assert shown(facade)["status"] == "off"
    calls = len(subscriber.calls)
    facade.referred(1)
    facade.house.clock.wait(days=1)
    work(facade)
    assert len(subscriber.calls) == calls
    assert try_again(facade.house.service.works, "s1", now=facade.house.clock.now) is False


def test_a_teller_killed_between_the_call_and_the_mark_calls_again_with_the_same_number(
    facade: Facade, subscriber: Subscriber
) -> None:
    class Killed(BaseException):
        pass

    class Mortal(HookClient):
        def send(self, *args: Any, **more: Any) -> None:
            super().send(*args, **more)
            raise Killed

    subscribe(facade, numbered(subscriber.url))
    work(facade)
    facade.referred()
    teller, now = facade.house.service.teller, facade.house.clock.now
    match_due(teller, now=now)
    mortal = Mortal()
    with pytest.raises(Killed):
        tell_due(replace(teller, hooks=mortal), now=now)
    mortal.close()
    assert subscriber.numbers() == [1]
    with facade.house.service.db.write() as session:
        subscriptions.free_leases(session)
    work(facade)
    assert subscriber.numbers() == [1, *range(1, row(facade).events + 1)]


WORKER = """
import json, os, sys
from datetime import datetime
from app.service import build
from app.settings import Settings
from scheduler.telling import tell_due
now = datetime.fromisoformat(sys.argv[2])
service = build(Settings(**json.loads(sys.argv[1])), now=lambda: now)
print(os.getpid(), flush=True)
tell_due(service.teller, now=now)
"""


def test_a_worker_killed_with_the_answer_on_its_way_is_followed_by_one_that_says_the_same(
    facade: Facade, subscriber: Subscriber
) -> None:
    subscribe(facade, numbered(subscriber.url))
    work(facade)
    facade.referred()
    service, now = facade.house.service, facade.house.clock.now
    match_due(service.teller, now=now)
    said = service.settings
    settings = json.dumps(
        {"database_url": said.database_url, "secret_key": SETTINGS_KEY, "public_url": said.public_url}
    )
    command = [sys.executable, "-c", WORKER, settings, now.isoformat()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        subscriber.answers = lambda _: worker.kill() or 200  # type: ignore[func-returns-value]
        assert worker.wait(timeout=60) == -signal.SIGKILL
    subscriber.answers = lambda _: 200
    assert subscriber.numbers() == [1]
    assert row(facade).told == 0
    with service.db.write() as session:
        subscriptions.free_leases(session)
    work(facade)
    assert subscriber.numbers() == [1, *range(1, row(facade).events + 1)]


def test_answers_lost_doubled_or_refused_leave_every_number_heard(
    facade: Facade, subscriber: Subscriber
) -> None:
    turns = iter(range(10_000))

    def moody(_: Call) -> int | None:
        return {0: None, 3: 500, 5: 429}.get(next(turns) % 7, 200)

    subscribe(facade, numbered(subscriber.url))
    work(facade)
    subscriber.answers = moody
    facade.referred()
    for _ in range(25):
        work(facade)
        facade.house.clock.wait(hours=1)
    heard = subscriber.numbers()
    assert sorted(set(heard)) == list(range(1, row(facade).events + 1))
    assert heard == sorted(heard)


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


def test_its_end_and_the_end_of_its_token_end_it(facade: Facade, subscriber: Subscriber) -> None:
    end = facade.house.clock.now + timedelta(hours=1)
    subscribe(facade, {**numbered(subscriber.url), "end": end.isoformat().replace("+00:00", "Z")})
    subscribe(facade, numbered(subscriber.url, id="s2"))
    work(facade)
    facade.house.clock.wait(hours=1)
    work(facade)
    assert (shown(facade, "s1")["status"], shown(facade, "s2")["status"]) == ("off", "active")
    with facade.house.service.db.write() as session:
        (token,) = [one for one in tokens.tokens(session) if one.name == "Entrepôt"]
        tokens.revoke(session, token.id, facade.house.clock.now)
    work(facade)
    assert shown(facade, "s2")["status"] == "off"


def test_secrets_of_headers_are_shown_nowhere_and_survive_an_update(
    facade: Facade, subscriber: Subscriber
) -> None:
    kept = subscribe(facade, wish(subscriber.url, header=[SECRET, "X-Site: 12"]))
    assert kept["channel"]["header"] == ["Authorization: ********", "X-Site: ********"]
    with facade.house.service.db.read() as session:
        versions = session.exec(
            select(ResourceVersionRow).where(ResourceVersionRow.type == "Subscription")
        ).all()
        assert "tres-secret" not in str([(each.content, each.body) for each in versions])
        assert "tres-secret" not in str(session.exec(select(SubscriptionRow)).all())
    subscribe(facade, {**kept, "status": "requested"})
    work(facade)
    facade.referred()
    work(facade)
    assert subscriber.calls[0].headers["authorization"] == "Bearer tres-secret"


REFUSED: list[tuple[Json, str]] = [
    ({"criteria": "Task?_lastUpdated=gt2027"}, "value"),
    ({"criteria": "http://elsewhere/SubscriptionTopic/x"}, "not-supported"),
    ({"criteria": "https://jalon.example/fhir/SubscriptionTopic/resource-changed"}, "required"),
    ({"channel": {"type": "email", "endpoint": "mailto:a@example.org"}}, "not-supported"),
    ({"channel": {"type": "rest-hook", "endpoint": "http://hospital.example/hook"}}, "value"),
    ({"channel": {"type": "rest-hook", "endpoint": "https://a:b@hospital.example/hook"}}, "value"),
    (
        {"channel": {"type": "rest-hook", "endpoint": "https://h.example/", "payload": "text/plain"}},
        "not-supported",
    ),
    (
        {"channel": {"type": "rest-hook", "endpoint": "https://h.example/", "header": ["Host: x"]}},
        "value",
    ),
    ({"channel": {"type": "rest-hook"}}, "value"),
]


def test_what_cannot_be_served_is_refused_in_a_sentence(facade: Facade) -> None:
    for change, code in REFUSED:
        with pytest.raises(FhirError) as refused:
            subscribe(facade, {**wish("https://h.example/hook"), **change})
        assert refused.value.status == 422
        assert (change, refused.value.issues[0].code) == (change, code)


def test_nobody_subscribes_to_what_they_may_not_read(facade: Facade) -> None:
    with pytest.raises(FhirError) as refused:
        subscribe(facade, wish("https://h.example/hook", "Task?"), scopes=("system/Appointment.read",))
    assert refused.value.status == 403


def test_past_events_can_be_asked_for_and_how_it_stands(facade: Facade, subscriber: Subscriber) -> None:
    subscribe(facade, numbered(subscriber.url, content="full-resource", most=50))
    work(facade)
    facade.referred()
    work(facade)
    last = row(facade).events
    answer = facade.get("/Subscription/s1/$status", token=facade.reader)
    (entry,) = answer.json()["entry"]
    said = {each["name"]: each for each in entry["resource"]["parameter"]}
    assert said["type"]["valueCode"] == "query-status"
    assert said["events-since-subscription-start"]["valueString"] == str(last)
    path = f"/Subscription/s1/$events?eventsSinceNumber=2&eventsUntilNumber={last}"
    events = facade.get(path, token=facade.reader)
    assert events.status_code == 200
    call = Call("GET", path, {}, events.content)
    assert call.numbers == list(range(2, last + 1))
    assert call.parameter("type") == "query-event"
    assert len(events.json()["entry"]) == last
    bare = facade.get(path + "&content=empty", token=facade.reader)
    assert "Task/" not in bare.text
    assert facade.get(path, token=facade.rival).status_code == 403
    assert facade.get("/Subscription/none/$status").status_code == 404
    assert facade.get("/Subscription/s1/$events?eventsSinceNumber=x", token=facade.reader).status_code == 400
    assert facade.get("/Subscription/$status", token=facade.reader).json()["total"] == 1
    assert facade.get("/Subscription/$status?status=off", token=facade.reader).json()["total"] == 0


def test_old_events_are_let_go_and_leave_nothing_owed(facade: Facade, subscriber: Subscriber) -> None:
    subscribe(facade, numbered(subscriber.url))
    work(facade)
    facade.referred()
    match_due(facade.house.service.teller, now=facade.house.clock.now)
    facade.house.clock.wait(days=31)
    forget_old(facade.house.service.teller, now=facade.house.clock.now)
    work(facade)
    assert subscriber.numbers() == []
    assert row(facade).told == row(facade).events


def test_a_copy_of_the_database_tells_nobody(facade: Facade, subscriber: Subscriber) -> None:
    subscribe(facade, numbered(subscriber.url))
    teller = facade.house.service.teller
    elsewhere = replace(teller, works=replace(teller.works, identity="a copy"))
    assert tell_due(elsewhere, now=facade.house.clock.now) == 0
    assert subscriber.calls == []


def test_a_system_subscribes_over_the_wire_and_only_it_changes_what_it_made(
    facade: Facade, subscriber: Subscriber
) -> None:
    made = facade.ask(
        "POST", "/Subscription", token=facade.reader, resource=wish(subscriber.url, header=[SECRET])
    )
    assert made.status_code == 201
    place = f"/Subscription/{made.json()['id']}"
    assert made.json()["status"] == "requested"
    work(facade)
    for path in (place, f"{place}/_history", "/Subscription?status=active"):
        read = facade.get(path, token=facade.rival)
        assert (read.status_code, "tres-secret" in read.text) == (200, False), path
    kept = facade.get(place).json()
    assert (kept["status"], kept["meta"]["versionId"]) == ("active", "2")
    off = {**kept, "status": "off"}
    assert facade.put(off, token=facade.rival).status_code == 403
    assert facade.put(off, token=facade.reader).json()["status"] == "off"
    facade.referred()
    work(facade)
    assert subscriber.calls == []
    refused = facade.ask("POST", "/Subscription", token=facade.reader, resource=wish("http://far.example/"))
    assert refused.status_code == 422
    assert refused.json()["issue"][0]["diagnostics"] == "The endpoint must be an https address; give one."


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
