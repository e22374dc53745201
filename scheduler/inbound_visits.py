"""Appointments of the hospital's own making, and the answers of those who take part in ours."""

from __future__ import annotations

from fhir_mappings.heard import relative
from fhir_mappings.heard_visit import response_event
from fhir_mappings.read import Json, object_at, objects_at
from fhir_mappings.site import fhir_id
from pathway.refusal import Text
from scheduler.hearing import Subject, hear
from scheduler.inbound_ground import Saying, Unclear
from store import search


def appointment(said: Saying) -> None:
    """A visit that the hospital keeps in a resource of its own, for a step that it names."""
    found = said.step_named()
    if found is None:
        return
    pathway, ground, step = found
    about = Subject(
        "Appointment",
        pathway,
        step,
        ground.protocol.step(step.key),
        pathway.patient_id,
        search.read(said.session, "Appointment", fhir_id(pathway.id, step.key, step.occurrence)),
    )
    heard = hear(
        said.session,
        said.ledger,
        said.site,
        about,
        _as_ours(said, about),
        role="owner",
        by=said.by,
        at=said.at,
    )
    said.issues += heard.issues
    said.moved = said.moved or heard.moved
    refusing = [issue for issue in heard.issues if issue.refuses]
    if refusing:
        sentence = refusing[0].diagnostics
        raise Unclear("refused", Text(fr=sentence, en=sentence))


def appointment_response(said: Saying) -> None:
    """Somebody who takes part has answered, or proposes another time."""
    found = said.step_named()
    if found is None:
        raise Unclear(
            "unmatched",
            Text(
                fr="Une réponse à un rendez-vous n'en nomme aucun des nôtres.",
                en="An AppointmentResponse names no Appointment of ours.",
            ),
        )
    pathway, _, step = found
    event = response_event(said.resource, step, by=said.by)
    if event is not None:
        said.record(pathway.id, event)


def _as_ours(said: Saying, about: Subject) -> Json:
    """Their Appointment as if they had written ours: our names for what never changes, their patient as ours."""
    current = about.current.content if about.current is not None else {}
    fixed: Json = {name: current[name] for name in ("id", "identifier", "basedOn") if name in current}
    others = [
        each
        for each in objects_at(said.resource, "participant")
        if not relative(object_at(each, "actor")).startswith("Patient/")
    ]
    return {**said.resource, **fixed, "participant": others}
