"""Where a date comes from: what it was counted from, who set that, how it was counted, or why it does not count."""

from __future__ import annotations

from dataclasses import replace
from datetime import time

from pathway.anchors import Moment, due, resolve
from pathway.calendar import DAY
from pathway.explaining.anchored import anchored
from pathway.explaining.explanation import Explanation, Input, Kind, sourced
from pathway.explaining.facts import is_true
from pathway.ground import Ground, procedure_slot
from pathway.hold_plan import HoldStatus
from pathway.protocol import Offset
from pathway.protocol_words import anchor, offset, step_title
from pathway.refusal import Text
from pathway.state import Pathway, Step
from pathway.wording import count, day, fill, joined, same, sentence, when

_DAY, _DAYS = Text(fr="jour", en="day"), Text(fr="jours", en="days")
_WORKING, _WORKING_DAYS = Text(fr="jour ouvré", en="working day"), Text(fr="jours ouvrés", en="working days")
_WEEKEND_DAY = Text(fr="jour de week-end non compté", en="weekend day not counted")
_WEEKEND_DAYS = Text(fr="jours de week-end non comptés", en="weekend days not counted")
_HOUR, _HOURS = Text(fr="heure", en="hour"), Text(fr="heures", en="hours")


def counted(
    given: Offset,
    step: Step,
    pathway: Pathway,
    ground: Ground,
    *,
    key: str,
    kind: Kind = "candidate",
    title: Text | None = None,
) -> Explanation:
    """One offset of the protocol for this occurrence: the instant it means and why, or why it does not count."""
    rule = offset(given, ground.protocol)
    moment = resolve(given, step, pathway, ground)
    inputs: tuple[Input, ...] = (anchored(given.from_, step, pathway, ground),)
    parts: list[Explanation] = []
    if given.when is not None:
        asked = is_true(given.when, pathway, ground, key=f"{key}/if")
        inputs += asked.inputs
        parts.append(asked)
    if given.from_ == "due":
        parts.append(deadline(step, pathway, ground))
    if given.but_not_before is not None and moment is not None:
        parts.append(counted(given.but_not_before, step, pathway, ground, key=f"{key}/floor"))
    because = _because(given, moment, step, pathway, ground)
    return Explanation(
        key=key,
        kind=kind,
        title=title or rule,
        because=because,
        source=sourced(given.source, ground.protocol.step(step.key).source),
        at=moment.instant if moment else None,
        rule=rule,
        inputs=inputs,
        parts=tuple(parts),
    )


def deadline(step: Step, pathway: Pathway, ground: Ground) -> Explanation:
    """When a step is due: every offset of its window, and which of them counts."""
    rule = ground.protocol.step(step.key)
    found = due(step, pathway, ground)
    candidates = [
        counted(one, step, pathway, ground, key=f"{step.ref}/due/{number}")
        for number, one in enumerate(rule.window.due, start=1)
    ]
    known = [one for one in candidates if one.at is not None]
    if rule.window.otherwise is not None:
        last = counted(rule.window.otherwise, step, pathway, ground, key=f"{step.ref}/due/otherwise")
        candidates.append(_unneeded(last) if known else last)
        known = known or ([last] if last.at is not None else [])
    best = min(known, key=lambda one: one.at or pathway.as_of, default=None)
    parts = tuple(replace(one, holds=one is best) for one in candidates)
    title = fill("Échéance : {step}", "Due: {step}", step=step_title(step.ref, ground.protocol))
    if best is None or found is None:
        because = Text(
            fr="Pas encore d'échéance : rien de ce dont elle se compte n'est connu.",
            en="No due date yet: nothing that it counts from is known.",
        )
        return Explanation(f"{step.ref}/due", "due", title, because, sourced(rule.source), parts=parts)
    because = best.because
    if len(known) > 1:
        because = fill(
            "{said} C'est le premier des {n} délais qui comptent.",
            "{said} It is the earliest of the {n} limits that count.",
            said=because,
            n=len(known),
        )
    return Explanation(
        key=f"{step.ref}/due",
        kind="due",
        title=title,
        because=because,
        source=best.source,
        at=found.instant,
        rule=best.rule,
        inputs=best.inputs,
        parts=parts,
    )


def _unneeded(one: Explanation) -> Explanation:
    because = Text(
        fr="Ne compte que si aucun autre délai n'est connu.", en="Counts only while no other limit is known."
    )
    return replace(one, at=None, because=because)


# --- how it is counted ------------------------------------------------------------------------------------


def _because(given: Offset, moment: Moment | None, step: Step, pathway: Pathway, ground: Ground) -> Text:
    if moment is None:
        return _why_not(given, step, pathway, ground)
    floor = resolve(given.but_not_before, step, pathway, ground) if given.but_not_before else None
    if floor is not None and floor == moment and given.but_not_before is not None:
        return sentence(
            fill(
                "{when} : c'est le plus tardif de deux moments, {rule}",
                "{when}: the later of two moments, {rule}",
                when=when(moment.instant, ground.calendar),
                rule=offset(given.but_not_before, ground.protocol),
            )
        )
    return said_as_sum(given, moment, step, pathway, ground)


