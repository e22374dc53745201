"""The quality indicators of this service: their definitions from the file, and their figures over a period."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time
from functools import cache
from importlib.resources import files
from pathlib import Path

from sqlmodel import Session

from app import protocols
from app.service import Service
from app.yaml_file import read_yaml
from pathway.codec import Malformed
from pathway.indicators.course import Course
from pathway.indicators.definition import Definitions, read_definitions
from pathway.indicators.figures import Figure, Period, figures
from pathway.indicators.names import complaints
from pathway.protocol import Protocol
from store.indicators import stream

BUILTIN = Path(str(files("protocols"))) / "indicators.yaml"
"""The indicators that come with Jalon."""


@dataclass(frozen=True)
class Report:
    """Every figure of one centre over one period, as far as was known at ``now`` (UTC)."""

    centre: str
    period: Period
    now: datetime
    figures: tuple[Figure, ...]


@cache
def load(path: Path = BUILTIN) -> Definitions:
    """The definitions in this file, every name in them checked against the built-in protocol.

    Raises Unreadable: one sentence, ``file:line: path: problem``.
    """
    return check(path, protocols.load().protocol)


def check(path: Path, protocol: Protocol) -> Definitions:
    """The definitions in this file, checked against this protocol. Raises Unreadable."""
    file = read_yaml(path)
    try:
        definitions = read_definitions(file.data)
        for complaint in complaints(definitions, protocol):
            raise complaint
    except Malformed as error:
        raise file.unreadable(error) from None
    return definitions


def report(service: Service, period: Period) -> Report:
    """The figures of this period, computed from every pathway that has moved since it began."""
    now = service.clock()
    since = service.protocol.calendar.at(period.first, time(0))
    with service.db.read() as session:
        found = figures(load(), _courses(service, session, since), period, now)
    return Report(service.centre["name"], period, now, found)


def _courses(service: Service, session: Session, since: datetime) -> Iterator[Course]:
    for read in stream(session, since=since):
        ground = service.ledger.shelf.get(session, read.digest).ground
        yield Course(read.state, read.lines, ground.protocol, ground.calendar, read.next_fracture)
