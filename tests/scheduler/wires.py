"""A gateway in hand: it does what the test says, and keeps what it took."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateways.ports import DeliveryFailed, Outgoing, Receipt
from tests.house import Clock, House, open_house, plain_settings


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


def a_wired_house(database_url: str, tmp_path: Path, sms: Wires, email: Wires) -> Iterator[House]:
    """A service that sends by these two, on Monday 1 March 2027 at ten in Paris."""
    given = plain_settings(database_url, tmp_path, lease_slack_seconds=0.1)
    house = open_house(given, Clock(datetime(2027, 3, 1, 9, 0, tzinfo=UTC)), {"sms": sms, "email": email})
    yield house
    house.close()
