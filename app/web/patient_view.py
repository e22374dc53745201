"""One patient's pathway as the page shows it: worked out from the state, the rows and the history; no SQL, no HTML."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from app.web.catalogue import (
    ACKNOWLEDGE,
    OPT_IN,
    OPT_OUT,
    OVERRIDE,
    RECORD_FACT,
    SETTLE_CALL,
    SNOOZE,
    TO_A_STEP,
    TO_THE_HOLD,
    TO_THE_PATHWAY,
    TO_THE_PATIENT,
)
from app.web.deeds import Offer, Scene, offer
from app.web.deeds_patient import ANTITHROMBOTICS
from app.web.deeds_steps import measured
from app.web.words import fact_title, happened, planned, role_title, sentence
from pathway.anchors import Moment, due, resolve
from pathway.codec import decode
from pathway.explaining.explanation import Explanation
from pathway.explaining.whole import explain_briefly
from pathway.flags import Flag, flags
from pathway.gates import unmet
from pathway.ground import procedure_start
from pathway.ladders import Alert, alerts
from pathway.lifecycle import LIVE, StepStatus
from pathway.plan import Change
from pathway.planned import Kind
from pathway.records import Override
from pathway.referral import Fact
from pathway.state import Pathway, Step
from store.tables import HistoryRow, OwedRow


@dataclass(frozen=True)
class StepView:
    """A step's occurrence. ``first`` are the deeds that move it on, ``others`` what else is possible."""

    step: Step
    title: str
    role: str
    due: Moment | None
    earliest: datetime | None
    late: str
    why: str
    outcome: str
    reason: str
    visit_reason: str
    first: tuple[Offer, ...] = ()
    others: tuple[Offer, ...] = ()
    blocked: tuple[str, ...] = ()

    @property
    def live(self) -> bool:
        """Whether it is to be done now."""
        return self.step.status in LIVE

    @property
    def overdue(self) -> bool:
        """Whether its due time is past."""
        return bool(self.late)


@dataclass(frozen=True)
class TrackView:
    """Steps that run beside the others."""

    title: str
    steps: tuple[StepView, ...]


@dataclass(frozen=True)
class GateView:
    """A gate, what is unmet at it, and who has passed it. ``now``: a step to be done now stands before it."""

    key: str
    title: str
    now: bool
    unmet: tuple[str, ...]
    overrides: tuple[Override, ...]
    offer: Offer | None


@dataclass(frozen=True)
class FactView:
    """What is known last under a key; ``fact`` None: nothing is, and somebody should ask."""

    key: str
    title: str
    fact: Fact | None
    value: str
    asks: bool


@dataclass(frozen=True)
class RowView:
    """A message, page, call or letter with what became of it."""

    row: OwedRow
    title: str
    why: str
    offer: Offer | None = None
    script: str = ""


@dataclass(frozen=True)
class AlertView:
    """An alert that stands."""

    alert: Alert
    role: str
    offer: Offer | None
    snooze: Offer | None = None


@dataclass(frozen=True)
class ChangeView:
    """One row of a difference: what, old, new, why."""

    how: str
    what: str
    old: datetime | None
    new: datetime | None
    why: str


@dataclass(frozen=True)
class LineView:
    """One event of the history."""

    line: HistoryRow
    said: str
    changes: tuple[ChangeView, ...]


@dataclass(frozen=True)
class PatientView:
    """Everything the page shows."""

    pathway: Pathway
    procedure: datetime | None
    hold_reason: str
    flags: tuple[Flag, ...]
    alerts: tuple[AlertView, ...]
    next: tuple[StepView, ...]
    tracks: tuple[TrackView, ...]
    gates: tuple[GateView, ...]
    facts: tuple[FactView, ...]
    calls: tuple[RowView, ...]
    messages: tuple[RowView, ...]
    history: tuple[LineView, ...]
    hold_offers: tuple[Offer, ...]
    pathway_offers: tuple[Offer, ...]
    patient_offers: tuple[Offer, ...]
    may_record: bool
    reason: str = ""
    explained: Mapping[str, Explanation] = field(default_factory=dict)


# What moves a step on, the likeliest first: before a slot stands, while one stands, while a gate forbids to begin,
# and for work without a slot.
_TO_BOOK = ("release", "book", "complete", "accept", "start")
_BOOKED = ("release", "arrived", "complete", "start", "no-show", "book", "accept")
_LOCKED = ("release", "arrived", "book", "accept", "complete", "start", "no-show")
_WORK = ("release", "observe", "complete", "start", "accept")


