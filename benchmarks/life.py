"""Real pathways to measure with: referred through the real intake, and what happens to each until its review."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pathway import events as e
from pathway.referral import Fact
from pathway.state import Actor
from tests.house import Clock, House, open_house, plain_settings
from tests.pathway.tale import (
    ANAESTHESIA,
    ANAESTHETIST,
    CALM,
    CHECK,
    CONSENT,
    CONSULT,
    LEAVING,
    LOADED,
    NADIA,
    RADIOLOGIST,
    WARD,
    wall,
)

REFERRED = wall("2027-02-01 10:00")
HOSPITAL = {"name": "hospital", "url": "http://127.0.0.1:9/fhir"}
"""Every event is owed to one hospital, as in service. Nothing is delivered: nobody listens there."""


@contextmanager
def house_at(url: str, scratch: Path, **more: Any) -> Iterator[House]:
    """The whole service on this database, with a clock in hand."""
    settings = plain_settings(url, scratch, fhir_destinations=[HOSPITAL], **more)
    house = open_house(settings, Clock(REFERRED))
    try:
        yield house
    finally:
        house.close()


def refer(house: House, first: int, count: int) -> list[str]:
    """So many new patients, numbered from ``first``. Their pathways."""
    house.clock.now = REFERRED
    pathways = []
    for number in range(first, first + count):
        received = house.refer(number)
        assert received.pathway_id is not None
        pathways.append(received.pathway_id)
    return pathways


def record(house: House, pathway_id: str, event: e.Event, at: datetime) -> None:
    """One event through the door, in a transaction of its own."""
    with house.service.db.write() as session:
        house.service.ledger.record(session, pathway_id, event, at=at)


def life() -> list[tuple[datetime, e.Event]]:
    """What happens to one patient from the triage to the discharge, the same for everybody.

    8 visits booked or moved, 4 facts recorded, 11 steps completed, begun or signed, and the ward's 15 sets of
    observations, on the protocol as shipped.
    """
    told = [
        (wall(when), event)
        for when, event in (
            ("2027-02-02 09:00", _done("triage", "accepted")),
            ("2027-02-02 09:05", _visit("radiologist_consult", "2027-02-04 11:00")),
            ("2027-02-02 09:10", _fact("pain_nrs", 7, "2027-02-02 09:00")),
            ("2027-02-02 09:15", _visit("radiologist_consult", "2027-02-04 15:00")),
            ("2027-02-04 15:30", _done("radiologist_consult", "seen", RADIOLOGIST, **CONSULT)),
            ("2027-02-05 12:00", _done("indication", "validated", RADIOLOGIST)),
            ("2027-02-05 12:00", _done("consent", "given", RADIOLOGIST, **CONSENT)),
            ("2027-02-05 12:01", _visit("procedure", "2027-02-16 09:30", confirmed=False)),
            ("2027-02-05 12:02", _visit("anaesthesia_consult", "2027-02-09 10:00")),
            ("2027-02-08 12:00", _fact("inr", 1.1, "2027-02-08 09:00")),
            ("2027-02-08 12:01", _fact("platelets", 210, "2027-02-08 09:00")),
            (
                "2027-02-09 10:40",
                _done("anaesthesia_consult", "fit", ANAESTHETIST, **ANAESTHESIA),
            ),
            ("2027-02-09 10:41", e.HoldNotRequired(by=ANAESTHETIST)),
            ("2027-02-09 10:42", _visit("procedure", "2027-02-16 09:30")),
            ("2027-02-09 10:43", _visit("procedure", "2027-02-17 09:30")),
            ("2027-02-17 08:15", _done("preop_check", "go", WARD, **CHECK)),
            ("2027-02-17 09:30", e.StepStarted(by=RADIOLOGIST, step="procedure")),
            ("2027-02-17 10:10", _done("procedure", "done", RADIOLOGIST, cement_ml=2, biopsy_taken=True)),
            ("2027-02-17 16:00", _fact("pain_nrs", 3, "2027-02-17 15:50")),
            ("2027-02-18 10:00", _visit("review", "2027-03-11 10:00")),
            ("2027-02-18 10:01", _visit("review", "2027-03-12 10:00")),
            ("2027-02-18 10:15", _done("surveillance", "uneventful", WARD, pain_nrs=3)),
            ("2027-02-18 14:00", _done("discharge", "home", WARD, **LEAVING)),
        )
    ]
    return sorted([*told, *_watched(wall("2027-02-17 10:10"))], key=lambda one: one[0])


def _watched(start: datetime) -> Iterator[tuple[datetime, e.Event]]:
    """The sets of observations that the protocol as shipped asks for, nothing in them out of order."""
    watch = LOADED.protocol.surveillance
    assert watch is not None
    for one in watch.rounds:
        for number in range(one.count):
            at = start + timedelta(minutes=one.start + number * one.every)
            yield at, e.ObservationsRecorded(by=WARD, round=f"{one.key}/{number + 1}", values=CALM)


def _done(step: str, outcome: str, by: Actor = NADIA, **data: Any) -> e.Event:
    return e.StepCompleted(by=by, step=step, outcome=outcome, data=data)


def _visit(step: str, start: str, *, confirmed: bool = True) -> e.Event:
    return e.VisitBooked(by=NADIA, step=step, start=wall(start), confirmed=confirmed)


def _fact(key: str, value: Any, at: str) -> e.Event:
    return e.FactsRecorded(by=RADIOLOGIST, facts=(Fact(key, value, wall(at), "Laboratoire", "benchmark"),))
