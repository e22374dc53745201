"""One round of work: what is due now is fired, sent and delivered. Called again and again; never thinks ahead."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from scheduler.destination import Destination
from scheduler.ground import Works
from scheduler.hospital import deliver_due
from scheduler.messages import send_due
from scheduler.rungs import fire_due


@dataclass(frozen=True, slots=True)
class Done:
    """What a round did."""

    rungs: int = 0
    messages: int = 0
    deliveries: int = 0

    @property
    def anything(self) -> bool:
        """Whether there was work, so that more may be waiting."""
        return bool(self.rungs or self.messages or self.deliveries)


def tick(works: Works, destinations: tuple[Destination, ...] = (), *, now: datetime) -> Done:
    """Carry out what is due at ``now`` (UTC), once, in this thread. Deadlines first: they change what is owed."""
    return Done(
        rungs=fire_due(works, now=now),
        messages=sum(send_due(works, now=now, channel=channel) for channel in works.gateways),
        deliveries=sum(deliver_due(works, destination, now=now) for destination in destinations),
    )
