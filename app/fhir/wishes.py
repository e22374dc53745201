"""One write as it was put, by a request of its own or by an entry of a Bundle, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from app.fhir.served import Served
from fhir_mappings.outcome import Issue
from fhir_mappings.read import Json
from scheduler.hearing import Subject
from store.search import Found

Method = Literal["POST", "PUT", "PATCH"]
Criteria = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be written. ``id`` is that of the URL; ``criteria`` are a condition's, in place of an id or of making.

    ``body`` is the resource as it came (UTF-8, without a byte order mark) and ``resource`` the same, read, and judged
    by the gate; a PATCH has ``operations`` in their place.
    """

    served: Served
    method: Method
    resource: Json
    body: bytes = b""
    operations: Any = None
    id: str | None = None
    criteria: Criteria | None = None
    if_match: str | None = None
    if_none_match: str | None = None

    @property
    def type(self) -> str:
        """The resource type of the URL."""
        return self.served.type


@dataclass(frozen=True, slots=True)
class Landing:
    """Where a wish comes down: the resource it is about, and how that stands (None: there is none yet).

    ``matched``: a conditional create found it, so nothing is to be done. ``about``: the step of ours that a Task or
    Appointment speaks of. ``patient``: our patient, of whom a Patient speaks that is not written but heard.
    """

    type: str
    id: str
    standing: Found | None = None
    matched: bool = False
    about: Subject | None = None
    patient: str | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a write: 200 or 201, the resource as it stands now, and what the sender is to be told.

    ``found`` is None where nothing is to be shown: an Appointment that was never made was cancelled.
    """

    status: int
    found: Found | None
    issues: tuple[Issue, ...] = ()
    moved: bool = False