def said_as_sum(given: Offset, moment: Moment, step: Step, pathway: Pathway, ground: Ground) -> Text:
    """``Wed 12 May 2027, 23:59 = fracture (Wed 20 Jan 2027) + 112 days, by the end of the day.``"""
    base = anchored(given.from_, step, pathway, ground)
    said = fill(
        "{when} = {what} ({base})",
        "{when} = {what} ({base})",
        when=when(moment.instant, ground.calendar),
        what=anchor(given.from_, ground.protocol),
        base=base.value or same("?"),
    )
    signed, far = _distance(given)
    if far is not None:
        sign = "+" if signed > 0 else "−"
        said = fill("{said} {sign} {far}", "{said} {sign} {far}", said=said, sign=sign, far=far)
    details = [_wall(given, moment, ground)]
    if given.working_days:
        details.append(_skipped(given, moment, step, pathway, ground))
    return sentence(joined((said, *(one for one in details if one.fr))))


def _distance(given: Offset) -> tuple[float, Text | None]:
    """How far from the anchor, in the unit of the rule; None for the anchor itself."""
    if given.hours:
        return given.hours, count(round(abs(given.hours)), _HOUR, _HOURS)
    if given.working_days:
        return given.working_days, count(abs(given.working_days), _WORKING, _WORKING_DAYS)
    if given.days:
        return given.days, count(abs(given.days), _DAY, _DAYS)
    return 0, None


def _wall(given: Offset, moment: Moment, ground: Ground) -> Text:
    """At what hour of the day: the rule's, the close of business, or the end of the day."""
    if given.at is not None:
        return fill("à {at:%H:%M}", "at {at:%H:%M}", at=given.at)
    if given.hours is not None:
        return Text(fr="en heures réelles", en="in real hours") if given.hours else Text(fr="", en="")
    if given.working_days is not None:
        close = ground.calendar.business_close
        return fill("à la fermeture ({at:%H:%M})", "at the close of business ({at:%H:%M})", at=close)
    if moment.instant == ground.calendar.end_of(ground.calendar.day(moment.instant)):
        return Text(fr="en fin de journée", en="by the end of the day")
    return Text(fr="", en="")


def _skipped(given: Offset, moment: Moment, step: Step, pathway: Pathway, ground: Ground) -> Text:
    """The weekends and holidays between the anchor and the date, holidays by their day."""
    calendar = ground.calendar
    anchor_itself = replace(
        given, working_days=None, days=0, at=time(12), when=None, first=False, but_not_before=None
    )
    start = resolve(anchor_itself, step, pathway, ground)
    if start is None:
        return Text(fr="", en="")
    first, last = sorted((calendar.day(start.instant), calendar.day(moment.instant)))
    between = [first + DAY * n for n in range(1, (last - first).days)]
    passed = [one for one in between if not calendar.is_working(one)]
    weekend = sum(1 for one in passed if one.weekday() >= 5)
    feasts = [day(one) for one in passed if one.weekday() < 5]
    said = []
    if weekend:
        said.append(count(weekend, _WEEKEND_DAY, _WEEKEND_DAYS))
    if feasts:
        said.append(fill("férié non compté : {days}", "holiday not counted: {days}", days=joined(feasts)))
    return joined(said)


def _why_not(given: Offset, step: Step, pathway: Pathway, ground: Ground) -> Text:
    if given.first and step.occurrence > 1:
        return Text(
            fr="Ne compte que la première fois que l'étape est faite.",
            en="Counts only the first time the step is done.",
        )
    if given.when is not None:
        asked = is_true(given.when, pathway, ground)
        if not asked.holds:
            return sentence(
                fill(
                    "ne s'applique pas : {asked} – {because}",
                    "does not apply: {asked} – {because}",
                    asked=asked.title,
                    because=asked.because,
                )
            )
    if given.from_ == "fracture" and pathway.fracture.cause == "neoplastic":
        return Text(
            fr="Fracture tumorale : son âge ne se compte pas.",
            en="Neoplastic fracture: its age is not counted.",
        )
    reasons = {
        "fracture": Text(
            fr="La date de la fracture n'est pas connue.", en="The day of the fracture is not known."
        ),
        "slot": Text(fr="Aucun rendez-vous ne tient.", en="No visit stands."),
        "missed": Text(fr="Aucun rendez-vous n'a été manqué.", en="No visit was missed."),
        "procedure": Text(fr="L'intervention n'a pas de date.", en="The procedure has no date."),
        "opened": Text(fr="L'étape n'est pas encore ouverte.", en="The step is not open yet."),
    }
    if given.from_ in reasons:
        return reasons[given.from_]
    if given.from_ in ("hold_start", "last_intake"):
        return _no_hold(pathway, ground)
    what = anchor(given.from_, ground.protocol)
    return fill("Pas encore : {what}.", "Not yet: {what}.", what=what)


def _no_hold(pathway: Pathway, ground: Ground) -> Text:
    if procedure_slot(pathway, ground.protocol) is None:
        return Text(fr="L'intervention n'a pas de date.", en="The procedure has no date.")
    if pathway.hold.status in (HoldStatus.NOT_REQUIRED, HoldStatus.REJECTED):
        return Text(fr="Il n'y a rien à arrêter.", en="There is nothing to hold.")
    return Text(fr="Aucun plan d'arrêt signé.", en="No hold plan is signed.")
