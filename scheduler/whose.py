"""Whom a resource speaks of: nobody of ours, one, or it is not clear, which is for a person to say.

One rule for what is written here and for what is fetched. A reference names its patient by identifier, by number, or
both; whatever it names must be the same person. A number is the sender's own: what another system wrote under it
counts for nothing. Nobody is gone by who has our patient's identifier and was born another day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session

from fhir_mappings import ins
from fhir_mappings.body import parse
from fhir_mappings.heard import relative
from fhir_mappings.read import Json, day, object_at, text_at
from fhir_mappings.searchable import place, values_at
from pathway.refusal import Text
from scheduler.inbound_ground import Unclear
from store import patients

_SUBJECTS = ("subject", "patient", "for", "participant.actor", "actor", "individual", "target")
"""Elements that may refer to a patient."""

Patients = frozenset[str]

_NOBODY: Patients = frozenset()


def subjects(resource: Json, base: str | None = None) -> Iterator[tuple[str, Json]]:
    """Each reference of the resource that may be to a patient, with the number it names or ''.

    ``base`` is the address that references to that server may begin with; None: whatever address they begin with.
    """
    for path in _SUBJECTS:
        for value in values_at(resource, path):
            if not isinstance(value, dict):
                continue
            id_ = number(value, base)
            if id_ is not None:
                yield id_, value


def number(reference: Json, base: str | None = None) -> str | None:
    """The id of the Patient to whom this refers; '' where it names none, None where it is to something else."""
    literal = text_at(reference, "reference") or ""
    kind, id_ = place(relative(reference) if base is None else literal, base or "")
    if kind == "Patient":
        return id_
    return "" if not kind and text_at(reference, "type") in (None, "Patient") else None


def one_of(
    session: Session,
    resource: Json,
    *,
    source: str,
    ours: str = "",
    base: str | None = None,
    known: Mapping[str, Json | None] | None = None,
) -> str | None:
    """Our one patient of whom the resource speaks; None for nobody of ours. Unclear, contradictory, for several.

    ``source`` is the system that says it, ``ours`` the system of our own patients' identifiers, and ``known`` the
    Patients behind numbers, where they were just read.
    """
    found: Patients = _NOBODY
    for id_, value in subjects(resource, base):
        found |= meant(session, value, id_, source=source, ours=ours, known=known)
    return only(found)


def only(found: Patients) -> str | None:
    """The one; None for nobody. Unclear for several."""
    if len(found) > 1:
        raise Unclear(
            "contradictory",
            Text(
                fr="Cette ressource désigne plusieurs de nos patients : dites de qui elle parle.",
                en="This resource names several of our patients: say whom it is about.",
            ),
        )
    return next(iter(found), None)


def meant(
    session: Session,
    reference: Json,
    id_: str,
    *,
    source: str,
    ours: str = "",
    known: Mapping[str, Json | None] | None = None,
) -> Patients:
    """All patients of ours whom this reference means, by identifier and by number."""
    named = object_at(reference, "identifier")
    system, value = text_at(named, "system"), text_at(named, "value")
    found = _named(session, system, value, ours) if system and value else _NOBODY
    if not id_:
        return found
    called = patients.called(session, source, id_)
    just_read = (known or {}).get(id_)
    for record in [just_read] if just_read is not None else _records(called):
        found |= _through(session, record, ours)
    return found | called.ours


def names_of(session: Session, reference: Json, *, source: str) -> set[tuple[str, str]]:
    """The identifiers of whom this refers to, as (system, value): its own, and those of the Patient of that number."""
    named = object_at(reference, "identifier")
    system, value = text_at(named, "system"), text_at(named, "value")
    names = {(system, value)} if system and value else set()
    if id_ := number(reference):
        for record in _records(patients.called(session, source, id_)):
            names |= {(each.system, each.value) for each in ins.identifiers(record)}
    return names


def _records(called: patients.Called) -> list[Json]:
    read = parse(called.read)[0] if called.read else None
    return [*called.wrote, *([read] if read is not None else [])]


def bearers(session: Session, patient: Json, ours: str = "") -> Patients:
    """All patients of ours whose identifiers this Patient bears."""
    found: Patients = _NOBODY
    for each in ins.identifiers(patient):
        found |= _named(session, each.system, each.value, ours)
    return found


def _named(session: Session, system: str, value: str, ours: str) -> Patients:
    if ours and system == ours:
        one = patients.by_id(session, value)
        return frozenset((one,)) if one is not None else _NOBODY
    return patients.bearers(session, [(system, value)])


def _through(session: Session, record: dict[str, Any], ours: str) -> Patients:
    """Those whose identifiers a Patient bears who is referred to. Unclear when born another day than ours."""
    found, said = bearers(session, record, ours), day(record.get("birthDate"), ZoneInfo("UTC"))
    if said is not None and any(patients.born(session, one) != said for one in found):
        raise Unclear(
            "contradictory",
            Text(
                fr="Le dossier du patient désigné n'a pas la date de naissance connue ici : vérifiez l'identité.",
                en="The record of the patient it names has another birth date than ours: check the identity.",
            ),
        )
    return found
