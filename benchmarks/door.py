"""Events a second through the one door, beside the same number of plain transactions that write as many rows."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlmodel import Session, col, select

from benchmarks.databases import Fresh, Plain
from benchmarks.life import house_at, life, record, refer
from benchmarks.measure import Measurement, Sample, forget_peak, peak_mb, timed
from store.resource_tables import ResourceRow, ResourceTokenRow
from store.tables import HistoryRow, OwedRow, PathwayRow
from tests.house import House


@dataclass(frozen=True)
class Shape:
    """What one event writes on average beside the pathway's row and its history line, and how long its JSON is."""

    owed: int
    resources: int
    tokens: int
    state: str
    event: str
    changes: str
    data: str
    content: str

    def __str__(self) -> str:
        return (
            f"an event writes 1 state of {len(self.state) / 1000:.1f} kB, 1 history line, {self.owed} owed rows, "
            f"{self.resources} resources of {len(self.content) / 1000:.1f} kB, {self.tokens} of what they are found by"
        )


def door(
    databases: Sequence[tuple[Fresh, int]], scratch: Path, *, pathways: int, repetitions: int
) -> Iterator[Measurement]:
    """For each database and number of threads: every event of ``pathways`` lives, so many times over."""
    for fresh, threads in databases:
        ours, plain = Sample(), Sample()
        with fresh.database() as url, fresh.database() as plain_url, house_at(url, scratch) as house:
            shape = _warm_up(house)
            with house_at(plain_url, scratch) as other:
                refer(other, 0, 1)
            for repetition in range(repetitions):
                patients = refer(house, 1 + repetition * pathways, pathways)
                forget_peak()
                _side_by_side(ours, [partial(_live, house, share) for share in _shares(patients, threads)])
                peak = peak_mb()
                names = [f"plain-{repetition}-{number}" for number in range(pathways)]
                works = [
                    partial(_write_plainly, fresh.plain, plain_url, share, shape)
                    for share in _shares(names, threads)
                ]
                with fresh.plain(plain_url) as connection:
                    _begin_plainly(connection, names)
                _side_by_side(plain, works)
        size = f"{pathways * len(life())} events, {threads} thread{'s' if threads > 1 else ''}"
        yield Measurement("event through the door", size, fresh.name, ours, plain, peak, str(shape))


def _shares(all_of_them: list[str], threads: int) -> list[list[str]]:
    return [all_of_them[first::threads] for first in range(threads)]


def _side_by_side(sample: Sample, works: Sequence[Callable[[], list[float]]]) -> None:
    """One repetition: every work in a thread of its own."""
    with ThreadPoolExecutor(len(works)) as pool:
        seconds: list[float] = []

        def everything() -> None:
            for done in pool.map(lambda work: work(), works):
                seconds.extend(done)

        wall = timed(everything)
    sample.repetition(seconds, wall)


def _live(house: House, pathways: list[str]) -> list[float]:
    """Every event of these lives, in the order of the calendar."""
    return [timed(partial(record, house, one, what, at)) for at, what in life() for one in pathways]


def _warm_up(house: House) -> Shape:
    """One whole life, unmeasured: it fills the caches and tells what an event writes."""
    written: Counter[str] = Counter()
    (pathway_id,) = refer(house, 0, 1)
    with _counting(written):
        _live(house, [pathway_id])
    events = len(life())
    with house.service.db.read() as session:
        row = session.get_one(PathwayRow, pathway_id)
        lines = session.exec(select(HistoryRow).where(HistoryRow.pathway_id == pathway_id)).all()
        owed = session.exec(select(OwedRow).where(OwedRow.pathway_id == pathway_id)).all()
        resources = session.exec(select(ResourceRow).where(ResourceRow.pathway_id == pathway_id)).all()
        theirs = col(ResourceTokenRow.id).in_([resource.id for resource in resources])
        tokens = len(session.exec(select(ResourceTokenRow.id).where(theirs)).all())
    return Shape(
        owed=round(written["owed"] / events),
        resources=round(written["resource"] / events),
        tokens=round(tokens / events),
        state=json.dumps(row.state),
        event=_usual([line.event for line in lines]),
        changes=_usual([line.changes for line in lines]),
        data=_usual([row.data for row in owed]),
        content=_usual([resource.content for resource in resources]),
    )


