"""The quality indicators of this service: their definitions from the file, and their figures over a period."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
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
from pathway.refusal import Refused, Text
from pathway.state import Actor
from store.indicators import stream

BUILTIN = Path(str(files("protocols"))) / "indicators.yaml"
"""The indicators that come with Jalon."""

READERS = frozenset({"coordinator", "clinician", "admin"})

_YEARS = range(1900, 2200)


@dataclass(frozen=True)
class Report:
    """Every figure of one centre over one period, as far as was known at ``now`` (UTC)."""

    centre: str
    period: Period
    now: datetime
    definitions: Definitions
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


def period_of(first: str, last: str, today: date) -> Period:
    """The period that somebody asked for, days like 2027-03-16; without them the twelve months up to today.

    Raises Refused naming the field and the remedy.
    """
    end = _day("to", last) if last else today
    start = _day("from", first) if first else _a_year_before(end)
    if end < start:
        raise Refused(
            Text(
                fr="La période finit avant de commencer : corrigez une des deux dates.",
                en="The period ends before it begins: correct one of the two days.",
            ),
            kind="invalid",
            field="to",
        )
    return Period(start, end)


def _day(name: str, told: str) -> date:
    try:
        day = date.fromisoformat(told)
        if day.year not in _YEARS:
            raise ValueError(told)
    except ValueError:
        raise Refused(
            Text(
                fr=f"« {name} » doit être un jour comme 2027-03-16.",
                en=f"{name!r} must be a day like 2027-03-16.",
            ),
            kind="invalid",
            field=name,
        ) from None
    return day


def _a_year_before(day: date) -> date:
    """The first day of the twelve months that end with this one."""
    next_day = day + timedelta(days=1)
    return next_day.replace(
        year=next_day.year - 1, day=min(next_day.day, 28) if next_day.month == 2 else next_day.day
    )


def may_see(actor: Actor) -> None:
    """Refused (forbidden) for whoever is no person of the centre: figures are for those who answer for them."""
    if actor.role not in READERS:
        raise Refused(
            Text(
                fr="Les indicateurs sont réservés aux comptes du centre (coordination, cliniciens, administration).",
                en="The indicators are for the centre's own accounts (coordination, clinicians, administration).",
            ),
            kind="forbidden",
        )


def report(service: Service, period: Period) -> Report:
    """The figures of this period, computed from every pathway that has moved since it began."""
    now = service.clock()
    definitions = load()
    since = service.protocol.calendar.at(period.first, time(0))
    with service.db.read() as session:
        found = figures(definitions, _courses(service, session, since), period, now)
    return Report(service.centre["name"], period, now, definitions, found)


def _courses(service: Service, session: Session, since: datetime) -> Iterator[Course]:
    for read in stream(session, since=since):
        ground = service.ledger.shelf.get(session, read.digest).ground
        yield Course(read.state, read.lines, ground.protocol, ground.calendar, read.next_fracture)
