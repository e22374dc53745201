"""Who a record speaks of: the one patient of ours who bears these identifiers."""

from __future__ import annotations

from collections.abc import Iterable

from sqlmodel import Session

from store.tables import PatientIdentifierRow, PatientRow


def by_identifiers(session: Session, identifiers: Iterable[tuple[str, str]]) -> str | None:
    """The id of the patient who bears any of these ``(system, value)``. None for nobody, and for two different ones."""
    rows = (session.get(PatientIdentifierRow, each) for each in identifiers)
    found = {row.patient_id for row in rows if row is not None}
    return found.pop() if len(found) == 1 else None


def by_id(session: Session, patient_id: str) -> str | None:
    """The id itself, when there is such a patient of ours."""
    return patient_id if session.get(PatientRow, patient_id) is not None else None
