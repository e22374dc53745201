"""Claim → begin → say how it went. Two short transactions around the slow part, and a lease in between.

``claim`` takes due rows for a while. ``begin`` is the moment a send begins: it looks at the state as it is now,
under lock, and answers whether to go on. After it, a withdrawal can no longer stop the message, only correct
it. What dies in between is claimed again when its lease ends, still ``sending``: whoever takes it up must ask
the gateway before repeating.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, func, select

from pathway.planned import Item, Kind
from store import instance, owed
from store.database import db_clock
from store.tables import OwedRow, PathwayRow, PatientRow

_COUNTED = ("sending", "sent", "uncertain")


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row that is ours until its lease ends."""

    id: int
    pathway_id: str
    patient_id: str
    key: str
    kind: str
    tag: str
    status: str
    at: datetime
    until: datetime | None
    role: str
    step: str
    attempts: int
    data: dict[str, Any]
    text: str | None
    subject: str | None


def claim(
    session: Session,
    kinds: Sequence[Kind],
    *,
    owner: str,
    lease_seconds: float,
    limit: int,
    now: datetime,
    channel: str = "",
) -> list[Claimed]:
    """Take up to ``limit`` due rows nobody holds, oldest first. Each is ours for ``lease_seconds``.

    ``channel`` takes only what goes by that way, so that one that is down does not hold up the others.
    """
    clock = db_clock(session)
    due = (
        select(OwedRow.id)
        .where(
            col(OwedRow.status).in_(("planned", "sending")),
            col(OwedRow.kind).in_([kind.value for kind in kinds]),
            col(OwedRow.channel) == channel,
            col(OwedRow.next_at) <= now,
            col(OwedRow.lease_until) < clock,
        )
        .order_by(col(OwedRow.next_at), col(OwedRow.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = session.exec(
        update(OwedRow)
        .where(col(OwedRow.id).in_(due.scalar_subquery()))
        .values(lease_owner=owner, lease_until=clock + lease_seconds)
        .returning(OwedRow)
        .execution_options(synchronize_session=False)
    )
    rows = sorted(taken.scalars(), key=lambda row: (row.next_at, row.id))
    return [_claimed(row) for row in rows]


def still_ours(session: Session, claimed: Claimed, owner: str, *, seconds: float) -> bool:
    """Whether the lease is ours and lasts at least ``seconds`` more: the fence asks right before bytes leave."""
    query = select(OwedRow.id).where(
        OwedRow.id == claimed.id,
        OwedRow.lease_owner == owner,
        OwedRow.status == "sending",
        col(OwedRow.lease_until) >= db_clock(session) + seconds,
    )
    return session.exec(query).one_or_none() is not None


def begin(
    session: Session,
    claimed: Claimed,
    *,
    owner: str,
    identity: str,
    lease_seconds: float,
    text: str,
    subject: str | None,
    seen: int,
    now: datetime,
) -> OwedRow | None:
    """Begin sending, if everything still stands: ours, planned as we read it, at home. None: leave it.

    The pathway is locked first, so that this and a change of the pathway happen one after the other. A row
    planned otherwise since it was claimed (another number, another hour) is given back to be read again, and so
    is one whose pathway has moved on from ``seen``, the ``seq`` that the verdict on it was read from.
    """
    seq = _lock_pathway(session, claimed.pathway_id)
    row = _ours(session, claimed.id, owner)
    if row is None or row.status != "planned" or not instance.at_home(session, identity):
        return None
    as_read = seq == seen and (row.data, row.at) == (claimed.data, claimed.at)
    if row.next_at is None or row.next_at > now or not as_read:
        row.lease_owner, row.lease_until = None, 0.0
        return None
    row.status, row.begun, row.attempts = "sending", now, row.attempts + 1
    row.text, row.subject = text, subject
    _extend(session, row, lease_seconds)
    return row


def _extend(session: Session, row: OwedRow, seconds: float) -> None:
    session.flush()
    session.exec(
        update(OwedRow)
        .where(col(OwedRow.id) == row.id)
        .values(lease_until=db_clock(session) + seconds)
        .execution_options(synchronize_session=False)
    )


def sent(session: Session, claimed: Claimed, *, provider_id: str, now: datetime) -> OwedRow | None:
    """It was taken by the other side. Also true when told late, or by another worker that asked."""
    return _settle(session, claimed, "sent", now, provider_id=provider_id)


def failed(session: Session, claimed: Claimed, *, reason: str, now: datetime) -> OwedRow | None:
    """It will never be taken this way."""
    return _settle(session, claimed, "failed", now, reason=reason)


def uncertain(session: Session, claimed: Claimed, *, reason: str, now: datetime) -> OwedRow | None:
    """Nobody can say whether it was taken: a person decides, it is never sent again by itself."""
    return _settle(session, claimed, "uncertain", now, reason=reason)


def too_late(session: Session, claimed: Claimed, *, owner: str, reason: str, now: datetime) -> OwedRow | None:
    """It is no longer of use."""
    row = _ours(session, claimed.id, owner)
    if row is None or row.status != "planned":
        return None
    row.status, row.settled, row.reason = "too-late", now, reason
    return row


def postpone(session: Session, claimed: Claimed, *, owner: str, until: datetime, reason: str) -> None:
    """Not now: quiet hours, the day's budget. What the plan says stays as it is."""
    row = _ours(session, claimed.id, owner)
    if row is None or row.status != "planned":
        return
    row.next_at, row.reason = until, reason
    row.lease_owner, row.lease_until = None, 0.0


def again(
    session: Session,
    claimed: Claimed,
    item: Item | None,
    *,
    owner: str,
    at: datetime,
    reason: str,
    now: datetime,
) -> OwedRow | None:
    """It was begun and has not left. None when it is no longer ours.

    ``item`` is what the plan says of it by now: another number, another text. It is planned again as that, to be
    tried at ``at``; too late when that is of no use any more, and withdrawn when there is no such item.
    """
    row = _ours(session, claimed.id, owner)
    if row is None or row.status != "sending":
        return None
    if item is None:
        row.status, row.settled = "withdrawn", now
    else:
        owed.write(row, item)
        row.status, row.next_at = "planned", max(at, item.at or at)
        if item.until is not None and row.next_at >= item.until:
            row.status, row.settled = "too-late", now
    row.reason, row.lease_owner, row.lease_until = reason, None, 0.0
    session.flush()
    return row


def is_ours(session: Session, claimed: Claimed, owner: str) -> bool:
    """Whether the row is still held by us and still to be carried out; locked until the transaction ends."""
    row = _ours(session, claimed.id, owner)
    return row is not None and row.status == "planned"


def withdraw(session: Session, claimed: Claimed, *, reason: str, now: datetime) -> None:
    """The row can never be carried out: kept with the reason."""
    row = session.exec(select(OwedRow).where(OwedRow.id == claimed.id).with_for_update()).one()
    row.status, row.settled, row.reason = "withdrawn", now, reason
    row.lease_owner, row.lease_until = None, 0.0


def sent_on(session: Session, patient_id: str, start: datetime, end: datetime) -> int:
    """How many messages have left for a patient in that time. The patient is locked until the transaction ends."""
    session.exec(
        select(PatientRow).where(PatientRow.id == patient_id).with_for_update(key_share=True)
    ).one_or_none()
    query = (
        select(func.count())
        .select_from(OwedRow)
        .where(
            OwedRow.patient_id == patient_id,
            OwedRow.kind == Kind.MESSAGE.value,
            col(OwedRow.status).in_(_COUNTED),
            col(OwedRow.begun) >= start,
            col(OwedRow.begun) < end,
        )
    )
    return session.exec(query).one()


def free_leases(session: Session) -> int:
    """Give back what a dead worker held but had not begun. Only where one worker runs at a time (SQLite)."""
    result = session.exec(
        update(OwedRow)
        .where(col(OwedRow.status) == "planned", col(OwedRow.lease_until) > 0)
        .values(lease_owner=None, lease_until=0.0)
        .execution_options(synchronize_session=False)
    )
    return int(result.rowcount)


def end_leases(session: Session) -> None:
    """Let every lease end now. Only for one worker by a clock of its own (a story): leases run on the database's."""
    session.exec(
        update(OwedRow)
        .where(col(OwedRow.status).in_(("planned", "sending")), col(OwedRow.lease_until) > 0)
        .values(lease_owner=None, lease_until=0.0)
        .execution_options(synchronize_session=False)
    )


def next_due(session: Session, *, after: datetime) -> datetime | None:
    """When something is next to be carried out, later than ``after``; None when nothing is ahead."""
    query = select(func.min(OwedRow.next_at)).where(
        OwedRow.status == "planned",
        col(OwedRow.kind).in_((Kind.RUNG.value, Kind.MESSAGE.value, Kind.PAGE.value)),
        col(OwedRow.next_at) > after,
    )
    return session.exec(query).one()


def in_flight(session: Session) -> int:
    """How many sends have begun of which nobody has said how they went."""
    query = select(func.count()).select_from(OwedRow).where(OwedRow.status == "sending")
    return session.exec(query).one()


def waiting_since(session: Session, now: datetime) -> datetime | None:
    """Since when the oldest message that should have left is waiting; None when nothing waits."""
    query = select(func.min(OwedRow.next_at)).where(
        OwedRow.status == "planned",
        col(OwedRow.kind).in_((Kind.MESSAGE.value, Kind.PAGE.value)),
        col(OwedRow.next_at) <= now,
    )
    return session.exec(query).one()


def _lock_pathway(session: Session, pathway_id: str) -> int:
    query = select(PathwayRow.seq).where(PathwayRow.id == pathway_id)
    return session.exec(query.with_for_update(key_share=True)).one()


def _ours(session: Session, row_id: int, owner: str) -> OwedRow | None:
    query = select(OwedRow).where(OwedRow.id == row_id, OwedRow.lease_owner == owner).with_for_update()
    return session.exec(query.execution_options(populate_existing=True)).one_or_none()


def _settle(session: Session, claimed: Claimed, status: str, now: datetime, **said: str) -> OwedRow | None:
    query = select(OwedRow).where(OwedRow.id == claimed.id).with_for_update()
    row = session.exec(query.execution_options(populate_existing=True)).one()
    if row.status != "sending":
        return None
    row.status, row.settled, row.lease_owner, row.lease_until = status, now, None, 0.0
    for name, value in said.items():
        setattr(row, name, value)
    return row


def _claimed(row: OwedRow) -> Claimed:
    assert row.id is not None
    assert row.at is not None
    return Claimed(
        id=row.id,
        pathway_id=row.pathway_id,
        patient_id=row.patient_id,
        key=row.key,
        kind=row.kind,
        tag=row.tag,
        status=row.status,
        at=row.at,
        until=row.until,
        role=row.role,
        step=row.step,
        attempts=row.attempts,
        data=dict(row.data),
        text=row.text,
        subject=row.subject,
    )
