"""Moves a second through ``decide``, and through ``decide`` and ``plan``, beside three libraries in the same run.

Pure computing: no database, no clock, one thread. Two ways are walked by many patients: nine plain states in a row,
and the protocol as shipped, from the triage to the discharge. What is built beforehand (patients, machines, events)
is not measured, on any side.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import partial
from statistics import median
from time import process_time
from types import ModuleType
from typing import Any

from rich.table import Table

from benchmarks.life import REFERRED, life
from benchmarks.peers import with_spiff, with_statemachine, with_transitions
from benchmarks.peers.wards import Act, Ward, acts
from pathway import events as e
from pathway.calendar import Calendar
from pathway.decide import decide
from pathway.enrolment import enrol
from pathway.ground import Ground
from pathway.plan import plan
from pathway.protocol import read_protocol
from pathway.referral import Fact, Fracture, Party, Person, Referral
from pathway.state import Actor, Pathway, PathwayStatus
from tests.pathway.tale import LOADED

PEERS: dict[str, ModuleType] = {
    "transitions": with_transitions,
    "python-statemachine": with_statemachine,
    "SpiffWorkflow": with_spiff,
}
OURS = ("decide", "decide + plan")
STATES = 9
"""Of the line: eight steps that are open one after the other, and the end."""

NOTE = (
    "Moves a second of the processor's time, the median repetition; last column: decide, as a multiple of "
    "the fastest library."
)

KNOWN: dict[str, Any] = {"pain_nrs": 8, "antithrombotics": []}
"""What the referral of the protocol's patients says."""

Moves = Sequence[tuple[datetime, e.Event]]
Walk = Callable[[], object]


@dataclass(frozen=True)
class Walked:
    """One line of the table: moves a second of everybody, by name; the median repetition."""

    name: str
    moves: int
    rates: dict[str, float]

    @property
    def ahead(self) -> float:
        """How many times as fast ``decide`` is as the fastest peer."""
        return self.rates["decide"] / max(self.rates[peer] for peer in PEERS)


def moves(*, line_patients: int, protocol_patients: int, repetitions: int) -> Iterator[Walked]:
    """Both ways, with so many patients on each. Everybody's turn comes once a repetition, so that noise is shared."""
    ground = _line_ground()
    line: dict[str, Callable[[], Walk]] = {
        name: partial(_line_walk, peer, line_patients) for name, peer in PEERS.items()
    }
    yield _walked(
        f"{STATES} states in a row",
        (STATES - 1) * line_patients,
        {**_ours(ground, _line(ground), line_patients), **line},
        repetitions,
    )
    told = acts(life(), LOADED.protocol)
    protocol: dict[str, Callable[[], Walk]] = {
        name: partial(_protocol_walk, peer, told, protocol_patients) for name, peer in PEERS.items()
    }
    yield _walked(
        "vertebroplasty, triage to discharge",
        len(told) * protocol_patients,
        {**_ours(LOADED.ground, life(), protocol_patients), **protocol},
        repetitions,
    )


def table(walked: Sequence[Walked]) -> Table:
    """Everybody in one table, moves a second."""
    shown = Table(show_edge=False, pad_edge=False)
    shown.add_column("way", no_wrap=True)
    for heading in ("moves", *OURS, *PEERS, "times the fastest"):
        shown.add_column(heading, justify="right", no_wrap=True)
    for one in walked:
        rates = (f"{one.rates[name]:,.0f}" for name in (*OURS, *PEERS))
        shown.add_row(one.name, f"{one.moves:,}", *rates, f"{one.ahead:.2f}")
    return shown


def _walked(name: str, count: int, everybody: dict[str, Callable[[], Walk]], repetitions: int) -> Walked:
    rates: dict[str, list[float]] = {one: [] for one in everybody}
    for _ in range(repetitions):
        for one, prepared in everybody.items():
            walk = prepared()
            gc.collect()
            rates[one].append(count / _spent(walk))
    return Walked(name, count, {one: median(found) for one, found in rates.items()})


def _spent(walk: Walk) -> float:
    """Seconds of the processor that it takes: all is computed in this one thread, whoever else is at work."""
    begun = process_time()
    walk()
    return process_time() - begun


# --- Jalon ---

_WARD = Actor("Inès Petit", "clinician", ("ward",))


def _ours(ground: Ground, walk: Moves, patients: int) -> dict[str, Callable[[], Walk]]:
    return {
        "decide": lambda: partial(_decide_all, _pathways(ground, patients), walk, ground),
        "decide + plan": lambda: partial(_plan_all, _pathways(ground, patients), walk, ground),
    }


