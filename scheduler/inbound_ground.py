"""What is heard, with everything needed to let it happen: whose it is, which steps it names, how it goes on.

A resource names ours by an identifier of ours, by a reference to what we serve, by the name its own system gave to
what we told it, or through the stay or the appointment that it belongs to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session

from fhir_mappings.heard import relative
from fhir_mappings.outcome import Issue
from fhir_mappings.read import Json, object_at, objects_at, text_at
from fhir_mappings.site import Site
from pathway import events as e
from pathway.ground import Ground
from pathway.refusal import Text
from pathway.state import Actor, Pathway, Step
from store import heard, search
from store.ledger import Ledger

NAMED_IN = (
    "basedOn",
    "focus",
    "appointment",
    "partOf",
    "request",
    "reasonReference",
    "encounter",
    "context",
    "supportingInformation",
)
"""Elements in which a resource says what it belongs to."""

_VALUE = re.compile(r"(?P<pathway>[^/]+)(?:/(?P<step>[a-z0-9_]+)/(?P<occurrence>\d{1,6}))?")


class Unclear(Exception):
    """What is said cannot be used, for this reason. ``kind`` is one of ``store.anomalies.KINDS``."""

    def __init__(self, kind: str, text: Text) -> None:
        super().__init__(text.en)
        self.kind = kind
        self.text = text


@dataclass(frozen=True, slots=True)
class Named:
    """What of ours a resource names: a pathway, and a step of it or none."""

    pathway_id: str
    step: str = ""
    occurrence: int = 0

    @property
    def value(self) -> str:
        """That of our identifier of the step: ``pathway/step/occurrence``."""
        return f"{self.pathway_id}/{self.step}/{self.occurrence}"


@dataclass
class Saying:
    """One resource as it is heard. ``moved`` becomes true with the first event; ``issues`` are for the sender.

    ``left`` is what a person must look at although the rest of what was said has been used.
    """

    session: Session
    ledger: Ledger[Any]
    site: Site
    resource: Json
    patient_id: str | None
    source: str
    by: Actor
    at: datetime
    moved: bool = False
    issues: list[Issue] = field(default_factory=list)
    left: Unclear | None = None

    @property
    def type(self) -> str:
        """The type of the resource."""
        return str(self.resource.get("resourceType"))

    @property
    def document(self) -> str:
        """Its name among those of all systems."""
        return f"{self.source}/{self.type}/{self.resource.get('id', '')}"

    def record(self, pathway_id: str, event: e.Event) -> None:
        """Let an event happen. Raises Refused when the door does."""
        self.ledger.record(self.session, pathway_id, event, at=self.at)
        self.moved = True

    def load(self, pathway_id: str) -> tuple[Pathway, Ground]:
        """The pathway as it stands, locked, and its ground."""
        self.ledger.lock(self.session, pathway_id)
        return self.ledger.load(self.session, pathway_id)

    def zone(self, ground: Ground) -> ZoneInfo:
        """The zone in which bare dates are meant."""
        return ZoneInfo(ground.calendar.zone)

    def running(self) -> list[str]:
        """The pathways of this patient on which something may still happen."""
        return heard.running(self.session, self.patient_id) if self.patient_id else []

    def names(self) -> list[Named]:
        """What of ours the resource names, each once; what it names of somebody else's patient is left out."""
        found = named(self.session, self.site, self.source, self.resource)
        if self.patient_id is None:
            return found
        own = set(heard.every(self.session, self.patient_id))
        return [one for one in found if one.pathway_id in own]

    def step_named(self) -> tuple[Pathway, Ground, Step] | None:
        """The one step that the resource names. Unclear when it names several."""
        steps = {one for one in self.names() if one.step}
        if not steps:
            return None
        if len(steps) > 1:
            raise Unclear(
                "contradictory",
                Text(
                    fr=f"Ce document ({self.type}) nomme plusieurs étapes : précisez laquelle.",
                    en=f"This {self.type} names several steps: say which one it is about.",
                ),
            )
        (one,) = steps
        pathway, ground = self.load(one.pathway_id)
        step = pathway.at(one.step, one.occurrence)
        return (pathway, ground, step) if step is not None else None

    def pathways(self) -> list[str]:
        """The running pathways that this concerns: those it names, else all of the patient's."""
        running = self.running()
        named = {one.pathway_id for one in self.names()}
        return [one for one in running if one in named] or running


def several(said: Saying) -> Unclear:
    """It fits more than one pathway of the patient and names none."""
    return Unclear(
        "unmatched",
        Text(
            fr=f"Plusieurs parcours de ce patient peuvent attendre ce document ({said.type}) ; il n'en nomme aucun.",
            en=f"Several pathways of this patient could await this {said.type}, and it names none.",
        ),
    )


def named(session: Session, site: Site, source: str, resource: Json, *, depth: int = 1) -> list[Named]:
    """What of ours a resource of this system names, each once, whoever's it is: what is heard, and what is allowed.

    ``source`` is the system that says it, whose own names for ours are understood too. ``depth``: how many other
    resources of theirs stand at most between it and ours.
    """
    return list(dict.fromkeys(_named(_Ours(session, source, f"{site.system}/id/"), resource, depth=depth)))


@dataclass(frozen=True, slots=True)
class _Ours:
    """How ours is called: ``prefix`` begins the systems of our identifiers."""

    session: Session
    source: str
    prefix: str


def _named(ours: _Ours, resource: Json, *, depth: int) -> Iterator[Named]:
    for each in objects_at(resource, "identifier"):
        yield from _by_identifier(each, ours)
    yield from _by_identifier(object_at(resource, "groupIdentifier"), ours)
    for element in NAMED_IN:
        given = resource.get(element)
        for reference in given if isinstance(given, list) else [given]:
            if not isinstance(reference, dict):
                continue
            yield from _by_identifier(object_at(reference, "identifier"), ours)
            yield from _by_reference(ours, relative(reference), depth)


def _by_identifier(identifier: Json, ours: _Ours) -> Iterator[Named]:
    kind = (text_at(identifier, "system") or "").removeprefix(ours.prefix)
    if kind == text_at(identifier, "system") or kind not in ("task", "appointment", "request", "pathway"):
        return
    match = _VALUE.fullmatch(text_at(identifier, "value") or "")
    if match:
        yield Named(match["pathway"], match["step"] or "", int(match["occurrence"] or 0))


def _by_reference(ours: _Ours, reference: str, depth: int) -> Iterator[Named]:
    """What a literal reference is to us: one of ours, what they call ours, or a stay that names ours in turn."""
    type_, _, id_ = reference.partition("/")
    if not id_:
        return
    behind = heard.ours_behind(ours.session, ours.source, reference)
    found = search.read(ours.session, *(behind or (type_, id_)))
    if found is None:
        return
    if found.source is None:
        for each in objects_at(found.content, "identifier"):
            yield from _by_identifier(each, ours)
    elif depth:
        yield from _named(ours, found.content, depth=depth - 1)
