"""SMS a second to the provider's twin over HTTP: the whole chain, beside a plain POST and a plain UPDATE each.

Workers are processes, as in service. Every one sends by turns our way and the plain way, and all begin each
turn together.
"""

from __future__ import annotations

import multiprocessing as mp
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from sqlmodel import func, insert, select

from benchmarks.databases import Fresh
from benchmarks.life import REFERRED, house_at, record, refer
from benchmarks.measure import Measurement, Sample, forget_peak, peak_mb
from gateways.ports import MessageGateway, Outgoing, Receipt
from pathway import events as e
from pathway.planned import Kind
from scheduler.messages import send_due
from store.tables import OwedRow
from tests.house import COORDINATOR, RADIOLOGIST, House

_AT_ONCE = 10
"""Messages a worker claims at a time, so that several share a small load evenly. In service it is 50."""

_WARM_UP = 2
"""Rounds that do not count: the two reminders of the first week."""

_PLAIN_CHANNEL = "plain"
_MARK = "UPDATE owed SET status = 'sent', settled = CURRENT_TIMESTAMP, provider_id = ? WHERE id = ?"
_TO_SEND = "SELECT id, tag FROM owed WHERE channel = 'plain' AND attempts = ? ORDER BY id"


@dataclass(frozen=True)
class Order:
    """What a worker is told. ``rounds``: the instants at which messages are due; the first two warm up."""

    fresh: Fresh
    url: str
    sms_url: str
    scratch: Path
    number: int
    workers: int
    rounds: tuple[datetime, ...]


@dataclass(frozen=True)
class Round:
    """What a worker did in one turn. ``ends``: when each message was done, on the machine's monotonic clock."""

    begun: float
    ends: list[float]

    def seconds(self) -> list[float]:
        """How long each message took."""
        return [end - begun for begun, end in zip([self.begun, *self.ends], self.ends, strict=False)]


@dataclass(frozen=True)
class Report:
    """What a worker did in all."""

    ours: list[Round]
    plain: list[Round]
    peak: float


def messages(
    databases: Sequence[tuple[Fresh, int]], scratch: Path, *, patients: int, weeks: int
) -> Iterator[Measurement]:
    """For each database and number of workers: two reminders to each of ``patients``, for so many weeks."""
    for fresh, workers in databases:
        with ExitStack() as stack:
            sms_url = stack.enter_context(_twin(scratch / f"twin-{fresh.name}-{workers}.jsonl"))
            url = stack.enter_context(fresh.database())
            with house_at(url, scratch) as house:
                _book(house, patients, weeks, warm=max(1, min(patients, 10)))
                rounds = _rounds(house)
                _plain_rows(house, rounds)
            reports = _work(fresh, url, sms_url, scratch, workers, tuple(at for at, _ in rounds))
        ours, plain = Sample(), Sample()
        for turn in range(_WARM_UP, len(rounds)):
            _add(ours, [report.ours[turn] for report in reports])
            _add(plain, [report.plain[turn] for report in reports])
        sent = sum(number for _, number in rounds[_WARM_UP:])
        assert len(ours.seconds) == len(plain.seconds) == sent, f"{len(ours.seconds)} of {sent} were sent"
        size = f"{sent} SMS, {workers} worker{'s' if workers > 1 else ''}"
        yield Measurement(
            "SMS through the twin", size, fresh.name, ours, plain, max(report.peak for report in reports)
        )


def _add(sample: Sample, rounds: Sequence[Round]) -> None:
    wall = max(one.ends[-1] for one in rounds if one.ends) - min(one.begun for one in rounds)
    sample.repetition([seconds for one in rounds for seconds in one.seconds()], wall)


# --- what is to be sent ---


