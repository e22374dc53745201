"""What the hospitals' FHIR servers still have to hear, one writer per destination and pathway at a time.

Level-triggered: a delivery row says only that something is owed. What is sent is what the resources say at
the moment of sending, so late, repeated and coalesced are all harmless.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, or_, update
from sqlmodel import Session, col, func, select

from store import destinations, instance
from store.database import db_clock
from store.resource_tables import ResourceRow
from store.tables import DeliveredRow, DeliveryRow, PathwayRow
from store.upsert import insert_if_absent


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery that is ours until its lease ends. ``wanted`` is what it will have satisfied when done."""

    destination: str
    pathway_id: str
    wanted: int
    attempts: int


@dataclass(frozen=True, slots=True)
class Parcel:
    """A resource to deliver, with its version of ours and what the destination has of it (``told``)."""

    type: str
    id: str
    version: int
    content: dict[str, Any]
    remote: str | None
    etag: str | None
    current: bool
    told: dict[str, Any]
    added: dict[str, Any] | None = None
    patient_id: str | None = None


def claim(
    session: Session, destination: str, *, owner: str, lease_seconds: float, limit: int, now: datetime
) -> list[Due]:
    """Take up to ``limit`` deliveries that are due at this destination and that nobody holds.

    None while it takes no writes, or has failed or asked us to wait.
    """
    if not destinations.may_speak(session, destination, now=now):
        return []
    clock = db_clock(session)
    due = (
        select(DeliveryRow.pathway_id)
        .where(
            DeliveryRow.destination == destination,
            col(DeliveryRow.owes),
            col(DeliveryRow.next_at) <= now,
            col(DeliveryRow.lease_until) < clock,
        )
        .order_by(col(DeliveryRow.next_at))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = session.exec(
        update(DeliveryRow)
        .where(
            col(DeliveryRow.destination) == destination,
            col(DeliveryRow.pathway_id).in_(due.scalar_subquery()),
        )
        .values(lease_owner=owner, lease_until=clock + lease_seconds)
        .returning(DeliveryRow)
        .execution_options(synchronize_session=False)
    )
    rows = sorted(taken.scalars(), key=lambda row: row.next_at)
    return [Due(row.destination, row.pathway_id, row.wanted, row.attempts) for row in rows]


def still_ours(session: Session, due: Due, *, owner: str, identity: str, seconds: float) -> bool:
    """Whether we may still speak: the lease is ours for long enough and the database is at home."""
    query = select(DeliveryRow.wanted).where(
        DeliveryRow.destination == due.destination,
        DeliveryRow.pathway_id == due.pathway_id,
        DeliveryRow.lease_owner == owner,
        col(DeliveryRow.lease_until) >= db_clock(session) + seconds,
    )
    return session.exec(query).one_or_none() is not None and instance.at_home(session, identity)


def parcels(session: Session, due: Due) -> list[Parcel]:
    """Every resource of the pathway as it is now, and whether the destination has this version already.

    A resource that the destination refused counts as current until it changes: it waits for a person.
    """
    patient = select(PathwayRow.patient_id).where(PathwayRow.id == due.pathway_id).scalar_subquery()
    their_patient = and_(col(DeliveredRow.type) == "Patient", col(DeliveredRow.id) == patient)
    delivered = {
        (row.type, row.id): row
        for row in session.exec(
            select(DeliveredRow).where(
                DeliveredRow.destination == due.destination,
                or_(col(DeliveredRow.pathway_id) == due.pathway_id, their_patient),
            )
        )
    }
    found = []
    ours = and_(
        col(ResourceRow.source).is_(None),
        or_(
            col(ResourceRow.pathway_id) == due.pathway_id,
            and_(col(ResourceRow.type) == "Patient", col(ResourceRow.id) == patient),
        ),
    )
    # R4 finds these by no identifier, so they cannot be put again: they are read here.
    pushed = select(ResourceRow).where(ours, col(ResourceRow.type).not_in(("Provenance", "AdverseEvent")))
    for row in session.exec(pushed):
        known = delivered.get((row.type, row.id))
        found.append(
            Parcel(
                type=row.type,
                id=row.id,
                version=row.version,
                content=row.content,
                remote=known.remote if known else None,
                etag=known.etag if known else None,
                current=bool(known and row.version in (known.version, known.refused_version)),
                told=known.content if known else {},
                added=known.added if known else None,
                patient_id=row.patient_id,
            )
        )
    return found


def delivered(session: Session, due: Due, said: Sequence[tuple[Parcel, str, str | None]]) -> None:
    """The destination has these versions, each under a name of its own and at a version of its own (if it says)."""
    rows = _rows(session, due, [parcel for parcel, _, _ in said])
    for parcel, remote, etag in said:
        row = rows[parcel.type, parcel.id]
        if row.remote is None and parcel.type == "Patient":
            _owe_all_of(session, due.destination, parcel.id, but=due.pathway_id)
        row.version, row.content, row.remote, row.etag = parcel.version, parcel.content, remote, etag
        row.refused, row.refused_version, row.refused_at = None, None, None


def refused(session: Session, due: Due, parcel: Parcel, *, outcome: dict[str, Any], now: datetime) -> None:
    """The destination will not take this version: kept with its answer, shown, and not tried again unchanged."""
    row = _row(session, due, parcel)
    row.refused, row.refused_version, row.refused_at = outcome, parcel.version, now


def learned(
    session: Session,
    due: Due,
    parcel: Parcel,
    *,
    remote: str,
    etag: str | None,
    added: dict[str, Any] | None = None,
) -> None:
    """The destination's copy has moved on: the next attempt starts from its version, and leaves what they added."""
    row = _row(session, due, parcel)
    row.remote, row.etag, row.added = remote, etag, added or None


def forgotten(session: Session, due: Due, parcel: Parcel) -> None:
    """The destination has it no longer: it is said again as if for the first time."""
    row = _row(session, due, parcel)
    row.version, row.content, row.remote, row.etag, row.added = 0, {}, None, None, None


def resettled(session: Session, due: Due, parcel: Parcel, *, remote: str, now: datetime) -> None:
    """The destination has two records of this patient, and this is the one to speak of: all else is said again."""
    row = _row(session, due, parcel)
    row.remote, row.etag = remote, None
    told = select(DeliveredRow).where(
        DeliveredRow.destination == due.destination,
        DeliveredRow.pathway_id == due.pathway_id,
        DeliveredRow.type != "Patient",
    )
    for each in session.exec(told):
        each.version = 0
    delivery = session.get(DeliveryRow, (due.destination, due.pathway_id), with_for_update=True)
    if delivery is not None:
        delivery.wanted, delivery.owes, delivery.next_at = delivery.wanted + 1, True, now


def done(session: Session, due: Due, *, owner: str, now: datetime) -> None:
    """Everything that was owed when we looked has been heard. What changed meanwhile is still owed."""
    row = _held(session, due, owner)
    if row is None:
        return
    row.sent, row.attempts, row.reason = due.wanted, 0, ""
    row.owes, row.next_at = row.wanted > due.wanted, now
    row.lease_owner, row.lease_until = None, 0.0


def retry(session: Session, due: Due, *, owner: str, at: datetime, reason: str) -> None:
    """Not now: try again at ``at``."""
    row = _held(session, due, owner)
    if row is None:
        return
    row.attempts, row.next_at, row.reason = row.attempts + 1, at, reason
    row.lease_owner, row.lease_until = None, 0.0


def give_back(session: Session, due: Due, *, owner: str, at: datetime | None = None) -> None:
    """Not begun: somebody else may take it up, now or from ``at``."""
    row = _held(session, due, owner)
    if row is not None:
        row.lease_owner, row.lease_until = None, 0.0
        row.next_at = at or row.next_at


def replay(session: Session, destination: str, type_: str, id_: str, *, now: datetime) -> bool:
    """Try a refused resource again, by a person's decision. Whether there was such a one."""
    row = session.get(DeliveredRow, (destination, type_, id_), with_for_update=True)
    if row is None or row.refused_version is None:
        return False
    _again(session, row, now)
    return True


def replay_all(session: Session, destination: str, *, now: datetime) -> int:
    """Try everything again that a destination refuses, by a person's decision. Returns how many resources."""
    query = select(DeliveredRow).where(
        DeliveredRow.destination == destination, col(DeliveredRow.refused_version).is_not(None)
    )
    rows = session.exec(query.order_by(DeliveredRow.pathway_id, DeliveredRow.id).with_for_update()).all()
    for row in rows:
        _again(session, row, now)
    return len(rows)


def _again(session: Session, row: DeliveredRow, now: datetime) -> None:
    row.refused, row.refused_version, row.refused_at = None, None, None
    delivery = session.get(DeliveryRow, (row.destination, row.pathway_id), with_for_update=True)
    if delivery is not None:
        delivery.wanted, delivery.owes, delivery.next_at = delivery.wanted + 1, True, now


def refusals(session: Session) -> list[DeliveredRow]:
    """Every resource that a destination refuses as it stands."""
    query = select(DeliveredRow).where(col(DeliveredRow.refused_version).is_not(None))
    return list(session.exec(query.order_by(DeliveredRow.destination, DeliveredRow.pathway_id)))


def owing(session: Session) -> int:
    """How many deliveries are owed."""
    return session.exec(select(func.count()).select_from(DeliveryRow).where(col(DeliveryRow.owes))).one()


def _row(session: Session, due: Due, parcel: Parcel) -> DeliveredRow:
    return _rows(session, due, [parcel])[parcel.type, parcel.id]


def _rows(session: Session, due: Due, parcels: Sequence[Parcel]) -> dict[tuple[str, str], DeliveredRow]:
    """What we know of these at the destination, by type and id; begun where it is nothing yet."""
    query = select(DeliveredRow).where(
        DeliveredRow.destination == due.destination, col(DeliveredRow.id).in_({one.id for one in parcels})
    )
    found = {(row.type, row.id): row for row in session.exec(query)}
    missing = [one for one in parcels if (one.type, one.id) not in found]
    for one in missing:
        # A Patient may be told of by two pathways at this very moment.
        new = DeliveredRow(destination=due.destination, type=one.type, id=one.id, pathway_id=due.pathway_id)
        insert_if_absent(session, new)
    return found | ({(row.type, row.id): row for row in session.exec(query)} if missing else {})


def _owe_all_of(session: Session, destination: str, patient_id: str, *, but: str) -> None:
    """What a patient's other pathways had to keep back until the destination had the patient is owed now."""
    query = select(DeliveryRow).where(
        DeliveryRow.destination == destination,
        DeliveryRow.pathway_id != but,
        col(DeliveryRow.pathway_id).in_(select(PathwayRow.id).where(PathwayRow.patient_id == patient_id)),
    )
    for row in session.exec(query.order_by(DeliveryRow.pathway_id).with_for_update()):
        row.wanted, row.owes = row.wanted + 1, True


def free_leases(session: Session) -> None:
    """Give back what a dead worker held. Only where one worker runs at a time (SQLite)."""
    session.exec(
        update(DeliveryRow)
        .where(col(DeliveryRow.lease_until) > 0)
        .values(lease_owner=None, lease_until=0.0)
        .execution_options(synchronize_session=False)
    )


def _held(session: Session, due: Due, owner: str) -> DeliveryRow | None:
    query = (
        select(DeliveryRow)
        .where(
            DeliveryRow.destination == due.destination,
            DeliveryRow.pathway_id == due.pathway_id,
            DeliveryRow.lease_owner == owner,
        )
        .with_for_update()
    )
    return session.exec(query.execution_options(populate_existing=True)).one_or_none()
