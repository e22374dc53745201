"""Whom a written resource is about: our patient, found by what the resource says of its subject."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sqlmodel import Session

from fhir_mappings.read import Json, object_at, objects_at, text_at
from fhir_mappings.searchable import place, values_at
from fhir_mappings.site import fhir_id
from store import patients, search
from store.search import Found

_SUBJECTS = ("subject", "patient", "for", "participant.actor", "actor", "individual", "target")
"""Elements that may refer to a patient, in the resources that are served."""


def our_patient(session: Session, resource: Json, base: str) -> str | None:
    """The id of our patient whom this resource is about; None for nobody of ours, and for two different ones.

    By a reference to a Patient here, ours or another's record of the same person, else by the identifier in the
    reference; a Patient by its own identifiers. ``base`` is our address, which references may begin with.
    """
    if resource.get("resourceType") == "Patient":
        return bearer(session, resource)
    found = {
        patient
        for path in _SUBJECTS
        for value in values_at(resource, path)
        if (patient := _meant(session, value, base)) is not None
    }
    return found.pop() if len(found) == 1 else None


def bearer(session: Session, patient: Json) -> str | None:
    """The id of our patient who bears one of the identifiers of this Patient."""
    return patients.by_identifiers(session, _named(objects_at(patient, "identifier")))


def record_of(session: Session, patient_id: str) -> Found | None:
    """Our own Patient resource of this patient; None while no pathway of theirs has begun."""
    found = search.read(session, "Patient", fhir_id(patient_id))
    return found if found is not None and found.source is None else None


def _meant(session: Session, value: Any, base: str) -> str | None:
    kind, id_ = place(text_at(value, "reference") or "", base)
    if kind == "Patient":
        found = search.read(session, "Patient", id_)
        if found is not None:
            return found.patient_id if found.source is None else bearer(session, found.content)
    elif kind:
        return None
    identifier = object_at(value, "identifier")
    return patients.by_identifiers(session, _named([identifier])) if identifier else None


def _named(identifiers: Iterable[Json]) -> Iterator[tuple[str, str]]:
    for each in identifiers:
        system, value = text_at(each, "system"), text_at(each, "value")
        if system and value:
            yield system, value
