"""Who subscribed here, which changes are theirs to hear, and how far each has been told.

A change is announced once: in one transaction it is numbered for every subscription it matches and marked. A
subscription has one teller at a time (a lease on its row), so that its events arrive in the order of their numbers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, or_, text, tuple_, update
from sqlmodel import Session, col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from store.account_tables import TokenRow
from store.database import db_clock
from store.resource_tables import UNTOLD, ResourceVersionRow
from store.subscription_tables import NotificationRow, SubscriptionRow

SERVED = ("requested", "active")
"""States in which a subscription is told; in ``error`` its events are only counted, as the backport asks."""
_MATCHED = ("requested", "active", "error")
_MATCHING = 74012
_RENEWED = (
    *("source", "holder", "scopes", "status", "style", "criteria", "topic", "endpoint", "headers", "mime"),
    *("content", "heartbeat", "timeout", "most", "end", "next_at"),
)


@dataclass(frozen=True, slots=True)
class Change:
    """A version of a resource that nobody has been told of yet."""

    type: str
    id: str
    version: int
    updated: datetime
    method: str
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """A resource at one version, as it is told in full. ``body`` is its text where it is not ours."""

    content: dict[str, Any]
    body: bytes | None
    version: int
    updated: datetime
    patient_id: str | None


# --- the subscriptions ------------------------------------------------------------------------------------


def begin(session: Session, asked: SubscriptionRow) -> SubscriptionRow:
    """Serve this subscription, or one that is known again with what it asks now: its numbers go on.

    A subscription that is switched off owes nothing any more.
    """
    row = locked(session, asked.id)
    if row is None:
        session.add(asked)
        session.flush()
        return asked
    for name in _RENEWED:
        setattr(row, name, getattr(asked, name))
    row.attempts, row.failing_since, row.reason, row.beat_at = 0, None, "", None
    if row.status == "off":
        row.told = row.events
    session.flush()
    return row


def locked(session: Session, id_: str) -> SubscriptionRow | None:
    """The subscription of that id as it is now, locked until the transaction ends."""
    query = select(SubscriptionRow).where(SubscriptionRow.id == id_).with_for_update()
    return session.exec(query.execution_options(populate_existing=True)).one_or_none()


def one(session: Session, id_: str) -> SubscriptionRow | None:
    """The subscription of that id as it is now."""
    query = select(SubscriptionRow).where(SubscriptionRow.id == id_)
    return session.exec(query.execution_options(populate_existing=True)).one_or_none()


def all_of(session: Session, *, source: str | None = None) -> list[SubscriptionRow]:
    """Every subscription, or those of one system, the latest first."""
    query = select(SubscriptionRow).order_by(col(SubscriptionRow.created).desc(), col(SubscriptionRow.id))
    if source is not None:
        query = query.where(SubscriptionRow.source == source)
    return list(session.exec(query))


def ending(session: Session, *, clients: Collection[str], now: datetime) -> list[tuple[str, str]]:
    """(id, reason) of the subscriptions that are to be switched off: past their end, or their system is nobody now.

    ``clients`` are the systems (``issuer#client``) that other issuers' tokens are taken from.
    """
    row = SubscriptionRow
    over = select(row.id).where(col(row.status).in_(_MATCHED), col(row.end) <= now)
    found = [(id_, "its end has come") for id_ in session.exec(over)]
    made_by = (
        select(row.id, row.holder, TokenRow)
        .join(TokenRow, col(TokenRow.id) == col(row.holder), isouter=True)
        .where(col(row.status).in_(_MATCHED))
    )
    for id_, holder, token in session.exec(made_by):
        if token is None and holder not in clients:
            found.append((id_, "the system that made it is not known here any more"))
        elif token is not None and (
            token.revoked is not None or (token.expires is not None and token.expires <= now)
        ):
            found.append((id_, "the token that made it is no longer valid"))
    return found


# --- which changes are whose ------------------------------------------------------------------------------


def alone(session: Session) -> bool:
    """Whether we are the one who matches now, until the transaction ends: numbers are given in one order."""
    if session.get_bind().dialect.name == "sqlite":
        return True
    locked_ = session.connection().execute(text(f"SELECT pg_try_advisory_xact_lock({_MATCHING})"))
    return bool(locked_.scalar_one())


def any_untold(session: Session) -> bool:
    """Whether there is a change that nobody has been told of."""
    return session.exec(select(ResourceVersionRow.id).where(text(UNTOLD)).limit(1)).first() is not None


def matching(session: Session) -> list[SubscriptionRow]:
    """Every subscription that events are counted for, locked."""
    query = select(SubscriptionRow).where(col(SubscriptionRow.status).in_(_MATCHED))
    ordered = query.order_by(SubscriptionRow.id).with_for_update()
    return list(session.exec(ordered.execution_options(populate_existing=True)))


def pass_over(session: Session, followed: Iterable[str], *, limit: int) -> int:
    """Changes of types that nobody follows have been told to everybody who wanted to hear: nobody. How many."""
    table = ResourceVersionRow
    key = (col(table.type), col(table.id), col(table.version))
    some = select(*key).where(text(UNTOLD), col(table.type).not_in(list(followed))).limit(limit)
    done = session.connection().execute(update(table).where(tuple_(*key).in_(some)).values(announced=True))
    return int(done.rowcount)


def untold(session: Session, *, limit: int) -> list[Change]:
    """The oldest changes that nobody has been told of; the versions of one resource in their order."""
    row = ResourceVersionRow
    query = (
        select(row.type, row.id, row.version, row.updated, row.method, row.content)  # type: ignore[call-overload]
        .where(text(UNTOLD))
        .order_by(row.updated, row.type, row.id, row.version)
        .limit(limit)
    )
    found = [Change(*each) for each in session.exec(query)]
    # A clock that was set back must not turn the order of one resource's versions round.
    turns: dict[tuple[str, str], list[Change]] = {}
    for each in sorted(found, key=lambda one: one.version, reverse=True):
        turns.setdefault((each.type, each.id), []).append(each)
    return [turns[each.type, each.id].pop() for each in found]


def announce(
    session: Session, changes: Sequence[Change], heard_by: Sequence[tuple[Change, SubscriptionRow]]
) -> None:
    """Number these events for those who hear them, in the order given, and mark every change as told."""
    lines: list[dict[str, Any]] = []
    for change, row in heard_by:
        row.events += 1
        row.last_event = change.updated
        lines.append(
            {
                "subscription_id": row.id,
                "number": row.events,
                "type": change.type,
                "id": change.id,
                "version": change.version,
                "method": change.method,
                "at": change.updated,
                "attempts": 0,
            }
        )
    session.flush()
    connection = session.connection()
    if lines:
        connection.execute(insert(NotificationRow), lines)
    table = ResourceVersionRow.__table__  # type: ignore[attr-defined]
    names = ("type", "id", "version")
    mark = table.update().values(announced=True)
    for name in names:
        mark = mark.where(table.c[name] == bindparam(f"the_{name}"))
    connection.execute(mark, [{f"the_{name}": getattr(each, name) for name in names} for each in changes])


# --- telling ----------------------------------------------------------------------------------------------


def any_due(session: Session, *, now: datetime) -> bool:
    """Whether somebody is to be told something now."""
    return session.exec(_due(session, now).limit(1)).first() is not None


def claim(session: Session, *, owner: str, lease_seconds: float, limit: int, now: datetime) -> list[str]:
    """The ids of up to ``limit`` subscriptions that have something to be told and no teller: ours for a while."""
    clock, row = db_clock(session), SubscriptionRow
    due = _due(session, now).limit(limit).with_for_update(skip_locked=True)
    taken = session.exec(
        update(row)
        .where(col(row.id).in_(due.scalar_subquery()))
        .values(lease_owner=owner, lease_until=clock + lease_seconds)
        .returning(col(row.id))
        .execution_options(synchronize_session=False)
    )
    return sorted(taken.scalars())


def hold(session: Session, id_: str, *, owner: str, seconds: float) -> SubscriptionRow | None:
    """The subscription as it is now, ours for so long from here; None when it is ours or served no more."""
    row = _held(session, id_, owner)
    if row is None or row.status not in SERVED:
        return None
    session.exec(
        update(SubscriptionRow)
        .where(col(SubscriptionRow.id) == id_)
        .values(lease_until=db_clock(session) + seconds)
        .execution_options(synchronize_session=False)
    )
    return row


def owed(session: Session, row: SubscriptionRow, *, limit: int) -> list[NotificationRow]:
    """The next events to tell, in their order; each try is counted."""
    events = between(session, row.id, row.told + 1, row.events, limit=limit)
    if not events:
        row.told = row.events  # what is left is older than what is kept
    for each in events:
        each.attempts += 1
    return events


def between(session: Session, id_: str, first: int, last: int, *, limit: int) -> list[NotificationRow]:
    """The events from this number to that one, both included, at most ``limit`` of them."""
    query = (
        select(NotificationRow)
        .where(
            NotificationRow.subscription_id == id_,
            col(NotificationRow.number) >= first,
            col(NotificationRow.number) <= last,
        )
        .order_by(col(NotificationRow.number))
        .limit(limit)
    )
    return list(session.exec(query))


def said(session: Session, type_: str, id_: str, version: int) -> Told | None:
    """A resource as it was at that version."""
    row = session.get(ResourceVersionRow, (type_, id_, version))
    return Told(row.content, row.body, row.version, row.updated, row.patient_id) if row is not None else None


def taken(
    session: Session, id_: str, *, owner: str, upto: int, beat_at: datetime | None, now: datetime
) -> SubscriptionRow | None:
    """The endpoint took everything up to this number (or a sign of life). None when it is not ours any more."""
    row = _held(session, id_, owner)
    if row is None:
        return None
    if upto > row.told:
        session.exec(
            update(NotificationRow)
            .where(
                col(NotificationRow.subscription_id) == id_,
                col(NotificationRow.number) > row.told,
                col(NotificationRow.number) <= upto,
            )
            .values(sent=now)
            .execution_options(synchronize_session=False)
        )
        row.told = upto
    row.last_told, row.next_at, row.beat_at = now, now, beat_at
    row.attempts, row.failing_since, row.reason = 0, None, ""
    return row


def refused(
    session: Session, id_: str, *, owner: str, again: datetime, reason: str, now: datetime
) -> SubscriptionRow | None:
    """The endpoint did not take it: to be tried again at ``again``. None when it is not ours any more."""
    row = _held(session, id_, owner)
    if row is None:
        return None
    row.attempts, row.next_at, row.reason = row.attempts + 1, again, reason
    row.failing_since = row.failing_since or now
    row.lease_owner, row.lease_until = None, 0.0
    return row


def let_go(session: Session, id_: str, *, owner: str) -> None:
    """Somebody else may go on."""
    row = _held(session, id_, owner)
    if row is not None:
        row.lease_owner, row.lease_until = None, 0.0


def stop(row: SubscriptionRow, status: str, reason: str) -> None:
    """It is told nothing more: ``error`` until its subscriber comes back to it, ``off`` for good."""
    row.status, row.reason = status, reason
    row.lease_owner, row.lease_until, row.beat_at = None, 0.0, None
    if status == "off":
        row.told = row.events


def again(row: SubscriptionRow, *, now: datetime) -> None:
    """Try again now, by a person's decision; one that had failed is shaken hands with first."""
    if row.status == "error":
        row.status = "requested"
    row.next_at, row.attempts, row.failing_since, row.reason = now, 0, None, ""


def forget(session: Session, *, before: datetime) -> None:
    """Events so old that nobody asks for them any more."""
    session.connection().execute(delete(NotificationRow).where(col(NotificationRow.at) < before))


def free_leases(session: Session) -> None:
    """Give back what a dead worker held. Only where one worker runs at a time (SQLite)."""
    session.exec(
        update(SubscriptionRow)
        .where(col(SubscriptionRow.lease_until) > 0)
        .values(lease_owner=None, lease_until=0.0)
        .execution_options(synchronize_session=False)
    )


def waiting(session: Session) -> int:
    """How many events are owed to somebody."""
    query = select(func.sum(SubscriptionRow.events - SubscriptionRow.told)).where(
        col(SubscriptionRow.status).in_(SERVED)
    )
    return int(session.exec(query).one() or 0)


def _due(session: Session, now: datetime) -> SelectOfScalar[str]:
    row = SubscriptionRow
    return (
        select(row.id)
        .where(
            col(row.status).in_(SERVED),
            col(row.next_at) <= now,
            col(row.lease_until) < db_clock(session),
            or_(col(row.status) == "requested", col(row.events) > col(row.told), col(row.beat_at) <= now),
        )
        .order_by(col(row.next_at), col(row.id))
    )


def _held(session: Session, id_: str, owner: str) -> SubscriptionRow | None:
    query = select(SubscriptionRow).where(SubscriptionRow.id == id_, SubscriptionRow.lease_owner == owner)
    return session.exec(query.with_for_update().execution_options(populate_existing=True)).one_or_none()
