"""Hospitals' Slots that are taken for our visits, and the free ones that are kept here.

The primary key of ``slot_taken`` decides between two who want one Slot: the second waits for the first one's
transaction, and then loses.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from pathway.refusal import Refused, Text
from store.inbound_tables import TakenSlotRow
from store.resource_tables import ResourceRow, ResourceSpanRow
from store.tables import PathwayRow
from store.upsert import insert_if_absent

MOST = 400
"""Free Slots shown at once; more is a window too wide to choose from."""

GONE = Text(
    fr="Ce créneau vient d'être pris : choisissez-en un autre.",
    en="This slot has just been taken: choose another.",
)


def take(session: Session, row: TakenSlotRow) -> None:
    """This Slot is that visit's from now on. Refused (conflict) when it is another's."""
    if insert_if_absent(session, row):
        return
    known = locked(session, row.home, row.slot)
    if known is None:
        take(session, row)
        return
    if (known.pathway_id, known.step, known.occurrence) != (row.pathway_id, row.step, row.occurrence):
        raise Refused(GONE, field="slot")
    known.status, known.since, known.until, known.seq = row.status, row.since, row.until, row.seq
    session.flush()


def need_untaken(session: Session, home: str, slot: str, whose: tuple[str, str, int]) -> None:
    """Refused (conflict) when the Slot is another visit's: asked before any work is done for it."""
    row = session.get(TakenSlotRow, (home, slot))
    if row is not None and (row.pathway_id, row.step, row.occurrence) != whose:
        raise Refused(GONE, field="slot")


def locked(session: Session, home: str, slot: str) -> TakenSlotRow | None:
    """Whose the Slot is, locked."""
    query = select(TakenSlotRow).where(TakenSlotRow.home == home, TakenSlotRow.slot == slot)
    return session.exec(query.with_for_update().execution_options(populate_existing=True)).one_or_none()


def of_visit(session: Session, pathway_id: str, step: str, occurrence: int) -> list[TakenSlotRow]:
    """Every Slot that is taken for this visit: one, but for a moment two while it moves."""
    query = select(TakenSlotRow).where(
        TakenSlotRow.pathway_id == pathway_id,
        TakenSlotRow.step == step,
        TakenSlotRow.occurrence == occurrence,
    )
    return list(session.exec(query.with_for_update().execution_options(populate_existing=True)))


def forget(session: Session, row: TakenSlotRow) -> None:
    """The Slot is nobody's of ours."""
    session.delete(row)
    session.flush()


def taken(session: Session, home: str, slots: Iterable[str]) -> set[str]:
    """Which of these are taken for a visit of ours."""
    query = select(TakenSlotRow.slot).where(
        TakenSlotRow.home == home, col(TakenSlotRow.slot).in_(list(slots))
    )
    return set(session.exec(query))


def free_here(session: Session, start: datetime, end: datetime) -> list[dict[str, object]]:
    """The Slots that hospitals keep here as free, beginning in this span (UTC), earliest first."""
    span = ResourceSpanRow
    query = (
        select(ResourceRow)
        .join(span, (col(span.type) == ResourceRow.type) & (col(span.id) == ResourceRow.id))
        .where(
            span.type == "Slot",
            span.param == "start",
            span.start >= start,
            span.start < end,
            ResourceRow.status == "free",
        )
        .order_by(col(span.start), col(span.id))
        .limit(MOST)
    )
    return [row.content for row in session.exec(query)]


# --- what has to be looked at again -----------------------------------------------------------------------


def expired(session: Session, now: datetime) -> list[TakenSlotRow]:
    """Slots that were held for too long without being confirmed."""
    query = select(TakenSlotRow).where(TakenSlotRow.status == "held", col(TakenSlotRow.until) <= now)
    return list(session.exec(query.limit(100)))


def unsettled(session: Session, now: datetime, patience: timedelta) -> list[TakenSlotRow]:
    """Slots elsewhere of which it is open whether they are ours, or whose server has still to be told."""
    query = select(TakenSlotRow).where(
        col(TakenSlotRow.status).in_(("taking", "freeing", "confirming")),
        TakenSlotRow.since <= now - patience,
    )
    return list(session.exec(query.limit(100)))


def moved_on(session: Session) -> list[TakenSlotRow]:
    """Slots whose pathway has had an event since the visit was last seen to stand with them."""
    query = (
        select(TakenSlotRow)
        .join(PathwayRow, col(PathwayRow.id) == TakenSlotRow.pathway_id)
        .where(col(TakenSlotRow.status).in_(("held", "booked")), col(PathwayRow.seq) > TakenSlotRow.seq)
    )
    return list(session.exec(query.limit(100)))
