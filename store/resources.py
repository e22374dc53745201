"""FHIR resources as we say them now: written with the state, versioned by real change, owed to every destination."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from store.projection import Projected
from store.tables import DeliveryRow, ResourceIdentifierRow, ResourceRow


def put(
    session: Session, projected: Iterable[Projected], *, pathway_id: str, patient_id: str, now: datetime
) -> int:
    """Write what differs from what stands; unchanged resources keep their version. Returns how many changed."""
    wanted = {(one.type, one.id): one for one in projected}
    standing = {
        (row.type, row.id): row
        for row in session.exec(
            select(ResourceRow).where(col(ResourceRow.id).in_({id_ for _, id_ in wanted}))
        )
    }
    changed = 0
    for key, one in wanted.items():
        row = standing.get(key)
        if row is not None and row.content == one.content and row.due == one.due:
            continue
        changed += 1
        if row is None:
            row = ResourceRow(type=one.type, id=one.id, version=0, updated=now, content={})
            session.add(row)
        row.version += 1
        row.updated = now
        row.pathway_id, row.patient_id = pathway_id, patient_id
        row.status, row.due, row.not_before = one.status, one.due, one.not_before
        row.content = one.content
        if row.version == 1:
            _name(session, one)
    return changed


def _name(session: Session, one: Projected) -> None:
    """Identifiers are given once: ours never change, and a patient's are those of the first projection."""
    for system, value in dict.fromkeys(one.identifiers):
        session.add(ResourceIdentifierRow(type=one.type, id=one.id, system=system, value=value))


def owe(session: Session, destinations: Sequence[str], pathway_id: str, *, now: datetime) -> None:
    """Every destination has something to hear of this pathway, from now."""
    for name in destinations:
        row = session.get(DeliveryRow, (name, pathway_id), with_for_update=True)
        if row is None:
            session.add(DeliveryRow(destination=name, pathway_id=pathway_id, next_at=now))
            continue
        row.wanted += 1
        if not row.owes:
            # A destination that is failing keeps its back-off; one that was up to date is served at once.
            row.owes, row.next_at = True, now