def _usual(documents: Sequence[Any]) -> str:
    """The one of middling length."""
    texts = sorted((json.dumps(each) for each in documents), key=len)
    return texts[len(texts) // 2]


@contextmanager
def _counting(written: Counter[str]) -> Iterator[None]:
    """Count the rows that sessions really insert and update, by table."""

    def count(session: Session, _context: object) -> None:
        for row in (*session.new, *(one for one in session.dirty if session.is_modified(one))):
            written[row.__tablename__] += 1

    event.listen(Session, "after_flush", count)
    try:
        yield
    finally:
        event.remove(Session, "after_flush", count)


# --- the same in plain SQL ---

_PATHWAY = """INSERT INTO pathway (id, patient_id, protocol_digest, planner, seq, status, stage, as_of, created,
    state, alerts, blocked, flags) SELECT ?, patient_id, protocol_digest, 'plain', 0, status, stage, as_of,
    created, state, 0, 0, flags FROM pathway WHERE planner <> 'plain'"""
_STATE = "UPDATE pathway SET state = ?, seq = seq + 1 WHERE id = ?"
_LINE = """INSERT INTO history (pathway_id, seq, recorded, occurred, type, "by", event, changes)
    VALUES (?, ?, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, 'VisitBooked', 'Nadia Roche', ?, ?)"""
_OWED = """INSERT INTO owed (pathway_id, patient_id, "key", generation, kind, status, step, role, channel, at,
    next_at, live, why, data, attempts, lease_until, tag, reason) VALUES (?, '1', ?, 1, 'message', 'planned',
    'review/1', 'patient', 'sms', CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, TRUE, '', ?, 0, 0, ?, '')
    ON CONFLICT (pathway_id, "key", generation) DO UPDATE SET data = excluded.data, next_at = excluded.next_at"""
_RESOURCE = """INSERT INTO resource (type, id, version, updated, pathway_id, patient_id, status, due, indexed, content)
    VALUES ('Task', ?, 1, CURRENT_TIMESTAMP, ?, '1', 'requested', CURRENT_TIMESTAMP, 1, ?)
    ON CONFLICT (type, id) DO UPDATE SET version = resource.version + 1, content = excluded.content"""
_VERSION = """INSERT INTO resource_version (type, id, version, updated, method, pathway_id, patient_id, content,
    announced) VALUES ('Task', ?, ?, CURRENT_TIMESTAMP, 'PUT', ?, '1', ?, FALSE)"""
_TOKEN = """INSERT INTO resource_token (type, param, id, system, value) VALUES ('Task', 'identifier', ?, 'urn:x', ?)
    ON CONFLICT (type, param, value, system, id) DO NOTHING"""
_OWE = """INSERT INTO delivery (destination, pathway_id, wanted, sent, owes, attempts, next_at, lease_until, reason)
    VALUES ('hospital', ?, 1, 0, TRUE, 0, CURRENT_TIMESTAMP, 0, '')
    ON CONFLICT (destination, pathway_id) DO UPDATE SET wanted = delivery.wanted + 1"""

_ROWS_OF_A_PATHWAY = 40
"""How many different owed rows and resources a plain pathway comes to have, as a real one does."""


def _begin_plainly(connection: Plain, pathways: list[str]) -> None:
    connection.begin()
    connection.many(_PATHWAY, [(one,) for one in pathways])
    connection.commit()


def _write_plainly(connect: Callable[[str], Any], url: str, pathways: list[str], shape: Shape) -> list[float]:
    """As many transactions as there are events in these lives, of the same shape."""
    with connect(url) as connection:
        return [
            timed(partial(_transaction, connection, one, seq, shape))
            for seq in range(1, len(life()) + 1)
            for one in pathways
        ]


def _transaction(connection: Plain, pathway_id: str, seq: int, shape: Shape) -> None:
    connection.begin()
    connection.one(f"SELECT state FROM pathway WHERE id = ? {connection.for_update}", (pathway_id,))
    connection.many(_STATE, [(shape.state, pathway_id)])
    connection.many(_LINE, [(pathway_id, seq, shape.event, shape.changes)])
    owed = [f"{pathway_id}/{(seq * shape.owed + each) % _ROWS_OF_A_PATHWAY}" for each in range(shape.owed)]
    connection.many(_OWED, [(pathway_id, name, shape.data, name) for name in owed])
    said = [
        f"{pathway_id}-{(seq * shape.resources + each) % _ROWS_OF_A_PATHWAY}"
        for each in range(shape.resources)
    ]
    connection.many(_RESOURCE, [(name, pathway_id, shape.content) for name in said])
    connection.many(_VERSION, [(name, seq, pathway_id, shape.content) for name in set(said)])
    connection.many(_TOKEN, [(said[each % len(said)], f"{seq}/{each}") for each in range(shape.tokens)])
    connection.many(_OWE, [(pathway_id,)])
    connection.commit()