def _decide_all(pathways: Sequence[Pathway], walk: Moves, ground: Ground) -> None:
    for pathway in pathways:
        for at, event in walk:
            pathway = decide(pathway, event, ground, at=at)


def _plan_all(pathways: Sequence[Pathway], walk: Moves, ground: Ground) -> None:
    for pathway in pathways:
        for at, event in walk:
            pathway = decide(pathway, event, ground, at=at)
            plan(pathway, ground)


def _pathways(ground: Ground, count: int) -> list[Pathway]:
    facts = tuple(Fact(key, value, REFERRED, "Dr Adresse", "referral") for key, value in KNOWN.items())
    referral = Referral(
        key="urn:x|1",
        identifier=None,
        requester=Party("Dr Adresse"),
        patient=Person((), "Exemple", "Jeanne", REFERRED.date().replace(year=1947)),
        fracture=Fracture(onset=REFERRED.date() - timedelta(days=12), level="T12", cause="osteoporotic"),
        facts=facts,
        authored=REFERRED,
    )
    return [enrol(f"p{number}", f"{number}", referral, ground, at=REFERRED) for number in range(count)]


def _line(ground: Ground) -> Moves:
    """Each step of the line completed, an hour after the one before."""
    return [
        (REFERRED + timedelta(hours=number), e.StepCompleted(by=_WARD, step=rule.key, outcome="done"))
        for number, rule in enumerate(ground.protocol.steps, start=1)
    ]


def _line_ground() -> Ground:
    """A protocol of eight steps, each waiting for the one before, with a day for each; nothing else."""
    keys = [f"s{number}" for number in range(STATES - 1)]

    def step(number: int) -> dict[str, Any]:
        return {
            "key": keys[number],
            "title": _text(keys[number]),
            "performer": "ward",
            "source": "a line",
            "after": [{"step": keys[number - 1]}] if number else [],
            "window": {"due": [{"from": "opened", "hours": 24}]},
            "outcomes": [{"key": "done", "title": _text("done")}],
        }

    hours = {"zone": "Europe/Paris", "business_close": "18:00", "decent_from": "09:00", "decent_to": "20:00"}
    protocol = read_protocol(
        {
            "protocol": "line",
            "version": "1",
            "url": "urn:line",
            "title": _text("line"),
            "hours": {**hours, "country": "FR"},
            "messaging": {
                "desk": "ward",
                "recovery_silence_hours": 24,
                "daily_budget": 1,
                "budget_free_hours": 48,
                "letter_lead_days": 5,
                "page_life_hours": 24,
                "source": "a line",
            },
            "hold": {
                "step": keys[0],
                "signers": ["ward"],
                "assumed_max_offset_days": 5,
                "longest_offset_days": 30,
                "source": "a line",
            },
            "roles": {"ward": {"title": _text("ward")}},
            "ends": {},
            "gates": [],
            "steps": [step(number) for number in range(len(keys))],
            "procedure_step": keys[-1],
        }
    )
    times = [time.fromisoformat(hours[name]) for name in ("business_close", "decent_from", "decent_to")]
    return Ground(protocol, Calendar(hours["zone"], frozenset(), *times))


def _text(text: str) -> dict[str, str]:
    return {"fr": text, "en": text}


# --- the peers ---


def _line_walk(peer: ModuleType, patients: int) -> Walk:
    return partial(peer.drive_line, peer.line(STATES, patients), STATES - 1)


def _protocol_walk(peer: ModuleType, told: Sequence[Act], patients: int) -> Walk:
    return partial(peer.drive, peer.lives(LOADED.protocol, [_ward() for _ in range(patients)]), told)


def _ward() -> Ward:
    return Ward(facts={key: (value, REFERRED) for key, value in KNOWN.items()}, now=REFERRED.astimezone(UTC))


# --- that everybody walks the same way ---


def same_way() -> None:
    """AssertionError unless the line ends, and everybody has done the same steps of the protocol after the walk."""
    ground = _line_ground()
    (pathway,) = _pathways(ground, 1)
    assert _last(pathway, _line(ground), ground).status is PathwayStatus.COMPLETED
    (pathway,) = _pathways(LOADED.ground, 1)
    ours = {step.key for step in _last(pathway, life(), LOADED.ground).steps if step.outcome is not None}
    told = acts(life(), LOADED.protocol)
    for name, peer in PEERS.items():
        (patient,) = peer.lives(LOADED.protocol, [_ward()])
        peer.drive([patient], told)
        assert peer.done(patient) == ours, f"{name} has walked another way"


def _last(pathway: Pathway, walk: Moves, ground: Ground) -> Pathway:
    for at, event in walk:
        pathway = decide(pathway, event, ground, at=at)
    return pathway
