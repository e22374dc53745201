"""What a system writes of its own: kept byte for byte, made under an id of ours or of its choosing, and then heard.

Nothing is looked for behind its references: what they point to may live elsewhere, come later, or never.
"""

from __future__ import annotations

import json
import re
from uuid import uuid4

from sqlmodel import Session

from app.fhir import matching
from app.fhir.about_whom import bearer, our_patient, record_of
from app.fhir.answer import exactly
from app.fhir.asked import is_id
from app.fhir.caller import Caller, allowed, system
from app.fhir.errors import FhirError, refuse
from app.fhir.ours import (
    heard,
    landed,
    may_move,
    may_speak,
    need_version,
    patient_heard,
    step_named,
    step_of,
)
from app.fhir.reads import base
from app.fhir.subscriptions import before_keeping
from app.fhir.wishes import Done, Landing, Wish
from app.projector import projected
from app.service import Service
from fhir_mappings import decimals
from fhir_mappings.json_patch import apply_json_patch
from fhir_mappings.raw import text_of
from fhir_mappings.read import Json, object_at, objects_at, text_at
from fhir_mappings.site import fhir_id
from fhir_mappings.validate import check
from scheduler.inbound import understand
from store import resources, search
from store.locks import hold
from store.search import Found
from store.tokens import Holder

_LIKE_OURS = re.compile(r"[0-9a-f]{32}(-|$)")
"""Ids of patients and pathways begin so: nobody else may choose one."""

_INTERACTION = {"POST": "create", "PUT": "update", "PATCH": "patch"}


def names(wish: Wish) -> list[str]:
    """What a wish is locked by, to be held before it lands."""
    if wish.criteria is not None:
        return [matching.name(wish.type, wish.criteria)]
    return [resources.name(wish.type, wish.id)] if wish.id is not None else []


def do(service: Service, session: Session, who: Caller, wish: Wish) -> Done:
    """A write that stands alone, from its locks to its trace. FhirError for what is refused."""
    may(who, wish)
    hold(session, names(wish))
    return write(service, session, who, wish, land(service, session, who, wish))


def may(who: Caller, wish: Wish) -> None:
    """403 for a person, and for a system that was not granted this: a condition is a search beside the write."""
    system(who)
    allowed(who, wish.type, _INTERACTION[wish.method])
    if wish.criteria is not None:
        allowed(who, wish.type, "search-type")


def may_see(who: Caller, done: Done) -> bool:
    """Whether what stands after a write may be shown to who wrote: it may hold more than they said."""
    return may_read(who, done.found.type if done.found is not None else "")


def may_read(who: Caller, type_: str) -> bool:
    """Whether this caller was granted to read resources of this type."""
    try:
        allowed(who, type_, "read")
    except FhirError:
        return False
    return True


# --- where it comes down ----------------------------------------------------------------------------------


def land(service: Service, session: Session, who: Caller, wish: Wish) -> Landing:
    """What this wish is about, and how that stands. 404, 412 or 422 for what it cannot be about."""
    if wish.id is not None:
        return _at(service, session, who, wish, wish.id)
    if wish.criteria is None:
        return _new(service, session, who, wish)
    found = matching.one(service, session, wish.served, wish.criteria)
    if found is None:
        return _new(service, session, who, wish)
    if wish.method == "POST":
        return Landing(wish.type, found.id, found, matched=True)
    if wish.resource.get("id", found.id) != found.id:
        where = f"{wish.type}.id"
        raise refuse(400, f"{where} is not the id of what the condition names; leave it out.", where)
    return _standing(service, session, found)


def _at(service: Service, session: Session, who: Caller, wish: Wish, id_: str) -> Landing:
    found = search.read(session, wish.type, id_) if is_id(id_) else None
    if found is not None:
        return _standing(service, session, found)
    if wish.method == "PATCH" or not is_id(id_) or _LIKE_OURS.match(id_):
        raise refuse(404, f"There is no {wish.type} of that id; none is made by an update.")
    return _new(service, session, who, wish)


def _standing(service: Service, session: Session, found: Found) -> Landing:
    if found.source is not None:
        return Landing(found.type, found.id, found)
    if found.type == "Patient":
        return Landing(found.type, found.id, found, patient=found.patient_id)
    return landed(step_of(service, session, found))


def _new(service: Service, session: Session, who: Caller, wish: Wish) -> Landing:
    """Something that is not here yet, unless it means something of ours under another name."""
    about = step_named(service, session, system(who), wish)
    if about is not None:
        own = landed(about)
        if wish.id is None and wish.method == "PUT" and wish.resource.get("id", own.id) != own.id:
            where = f"{wish.type}.id"
            raise refuse(400, f"{where} is not the id of what the condition names; leave it out.", where)
        return own
    if wish.type == "Patient":
        patient_id = bearer(session, wish.resource)
        record = record_of(session, patient_id) if patient_id is not None else None
        if record is not None:
            return Landing("Patient", record.id, record, patient=patient_id)
    _refuse_our_names(service, wish)
    if "create" not in wish.served.interactions or (wish.id and not wish.served.update_create):
        raise refuse(404, f"There is no such {wish.type}; none is made here.")
    if wish.method == "POST":
        return Landing(wish.type, str(uuid4()))
    chosen = wish.id or text_at(wish.resource, "id")
    if chosen is None:
        return Landing(wish.type, str(uuid4()))
    if not is_id(chosen) or _is_like_ours(service, wish.type, chosen):
        where = f"{wish.type}.id"
        raise refuse(422, f"{where} looks like one of ours; choose another or send it by POST.", where)
    if search.read(session, wish.type, chosen) is not None:
        where = f"{wish.type}.id"
        raise refuse(409, f"There is a {wish.type} of that id which the condition does not name.", where)
    return Landing(wish.type, chosen)


