"""What the scheduler needs of a pinned protocol beside its rules, and the clock it is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event
from typing import Any, Protocol

from sqlmodel import Session

from gateways.ports import MessageGateway
from pathway.ground import Ground
from pathway.state import Actor
from store.audit import Audit, Entry
from store.database import Database
from store.ledger import Ledger

Clock = Callable[[], datetime]
CLOCK = Actor("jalon", "system")
"""As whom the worker acts: by the clock, and by nobody's decision."""


class Said(Protocol):
    """A pinned protocol: the rules, and the texts in both languages."""

    @property
    def ground(self) -> Ground: ...

    @property
    def texts(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Works:
    """Everything a worker works with. ``owner`` is unique to this process; ``identity`` to this database.

    ``centre`` is who speaks (name, phone, place): read as it is now, so that a new number reaches everybody.
    ``stopping`` is set when the process is to end: what is in hand is finished, nothing more is begun.
    """

    db: Database
    ledger: Ledger[Any]
    clock: Clock
    gateways: Mapping[str, MessageGateway]
    owner: str
    identity: str
    centre: Mapping[str, Any]
    audit: Audit
    link: str = ""
    slack: timedelta = timedelta(seconds=30)
    stopping: Event = field(default_factory=Event)

    def trace(
        self,
        session: Session,
        action: str,
        what: str,
        patient_id: str | None,
        *,
        now: datetime,
        **detail: Any,
    ) -> None:
        """Leave the trace of what this worker does with what it knows of a patient, in the same transaction."""
        self.audit.write(session, Entry(now, CLOCK.name, CLOCK.role, action, what, patient_id, detail))

    def lease(self, gateway: MessageGateway) -> float:
        """Seconds a send may be held: it outlasts the time-out and the delay until it shows in a search."""
        return (gateway.timeout + gateway.search_delay + self.slack).total_seconds()