def view(
    scene: Scene, rows: Sequence[OwedRow], lines: Sequence[HistoryRow], script: Callable[[OwedRow], str]
) -> PatientView:
    """The page of this pathway for whoever looks at it, at the scene's instant; ``script`` words a call or letter."""
    pathway, ground = scene.pathway, scene.ground
    steps = [_step(replace(scene, step=step)) for step in pathway.steps]
    waiting = [one for one in steps if one.live]
    waiting.sort(key=lambda one: (one.due is None, one.due.instant if one.due else scene.now))
    found = sorted(flags(pathway, ground), key=lambda flag: not flag.blocking)
    return PatientView(
        pathway=pathway,
        procedure=procedure_start(pathway, ground.protocol),
        hold_reason=sentence(pathway.hold.reason, ground.protocol, scene.speech),
        flags=tuple(found),
        alerts=tuple(_alert(alert, scene) for alert in alerts(pathway, ground)),
        next=tuple(waiting),
        tracks=_tracks(steps, scene),
        gates=tuple(_gate(key, now, scene) for key, now in _gates_ahead(scene).items()),
        facts=_facts(scene),
        calls=tuple(_call(row, scene, script) for row in rows if _is_call(row)),
        messages=tuple(_message(row, scene) for row in rows if row.kind in (Kind.MESSAGE, Kind.PAGE)),
        history=tuple(_line(line, scene) for line in reversed(lines)),
        hold_offers=_offers(TO_THE_HOLD, scene),
        pathway_offers=_offers(TO_THE_PATHWAY, scene),
        patient_offers=(*_offers(TO_THE_PATIENT, scene), *_channels(scene)),
        may_record=offer(RECORD_FACT, scene) is not None,
        reason=sentence(pathway.reason, ground.protocol, scene.speech),
        explained=explain_briefly(pathway, ground),
    )


def changes_of(changes: Sequence[Change], scene: Scene) -> tuple[ChangeView, ...]:
    """A difference of plans in words, row by row."""
    protocol, speech = scene.ground.protocol, scene.speech
    return tuple(
        ChangeView(
            how=change.how.value,
            what=planned(change.kind, change.step, change.data, protocol, speech),
            old=change.old,
            new=change.new,
            why=sentence(change.why, protocol, speech),
        )
        for change in changes
    )


def _offers(deeds: Sequence[Any], scene: Scene) -> tuple[Offer, ...]:
    return tuple(one for deed in deeds if (one := offer(deed, scene)) is not None)


def _step(scene: Scene) -> StepView:
    step, rule, speech, protocol = scene.here, scene.rule, scene.speech, scene.ground.protocol
    limit = earliest = None
    first: tuple[Offer, ...] = ()
    others: tuple[Offer, ...] = ()
    blocked: list[str] = []
    if not step.is_settled:
        limit = due(step, scene.pathway, scene.ground)
        opening = (
            resolve(rule.window.earliest, step, scene.pathway, scene.ground) if rule.window.earliest else None
        )
        earliest = opening.instant if opening else None
        offers = _offers(TO_A_STEP, scene)
        keys = (*rule.book_gates, *rule.start_gates)
        blocked = [
            speech.text(one.need.reason)
            for key in dict.fromkeys(keys)
            for one in unmet(scene.ground.protocol.gate(key), scene.pathway, scene.ground)
        ]
        first = _moving(offers, scene, locked=bool(blocked)) if step.status is not StepStatus.WAITING else ()
        others = tuple(one for one in offers if one not in first)
    outcome = rule.outcome(step.outcome) if step.outcome else None
    is_late = limit is not None and limit.instant <= scene.now and step.status in LIVE
    return StepView(
        step=step,
        title=scene.step_title,
        role=role_title(rule.performer, scene.ground.protocol, speech),
        due=limit,
        earliest=earliest,
        late=speech.late(limit.instant, scene.now) if is_late and limit else "",
        why=sentence(limit.why, protocol, speech) if limit else "",
        outcome=speech.text(outcome.title) if outcome else "",
        reason=sentence(step.reason, protocol, speech),
        visit_reason=sentence(step.visit.reason, protocol, speech) if step.visit else "",
        first=first,
        others=others,
        blocked=tuple(blocked) if step.status in LIVE else (),
    )


def _moving(offers: Sequence[Offer], scene: Scene, *, locked: bool) -> tuple[Offer, ...]:
    visit = scene.here.visit
    standing = visit is not None and visit.stands
    order = (_BOOKED if standing else _TO_BOOK) if scene.rule.kind == "visit" else _WORK
    if locked:
        order = _LOCKED
    by_name = {one.name: one for one in offers}
    return tuple(by_name[name] for name in order if name in by_name)