def _is_like_ours(service: Service, type_: str, id_: str) -> bool:
    """Whether a resource of ours has this id, or may come to have it: a version of the protocol not published yet."""
    published = type_ in ("PlanDefinition", "ActivityDefinition")
    name = fhir_id(service.protocol.protocol.protocol)
    return _LIKE_OURS.match(id_) is not None or (published and id_.startswith(f"{name}-"))


def _refuse_our_names(service: Service, wish: Wish) -> None:
    ours = f"{service.site.system}/id/"
    for each in objects_at(wish.resource, "identifier"):
        if (text_at(each, "system") or "").startswith(ours):
            where = f"{wish.type}.identifier"
            raise refuse(422, f"{where} is one that we give; write to what bears it, or leave it out.", where)


# --- what becomes of it -----------------------------------------------------------------------------------


def write(service: Service, session: Session, who: Caller, wish: Wish, landing: Landing) -> Done:
    """Let it be so: heard where it is ours, kept where it is theirs. The caller's transaction ends with a refusal."""
    standing = landing.standing
    if landing.matched:
        assert standing is not None
        what = f"{landing.type}/{landing.id}"
        service.audit.write(session, who.trace("read", what, standing.patient_id, by=["if-none-exist"]))
        return Done(200, standing)
    need_version(wish, standing)
    incoming, body = wish.resource, wish.body
    if wish.method == "PATCH":
        _may_patch(who, wish, landing)
        incoming, body = _patched(wish, standing)
    if landing.about is not None:
        return heard(service, session, who, wish, landing.about, incoming)
    if landing.patient is not None:
        return patient_heard(service, session, who, landing.patient, incoming, body)
    return _kept(service, session, who, wish, landing, incoming, body)


def _may_patch(who: Caller, wish: Wish, landing: Landing) -> None:
    """403 before any operation is tried on what is not this system's: whether one fits tells what stands there."""
    holder, standing = system(who), landing.standing
    assert standing is not None, "a patch lands on what stands"
    if standing.source is not None:
        _need_author(holder, standing)
        return
    if landing.about is not None:
        may_move(holder, landing.about, standing.content)
    if any(isinstance(each, dict) and each.get("op") == "test" for each in wish.operations):
        allowed(who, landing.type, "read")


def _need_author(holder: Holder, standing: Found) -> None:
    if standing.source != holder.name:
        sentence = f"This {standing.type} was written by another system, and only that one changes it."
        raise refuse(403, sentence)


def _patched(wish: Wish, standing: Found | None) -> tuple[Json, bytes]:
    """The resource as it stands, patched and judged; another's is laid out anew, its decimals as they were said."""
    assert standing is not None, "a patch lands on what stands"
    before = standing.content
    if standing.body is not None:
        before = {**decimals.read(text_of(standing.body)), "id": standing.id}
    patched = apply_json_patch(before, wish.operations)
    if isinstance(patched, list):
        raise FhirError(422, *patched)
    words = decimals.written(patched)
    patched = json.loads(words)
    if issues := [issue for issue in check(patched) if issue.refuses]:
        raise FhirError(422, *issues)
    if patched.get("id") != standing.id:
        where = f"{wish.type}.id"
        raise refuse(422, f"A patch may not change {where}; leave it out.", where)
    if standing.body is not None and words == decimals.written(before):
        return patched, standing.body
    return patched, words.encode()


def _kept(
    service: Service, session: Session, who: Caller, wish: Wish, landing: Landing, incoming: Json, body: bytes
) -> Done:
    """Their words, as they are, and what these mean for our patient's pathways. Only who wrote it writes it again."""
    holder, standing = system(who), landing.standing
    if standing is not None:
        _need_author(holder, standing)
    what = f"{landing.type}/{landing.id}"
    if standing is not None and standing.body == body:
        service.audit.write(session, who.trace("write", what, standing.patient_id, moved=False))
        return Done(200, standing)
    content = {**incoming, "id": landing.id}
    may_speak(service, session, who, content)
    if landing.type == "Subscription":
        content = before_keeping(service, session, who, content)
        body = decimals.written(content).encode()
    patient_id = our_patient(session, content, base(service), source=holder.name)
    changed = resources.keep(
        session,
        projected(content, base=base(service), zone=service.zone),
        body=body,
        source=holder.name,
        patient_id=patient_id,
        now=who.now,
        method=wish.method if standing is not None or wish.method == "POST" else "PUT",
    )
    said = understand(
        session,
        service.ledger,
        service.site,
        _as_versioned(content, changed.version, exactly(who.now)),
        patient_id=patient_id,
        source=holder.name,
        by=who.actor,
        at=who.now,
    )
    session.flush()
    service.audit.write(session, who.trace("write", what, patient_id, moved=said.moved))
    found = Found(
        landing.type, landing.id, changed.version, who.now, content, None, patient_id, holder.name, body
    )
    return Done(201 if standing is None else 200, found, said.issues, said.moved)


def _as_versioned(resource: Json, version: int, updated: str) -> Json:
    """The resource as the version that was made of it here: what its author says of versions is not heard."""
    return {
        **resource,
        "meta": {**object_at(resource, "meta"), "versionId": str(version), "lastUpdated": updated},
    }
