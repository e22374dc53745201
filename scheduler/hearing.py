"""A hospital has changed a Task or an Appointment: what it says becomes events, through the door like any other.

The same ears for both ways it reaches us: written to our ``/fhir``, or found on the hospital's own server when
ours is said there again.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from fhir_mappings.heard import Heard, refusal, relative
from fhir_mappings.inbound import task_event
from fhir_mappings.inbound_visit import appointment_event
from fhir_mappings.outcome import Issue, error
from fhir_mappings.patient import patient_reference
from fhir_mappings.read import Json, object_at, objects_at, text_at
from fhir_mappings.site import Site, fhir_id
from fhir_mappings.task_moves import Role
from fhir_mappings.validate import check
from pathway.events import VisitBooked
from pathway.protocol import StepRule
from pathway.refusal import Refused, Text
from pathway.state import Actor, Pathway, Step
from scheduler import slots_here
from scheduler.destination import Hear
from scheduler.ground import Works
from store import anomalies, joins, patients, search, slots
from store.ledger import Ledger
from store.search import Found

log = logging.getLogger("jalon.hearing")

HEARD_TYPES = {"Task": "task", "Appointment": "appointment"}
"""What a hospital may change, and the kind of our identifier that names each."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What an update speaks of: the occurrence of a step, its rule, and what we say of it now (locked).

    ``current`` is None for the Appointment of a step that never had a slot.
    """

    type: str
    pathway: Pathway
    step: Step
    rule: StepRule
    patient_id: str
    current: Found | None


@dataclass(frozen=True, slots=True)
class Hearing:
    """What came of an update: the resource as it stands now, and what is to be said about it.

    ``found`` is None when the update is refused (``issues`` say why), and when an Appointment that was never
    made is cancelled. ``moved`` says whether anything happened to the pathway.
    """

    found: Found | None
    issues: tuple[Issue, ...] = ()
    moved: bool = False


def subject(
    session: Session, ledger: Ledger[Any], site: Site, type_: str, id_: str | None, value: str | None = None
) -> Subject | None:
    """The step that an id of ours, or the value of our identifier, names; its pathway is locked. None for none.

    ``value`` is ``pathway/step/occurrence``. A Task to hold or resume a drug is no step and is not found.
    """
    if value is None:
        found = search.read(session, type_, id_ or "")
        value = _own_value(found.content, site, type_) if found is not None else None
    pathway_id, _, ref = (value or "").partition("/")
    key, _, occurrence = ref.partition("/")
    if not (occurrence.isascii() and occurrence.isdigit() and len(occurrence) < 7):
        return None
    try:
        ledger.lock(session, pathway_id)
        pathway, ground = ledger.load(session, pathway_id)
    except Refused:
        return None
    step = pathway.at(key, int(occurrence))
    if step is None or (id_ is not None and id_ != fhir_id(pathway.id, step.key, step.occurrence)):
        return None
    current = search.read(session, type_, fhir_id(pathway.id, step.key, step.occurrence))
    rule = ground.protocol.step(step.key)
    return Subject(type_, pathway, step, rule, pathway.patient_id, current)


def hear(
    session: Session,
    ledger: Ledger[Any],
    site: Site,
    about: Subject,
    resource: Json,
    *,
    role: Role,
    by: Actor,
    at: datetime,
) -> Hearing:
    """Let what this resource says of its step happen. Raises Refused when the door does.

    ``resource`` is the whole resource after the update, in our references, already well-formed
    (``fhir_mappings.validate.check``). Two events of one update happen both or not at all: the caller's
    transaction ends with the refusal.
    """
    heard = _understood(session, about, resource, site, role=role, by=by)
    if heard.refused:
        return Hearing(None, heard.issues)
    whose = (about.pathway.id, about.step.key, about.step.occurrence)
    for event in heard.events:
        if isinstance(event, VisitBooked) and event.slot:
            slots.need_untaken(session, slots_here.HOME, event.slot, whose)
        ledger.record(session, about.pathway.id, event, at=at)
    if about.type == "Appointment" and heard.events:
        pathway, _ = ledger.load(session, about.pathway.id)
        step = pathway.at(about.step.key, about.step.occurrence)
        assert step is not None
        slots_here.follow(session, site, pathway, step, by=by.name, at=at, hold=None)
    session.flush()
    id_ = fhir_id(about.pathway.id, about.step.key, about.step.occurrence)
    return Hearing(search.read(session, about.type, id_), heard.issues, moved=bool(heard.events))


def listener(site: Site, name: str) -> Hear:
    """Who listens to what has changed on the server of this destination: its word is that of the Task's owner.

    What may not happen is an anomaly: our state is said again, and a person settles the rest.
    """
    by = Actor(name)

    def listen(works: Works, pathway_id: str, resource: Json) -> None:
        kind = resource.get("resourceType")
        if kind not in HEARD_TYPES or check(resource):
            _unheard(name, str(kind), "malformed")
            return
        try:
            with works.db.write() as session:
                value = _own_value(resource, site, kind)
                about = subject(session, works.ledger, site, kind, text_at(resource, "id"), value)
                if about is None or about.pathway.id != pathway_id:
                    _unheard(name, kind, "not-found")
                    return
                now = works.clock()
                said = hear(session, works.ledger, site, about, resource, role="owner", by=by, at=now)
                what = f"{kind}/{resource.get('id')}"
                works.trace(session, "write", what, about.patient_id, now=now, heard_of=name)
        except Refused as refused:
            _unheard(name, kind, refused.kind)
            _put_on_the_list(works, name, resource, refused.text)
            return
        if said.found is None and said.issues:
            _unheard(name, kind, said.issues[0].code)
            sentence = said.issues[0].diagnostics
            _put_on_the_list(works, name, resource, Text(fr=sentence, en=sentence))

    return listen


def hear_own(
    session: Session, ledger: Ledger[Any], site: Site, resource: Json, *, by: Actor, at: datetime
) -> Hearing | None:
    """Hear a Task or Appointment of ours that a hospital has changed; None for any other resource.

    Raises Refused when the door does.
    """
    type_ = str(resource.get("resourceType"))
    value = _own_value(resource, site, type_) if type_ in HEARD_TYPES else None
    about = subject(session, ledger, site, type_, None, value) if value else None
    if about is None:
        return None
    return hear(session, ledger, site, about, resource, role="owner", by=by, at=at)


def is_party(said: Json, party: Json) -> bool:
    """Whether two References to people or organisations are the same: by literal, else identifier, else name."""
    if text_at(said, "reference") and text_at(party, "reference"):
        return relative(said) == relative(party)
    ours, theirs = (object_at(each, "identifier") for each in (said, party))
    if ours and theirs:
        return all(text_at(ours, name) == text_at(theirs, name) for name in ("system", "value"))
    if text_at(said, "reference") or text_at(party, "reference") or ours or theirs:
        return False
    return text_at(said, "display") is not None and text_at(said, "display") == text_at(party, "display")


def own_system(site: Site, type_: str) -> str:
    """The system of our identifiers of this type."""
    system: str = site.identifier(HEARD_TYPES[type_], "")["system"]
    return system


def _own_value(resource: Json, site: Site, type_: str) -> str | None:
    system = own_system(site, type_)
    values = (
        text_at(each, "value")
        for each in objects_at(resource, "identifier")
        if text_at(each, "system") == system
    )
    return next(values, None)


def _understood(
    session: Session, about: Subject, resource: Json, site: Site, *, role: Role, by: Actor
) -> Heard:
    current = about.current.content if about.current is not None else None
    if about.type == "Appointment":
        if _is_of_another(session, site, about, resource):
            sentence = "Appointment.participant names another patient; book for the patient of the pathway."
            return refusal(error("business-rule", sentence, "Appointment.participant"))
        # A booking system that made the Appointment knows nothing of our order: leaving it out changes nothing.
        order = {"basedOn": current["basedOn"]} if current is not None and "basedOn" in current else {}
        return appointment_event(current, order | resource, about.step, by=by)
    if current is None:
        return refusal(error("not-found", "There is no such Task.", "Task.identifier"))
    return task_event(current, resource, about.step, about.rule, site, role=role, by=by)


def _is_of_another(session: Session, site: Site, about: Subject, appointment: Json) -> bool:
    """Whether an Appointment speaks of patients, and of others than the pathway's.

    A patient named by identifier alone is another when the identifier is another patient's, or nobody's though its
    system has given the pathway's patient one. A system that has not says nothing of whose it is.
    """
    others = False
    for each in objects_at(appointment, "participant"):
        actor = object_at(each, "actor")
        identifier = object_at(actor, "identifier")
        system, value = text_at(identifier, "system"), text_at(identifier, "value")
        if relative(actor).startswith("Patient/"):
            is_ours = relative(actor) == relative(patient_reference(about.pathway))
        elif system and value and text_at(actor, "type") in (None, "Patient"):
            own = system == site.identifier("patient", "")["system"]
            bearer = value if own else patients.by_identifiers(session, [(system, value)])
            if bearer is None and system not in {one.system for one in about.pathway.patient.identifiers}:
                continue
            is_ours = bearer is not None and joins.goes_on_as(session, bearer) == about.patient_id
        else:
            continue
        if is_ours:
            return False
        others = True
    return others


def _put_on_the_list(works: Works, name: str, resource: Json, why: Text) -> None:
    """A person sees it among the anomalies, and may let it be heard again."""
    with works.db.write() as session:
        anomalies.add(
            session,
            source=name,
            kind="refused",
            type=str(resource.get("resourceType")),
            remote=f"{resource.get('resourceType')}/{resource.get('id', '')}",
            reason=why,
            body=json.dumps(resource, ensure_ascii=False).encode(),
            at=works.clock(),
        )


def _unheard(name: str, kind: str, why: str) -> None:
    log.warning("what a hospital says could not be heard", extra={"from": name, "type": kind, "why": why})
