"""A resource of a hospital has been read: whose is it, and what does it say? Each is judged alone, once a version.

Ours come back: what the hospital changed in them is heard as from their owner. Another's is understood where it is
about a patient of ours; of strangers nothing is kept. What cannot be judged is set aside and stops nobody.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlmodel import Session

from fhir_mappings.outbound import Known, as_ours, what_they_changed
from fhir_mappings.read import Json, instant, object_at, objects_at, text_at
from fhir_mappings.site import Site, fhir_id
from fhir_mappings.validate import check
from gateways.ports import DeliveryFailed
from pathway.refusal import Text
from pathway.state import Actor
from scheduler import whose
from scheduler.destination import Destination
from scheduler.ground import Works
from scheduler.hearing import HEARD_TYPES, own_system
from scheduler.inbound import understand
from scheduler.inbound_ground import Unclear
from store import anomalies, joins, listening, locks, search
from store.listening import Copy
from store.subscription_tables import HeardRow

log = logging.getLogger("jalon.fetched")

_AGAIN = timedelta(seconds=5)
_REMEMBERED = timedelta(hours=1)
_MOST_PEOPLE = 10_000


_WHO = ("identifier", "birthDate", "extension")
"""Elements by which a Patient is recognised."""


_NOT_ITS_FAULT = (DeliveryFailed, OperationalError, InterfaceError)
"""Busy, deadlocked, gone: what says nothing of the resource. A value that the database refuses does."""


@dataclass(frozen=True)
class Following:
    """One hospital's server, what we follow there, and how we are told that something has changed.

    ``zone`` is the centre's, for what is done at night. ``endpoint`` gives the address at which we are told of a type;
    ``topic`` is theirs, for numbered subscriptions. ``page``: resources a page of a search.
    """

    works: Works
    site: Site
    destination: Destination
    types: tuple[str, ...]
    by: str
    every: timedelta
    zone: tzinfo
    endpoint: Callable[[str], str]
    topic: str = ""
    page: int = 100
    people: dict[str, tuple[datetime, Json | None]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name of the destination."""
        return self.destination.name


@dataclass(frozen=True, slots=True)
class Read:
    """A resource as it was read: its content, its bytes, and which version of it this is."""

    type: str
    id: str
    version: str
    updated: datetime | None
    content: Json
    body: bytes

    @property
    def remote(self) -> str:
        """Its name there."""
        return f"{self.type}/{self.id}"


def as_read(resource: Json, body: bytes) -> Read | None:
    """What was read; None for what has no type and no id. Without a version, its bytes are its version."""
    type_, id_ = text_at(resource, "resourceType"), text_at(resource, "id")
    if type_ is None or id_ is None:
        return None
    updated = instant(object_at(resource, "meta").get("lastUpdated"), UTC)
    version = text_at(resource, "meta", "versionId")
    if version is None:
        version = updated.isoformat() if updated else hashlib.sha256(body).hexdigest()[:32]
    return Read(type_, id_, version, updated, resource, body)


def take(following: Following, read: Read) -> bool:
    """Judge what was read, unless this version was heard already. Whether it was new.

    Raises DeliveryFailed when the server cannot say who its patient is, and a database error that is none
    of its fault: then it is not heard yet.
    """
    works = following.works
    with works.db.read() as session:
        if session.get(HeardRow, (following.name, read.type, read.id, read.version)) is not None:
            return False
    if read.type == "Patient":
        following.people.pop(read.id, None)
    try:
        return _judge(following, read)
    except _NOT_ITS_FAULT:
        raise
    except Exception:
        # One resource that nobody foresaw: it is set aside with its words, and the others go on.
        log.exception("a resource could not be judged", extra={"from": following.name, "type": read.type})
        why = Text(
            fr="Cette ressource n’a pas pu être traitée ; l’incident est au journal technique.",
            en="This resource could not be dealt with; the technical log says why.",
        )
        return _set_aside(following, read, why, None)


def _judge(following: Following, read: Read) -> bool:
    works = following.works
    with works.db.read() as session:
        copy = listening.copy_of(session, following.name, read.remote) or _by_our_identifier(
            session, following, read
        )
        if copy is not None:
            busy = listening.in_delivery(session, following.name, copy.pathway_id)
            known = listening.copies(session, following.name, copy.pathway_id)
            found = search.read(session, copy.type, copy.id)
    if copy is None:
        return _of_theirs(following, read)
    if copy.etag == f'W/"{read.version}"':
        return _mark(following, read, "ours", None)
    if busy:
        # What we are saying at this moment comes back before we know that it was taken.
        with works.db.write() as session:
            listening.put_off(session, following.name, read.type, read.id, until=works.clock() + _AGAIN)
        return False
    if copy.type not in HEARD_TYPES or following.destination.hear is None:
        return _mark(following, read, "ours", None)
    names = {ref: Known(one.remote, one.etag) for ref, one in known.items()}
    theirs = as_ours(read.content, f"{copy.type}/{copy.id}", names)
    if issues := [each for each in check(theirs) if each.refuses]:
        return _set_aside(following, read, _plain(issues[0].diagnostics), found.patient_id if found else None)
    said = what_they_changed(found.content, copy.told, theirs) if found is not None and copy.told else theirs
    following.destination.hear(works, copy.pathway_id, said)
    return _mark(following, read, "heard", found.patient_id if found is not None else None)


