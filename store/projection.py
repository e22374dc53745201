"""How the ledger asks for FHIR without knowing it: what a projection hands over, and who makes it.

The composition root passes a ``Projector`` in; it turns a state into plain resources. It runs inside the
door's transaction because what we say must not differ from what we decided; it is arithmetic on dicts, no
validation and no network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from pathway.events import Event
from pathway.ground import Ground
from pathway.plan import Plan
from pathway.state import Pathway


@dataclass(frozen=True, slots=True)
class Projected:
    """A resource and the values it is searched by. ``content`` of ours has no ``meta``: version and date are added.

    ``tokens`` are (parameter, system, value) and ``spans`` (parameter, start, end) as ``store.resource_tables`` has
    them, without doubles; ``indexed`` is the version of the parameters they were made by.
    """

    type: str
    id: str
    content: dict[str, Any]
    tokens: tuple[tuple[str, str, str], ...] = ()
    spans: tuple[tuple[str, datetime, datetime], ...] = ()
    indexed: int = 0
    status: str | None = None
    due: datetime | None = None
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class MessageView:
    """A message row as the outside may know it: what, by which way, when, and what became of it."""

    key: str
    generation: int
    pathway_id: str
    patient_id: str
    channel: str
    status: str
    at: datetime
    until: datetime | None
    sent: datetime | None
    reason: str
    subject: str | None
    text: str | None
    slot_step: str | None
    slot_occurrence: int | None


class Projector(Protocol):
    """Turns states and messages into resources. Pure: the same input gives equal resources."""

    def pathway(self, pathway: Pathway, ground: Ground, plan: Plan) -> Sequence[Projected]:
        """Every resource that says this state."""
        ...

    def transition(
        self,
        pathway: Pathway,
        ground: Ground,
        event: Event,
        changed: Sequence[tuple[str, str, int]],
        *,
        at: datetime,
    ) -> Projected:
        """The evidence of one event: who, when, and which versions (type, id, version) it made. Never changed."""
        ...

    def message(self, message: MessageView) -> Sequence[Projected]:
        """CommunicationRequest, and Communication once sent or given up."""
        ...
