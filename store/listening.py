"""What we follow on hospitals' servers: how far each type has been heard, what is to be fetched, and what was read.

One row is one listener: whoever holds its lease looks at that type of that server, alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, update
from sqlmodel import Session, col, or_, select

from store.database import db_clock
from store.subscription_tables import HeardRow, ListeningRow, ToFetchRow
from store.tables import DeliveredRow, DeliveryRow, PathwayRow
from store.upsert import insert_if_absent


@dataclass(frozen=True, slots=True)
class Copy:
    """A resource of ours as a hospital has it: our name for it, theirs, its version there, and what it was told."""

    type: str
    id: str
    pathway_id: str
    remote: str
    etag: str | None
    told: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Hint:
    """A resource there that is said to have changed; ``said`` counts how often."""

    id: str
    said: int
    attempts: int


# --- whom we listen to ------------------------------------------------------------------------------------


def open_to(
    session: Session, destination: str, types: Iterable[str], *, now: datetime, compare_at: datetime
) -> None:
    """Follow these types on this server from now, those that are not followed yet; compare first at ``compare_at``."""
    for type_ in types:
        row = ListeningRow(destination=destination, type=type_, began=now, next_at=now, compare_at=compare_at)
        insert_if_absent(session, row)


def any_due(session: Session, destination: str, types: Iterable[str], *, now: datetime) -> bool:
    """Whether something is to be looked at on this server now."""
    query = select(ListeningRow.type).where(*_is_due(session, destination, types, now)).limit(1)
    return session.exec(query).first() is not None


def claim(
    session: Session,
    destination: str,
    types: Iterable[str],
    *,
    owner: str,
    lease_seconds: float,
    now: datetime,
) -> ListeningRow | None:
    """Take up one type of this server that is due and that nobody looks at."""
    row = session.exec(
        select(ListeningRow)
        .where(*_is_due(session, destination, types, now))
        .order_by(col(ListeningRow.next_at))
        .limit(1)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).first()
    if row is None:
        return None
    row.lease_owner = owner
    _extend(session, row, lease_seconds)
    return row


def still_ours(session: Session, row: ListeningRow, *, owner: str, seconds: float) -> bool:
    """Whether we are still the one who looks; if so for so long from here."""
    held = _held(session, row.destination, row.type, owner)
    if held is None:
        return False
    _extend(session, held, seconds)
    return True


def looked(
    session: Session,
    row: ListeningRow,
    *,
    owner: str,
    cursor: datetime | None,
    heard: int,
    caught_up: bool,
    now: datetime,
    next_at: datetime,
    reason: str = "",
) -> None:
    """This look went well; what was asked for meanwhile is looked at next.

    ``caught_up``: a search went all through, so that everything asked for before it is met. ``reason``: what was
    withheld from us all the same.
    """
    held = _held(session, row.destination, row.type, owner)
    if held is None:
        return
    if caught_up:
        held.cursor, held.met, held.looked = cursor, max(held.met, row.wants), now
    held.heard += heard
    held.attempts, held.reason = 0, reason
    more = held.wants > held.met or _any_hint(session, held, now)
    held.next_at = now if more else next_at
    held.lease_owner, held.lease_until = None, 0.0


def missed(session: Session, row: ListeningRow, *, owner: str, again: datetime, reason: str) -> None:
    """The server could not be asked: again later."""
    held = _held(session, row.destination, row.type, owner)
    if held is None:
        return
    held.attempts, held.reason, held.next_at = held.attempts + 1, reason, again
    held.lease_owner, held.lease_until = None, 0.0


def compared(
    session: Session, row: ListeningRow, *, owner: str, differed: int, now: datetime, next_at: datetime
) -> None:
    """What we have heard was held against everything there is."""
    held = _held(session, row.destination, row.type, owner)
    if held is not None:
        held.compared, held.differed, held.compare_at = now, differed, next_at


def subscribed(session: Session, row: ListeningRow, *, owner: str, remote: str) -> None:
    """Our Subscription there, made anew: its numbers begin again."""
    held = _held(session, row.destination, row.type, owner)
    if held is not None:
        held.remote, held.number = remote, None


def look_now(session: Session, destination: str, type_: str, *, now: datetime) -> bool:
    """Look at this server now, by a person's decision. Whether it is followed."""
    row = locked(session, destination, type_)
    if row is None:
        return False
    row.wants, row.next_at, row.attempts = row.wants + 1, now, 0
    return True


def compare_now(session: Session, destination: str, type_: str, *, now: datetime) -> bool:
    """Compare with this server now. Whether it is followed."""
    row = locked(session, destination, type_)
    if row is None:
        return False
    row.compare_at = row.next_at = now
    return True