def _tracks(steps: Sequence[StepView], scene: Scene) -> tuple[TrackView, ...]:
    protocol = scene.ground.protocol
    order = list(dict.fromkeys(["main", *(rule.track for rule in protocol.steps)]))
    rank = {rule.key: number for number, rule in enumerate(protocol.steps)}
    found = []
    for track in order:
        of_track = [one for one in steps if protocol.step(one.step.key).track == track]
        of_track.sort(key=lambda one: (rank[one.step.key], one.step.occurrence))
        title = protocol.tracks.get(track)
        if of_track:
            found.append(TrackView(scene.speech.text(title) if title else track, tuple(of_track)))
    return tuple(found)


def _gates_ahead(scene: Scene) -> dict[str, bool]:
    """The gates that steps not settled yet have before them, in the protocol's order; True where one is live."""
    ahead: dict[str, bool] = {}
    for step in scene.pathway.unsettled():
        rule = scene.ground.protocol.step(step.key)
        keys = [*rule.book_gates, *rule.start_gates, *(key for one in rule.outcomes for key in one.gates)]
        for key in keys:
            ahead[key] = ahead.get(key, False) or step.status in LIVE
    return {gate.key: ahead[gate.key] for gate in scene.ground.protocol.gates if gate.key in ahead}


def _gate(key: str, now: bool, scene: Scene) -> GateView:
    gate = scene.ground.protocol.gate(key)
    open_needs = unmet(gate, scene.pathway, scene.ground)
    never = any(one.need.never_override for one in open_needs)
    possible = (
        offer(OVERRIDE, replace(scene, about=key))
        if open_needs and (gate.override or gate.both) and not never
        else None
    )
    return GateView(
        key,
        scene.speech.text(gate.title),
        now,
        tuple(scene.speech.text(one.need.reason) for one in open_needs),
        tuple(one for one in scene.pathway.overrides if one.gate == key),
        possible if possible is not None and not possible.refusal else None,
    )


def _facts(scene: Scene) -> tuple[FactView, ...]:
    """What is known, by title; antithrombotics first, for silence about them is not a no."""
    protocol, speech = scene.ground.protocol, scene.speech
    keys = {ANTITHROMBOTICS, *(fact.key for fact in scene.pathway.facts)}
    found = []
    for key in keys:
        fact = scene.pathway.fact(key)
        value = measured(key, fact.value, protocol, speech) if fact else ""
        found.append(FactView(key, fact_title(key, protocol, speech), fact, value, asks=fact is None))
    found.sort(key=lambda one: (one.key != ANTITHROMBOTICS, one.title))
    return tuple(found)


def _is_call(row: OwedRow) -> bool:
    return row.kind in (Kind.CALL, Kind.LETTER) and row.status in ("planned", "settled")


def _call(row: OwedRow, scene: Scene, script: Callable[[OwedRow], str]) -> RowView:
    said = replace(_message(row, scene), script=script(row))
    if row.status != "planned":
        return said
    return replace(said, offer=offer(SETTLE_CALL, replace(scene, about=row.key)))


def _message(row: OwedRow, scene: Scene) -> RowView:
    protocol, speech = scene.ground.protocol, scene.speech
    title = planned(row.kind, row.step, row.data, protocol, speech)
    why = sentence(row.why if row.status == "planned" else row.reason, protocol, speech)
    return RowView(row, title, why)


def _alert(alert: Alert, scene: Scene) -> AlertView:
    role = role_title(alert.role, scene.ground.protocol, scene.speech)
    about = replace(scene, about=alert.key)
    if alert.acknowledged is not None:
        return AlertView(alert, role, None)
    return AlertView(alert, role, offer(ACKNOWLEDGE, about), offer(SNOOZE, about) if alert.waits else None)


def _channels(scene: Scene) -> tuple[Offer, ...]:
    found = []
    for channel in ("sms", "email"):
        deed = OPT_IN if channel in scene.pathway.opted_out else OPT_OUT
        found.append(offer(deed, replace(scene, about=channel)))
    return tuple(one for one in found if one is not None)


def _line(line: HistoryRow, scene: Scene) -> LineView:
    changes = [decode(Change, change) for change in line.changes]
    return LineView(
        line, happened(line.event, scene.ground.protocol, scene.speech), changes_of(changes, scene)
    )
