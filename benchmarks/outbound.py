"""How fast a hospital hears what it missed, beside a plain loop that writes the same resources to the same server.

    python benchmarks/outbound.py [--pathways 60]

The server is Medplum's engine on node, the foreign FHIR server of the tests, on this machine. Two outages: one in
which every pathway is new, so that each is told whole, and one in which one visit of each pathway moved.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

sys.path.insert(
    0, str(Path(__file__).resolve().parents[1])
)  # run as a file, the project is not yet to be found

from sqlmodel import select

from pathway import events as e
from scheduler.hospital import deliver_due
from store import deliveries
from store.resource_tables import ResourceRow
from store.tables import DeliveredRow
from tests.house import COORDINATOR, Clock, House, open_house, plain_settings
from tests.peers.hospital import Hospital

MONDAY = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
FRIDAY = MONDAY + timedelta(days=4)
OUTAGE = timedelta(hours=24)
AIM = 50
"""Resources a second that must be caught up (promise D4)."""


@dataclass(frozen=True)
class Drain:
    """One way of catching up: what was written, in how many requests and seconds, and our own processor's share."""

    outage: str
    way: str
    resources: int
    requests: int
    seconds: float
    cpu: float

    @property
    def rate(self) -> float:
        """Resources a second."""
        return self.resources / self.seconds


def drains(scratch: Path, *, pathways: int) -> Iterator[Drain]:
    """Both outages, ours and the plain loop, against an empty server each."""
    hospital = Hospital()
    settings = plain_settings(
        f"sqlite:///{scratch / 'outbound.sqlite'}",
        scratch,
        fhir_destinations=[{"name": "chu", "url": hospital.base_url}],
    )
    house = open_house(settings, Clock(MONDAY))
    try:
        ids = [house.visit_reminder_owed(number, at=MONDAY, start=FRIDAY) for number in range(pathways)]
        _a_day_without(house)
        hospital.start()
        yield _ours("every pathway new", house, hospital)
        told = _resources(house)
        hospital.fail_next(1_000_000, 503)
        for id_ in ids:
            moved = FRIDAY + timedelta(hours=2)
            house.record(id_, e.VisitBooked(by=COORDINATOR, step="radiologist_consult", start=moved))
        _a_day_without(house)
        hospital.fail_next(0)
        yield _ours("a visit of each moved", house, hospital)
        changed = [each for name, each in _resources(house).items() if told.get(name) != each]
        hospital.reset()
        yield _plain("every pathway new", hospital, list(told.values()))
        yield _plain("a visit of each moved", hospital, changed)
    finally:
        house.close()
        hospital.close()


def _a_day_without(house: House) -> None:
    """The worker goes on trying."""
    for _ in range(int(OUTAGE / timedelta(hours=1))):
        house.clock.now += timedelta(hours=1)
        house.tick()


def _ours(outage: str, house: House, hospital: Hospital) -> Drain:
    before, asked = _versions(house), len(hospital.requests())
    house.clock.now += timedelta(hours=1)
    destination, works = house.service.destinations[0], house.service.works
    seconds, cpu = _timed(lambda: _caught_up(lambda: deliver_due(works, destination, now=house.clock.now)))
    with house.service.db.read() as session:
        assert deliveries.owing(session) == 0, "not everything was told"
    after = _versions(house)
    told = sum(after[name] != before.get(name) for name in after)
    return Drain(outage, "Jalon", told, len(hospital.requests()) - asked, seconds, cpu)


def _plain(outage: str, hospital: Hospital, resources: list[dict[str, Any]]) -> Drain:
    """One conditional update after the other, with nothing kept of how each went."""

    def loop() -> None:
        with httpx.Client(trust_env=False, headers={"Content-Type": "application/fhir+json"}) as http:
            for each in resources:
                name = each["identifier"][0]
                body = {key: value for key, value in each.items() if key != "id"}
                place = f"{hospital.base_url}/{each['resourceType']}"
                params = {"identifier": f"{name['system']}|{name['value']}"}
                http.put(place, params=params, json=body).raise_for_status()

    return Drain(outage, "plain loop", len(resources), len(resources), *_timed(loop))


def _versions(house: House) -> dict[tuple[str, str], int]:
    with house.service.db.read() as session:
        return {(row.type, row.id): row.version for row in session.exec(select(DeliveredRow))}


def _resources(house: House) -> dict[tuple[str, str], dict[str, Any]]:
    with house.service.db.read() as session:
        told = {(row.type, row.id) for row in session.exec(select(DeliveredRow))}
        rows = session.exec(select(ResourceRow)).all()
    return {(row.type, row.id): row.content for row in rows if (row.type, row.id) in told}


def _caught_up(deliver: Callable[[], int]) -> None:
    """The line of this destination, as the worker beats it, until nothing is left."""
    while deliver():
        pass


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds on the wall, and of our own processor."""
    began, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began, time.process_time() - cpu


def main() -> None:
    """Measure, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pathways", type=int, default=60)
    asked = parser.parse_args()
    table = Table("outage of 24 h", "way", "resources", "requests", "seconds", "our CPU s", "resources/s")
    with tempfile.TemporaryDirectory(prefix="jalon-outbound-") as scratch:
        for one in drains(Path(scratch), pathways=asked.pathways):
            table.add_row(
                one.outage,
                one.way,
                str(one.resources),
                str(one.requests),
                f"{one.seconds:.2f}",
                f"{one.cpu:.2f}",
                f"{one.rate:.0f}",
            )
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
