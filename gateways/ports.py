"""What Jalon asks of anyone who carries a message: send it, or say plainly how that failed.

The failures are the whole point. *Refused* may be tried again or not; *in doubt* must be looked into
before anything is repeated; *lease lost* means another worker owns the message now and nothing left
this one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol


class DeliveryFailed(Exception):
    """The other side did not take it.

    `reason` is a sentence fit for a log and for the worklist: no number, address or text of the message
    in it. `permanent` says that trying the same again is useless. `retry_after` is what the other side
    asked for, in seconds from now. `status` is its status code (HTTP or SMTP) and `outcome` the FHIR
    OperationOutcome it gave, which may name patient data and so belongs on a screen, never in a log.
    """

    def __init__(
        self,
        reason: str,
        *,
        permanent: bool,
        retry_after: float | None = None,
        outcome: dict[str, Any] | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.permanent = permanent
        self.retry_after = retry_after
        self.outcome = outcome
        self.status = status


class InDoubt(Exception):
    """The other side may or may not have taken it: the bytes left and the answer was lost.

    Where the gateway is searchable, ask it for the tag once `search_delay` has passed; elsewhere a
    person decides. Never send again on this alone.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class LeaseLost(Exception):
    """Raised by the fence: we no longer own this message, and nothing of it was sent."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to one person.

    `tag` is unique to the message and the same on every retry. `channel` is "sms" or "email"; `to` an
    E.164 number (`+33612345678`) or one bare address. `text` is plain text. `subject`, `reply_to` and
    `unsubscribe` (an https or mailto URL for List-Unsubscribe) are for e-mail only. `sender` replaces
    the gateway's own.
    """

    tag: str
    channel: str
    to: str
    text: str
    subject: str | None = None
    sender: str | None = None
    reply_to: str | None = None
    unsubscribe: str | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """The other side took it, under `provider_id`. `detail` is what it said, fit for a log."""

    provider_id: str
    detail: str = ""


class MessageGateway(Protocol):
    """One way out. Safe to call from several threads at once.

    `searchable`: it can be asked for a tag. `timeout`: the longest one send may take once the fence has
    let it through. `search_delay`: how long until an accepted message shows in a search. A lease on a
    message must outlast `timeout + search_delay`, counted from the fence.
    """

    name: str
    searchable: bool
    timeout: timedelta
    search_delay: timedelta

    def send(self, message: Outgoing, *, fence: Callable[[], None]) -> Receipt:
        """Send once. Raises DeliveryFailed, InDoubt, or what the fence raises (LeaseLost).

        The fence is called once, at the last moment before bytes of the message leave: a worker that
        slept past its lease wakes up, finds it gone, and sends nothing.
        """
        ...

    def find(self, tag: str) -> Receipt | None:
        """The message with this tag, if the other side has it. Only where `searchable`.

        Raises DeliveryFailed(permanent=False) when it cannot be asked: that is not an answer.
        """
        ...
