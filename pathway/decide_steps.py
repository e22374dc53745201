"""The rules of a step's events: received, accepted, started, completed, rejected, failed, waived, held."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from math import isfinite
from typing import Any

from pathway import events as e
from pathway.ground import Ground
from pathway.lifecycle import LIVE, Assignment, StepStatus, VisitStatus
from pathway.moves import (
    end_pathway,
    find,
    learn,
    move_visit,
    need_reason,
    need_revisit,
    pass_gates,
    procedure_moved,
    repeat,
    unbook,
)
from pathway.protocol import Answer, Outcome, StepRule
from pathway.referral import Fact
from pathway.refusal import Refused, Text
from pathway.state import Pathway, PathwayStatus, Step


def _received(pathway: Pathway, event: e.StepReceived, _: Ground) -> Pathway:
    step = _asked(find(pathway, event), Assignment.REQUESTED)
    return pathway.with_step(replace(step, assignment=Assignment.RECEIVED))


def _accepted(pathway: Pathway, event: e.StepAccepted, _: Ground) -> Pathway:
    step = _asked(find(pathway, event), Assignment.REQUESTED, Assignment.RECEIVED, Assignment.GIVEN)
    if step.owner and step.owner != event.owner:
        raise Refused(
            Text(
                fr=f"Déjà pris en charge par {step.owner}.",
                en=f"Already taken by {step.owner}.",
            )
        )
    return pathway.with_step(replace(step, assignment=Assignment.ACCEPTED, owner=event.owner))


def _asked(step: Step, *allowed: Assignment) -> Step:
    if step.status not in LIVE or step.assignment not in allowed:
        raise Refused(
            Text(
                fr=f"L'étape « {step.key} » n'attend pas de réponse ({step.status}, {step.assignment}).",
                en=f"The step {step.key} awaits no answer ({step.status}, {step.assignment}).",
            )
        )
    return step


def _started(pathway: Pathway, event: e.StepStarted, ground: Ground) -> Pathway:
    step = find(pathway, event)
    rule = ground.protocol.step(step.key)
    _not_the_hold(rule)
    if step.status is StepStatus.ON_HOLD:
        raise Refused(
            Text(
                fr=f"L'étape « {step.key} » est en pause : reprenez-la d'abord.",
                en=f"The step {step.key} is on hold: resume it first.",
            )
        )
    _not_while_on_hold(step, pathway, ground)
    pass_gates(rule.start_gates, pathway, ground)
    started = step.moved(StepStatus.IN_PROGRESS, started=_when(event, pathway), by=event.by.name)
    if started.visit and started.visit.status is VisitStatus.BOOKED:
        started = replace(started, visit=move_visit(started.visit, VisitStatus.ARRIVED))
    return pathway.with_step(started)


def _completed(pathway: Pathway, event: e.StepCompleted, ground: Ground) -> Pathway:
    step = find(pathway, event)
    rule = ground.protocol.step(step.key)
    _not_the_hold(rule)
    outcome = rule.outcome(event.outcome)
    if outcome is None:
        known = ", ".join(one.key for one in rule.outcomes)
        raise Refused(
            Text(
                fr=f"« {event.outcome} » n'est pas une issue de « {step.key} » ; issues : {known}.",
                en=f"{event.outcome!r} is no outcome of {step.key}; outcomes: {known}.",
            ),
            kind="invalid",
            field="outcome",
        )
    data, facts = _answers(rule, outcome, event, pathway)
    _signed_by(rule, event)
    settled = _when(event, pathway)
    if step.started is not None and settled < step.started:
        raise Refused(
            Text(fr="La fin indiquée précède le début.", en="The end given comes before the start."),
            kind="invalid",
            field="occurred",
        )
    pathway = learn(pathway, facts, ground)
    if step.started is None:
        _not_while_on_hold(step, pathway, ground)
        pass_gates(rule.start_gates, pathway, ground)
    pass_gates(outcome.gates, pathway, ground)
    done = step.moved(StepStatus.DONE, outcome=outcome.key, settled=settled, data=data, by=event.by.name)
    if done.visit and done.visit.status in (VisitStatus.BOOKED, VisitStatus.ARRIVED):
        done = replace(done, visit=move_visit(done.visit, VisitStatus.FULFILLED))
    revisit = date.fromisoformat(data["revisit"]) if data.get("revisit") else None
    return follow(pathway.with_step(done), outcome, event.by.name, ground, revisit=revisit)


def follow(
    pathway: Pathway, outcome: Outcome, by: str, ground: Ground, *, revisit: date | None = None
) -> Pathway:
    """What an outcome brings beyond opening what waits for it. ``revisit`` is when an ended pathway is looked at."""
    for key in outcome.unbook:
        pathway = unbook(pathway, key, outcome.key, ground)
    pathway = repeat(pathway, outcome.repeat)
    for track in outcome.suspend:
        for step in tuple(pathway.unsettled()):
            if ground.protocol.step(step.key).track == track and step.status is not StepStatus.ON_HOLD:
                pathway = pathway.with_step(
                    step.moved(StepStatus.ON_HOLD, came_from=step.status, reason=outcome.key)
                )
    if outcome.end:
        need_revisit(ground.protocol.ends[outcome.end], revisit)
        pathway = end_pathway(pathway, outcome.end, outcome.key, by, revisit=revisit)
    return pathway


def _answers(
    rule: StepRule, outcome: Outcome, event: e.StepCompleted, pathway: Pathway
) -> tuple[dict[str, Any], tuple[Fact, ...]]:
    """The answers given, checked against what the step asks; those that are facts, as facts."""
    asked = {answer.key: answer for answer in rule.answers}
    for key in event.data:
        if key not in asked:
            raise Refused(
                Text(
                    fr=f"« {key} » n'est pas demandé ici ; demandé : {', '.join(asked) or 'rien'}.",
                    en=f"{key!r} is not asked here; asked: {', '.join(asked) or 'nothing'}.",
                ),
                kind="invalid",
                field=f"data.{key}",
            )
    data, facts = {}, []
    for key, answer in asked.items():
        if event.data.get(key) in (None, ""):
            if outcome.key in answer.required_for and not (answer.fact and pathway.fact(key)):
                raise Refused(
                    Text(fr=f"Renseignez « {answer.title.fr} ».", en=f"Fill in “{answer.title.en}”."),
                    kind="invalid",
                    field=f"data.{key}",
                )
            continue
        data[key] = _checked(answer, event.data[key])
        if answer.fact:
            facts.append(Fact(key, data[key], _when(event, pathway), event.by.name, f"step/{rule.key}"))
    return data, tuple(facts)


_YEARS = range(1900, 2200)
"""Dates outside are a slip of the hand, and leave no room to count from."""


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise ValueError(value)
    return value


def _date(value: Any) -> str:
    day = date.fromisoformat(value)
    if day.year not in _YEARS:
        raise ValueError(value)
    return day.isoformat()


def _instant(value: Any) -> str:
    instant = datetime.fromisoformat(value)
    if instant.tzinfo is None or instant.year not in _YEARS:
        raise ValueError(value)
    return instant.astimezone(UTC).isoformat()


def _of(*kinds: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if not isinstance(value, kinds):
            raise TypeError(value)
        return value

    return read


def _checked(answer: Answer, value: Any) -> Any:
    """The value in the answer's kind, days and instants (UTC) in one form. Refused with the remedy otherwise."""
    remedies = {
        "number": _numbers(answer),
        "yes-no": Text(fr="oui ou non", en="true or false"),
        "date": Text(fr="une date comme 2027-03-16", en="a day like 2027-03-16"),
        "instant": Text(
            fr="un instant comme 2027-03-16T09:30:00+01:00", en="an instant like 2027-03-16T09:30:00+01:00"
        ),
        "choice": Text(fr=", ".join(answer.choice_keys), en=", ".join(answer.choice_keys)),
        "text": Text(fr="un texte", en="a text"),
    }
    readers: dict[str, Callable[[Any], Any]] = {
        "number": _number,
        "yes-no": _of(bool),
        "date": _date,
        "instant": _instant,
        "text": _of(str),
    }
    try:
        if answer.kind == "choice":
            return answer.choice_keys[answer.choice_keys.index(value)]
        read = readers[answer.kind](value)
        if answer.kind == "number" and not _possible(answer, read):
            raise ValueError(read)
        return read
    except (TypeError, ValueError, OverflowError):
        remedy = remedies[answer.kind]
        raise Refused(
            Text(
                fr=f"« {answer.title.fr} » attend {remedy.fr}.",
                en=f"“{answer.title.en}” expects {remedy.en}.",
            ),
            kind="invalid",
            field=f"data.{answer.key}",
        ) from None


