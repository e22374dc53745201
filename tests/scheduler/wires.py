"""A gateway in hand: it does what the test says, and keeps what it took."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from gateways.ports import DeliveryFailed, Outgoing, Receipt


class Wires:
    """A gateway in hand: it keeps what it takes, and does next what the test says."""

    def __init__(self, name: str, *, searchable: bool = True) -> None:
        self.name, self.searchable = name, searchable
        self.timeout, self.search_delay = timedelta(seconds=1), timedelta(0)
        self.taken: list[Outgoing] = []
        self.next: list[Exception | Callable[[], None]] = []

    def send(self, message: Outgoing, *, fence: Callable[[], None]) -> Receipt:
        fence()
        fault = self.next.pop(0) if self.next else None
        if isinstance(fault, DeliveryFailed):
            raise fault
        self.taken.append(message)
        if isinstance(fault, Exception):
            raise fault
        if fault is not None:
            fault()
        return Receipt(f"{self.name}-{len(self.taken)}")

    def find(self, tag: str) -> Receipt | None:
        found = [number for number, message in enumerate(self.taken, 1) if message.tag == tag]
        return Receipt(f"{self.name}-{found[0]}") if found else None
