"""How we stand with each destination: whether we may speak to it now, since when not, and what it still is owed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, func, select

from pathway.refusal import Text
from store.database import db_clock
from store.exchange_tables import DestinationRow, IntroductionRow
from store.tables import DeliveredRow, DeliveryRow, PathwayRow
from store.upsert import insert_if_absent


@dataclass(frozen=True, slots=True)
class Standing:
    """One destination as a person looks at it: what is owed (pathways), since when, and what it refuses (resources)."""

    name: str
    mode: str
    resources: tuple[str, ...]
    objection: Text | None
    checked_at: datetime | None
    last_success: datetime | None
    not_before: datetime | None
    failures: int
    reason: str
    owed: int
    oldest: datetime | None
    refused: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A resource that a destination refuses as it stands, with its answer."""

    destination: str
    type: str
    id: str
    pathway_id: str
    patient_id: str | None
    at: datetime | None
    outcome: dict[str, Any]


def open_to(session: Session, name: str, *, mode: str, resources: Sequence[str], now: datetime) -> None:
    """Take up a destination of the settings as it is there now.

    Everything there is is owed to one that is new or was not written to before; one that wants other types than
    it did is told everything again, for references change with what it has.
    """
    row = session.get(DestinationRow, name, with_for_update=True)
    fresh = row is None
    if row is None:
        row = DestinationRow(name=name, mode=mode, resources=list(resources))
        if not insert_if_absent(session, row):
            return
        row = session.get_one(DestinationRow, name)
    before_mode, before_types = row.mode, list(row.resources)
    row.mode, row.resources = mode, list(resources)
    if mode != "push":
        return
    have = select(DeliveryRow.pathway_id).where(DeliveryRow.destination == name)
    for pathway_id in session.exec(select(PathwayRow.id).where(col(PathwayRow.id).not_in(have))).all():
        session.add(DeliveryRow(destination=name, pathway_id=pathway_id, next_at=now))
    if not fresh and (before_mode != mode or before_types != list(resources)):
        say_everything_again(session, name, now=now, anew=before_types != list(resources))


def say_everything_again(session: Session, name: str, *, now: datetime, anew: bool = True) -> None:
    """Owe every pathway to this destination; ``anew``: also what it has heard already."""
    if anew:
        session.exec(
            update(DeliveredRow)
            .where(col(DeliveredRow.destination) == name, col(DeliveredRow.refused_version).is_(None))
            .values(version=0)
            .execution_options(synchronize_session=False)
        )
    session.exec(
        update(DeliveryRow)
        .where(col(DeliveryRow.destination) == name)
        .values(wanted=DeliveryRow.wanted + 1, owes=True, next_at=now)
        .execution_options(synchronize_session=False)
    )


def may_speak(session: Session, name: str, *, now: datetime) -> bool:
    """Whether we may speak to this destination now: it takes writes, and has not asked us to wait."""
    row = session.get(DestinationRow, name)
    return row is None or (
        row.mode == "push" and not row.objection and (row.not_before is None or row.not_before <= now)
    )


def answered(session: Session, name: str, *, now: datetime) -> None:
    """It took something: whatever failed before is over."""
    row = session.get(DestinationRow, name, with_for_update=True)
    if row is not None:
        row.last_success, row.not_before, row.failures, row.reason = now, None, 0, ""


def failures(session: Session, name: str) -> int:
    """How often in a row it has failed."""
    row = session.get(DestinationRow, name)
    return row.failures if row is not None else 0


def failed(session: Session, name: str, *, until: datetime, reason: str) -> None:
    """It did not answer, or asked us to wait: nobody speaks to it before ``until``."""
    row = session.get(DestinationRow, name, with_for_update=True)
    if row is not None:
        row.not_before, row.failures, row.reason = until, row.failures + 1, reason


def looked_at(session: Session, name: str, *, objection: Text | None, now: datetime) -> None:
    """What its CapabilityStatement says against the mode it is set to; None: nothing."""
    row = session.get(DestinationRow, name, with_for_update=True)
    if row is not None:
        row.objection = {"fr": objection.fr, "en": objection.en} if objection is not None else None
        row.checked_at = now


def introduce(session: Session, name: str, patient_id: str, *, owner: str, lease_seconds: float) -> bool:
    """Whether it is ours to tell this destination of this patient: one writer at a time, for as long as the lease."""
    insert_if_absent(session, IntroductionRow(destination=name, patient_id=patient_id, owner=""))
    clock = db_clock(session)
    taken = session.exec(
        update(IntroductionRow)
        .where(
            col(IntroductionRow.destination) == name,
            col(IntroductionRow.patient_id) == patient_id,
            (col(IntroductionRow.lease_until) < clock) | (col(IntroductionRow.owner) == owner),
        )
        .values(owner=owner, lease_until=clock + lease_seconds)
        .returning(col(IntroductionRow.patient_id))
        .execution_options(synchronize_session=False)
    )
    return taken.first() is not None


def introduced(session: Session, name: str, patient_id: str, *, owner: str) -> None:
    """Done, or given up: somebody else may."""
    row = session.get(IntroductionRow, (name, patient_id), with_for_update=True)
    if row is not None and row.owner == owner:
        session.delete(row)


def standings(session: Session, names: Sequence[str]) -> list[Standing]:
    """The destinations of these names, in this order."""
    owed = {
        name: (count, oldest)
        for name, count, oldest in session.exec(
            select(DeliveryRow.destination, func.count(), func.min(DeliveryRow.next_at))
            .where(col(DeliveryRow.owes))
            .group_by(DeliveryRow.destination)
        )
    }
    refused = dict(
        session.exec(
            select(DeliveredRow.destination, func.count())
            .where(col(DeliveredRow.refused_version).is_not(None))
            .group_by(DeliveredRow.destination)
        ).all()
    )
    found = []
    for name in names:
        row = session.get(DestinationRow, name)
        if row is None:
            continue
        count, oldest = owed.get(name, (0, None))
        found.append(
            Standing(
                name=name,
                mode=row.mode,
                resources=tuple(row.resources),
                objection=Text(**row.objection) if row.objection else None,
                checked_at=row.checked_at,
                last_success=row.last_success,
                not_before=row.not_before,
                failures=row.failures,
                reason=row.reason,
                owed=count if row.mode == "push" else 0,
                oldest=oldest,
                refused=refused.get(name, 0),
            )
        )
    return found


def dead_letters(session: Session, name: str | None = None, *, limit: int = 200) -> list[DeadLetter]:
    """What destinations refuse, the latest first; of one destination, or of all."""
    query = (
        select(DeliveredRow, PathwayRow.patient_id)
        .join(PathwayRow, col(PathwayRow.id) == col(DeliveredRow.pathway_id), isouter=True)
        .where(col(DeliveredRow.refused_version).is_not(None))
    )
    if name is not None:
        query = query.where(DeliveredRow.destination == name)
    ordered = query.order_by(
        col(DeliveredRow.refused_at).desc(), DeliveredRow.destination, DeliveredRow.type, DeliveredRow.id
    )
    return [
        DeadLetter(
            row.destination, row.type, row.id, row.pathway_id, patient_id, row.refused_at, row.refused or {}
        )
        for row, patient_id in session.exec(ordered.limit(limit))
    ]