def _possible(answer: Answer, number: float) -> bool:
    low, high = answer.at_least, answer.at_most
    return (low is None or number >= low) and (high is None or number <= high)


def _numbers(answer: Answer) -> Text:
    """What numbers are possible, in words."""
    low, high = answer.at_least, answer.at_most
    if low is None or high is None:
        return Text(fr="un nombre", en="a number")
    return Text(fr=f"un nombre de {low:g} à {high:g}", en=f"a number from {low:g} to {high:g}")


def _rejected(pathway: Pathway, event: e.StepRejected, ground: Ground) -> Pathway:
    return _ask_again(pathway, find(pathway, event), StepStatus.REJECTED, event, ground)


def _failed(pathway: Pathway, event: e.StepFailed, ground: Ground) -> Pathway:
    return _ask_again(pathway, find(pathway, event), StepStatus.FAILED, event, ground)


def _ask_again(
    pathway: Pathway, step: Step, to: StepStatus, event: e.StepRejected | e.StepFailed, ground: Ground
) -> Pathway:
    reason = need_reason(event.reason)
    ended = step.moved(to, settled=_when(event, pathway), reason=reason, by=event.by.name)
    if ended.visit and ended.visit.stands:
        ended = replace(
            ended, visit=move_visit(ended.visit, VisitStatus.CANCELLED, reason=reason, since=pathway.as_of)
        )
    pathway = repeat(pathway.with_step(ended), (step.key,))
    if step.key == ground.protocol.procedure_step:
        pathway = procedure_moved(pathway, ground, "the procedure was not done")
    return pathway