@contextmanager
def _twin(log: Path) -> Iterator[str]:
    """The twin in a process of its own, so that it takes nothing from ours."""
    command = [sys.executable, "-m", "gateways.twin", "--log", str(log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as twin:
        try:
            assert twin.stdout is not None
            yield twin.stdout.readline().removeprefix("address: ").strip()
        finally:
            twin.terminate()


def _book(house: House, patients: int, weeks: int, *, warm: int) -> None:
    """Consults on Fridays: each is spoken of by two SMS, so each week is two rounds. The first week warms up."""
    first = 0
    for week, number in enumerate([warm, *[patients] * weeks], start=1):
        start = REFERRED + timedelta(days=4 + 7 * (week - 1))
        for pathway_id in refer(house, first, number):
            accepted = e.StepCompleted(by=RADIOLOGIST, step="triage", outcome="accepted")
            record(house, pathway_id, accepted, REFERRED)
            booked = e.VisitBooked(by=COORDINATOR, step="radiologist_consult", start=start, place="Salle 2")
            record(house, pathway_id, booked, REFERRED)
        first += number


def _rounds(house: House) -> list[tuple[datetime, int]]:
    """When SMS are due, and how many at once."""
    with house.service.db.read() as session:
        query = (
            select(OwedRow.next_at, func.count())
            .where(OwedRow.status == "planned", OwedRow.kind == Kind.MESSAGE.value, OwedRow.channel == "sms")
            .group_by(OwedRow.next_at)  # type: ignore[arg-type]
            .order_by(OwedRow.next_at)  # type: ignore[arg-type]
        )
        return [(at, number) for at, number in session.exec(query) if at is not None]


def _plain_rows(house: House, rounds: Sequence[tuple[datetime, int]]) -> None:
    """As many rows for the baseline, in the same table; ``attempts`` says which round each is for."""
    with house.service.db.write() as session:
        model = session.exec(select(OwedRow).where(OwedRow.channel == "sms").limit(1)).one().model_dump()
        del model["id"]
        session.execute(
            insert(OwedRow),
            [
                model
                | {"channel": _PLAIN_CHANNEL, "next_at": None, "attempts": turn}
                | {"key": f"plain/{turn}/{each}", "tag": f"plain-{turn}-{each}"}
                for turn, (_, number) in enumerate(rounds)
                for each in range(number)
            ],
        )


# --- the workers ---


def _work(
    fresh: Fresh, url: str, sms_url: str, scratch: Path, workers: int, rounds: tuple[datetime, ...]
) -> list[Report]:
    context = mp.get_context("spawn")
    with context.Manager() as shared, context.Pool(workers) as pool:
        gate = shared.Barrier(workers)
        orders = [
            (Order(fresh, url, sms_url, scratch, number, workers, rounds), gate) for number in range(workers)
        ]
        return pool.starmap_async(_worker, orders, chunksize=1).get(600)


def _worker(order: Order, gate: Any) -> Report:
    """One process: every round our way, then the plain way."""
    with ExitStack() as stack:
        house = stack.enter_context(
            house_at(
                order.url,
                order.scratch,
                sms_url=order.sms_url,
                sms_token="bench",
                sms_timeout_seconds=30,
                sms_search_delay_seconds=0,
            )
        )
        client = stack.enter_context(
            httpx.Client(base_url=order.sms_url, headers={"Authorization": "Bearer bench"})
        )
        connection = stack.enter_context(order.fresh.plain(order.url))
        watched = _Watched(house.service.works.gateways["sms"])
        house.service.works.gateways["sms"] = watched  # type: ignore[index]
        ours, plain, peak = [], [], 0.0
        for turn, at in enumerate(order.rounds):
            house.clock.now = at
            forget_peak()
            gate.wait()
            ours.append(_round(partial(_ours, house, watched)))
            peak = max(peak, peak_mb())
            mine = connection.all(_TO_SEND, (turn,))[order.number :: order.workers]
            gate.wait()
            plain.append(_round(partial(_plainly, client, connection, mine)))
    return Report(ours, plain, peak)


def _round(send: Callable[[list[float]], None]) -> Round:
    begun, ends = time.monotonic(), list[float]()
    send(ends)
    return Round(begun, ends)


class _Watched:
    """A gateway that notes when the provider took each message."""

    def __init__(self, inner: MessageGateway) -> None:
        self._inner = inner
        self.name, self.searchable = inner.name, inner.searchable
        self.timeout, self.search_delay = inner.timeout, inner.search_delay
        self.ends: list[float] = []

    def send(self, message: Outgoing, *, fence: Callable[[], None]) -> Receipt:
        receipt = self._inner.send(message, fence=fence)
        self.ends.append(time.monotonic())
        return receipt

    def find(self, tag: str) -> Receipt | None:
        return self._inner.find(tag)


def _ours(house: House, watched: _Watched, ends: list[float]) -> None:
    """Claim, begin, send and mark until nothing is due. The last mark counts with the last message."""
    watched.ends = ends
    while send_due(house.service.works, now=house.clock.now, channel="sms", limit=_AT_ONCE):
        ends[-1] = time.monotonic()


def _plainly(client: httpx.Client, connection: Any, rows: Sequence[Any], ends: list[float]) -> None:
    for row_id, tag in rows:
        job = {"receivers": ["+33639900001"], "message": _TEXT, "tag": tag, "noStopClause": True}
        answer = client.post("/jobs", json=job).raise_for_status().json()
        connection.begin()
        connection.many(_MARK, [(str(answer["ids"][0]), row_id)])
        connection.commit()
        ends.append(time.monotonic())


_TEXT = "Rappel : vous avez rendez-vous vendredi 05/02 à 11:00, Salle 2. Une question ? Appelez-nous."
