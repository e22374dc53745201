"""What is ours and is written from outside: a Task or an Appointment is heard as what has happened, and so is what a
Patient says of our patient. Nothing of it is overwritten."""

from __future__ import annotations

from sqlmodel import Session

from app.fhir import asking
from app.fhir.about_whom import record_of
from app.fhir.caller import Caller, may_book, system, task_role
from app.fhir.errors import FhirError, refuse
from app.fhir.wishes import Done, Landing, Wish
from app.service import Service
from fhir_mappings.outcome import Issue
from fhir_mappings.read import Json, objects_at, text_at
from fhir_mappings.site import fhir_id
from fhir_mappings.task_moves import Role
from scheduler.hearing import HEARD_TYPES, Subject, hear, own_system, subject
from scheduler.inbound import understand
from scheduler.inbound_ground import named
from store.search import Found
from store.tokens import Holder


def step_of(service: Service, session: Session, standing: Found) -> Subject:
    """The step that this Task or Appointment of ours is of, its pathway locked. 422 for what is no step."""
    about = (
        subject(session, service.ledger, service.site, standing.type, standing.id)
        if standing.type in HEARD_TYPES
        else None
    )
    if about is None or about.current is None:
        said = "carries a signed instruction of ours" if standing.type == "Task" else "says our own state"
        sentence = f"This {standing.type} {said} and is not moved from outside."
        raise refuse(422, sentence, code="business-rule")
    return about


def step_named(service: Service, session: Session, holder: Holder, wish: Wish) -> Subject | None:
    """The step that a new Task or Appointment means: by our identifier in its condition or in itself, or by our order.

    404 for an identifier of ours that is nobody's, and for a Task: none of ours is made from outside. 422 for a
    Task that merely bears our identifier.
    """
    if wish.type not in HEARD_TYPES:
        return None
    asked = _asked_for(service, wish)
    said = asked or _borne(service, wish)
    if said is None:
        said = _ordered(service, session, holder, wish.resource)
        return _step(service, session, wish.type, said) if said is not None else None
    about = _step(service, session, wish.type, said)
    if asked is None and wish.type == "Task":
        where = "Task.identifier"
        raise refuse(422, f"{where} is one that we give to Tasks of ours; leave it out.", where)
    if about is None or (about.current is None and wish.type == "Task"):
        raise refuse(404, f"No {wish.type} of ours has that identifier; none is made by an update.")
    return about


def may_speak(service: Service, session: Session, who: Caller, content: Json) -> None:
    """403 for what would be heard of a visit that is none of this system's business, however it names that visit."""
    if content.get("resourceType") not in ("Appointment", "AppointmentResponse"):
        return
    holder = system(who)
    steps = {one.value for one in named(session, service.site, holder.name, content) if one.step}
    for value in sorted(steps):
        about = _step(service, session, "Appointment", value)
        if about is not None:
            may_book(holder, about)


def landed(about: Subject) -> Landing:
    """A write about this step, which comes down on its Task or Appointment, made or not yet."""
    id_ = fhir_id(about.pathway.id, about.step.key, about.step.occurrence)
    return Landing(about.type, id_, about.current, about=about)


def heard(
    service: Service, session: Session, who: Caller, wish: Wish, about: Subject, incoming: Json
) -> Done:
    """Hear it under the pathway's lock and leave the trace."""
    role = may_move(system(who), about, incoming)
    _same_identifier(service, about, incoming)
    if about.current is not None and _ordered(service, session, system(who), incoming) == _value(about):
        # Our order may be said by its identifier as well as by reference.
        orders = objects_at(incoming, "basedOn")
        incoming = {**incoming, "basedOn": [*objects_at(about.current.content, "basedOn"), *orders]}
    if wish.method == "POST" and about.current is not None:
        incoming = _as_ours(about.current, incoming)
    said = hear(session, service.ledger, service.site, about, incoming, role=role, by=who.actor, at=who.now)
    if said.found is None and any(issue.refuses for issue in said.issues):
        raise FhirError(_status(said.issues), *said.issues)
    what = f"{about.type}/{landed(about).id}"
    service.audit.write(session, who.trace("write", what, about.patient_id, role=role, moved=said.moved))
    made = about.current is None and said.found is not None
    return Done(201 if made else 200, said.found, said.issues, said.moved)


