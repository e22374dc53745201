"""The rules of a visit: booked or moved, cancelled, arrived, missed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from pathway import events as e
from pathway.copying import changed
from pathway.gates import unmet
from pathway.ground import Ground
from pathway.hold_plan import HoldStatus
from pathway.lifecycle import LIVE, StepStatus, VisitStatus
from pathway.moves import find, move_visit, need_reason, pass_gates, procedure_moved, unbook
from pathway.refusal import Refused, Text
from pathway.state import Pathway, Step, Visit

_EARLIEST, _LATEST = timedelta(days=-366), timedelta(days=731)
"""A slot outside is a slip of the hand. Centre default, unsourced."""


def _booked(pathway: Pathway, event: e.VisitBooked, ground: Ground) -> Pathway:
    """Set or move the slot. A move is never refused by a gate: it has happened, so it stands unconfirmed."""
    step = find(pathway, event)
    rule = ground.protocol.step(step.key)
    if rule.kind != "visit":
        raise Refused(
            Text(
                fr=f"L'étape « {step.key} » n'a pas de rendez-vous.", en=f"The step {step.key} has no visit."
            ),
            field="step",
        )
    if step.is_settled or step.status in (StepStatus.WAITING, StepStatus.IN_PROGRESS, StepStatus.ON_HOLD):
        raise Refused(
            Text(
                fr=f"L'étape « {step.key} » est « {step.status} » : aucun rendez-vous ne peut y être pris.",
                en=f"The step {step.key} is {step.status}: no visit can be booked for it.",
            )
        )
    if not _EARLIEST <= event.start - pathway.as_of <= _LATEST:
        raise Refused(
            Text(
                fr="Le rendez-vous est à plus d'un an dans le passé ou deux ans dans l'avenir : vérifiez l'année.",
                en="The visit is more than a year back or two years ahead: check the year.",
            ),
            kind="invalid",
            field="start",
        )
    end = event.end or event.start + timedelta(minutes=rule.minutes)
    if end <= event.start:
        raise Refused(
            Text(fr="La fin doit suivre le début.", en="The end must come after the start."),
            kind="invalid",
            field="end",
        )
    old = step.visit
    moved = old is None or (old.start, old.end, old.place, old.stands) != (
        event.start,
        end,
        event.place,
        True,
    )
    status = VisitStatus.BOOKED if event.confirmed else VisitStatus.PENDING
    counts = moved or (old is not None and old.status is not status and _was_told(pathway, step))
    revision = (old.revision + 1 if counts else old.revision) if old else 1
    since = pathway.as_of if counts or old is None else old.since
    stays = old is not None and old.stands and (old.start, old.end) == (event.start, end)
    taken = event.slot or (old.slot if stays and old is not None else "")
    visit = Visit(event.start, end, event.place, status, revision, since=since, slot=taken)
    changed = _scheduled(pathway, step, visit)
    if step.key == ground.protocol.procedure_step:
        if _is_for_another_slot(pathway, old, event):
            changed = procedure_moved(changed, ground, "the procedure has moved")
        if event.confirmed:
            changed = _confirm(
                changed, step, visit, ground, has_happened=moved and old is not None and old.stands
            )
    elif event.confirmed:
        pass_gates(rule.book_gates, changed, ground)
    return changed


def _scheduled(pathway: Pathway, step: Step, visit: Visit) -> Pathway:
    if step.status in (StepStatus.OPEN, StepStatus.MISSED):
        step = step.moved(StepStatus.SCHEDULED)
    return pathway.with_step(changed(step, visit=visit))


def _was_told(pathway: Pathway, step: Step) -> bool:
    """Whether the patient has heard of the slot as it stands: confirming or unconfirming it is then news too."""
    spoken = [(one.step, one.occurrence, one.revision) for one in pathway.told]
    return step.visit is not None and (step.key, step.occurrence, step.visit.revision) in spoken


def _is_for_another_slot(pathway: Pathway, old: Visit | None, event: e.VisitBooked) -> bool:
    """Whether what was signed or checked for the procedure was so for another start than this one."""
    hold = pathway.hold
    computed = hold.status is HoldStatus.PROPOSED and hold.answer is not None
    signed_for = hold.procedure_start if hold.stands or computed else None
    return (old is not None and old.start != event.start) or signed_for not in (None, event.start)


def _confirm(pathway: Pathway, step: Step, visit: Visit, ground: Ground, *, has_happened: bool) -> Pathway:
    """A confirmation waits for its gates. A standing slot that has moved stays, unconfirmed, until they are met."""
    keys = ground.protocol.step(step.key).book_gates
    if not has_happened:
        pass_gates(keys, pathway, ground)
        return pathway
    if any(unmet(ground.protocol.gate(key), pathway, ground) for key in keys):
        current = pathway.last(step.key)
        assert current is not None
        return pathway.with_step(changed(current, visit=changed(visit, status=VisitStatus.PENDING)))
    return pathway


def _cancelled(pathway: Pathway, event: e.VisitCancelled, ground: Ground) -> Pathway:
    step = find(pathway, event)
    _standing(step)
    if step.status is StepStatus.IN_PROGRESS:
        raise Refused(
            Text(
                fr=f"L'étape « {step.key} » a commencé : elle se termine, elle ne s'annule plus.",
                en=f"The step {step.key} has begun: it is ended, no longer cancelled.",
            )
        )
    return unbook(pathway, step.key, need_reason(event.reason), ground)


def _arrived(pathway: Pathway, event: e.VisitArrived, ground: Ground) -> Pathway:
    step = find(pathway, event)
    visit = move_visit(_standing(step), VisitStatus.ARRIVED)
    if ground.calendar.day(pathway.as_of) < ground.calendar.day(visit.start):
        raise Refused(
            Text(
                fr="Le rendez-vous est un autre jour : déplacez-le d'abord si le patient est venu plus tôt.",
                en="The visit is on a later day: move it first if the patient came early.",
            )
        )
    return pathway.with_step(changed(step, visit=visit))


def _missed(pathway: Pathway, event: e.VisitMissed, _: Ground) -> Pathway:
    """The patient did not come: the step stays to be done, and the ladder of the missed visit begins."""
    step = find(pathway, event)
    visit = _standing(step)
    if pathway.as_of < visit.start:
        raise Refused(
            Text(
                fr="Le rendez-vous n'a pas encore eu lieu.",
                en="The visit has not taken place yet.",
            )
        )
    missed = changed(step, visit=move_visit(visit, VisitStatus.NOSHOW, reason="no-show", since=pathway.as_of))
    if step.status in LIVE:
        return pathway.with_step(missed.moved(StepStatus.MISSED))
    return pathway.with_step(changed(missed, came_from=StepStatus.MISSED) if missed.came_from else missed)


def _standing(step: Step) -> Visit:
    if step.visit is None or not step.visit.stands:
        raise Refused(
            Text(
                fr=f"Aucun rendez-vous n'est pris pour « {step.key} ».", en=f"No visit stands for {step.key}."
            )
        )
    return step.visit


VISIT_RULES: dict[type[e.Event], Callable[[Pathway, Any, Ground], Pathway]] = {
    e.VisitBooked: _booked,
    e.VisitCancelled: _cancelled,
    e.VisitArrived: _arrived,
    e.VisitMissed: _missed,
}
