"""Whom a written resource is about: our patient, found by what the resource says of its subject."""

from __future__ import annotations

from sqlmodel import Session

from fhir_mappings.read import Json
from fhir_mappings.site import fhir_id
from scheduler import whose
from scheduler.inbound_ground import Unclear
from store import search
from store.search import Found


def our_patient(session: Session, resource: Json, base: str, *, source: str) -> str | None:
    """The id of our patient whom this resource is about; None for nobody of ours, and for two different ones.

    By the rule of ``scheduler.whose``; a Patient by its own identifiers. ``base`` is our address, which references
    may begin with; ``source`` the system that says it: what another wrote here under the same id is not meant.
    """
    if resource.get("resourceType") == "Patient":
        return bearer(session, resource)
    try:
        return whose.one_of(session, resource, source=source, base=base)
    except Unclear:
        # Whoever hears it says why.
        return None


def bearer(session: Session, patient: Json) -> str | None:
    """The id of our patient who bears one of the identifiers of this Patient; None for nobody, and for several."""
    found = whose.bearers(session, patient)
    return next(iter(found)) if len(found) == 1 else None


def record_of(session: Session, patient_id: str) -> Found | None:
    """Our own Patient resource of this patient; None while no pathway of theirs has begun."""
    found = search.read(session, "Patient", fhir_id(patient_id))
    return found if found is not None and found.source is None else None