def _by_our_identifier(session: Session, following: Following, read: Read) -> Copy | None:
    """What bears our identifier is ours, though we never said it there: booked by the hospital, say."""
    if read.type not in HEARD_TYPES:
        return None
    system = own_system(following.site, read.type)
    for each in objects_at(read.content, "identifier"):
        pathway_id, _, ref = (text_at(each, "value") or "").partition("/")
        if text_at(each, "system") == system and ref:
            step, _, occurrence = ref.partition("/")
            id_ = fhir_id(pathway_id, step, occurrence)
            return Copy(read.type, id_, pathway_id, read.remote, None, {})
    return None


def _of_theirs(following: Following, read: Read) -> bool:
    works = following.works
    known = _read_there(following, read)
    with works.db.read() as session:
        try:
            patient_id, concerns = _whose(session, following, read, known)
        except Unclear as unclear:
            why: Unclear | None = unclear
            patient_id, concerns = None, True
        else:
            why = None
    if why is not None:
        return _set_aside(following, read, why.text, None, kind=why.kind)
    if not concerns:
        return _mark(following, read, "stranger", None)
    if issues := [each for each in check(read.content) if each.refuses]:
        return _set_aside(following, read, _plain(issues[0].diagnostics), patient_id)
    now = works.clock()

    def hear(session: Session) -> bool:
        if not listening.mark(session, _row(following, read, "heard", patient_id, now)):
            return False
        what = f"{following.name}:{read.remote}"
        works.trace(session, "read", what, patient_id, now=now, version=read.version)
        understand(
            session,
            works.ledger,
            following.site,
            read.content,
            patient_id=patient_id,
            source=following.name,
            by=Actor(following.name),
            at=now,
            body=read.body,
        )
        return True

    return locks.write(works.db, hear)


# --- whose it is ------------------------------------------------------------------------------------------


def _whose(
    session: Session, following: Following, read: Read, known: Mapping[str, Json | None]
) -> tuple[str | None, bool]:
    """Our patient of whom it speaks, and whether it is heard at all: what speaks of strangers only is not.

    A Patient is heard too that bears the names of several, or says that it is one with somebody of ours. Unclear when
    anything else speaks of several.
    """
    base = following.destination.client.base_url
    if read.type != "Patient":
        found = whose.one_of(session, read.content, source=following.name, base=base, known=known)
        return found, found is not None or not _speaks_of_a_patient(read, base)
    told = listening.copy_of(session, following.name, read.remote)
    if told is not None:
        return joins.goes_on_as(session, told.id), True
    bearers = whose.bearers(session, read.content)
    if len(bearers) == 1:
        return next(iter(bearers)), True
    return None, bool(bearers) or any(
        whose.meant(session, other, whose.number(other, base) or "", source=following.name)
        for other in (object_at(link, "other") for link in objects_at(read.content, "link"))
    )


def _speaks_of_a_patient(read: Read, base: str) -> bool:
    return any(
        id_ or (text_at(said, "type") == "Patient" and object_at(said, "identifier"))
        for id_, said in whose.subjects(read.content, base)
    )


def _read_there(following: Following, read: Read) -> dict[str, Json | None]:
    """Their Patients behind the numbers that it names, by number; who has our own record there is known already."""
    if read.type == "Patient":
        return {}
    numbers = {id_ for id_, _ in whose.subjects(read.content, following.destination.client.base_url) if id_}
    with following.works.db.read() as session:
        unknown = [
            id_
            for id_ in sorted(numbers)
            if listening.copy_of(session, following.name, f"Patient/{id_}") is None
        ]
    return {id_: _their_patient(following, id_) for id_ in unknown}


def _their_patient(following: Following, id_: str) -> Json | None:
    """What says who their Patient is, read once an hour: somebody may become a patient of ours at any time."""
    now, people = following.works.clock(), following.people
    since, known = people.get(id_, (None, None))
    if since is not None and now - since < _REMEMBERED:
        return known
    try:
        patient, _ = following.destination.client.read("Patient", id_)
        known = {name: patient[name] for name in _WHO if name in patient}
    except DeliveryFailed as failure:
        if failure.status not in (403, 404, 410):
            raise
        known = None
    if len(people) >= _MOST_PEOPLE:
        people.clear()
    people[id_] = (now, known)
    return known


# --- what is remembered of it -----------------------------------------------------------------------------


def _row(following: Following, read: Read, outcome: str, patient_id: str | None, now: datetime) -> HeardRow:
    kept = outcome in ("heard", "unreadable")
    return HeardRow(
        destination=following.name,
        type=read.type,
        id=read.id,
        version=read.version,
        updated=read.updated,
        at=now,
        outcome=outcome,
        patient_id=patient_id,
        body=read.body if kept else None,
    )


def _mark(following: Following, read: Read, outcome: str, patient_id: str | None) -> bool:
    now = following.works.clock()
    with following.works.db.write() as session:
        return listening.mark(session, _row(following, read, outcome, patient_id, now))


def _set_aside(
    following: Following, read: Read, why: Text, patient_id: str | None, *, kind: str = "unreadable"
) -> bool:
    now = following.works.clock()
    with following.works.db.write() as session:
        if not listening.mark(session, _row(following, read, "unreadable", patient_id, now)):
            return False
        anomalies.add(
            session,
            source=following.name,
            kind=kind,
            type=read.type,
            remote=read.remote,
            reason=why,
            body=read.body,
            at=now,
        )
    return True


def _plain(sentence: str) -> Text:
    return Text(fr=sentence, en=sentence)