def locked(session: Session, destination: str, type_: str) -> ListeningRow | None:
    """How far we have heard, locked until the transaction ends."""
    query = select(ListeningRow).where(ListeningRow.destination == destination, ListeningRow.type == type_)
    return session.exec(query.with_for_update().execution_options(populate_existing=True)).one_or_none()


def followed(session: Session) -> list[ListeningRow]:
    """Everything that is or was followed."""
    return list(session.exec(select(ListeningRow).order_by(ListeningRow.destination, ListeningRow.type)))


# --- what a notification says -----------------------------------------------------------------------------


def pinged(row: ListeningRow, *, now: datetime) -> None:
    """Something has changed, and nobody says what: search. The row is locked."""
    row.wants += 1
    _wake(row, now)


def hinted(session: Session, row: ListeningRow, ids: Iterable[str], *, now: datetime) -> None:
    """These have changed: fetch them. The row is locked."""
    for id_ in ids:
        hint = ToFetchRow(destination=row.destination, type=row.type, id=id_, next_at=now)
        if not insert_if_absent(session, hint):
            known = session.get(ToFetchRow, (row.destination, row.type, id_), with_for_update=True)
            if known is not None:
                known.said, known.next_at = known.said + 1, now
        _wake(row, now)


def _wake(row: ListeningRow, now: datetime) -> None:
    row.notified = now
    if not row.attempts:
        # A server that does not answer keeps its back-off.
        row.next_at = min(row.next_at, now)


def hints(session: Session, row: ListeningRow, *, limit: int, now: datetime) -> list[Hint]:
    """What is to be fetched, the longest known first."""
    query = (
        select(ToFetchRow)
        .where(
            ToFetchRow.destination == row.destination,
            ToFetchRow.type == row.type,
            col(ToFetchRow.next_at) <= now,
        )
        .order_by(col(ToFetchRow.next_at), col(ToFetchRow.id))
        .limit(limit)
    )
    return [Hint(each.id, each.said, each.attempts) for each in session.exec(query)]


def fetched(session: Session, row: ListeningRow, hint: Hint, *, now: datetime) -> None:
    """It was read; unless it was said again meanwhile, or put off, that is all."""
    session.exec(
        delete(ToFetchRow).where(
            col(ToFetchRow.destination) == row.destination,
            col(ToFetchRow.type) == row.type,
            col(ToFetchRow.id) == hint.id,
            col(ToFetchRow.said) <= hint.said,
            col(ToFetchRow.next_at) <= now,
        )
    )


def put_off(session: Session, destination: str, type_: str, id_: str, *, until: datetime) -> None:
    """It cannot be judged now: fetched again at ``until``."""
    hint = ToFetchRow(destination=destination, type=type_, id=id_, next_at=until)
    if not insert_if_absent(session, hint):
        known = session.get(ToFetchRow, (destination, type_, id_), with_for_update=True)
        if known is not None:
            known.next_at, known.attempts = until, known.attempts + 1


def withheld(session: Session, row: ListeningRow, *, after: datetime) -> list[str]:
    """The ids of what is not to be fetched before then, in their order: the server did not let us read it."""
    query = select(ToFetchRow.id).where(
        ToFetchRow.destination == row.destination,
        ToFetchRow.type == row.type,
        col(ToFetchRow.next_at) > after,
    )
    return list(session.exec(query.order_by(col(ToFetchRow.id))))


def next_hint(session: Session, row: ListeningRow) -> datetime | None:
    """When something is next to be fetched."""
    query = select(ToFetchRow.next_at).where(
        ToFetchRow.destination == row.destination, ToFetchRow.type == row.type
    )
    return session.exec(query.order_by(col(ToFetchRow.next_at)).limit(1)).first()


# --- what was heard ---------------------------------------------------------------------------------------


def versions(
    session: Session, destination: str, type_: str, ids: Iterable[str]
) -> dict[str, list[tuple[str, datetime | None]]]:
    """By id, every version of these resources that was heard: as they name it, and when it was made (UTC)."""
    found: dict[str, list[tuple[str, datetime | None]]] = {}
    query = select(HeardRow.id, HeardRow.version, HeardRow.updated).where(
        HeardRow.destination == destination, HeardRow.type == type_, col(HeardRow.id).in_(list(ids))
    )
    for id_, version, updated in session.exec(query):
        found.setdefault(id_, []).append((version, updated.astimezone(UTC) if updated is not None else None))
    return found


