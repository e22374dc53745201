"""The worker: APScheduler as a metronome over the rows that are due, one beat a second, a thread a destination.

The metronome keeps no work of its own. A beat that comes while the last one still runs is dropped, and a beat
that was missed is not made up for: the rows are the truth, and the next beat sees them all.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from scheduler.destination import Destination
from scheduler.fetched import Following
from scheduler.ground import Works
from scheduler.hospital import deliver_due
from scheduler.listening import listen_due
from scheduler.looking import look_again
from scheduler.messages import send_due
from scheduler.notifying import Teller, forget_old, match_due
from scheduler.rungs import fire_due
from scheduler.telling import tell_due
from store import heartbeat

log = logging.getLogger("jalon.engine")

_AT_ONCE = 20
"""Rounds a beat may make while there is more to do; then others get their turn."""

_LOOK_EVERY = timedelta(hours=1)
"""How often a hospital's server is asked what it takes, beside at the start."""
_TELLERS = 4
"""Subscribers that are called at the same time: one that is slow to answer holds up no other."""
_FORGET_EVERY = timedelta(hours=1)


class Engine:
    """Beats until stopped. One a process; any number of processes on PostgreSQL, one on SQLite.

    ``chores`` are done at every beat beside the rows: the audit's sealer is one.
    """

    def __init__(
        self,
        works: Works,
        destinations: tuple[Destination, ...] = (),
        teller: Teller | None = None,
        followings: tuple[Following, ...] = (),
        *,
        beat: timedelta = timedelta(seconds=1),
        chores: tuple[Callable[[], object], ...] = (),
    ) -> None:
        self._works = works
        lines = {"rungs": lambda: fire_due(works, now=works.clock())}
        for channel in works.gateways:
            lines[f"messages-{channel}"] = _messages(works, channel)
        for destination in destinations:
            if destination.mode == "push":
                lines[f"fhir-{destination.name}"] = _deliveries(works, destination)
        if teller is not None:
            lines["subscriptions"] = _matching(works, teller)
            for number in range(_TELLERS):
                lines[f"notifications-{number}"] = _telling(works, teller)
        for following in followings:
            lines[f"listening-{following.name}"] = _listening(works, following)
        lines["watch"] = _watch(works, chores)
        self._metronome = BackgroundScheduler(
            timezone=UTC, executors={"default": ThreadPoolExecutor(len(lines))}
        )
        for name, work in lines.items():
            self._metronome.add_job(
                _kept(name, work, works),
                "interval",
                seconds=beat.total_seconds(),
                id=name,
                coalesce=True,
                max_instances=1,
                misfire_grace_time=None,
            )

    def start(self) -> None:
        """Begin to beat, in threads of its own."""
        self._metronome.start()

    def stop(self) -> None:
        """Finish what is in hand, then stop. What is not begun stays owed."""
        self._works.stopping.set()
        self._metronome.shutdown(wait=True)


def _messages(works: Works, channel: str) -> Callable[[], int]:
    return lambda: send_due(works, now=works.clock(), channel=channel)


def _deliveries(works: Works, destination: Destination) -> Callable[[], int]:
    looked: list[datetime] = []

    def deliver() -> int:
        now = works.clock()
        if not looked or now - looked[-1] >= _LOOK_EVERY:
            looked[:] = [now]
            look_again(works, destination, now=now)
        return deliver_due(works, destination, now=now)

    return deliver


def _matching(works: Works, teller: Teller) -> Callable[[], int]:
    forgotten = [works.clock()]

    def match() -> int:
        now = works.clock()
        if now - forgotten[0] >= _FORGET_EVERY:
            forgotten[0] = now
            forget_old(teller, now=now)
        return match_due(teller, now=now)

    return match


def _telling(works: Works, teller: Teller) -> Callable[[], int]:
    return lambda: tell_due(teller, now=works.clock())


def _listening(works: Works, following: Following) -> Callable[[], int]:
    return lambda: listen_due(following, now=works.clock())


def _watch(works: Works, chores: tuple[Callable[[], object], ...]) -> Callable[[], int]:
    def watch() -> int:
        with works.db.write() as session:
            heartbeat.beat(session, works.owner, now=works.clock())
        for chore in chores:
            chore()
        return 0

    return watch


def _kept(name: str, work: Callable[[], int], works: Works) -> Callable[[], None]:
    def run() -> None:
        try:
            for _ in range(_AT_ONCE):
                if works.stopping.is_set() or not work():
                    return
        except Exception:
            # The edge of the loop: the rows keep the work, the next beat tries again, the log says why.
            log.exception("beat failed", extra={"line": name})

    return run