def _waived(pathway: Pathway, event: e.StepWaived, ground: Ground) -> Pathway:
    step = find(pathway, event)
    rule = ground.protocol.step(step.key)
    _not_the_hold(rule)
    _signed_by(rule, event)
    if not rule.waivable:
        raise Refused(
            Text(
                fr=f"« {rule.title.fr} » ne peut pas être levée : enregistrez son issue, ou terminez le parcours.",
                en=f"“{rule.title.en}” cannot be waived: record its outcome, or end the pathway.",
            )
        )
    reason = need_reason(event.reason)
    waived = step.moved(StepStatus.WAIVED, settled=_when(event, pathway), reason=reason, by=event.by.name)
    if waived.visit and waived.visit.stands:
        waived = replace(
            waived, visit=move_visit(waived.visit, VisitStatus.CANCELLED, reason=reason, since=pathway.as_of)
        )
    return pathway.with_step(waived)


def _held(pathway: Pathway, event: e.StepHeld, _: Ground) -> Pathway:
    step = find(pathway, event)
    reason = need_reason(event.reason)
    return pathway.with_step(step.moved(StepStatus.ON_HOLD, came_from=step.status, reason=reason))


def _released(pathway: Pathway, event: e.StepReleased, _: Ground) -> Pathway:
    step = find(pathway, event)
    if step.status is not StepStatus.ON_HOLD:
        raise Refused(
            Text(fr=f"L'étape « {step.key} » n'est pas en pause.", en=f"The step {step.key} is not on hold.")
        )
    back = step.came_from or StepStatus.OPEN
    return pathway.with_step(step.moved(back, came_from=None, reason=""))


def _not_while_on_hold(step: Step, pathway: Pathway, ground: Ground) -> None:
    """What happens on a paused pathway is still recorded, but for the procedure: that is not begun."""
    if pathway.status is PathwayStatus.ON_HOLD and step.key == ground.protocol.procedure_step:
        raise Refused(
            Text(
                fr="Le parcours est en pause : reprenez-le avant l'intervention.",
                en="The pathway is on hold: resume it before the procedure.",
            )
        )


def _not_the_hold(rule: StepRule) -> None:
    if rule.kind == "hold":
        raise Refused(
            Text(
                fr="Le plan d'arrêt se conclut par sa signature, « non nécessaire » ou son rejet.",
                en="The hold plan is settled by signing it, stating that none is required, or rejecting it.",
            )
        )


def _signed_by(rule: StepRule, event: e.Event) -> None:
    if rule.signed_by and not event.by.acts_as(rule.signed_by):
        who = ", ".join(rule.signed_by)
        raise Refused(
            Text(
                fr=f"« {rule.title.fr} » ne peut être enregistrée que par : {who}.",
                en=f"“{rule.title.en}” may be recorded only by: {who}.",
            ),
            kind="forbidden",
        )


def _when(event: e.Event, pathway: Pathway) -> datetime:
    """When it really happened; never later than it was told."""
    if event.occurred is None:
        return pathway.as_of
    if event.occurred > pathway.as_of:
        raise Refused(
            Text(
                fr="L'heure indiquée est dans le futur.",
                en="The time given is in the future.",
            ),
            kind="invalid",
            field="occurred",
        )
    return event.occurred


STEP_RULES: dict[type[e.Event], Callable[[Pathway, Any, Ground], Pathway]] = {
    e.StepReceived: _received,
    e.StepAccepted: _accepted,
    e.StepStarted: _started,
    e.StepCompleted: _completed,
    e.StepRejected: _rejected,
    e.StepFailed: _failed,
    e.StepWaived: _waived,
    e.StepHeld: _held,
    e.StepReleased: _released,
}
