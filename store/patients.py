"""Who a record speaks of: those patients of ours who bear these identifiers, under the ids they are known by now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlmodel import Session, col, select

from store import heard
from store.joins import goes_on_as
from store.resource_tables import ResourceRow
from store.subscription_tables import HeardRow
from store.tables import PatientIdentifierRow, PatientRow


@dataclass(frozen=True, slots=True)
class Called:
    """What a system means by a name of its own: patients of ours, and the Patients that it gave under that name."""

    ours: frozenset[str]
    wrote: tuple[dict[str, Any], ...]
    read: bytes | None


def bearers(session: Session, identifiers: Iterable[tuple[str, str]]) -> frozenset[str]:
    """The ids of all patients who bear any of these ``(system, value)``: none, one, or several."""
    rows = (session.get(PatientIdentifierRow, each) for each in identifiers)
    return frozenset(goes_on_as(session, row.patient_id) for row in rows if row is not None)


def by_identifiers(session: Session, identifiers: Iterable[tuple[str, str]]) -> str | None:
    """The one patient who bears any of these. None for nobody and for several: where that matters, ask ``bearers``."""
    found = bearers(session, identifiers)
    return next(iter(found)) if len(found) == 1 else None


def by_id(session: Session, patient_id: str) -> str | None:
    """The id by which this patient of ours is known now; None when there is none of that id."""
    return goes_on_as(session, patient_id) if session.get(PatientRow, patient_id) is not None else None


def born(session: Session, patient_id: str) -> date | None:
    """The birth date of this patient, as first referred."""
    row = session.get(PatientRow, patient_id)
    return row.birth_date if row is not None else None


def called(session: Session, source: str, id_: str) -> Called:
    """What this system means by ``Patient/id``: by what we told it, what we serve, what it wrote here or let us read.

    What another system wrote here under that id is nothing of this one's: each gives its own numbers.
    """
    told = heard.ours_behind(session, source, f"Patient/{id_}")
    rows = [session.get(ResourceRow, ("Patient", one)) for one in {id_, told[1] if told else id_}]
    ours = [row.patient_id for row in rows if row is not None and row.source is None]
    read = select(HeardRow.body).where(
        HeardRow.destination == source,
        HeardRow.type == "Patient",
        HeardRow.id == id_,
        HeardRow.outcome == "heard",
    )
    return Called(
        frozenset(goes_on_as(session, one) for one in ours if one is not None),
        tuple(row.content for row in rows if row is not None and row.source == source),
        session.exec(read.order_by(col(HeardRow.at).desc()).limit(1)).first(),
    )