def may_move(holder: Holder, about: Subject, incoming: Json) -> Role:
    """As whom this system says this of a Task or Appointment of ours. 403 when it is none of its business."""
    if about.type == "Task":
        return task_role(holder, about, incoming)
    may_book(holder, about)
    return "owner"


def patient_heard(
    service: Service, session: Session, who: Caller, patient_id: str, incoming: Json, body: bytes
) -> Done:
    """What a Patient says of our patient is heard; our own record is answered, as it then stands.

    What it says of its version is passed over: a version is the server's to say, and here it is given none.
    """
    holder, record = system(who), record_of(session, patient_id)
    assert record is not None, "a patient who is heard of has a record"
    said_of = {"id": record.id, **{name: value for name, value in incoming.items() if name != "meta"}}
    said = understand(
        session,
        service.ledger,
        service.site,
        said_of,
        patient_id=patient_id,
        source=holder.name,
        by=who.actor,
        at=who.now,
        body=body,
    )
    session.flush()
    found = record_of(session, patient_id)
    service.audit.write(session, who.trace("write", f"Patient/{record.id}", patient_id, moved=said.moved))
    return Done(200, found, said.issues, said.moved)


def need_version(wish: Wish, standing: Found | None) -> None:
    """412 when the wish is put on condition of another version than the one that stands."""
    version = standing.version if standing is not None else None
    asking.need_version(wish.if_match, version)
    asking.need_no_version(wish.if_none_match, version)


def _step(service: Service, session: Session, type_: str, value: str) -> Subject | None:
    return subject(session, service.ledger, service.site, type_, None, value)


def _asked_for(service: Service, wish: Wish) -> str | None:
    """The value of our identifier that the condition names."""
    named = f"{own_system(service.site, wish.type)}|"
    if wish.criteria is None or len(wish.criteria) != 1:
        return None
    name, value = wish.criteria[0]
    return value.removeprefix(named) if name == "identifier" and value.startswith(named) else None


def _borne(service: Service, wish: Wish) -> str | None:
    """The value of our identifier that the resource bears."""
    system_ = own_system(service.site, wish.type)
    borne = objects_at(wish.resource, "identifier")
    return next((text_at(one, "value") for one in borne if text_at(one, "system") == system_), None)


def _ordered(service: Service, session: Session, holder: Holder, resource: Json) -> str | None:
    """The step whose order an Appointment is based on: our ServiceRequest of a visit, by reference or identifier."""
    if resource.get("resourceType") != "Appointment":
        return None
    orders = {"basedOn": resource.get("basedOn")}
    steps = [one for one in named(session, service.site, holder.name, orders, depth=0) if one.step]
    return steps[0].value if len(steps) == 1 else None


def _same_identifier(service: Service, about: Subject, incoming: Json) -> None:
    """422 when the body carries our identifier of something else."""
    system_ = own_system(service.site, about.type)
    own = _value(about)
    for each in objects_at(incoming, "identifier"):
        if text_at(each, "system") == system_ and text_at(each, "value") != own:
            where = f"{about.type}.identifier"
            raise refuse(422, f"{where} names another {about.type} of ours; send it back as read.", where)


def _value(about: Subject) -> str:
    """That of our identifier of this step."""
    return f"{about.pathway.id}/{about.step.ref}"


def _as_ours(current: Found, incoming: Json) -> Json:
    """A new Appointment for an order that has its visit already: it names the order, and not what we call the visit."""
    borne = [each for each in objects_at(incoming, "identifier") if each not in current.content["identifier"]]
    return {**incoming, "identifier": [*current.content["identifier"], *borne]}


def _status(issues: tuple[Issue, ...]) -> int:
    """HTTP status of a refused update: whose turn it is (409, 403), or what is wrong with what it says (422)."""
    by_code = {"conflict": 409, "forbidden": 403, "not-found": 404}
    return next((by_code[each.code] for each in issues if each.refuses and each.code in by_code), 422)