def mark(session: Session, row: HeardRow) -> bool:
    """This version was heard. False when it had been already: then nothing of it may happen again."""
    return insert_if_absent(session, row)


def latest(session: Session, destination: str, type_: str, id_: str) -> HeardRow | None:
    """The version of this resource that was heard last."""
    query = select(HeardRow).where(
        HeardRow.destination == destination, HeardRow.type == type_, HeardRow.id == id_
    )
    return session.exec(query.order_by(col(HeardRow.at).desc()).limit(1)).first()


def forget_strangers(session: Session, *, before: datetime) -> None:
    """Let go of the versions of resources that are none of ours."""
    session.exec(
        delete(HeardRow).where(col(HeardRow.outcome).in_(("stranger", "ours")), col(HeardRow.at) < before)
    )


def anybody_began(session: Session, *, since: datetime) -> bool:
    """Whether a pathway was begun since then: its patient was a stranger before, or known by fewer names."""
    return session.exec(select(PathwayRow.id).where(PathwayRow.created >= since).limit(1)).first() is not None


def judge_strangers_again(session: Session, row: ListeningRow, *, since: datetime) -> None:
    """Forget that these were of strangers, of what was read there since then: one of them may be known here now."""
    session.exec(
        delete(HeardRow).where(
            col(HeardRow.destination) == row.destination,
            col(HeardRow.type) == row.type,
            col(HeardRow.outcome) == "stranger",
            col(HeardRow.at) >= since,
        )
    )


# --- what they have of ours -------------------------------------------------------------------------------


def copy_of(session: Session, destination: str, remote: str) -> Copy | None:
    """The resource of ours that this server has under this name (``Task/123``)."""
    row = session.exec(
        select(DeliveredRow).where(DeliveredRow.destination == destination, DeliveredRow.remote == remote)
    ).first()
    return _copy(row) if row is not None else None


def copies(session: Session, destination: str, pathway_id: str) -> Mapping[str, Copy]:
    """What this server has of a pathway and of its patient, by our names (``Task/…``)."""
    patient = select(PathwayRow.patient_id).where(PathwayRow.id == pathway_id).scalar_subquery()
    rows = session.exec(
        select(DeliveredRow).where(
            DeliveredRow.destination == destination,
            or_(
                col(DeliveredRow.pathway_id) == pathway_id,
                (col(DeliveredRow.type) == "Patient") & (col(DeliveredRow.id) == patient),
            ),
            col(DeliveredRow.remote).is_not(None),
        )
    )
    return {f"{row.type}/{row.id}": _copy(row) for row in rows}


def in_delivery(session: Session, destination: str, pathway_id: str) -> bool:
    """Whether somebody is saying this pathway to this server at this moment: what comes back may be our own words."""
    query = select(DeliveryRow.pathway_id).where(
        DeliveryRow.destination == destination,
        DeliveryRow.pathway_id == pathway_id,
        col(DeliveryRow.lease_until) >= db_clock(session),
    )
    return session.exec(query).first() is not None


def free_leases(session: Session) -> None:
    """Give back what a dead worker held. Only where one worker runs at a time (SQLite)."""
    session.exec(
        update(ListeningRow)
        .where(col(ListeningRow.lease_until) > 0)
        .values(lease_owner=None, lease_until=0.0)
        .execution_options(synchronize_session=False)
    )


def _copy(row: DeliveredRow) -> Copy:
    return Copy(row.type, row.id, row.pathway_id, row.remote or "", row.etag, row.content)


def _is_due(session: Session, destination: str, types: Iterable[str], now: datetime) -> tuple[Any, ...]:
    return (
        col(ListeningRow.destination) == destination,
        col(ListeningRow.type).in_(list(types)),
        col(ListeningRow.next_at) <= now,
        col(ListeningRow.lease_until) < db_clock(session),
    )


def _any_hint(session: Session, row: ListeningRow, now: datetime) -> bool:
    return bool(hints(session, row, limit=1, now=now))


def _extend(session: Session, row: ListeningRow, seconds: float) -> None:
    session.flush()
    session.exec(
        update(ListeningRow)
        .where(col(ListeningRow.destination) == row.destination, col(ListeningRow.type) == row.type)
        .values(lease_until=db_clock(session) + seconds)
        .execution_options(synchronize_session=False)
    )


def _held(session: Session, destination: str, type_: str, owner: str) -> ListeningRow | None:
    query = select(ListeningRow).where(
        ListeningRow.destination == destination,
        ListeningRow.type == type_,
        ListeningRow.lease_owner == owner,
    )
    return session.exec(query.with_for_update().execution_options(populate_existing=True)).one_or_none()
