"""A nursery of workers to be killed: imports everything once, then forks one worker for every line it reads.

A line is JSON: ``{"point": NAME, "nth": N}`` for a worker that kills itself with SIGKILL at the nth passage of
a named point, or ``{"point": null}`` for one that is killed, or stopped, from outside. It answers ``pid`` when
the worker begins, and ``done STATUS`` when it is gone. The parent opens nothing that a child would inherit.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import event

from app.service import Service, build
from app.settings import Settings
from gateways.ports import MessageGateway, Outgoing, Receipt
from scheduler.messages import send_due

POINTS = ("after claim", "before send", "after the gateway accepted", "before mark", "before commit")


class Fuse:
    """Sends this process a signal at the nth passage of its point: SIGKILL, or SIGSTOP for one to be woken."""

    def __init__(self, point: str | None, nth: int, sig: int = signal.SIGKILL) -> None:
        self.point, self._left, self._signal = point, nth, sig

    def passes(self, point: str) -> None:
        """This point has been reached."""
        if point == self.point:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), self._signal)


class Fused:
    """A gateway with a fuse just before the bytes leave and just after the other side has taken them."""

    def __init__(self, inner: MessageGateway, fuse: Fuse, *, fenced: bool) -> None:
        self._inner, self._fuse, self._fenced = inner, fuse, fenced
        self.name, self.searchable = inner.name, inner.searchable
        self.timeout, self.search_delay = inner.timeout, inner.search_delay

    def send(self, message: Outgoing, *, fence: Callable[[], None]) -> Receipt:
        def fused_fence() -> None:
            self._fuse.passes("before send")
            if self._fenced:
                fence()

        receipt = self._inner.send(message, fence=fused_fence)
        self._fuse.passes("after the gateway accepted")
        return receipt

    def find(self, tag: str) -> Receipt | None:
        return self._inner.find(tag)


def watch_the_database(service: Service, fuse: Fuse) -> None:
    """Fuses at the commits: before any of them, after one that claimed, before one that marks."""
    seen = {"claim": False, "mark": False}

    @event.listens_for(service.db.engine, "before_cursor_execute")
    def read(_c: Any, _cur: Any, statement: str, parameters: Any, _ctx: Any, _many: bool) -> None:
        if statement.startswith("UPDATE owed SET"):
            seen["claim"] |= "RETURNING" in statement
            seen["mark"] |= "sent" in str(parameters) and "provider_id" in statement

    @event.listens_for(service.db.engine, "commit")
    def before_commit(_connection: Any) -> None:
        if seen["mark"]:
            fuse.passes("before mark")
        if seen["claim"] or seen["mark"]:
            fuse.passes("before commit")
        seen["mark"] = False

    @event.listens_for(service.db.engine, "begin")
    def next_transaction(_connection: Any) -> None:
        # The claim is committed when the next transaction begins.
        if seen["claim"]:
            fuse.passes("after claim")
        seen["claim"] = False


def work(settings: Settings, epoch: datetime, started: float, order: dict[str, Any]) -> None:
    """Be a worker until nothing is left to do."""
    fuse = Fuse(order.get("point"), order.get("nth", 1), order.get("signal", signal.SIGKILL))

    def now() -> datetime:
        # Thirty times as fast, so that nobody waits half a minute for a refused message's second try.
        return epoch + 30 * timedelta(seconds=time.monotonic() - started)

    service = build(settings, now=now, upgrade=False)
    sms = Fused(service.works.gateways["sms"], fuse, fenced=order.get("fenced", True))
    works = replace(service.works, gateways={"sms": sms})
    watch_the_database(service, fuse)
    idle_since = time.monotonic()
    while time.monotonic() - idle_since < order.get("idle", 0.3):
        # One message at a time: what a dying worker held is little, and the next one need not wait for it.
        if send_due(works, now=now(), channel="sms", limit=1):
            idle_since = time.monotonic()
        else:
            time.sleep(0.02)
    service.close()


def main(settings_file: str, epoch: str) -> None:
    """Read orders until the input ends."""
    settings = Settings(**json.loads(Path(settings_file).read_text()))
    at, started = datetime.fromisoformat(epoch).astimezone(UTC), time.monotonic()
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            try:
                work(settings, at, started, order)
            except BaseException as error:
                sys.stderr.write(f"worker failed: {error!r}\n")
                sys.stderr.flush()
                os._exit(3)
            os._exit(0)
        say(str(child))
        _, status = os.waitpid(child, 0)
        say(f"done {status}")


def say(line: str) -> None:
    """Answer one line."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
