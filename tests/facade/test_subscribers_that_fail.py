"""Subscribers hang up, are away and come back, and tellers die: nothing is lost, and nothing comes in another order."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from gateways.hooks import HookClient
from scheduler.notifying import forget_old, match_due, try_again
from scheduler.telling import tell_due
from store import subscriptions
from tests.facade.conftest import SECRET as SETTINGS_KEY
from tests.facade.conftest import Facade
from tests.facade.subscribed import numbered, row, shown, subscribe, work
from tests.peers.subscriber import Call, Subscriber


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
    mortal = Mortal(teller.hooks.reach)
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
        {
            "database_url": said.database_url,
            "secret_key": SETTINGS_KEY,
            "public_url": said.public_url,
            "subscriber_networks": said.subscriber_networks,
        }
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
