"""How long a worker takes to find what is due among very many rows that are not, beside a plain SELECT."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from sqlmodel import Session, col, func, select, text

from benchmarks.databases import Fresh, Plain
from benchmarks.life import REFERRED, house_at, life, record, refer
from benchmarks.measure import Measurement, Sample, forget_peak, peak_mb, timed
from pathway.planned import Kind
from store.claims import Claimed, claim
from store.tables import OwedRow
from tests.house import House

BEFORE_ALL = REFERRED - timedelta(days=365)
"""An instant at which nothing of any pathway is due."""

_SEEDS = 25
_LIMIT = 50
_AT_ONCE = 20_000
"""Rows written at a time: SQLite holds them in our memory meanwhile, and that is not what is measured."""

_PENDING = """
WITH RECURSIVE turn(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM turn WHERE n < {turns})
INSERT INTO owed ({same}, "key", tag)
SELECT {same}, "key" || '#' || {mark} || '.' || turn.n, tag || '#' || {mark} || '.' || turn.n
FROM owed CROSS JOIN turn WHERE status = 'planned' AND tag NOT LIKE '%#%' LIMIT {missing}
"""
_SELECT = """SELECT id FROM owed WHERE status = 'planned' AND kind = 'message' AND channel = 'sms' AND next_at <= ?
    ORDER BY next_at LIMIT 50"""
_TAKE = """UPDATE owed SET lease_owner = 'plain', lease_until = 1e12 WHERE id IN (SELECT id FROM owed
    WHERE status = 'planned' AND kind = 'message' AND channel = 'sms' AND next_at <= ? AND lease_until = 0
    ORDER BY next_at LIMIT 50 {for_update}) RETURNING id, "key", tag, data"""
_END_LEASES = """UPDATE owed SET lease_owner = NULL, lease_until = 0
    WHERE status = 'planned' AND kind = 'message' AND channel = 'sms' AND next_at <= ?"""


def due(
    databases: Sequence[Fresh], scratch: Path, *, sizes: Sequence[int], calls: int
) -> Iterator[Measurement]:
    """For each database, number of pending rows, and 0, 1 or 50 due among them: ``claim``, so many times."""
    for fresh in databases:
        with fresh.database() as url, house_at(url, scratch) as house, fresh.plain(url) as connection:
            _sow(house)
            for size in sizes:
                _make_due(house, 0)  # so that no row is copied that was made due
                _grow(house, size)
                forget_peak()
                for number, measured in ((0, _scan), (1, _scan), (_LIMIT, _scan), (_LIMIT, _committed)):
                    _make_due(house, number)
                    what = "due scan" if measured is _scan else "due claim, committed"
                    ours, plain = measured(house, connection, calls)
                    yield Measurement(
                        f"{what}, {number} due", f"{size:,} pending", fresh.name, ours, plain, peak_mb()
                    )


def _scan(house: House, connection: Plain, calls: int) -> tuple[Sample, Sample]:
    """The claim alone, in a transaction that is rolled back, beside a SELECT of the same rows."""

    def claims() -> float:
        with house.service.db.write() as session:
            seconds = timed(partial(_claim, session))
            session.rollback()
        return seconds

    def select_plainly() -> float:
        return timed(partial(connection.all, _SELECT, (_as_stored(house),)))

    return _sample(claims, calls), _sample(select_plainly, calls)


def _committed(house: House, connection: Plain, calls: int) -> tuple[Sample, Sample]:
    """The claim as a worker makes it, on the disk when it returns, beside one UPDATE that does the same."""

    def claims() -> float:
        return timed(partial(_claim_for_good, house))

    def update_plainly() -> float:
        return timed(partial(_take_plainly, connection, _as_stored(house)))

    def with_leases_ended(take: Callable[[], float]) -> float:
        seconds = take()
        connection.begin()
        connection.many(_END_LEASES, [(_as_stored(house),)])
        connection.commit()
        return seconds

    return (
        _sample(partial(with_leases_ended, claims), calls),
        _sample(partial(with_leases_ended, update_plainly), calls),
    )


def _sample(once: Callable[[], float], calls: int) -> Sample:
    """So many calls in five repetitions, after a few that do not count."""
    sample = Sample()
    for _ in range(min(calls, 10)):
        once()
    for _ in range(5):
        seconds = [once() for _ in range(max(1, calls // 5))]
        sample.repetition(seconds, sum(seconds))
    return sample


def _claim_for_good(house: House) -> None:
    with house.service.db.write() as session:
        _claim(session)


def _claim(session: Session) -> list[Claimed]:
    return claim(
        session,
        [Kind.MESSAGE, Kind.PAGE],
        owner="benchmark",
        lease_seconds=60,
        limit=_LIMIT,
        now=BEFORE_ALL,
        channel="sms",
    )


def _take_plainly(connection: Plain, at: str | datetime) -> None:
    connection.begin()
    connection.all(_TAKE.format(for_update=connection.for_update), (at,))
    connection.commit()


def _sow(house: House) -> None:
    """Real pathways, each as far as a booked consult; their rows are what is multiplied."""
    for pathway_id in refer(house, 0, _SEEDS):
        for at, what in life()[:2]:
            record(house, pathway_id, what, at)


def _grow(house: House, size: int) -> None:
    """Copy the real rows, under names of their own, until so many are pending. All of them are far ahead."""
    with house.service.db.read() as session:
        pending = session.exec(select(func.count()).where(OwedRow.status == "planned")).one()
        real = session.exec(
            select(func.count()).where(OwedRow.status == "planned", ~col(OwedRow.tag).contains("#"))
        ).one()
    same = ", ".join(name for name in OwedRow.model_fields if name not in {"id", "key", "tag"})
    for mark in range(pending, size, _AT_ONCE):
        missing = min(_AT_ONCE, size - mark)
        statement = _PENDING.format(turns=missing // real + 1, missing=missing, mark=mark, same=same)
        with house.service.db.write() as session:
            session.connection().execute(text(statement))
    # What the database does by itself some time later: that so many rows were just written is not measured.
    with house.service.db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        settle = "PRAGMA wal_checkpoint(TRUNCATE)" if house.service.db.is_sqlite else "VACUUM ANALYZE owed"
        connection.execute(text(settle))


def _make_due(house: House, number: int) -> None:
    """Of the SMS, so many are due at ``BEFORE_ALL``, each at a minute of its own."""
    with house.service.db.write() as session:
        late = session.exec(select(OwedRow).where(col(OwedRow.next_at) <= BEFORE_ALL)).all()
        some = session.exec(
            select(OwedRow)
            .where(OwedRow.status == "planned", OwedRow.kind == Kind.MESSAGE.value, OwedRow.channel == "sms")
            .limit(number)
        ).all()
        for row in late:
            row.next_at = row.at
        for minutes, row in enumerate(some):
            row.next_at = BEFORE_ALL - timedelta(minutes=minutes)


def _as_stored(house: House) -> str | datetime:
    """The instant as the driver alone compares it: SQLite keeps text."""
    if house.service.db.is_sqlite:
        return BEFORE_ALL.replace(tzinfo=None).isoformat(" ", "microseconds")
    return BEFORE_ALL
