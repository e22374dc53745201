"""What the scheduler needs of a pinned protocol beside its rules, and the clock it is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from gateways.ports import MessageGateway
from pathway.ground import Ground
from store.database import Database
from store.ledger import Ledger

Clock = Callable[[], datetime]


class Said(Protocol):
    """A pinned protocol: the rules, the texts in both languages, and the centre that speaks."""

    @property
    def ground(self) -> Ground: ...

    @property
    def texts(self) -> Mapping[str, Any]: ...

    @property
    def centre(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Works:
    """Everything a worker works with. ``owner`` is unique to this process; ``identity`` to this database."""

    db: Database
    ledger: Ledger[Any]
    clock: Clock
    gateways: Mapping[str, MessageGateway]
    owner: str
    identity: str
    link: Callable[[str], str] = field(default=lambda tag: "")
    slack: timedelta = timedelta(seconds=30)

    def lease(self, gateway: MessageGateway) -> float:
        """Seconds a send may be held: it outlasts the time-out and the delay until it shows in a search."""
        return (gateway.timeout + gateway.search_delay + self.slack).total_seconds()
