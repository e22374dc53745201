"""Ladders of reminders and escalations: which rungs a step has now, and which of them count.

A rung is named ``step/occurrence/rung/key``, with the revision of the slot it hangs on: when the slot moves,
its ladder starts again. Rungs that are past together collapse to the highest; the others are passed over. What is
said of a step's visit (not recorded, missed) is a ladder of its own: however late the step is already, a patient who
did not come is called that day.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pathway.anchors import Moment
from pathway.courses import Standing, course, course_at
from pathway.ground import Ground
from pathway.known import known
from pathway.lifecycle import LIVE
from pathway.protocol import Offset, Rung
from pathway.refusal import Text
from pathway.state import Acknowledgement, Fired, Pathway, PathwayStatus, Snoozed, Step
from pathway.watch import Slot, is_answered, unrecorded

REVISIT = "pathway/1/rung/revisit"
_NOWHERE = Offset(from_="revisit")


@dataclass(frozen=True, slots=True)
class Alert:
    """A rung that has fired and still concerns somebody. ``person`` is empty when nobody was on the rota.

    ``also`` are the other roles that are told.
    """

    key: str
    level: str
    role: str
    person: str
    text: Text
    since: datetime
    step: Step | None
    also: tuple[str, ...] = ()
    acknowledged: Acknowledgement | None = None
    snoozed: Snoozed | None = None

    @property
    def waits(self) -> bool:
        """Whether nobody has taken it yet, or put it off."""
        return self.acknowledged is None and self.snoozed is None


def ladder(step: Step, pathway: Pathway, ground: Ground) -> tuple[Standing, ...]:
    """The rungs of a step that is being waited for, earliest first; none once it is settled or on hold."""
    return course(step, pathway, ground).rungs


def ladders(pathway: Pathway, ground: Ground) -> Iterator[tuple[Standing, ...]]:
    """Every ladder that stands: a step's, its visit's, those of alarms, findings and missing observations, and the
    one that looks again at a paused or deferred pathway."""
    notes = known(pathway, ground)
    for place, step in enumerate(pathway.steps):
        if step.status in LIVE:
            yield from course_at(place, notes, pathway, ground).ladders
    yield from other_ladders(pathway, ground)


def other_ladders(pathway: Pathway, ground: Ground) -> Iterator[tuple[Standing, ...]]:
    """The ladders beside those of the steps and their visits."""
    yield from _put_off(pathway, ground)
    yield from _alarm_ladders(pathway, ground)
    yield from _missing_sets(pathway, ground)
    yield from _red_flags(pathway, ground)
    if revisit := _revisit(pathway, ground):
        yield (revisit,)


def pending(rungs: tuple[Standing, ...], fired: Container[str], now: datetime) -> tuple[Standing, ...]:
    """The rungs still to fire: of those past at ``now`` only the highest, then all that are to come.

    Nothing past is left to fire below a rung that has fired already. ``fired`` are the keys of those.
    """
    first = max(sum(one.moment.instant <= now for one in rungs) - 1, 0)
    return tuple(standing for standing in rungs[first:] if standing.key not in fired)


def pass_over(pathway: Pathway, ground: Ground) -> Pathway:
    """Record the rungs that a higher one, past as well, has made pointless."""
    notes, now = known(pathway, ground), pathway.as_of
    crowded: list[tuple[Standing, ...]] = []
    for place, step in enumerate(pathway.steps):
        if step.status in LIVE:
            course = course_at(place, notes, pathway, ground)
            if course.crowded is not None and course.crowded <= now:
                crowded += course.ladders
    crowded += other_ladders(pathway, ground)
    fired = notes.fired
    skipped = [
        Fired(standing.key, now, passed_over=True)
        for rungs in crowded
        for standing in rungs[: max(sum(one.moment.instant <= now for one in rungs) - 1, 0)]
        if standing.key not in fired
    ]
    return pathway.but(fired=(*pathway.fired, *skipped)) if skipped else pathway


def alerts(pathway: Pathway, ground: Ground) -> tuple[Alert, ...]:
    """What has fired and still stands, highest rung of each ladder only, oldest first."""
    fired = known(pathway, ground).fired
    found = (alert_of(rungs, fired, pathway, ground) for rungs in ladders(pathway, ground)) if fired else ()
    return tuple(sorted((alert for alert in found if alert), key=lambda alert: alert.since))


def alert_of(
    rungs: tuple[Standing, ...], fired: Mapping[str, Fired], pathway: Pathway, ground: Ground
) -> Alert | None:
    """The alert that this ladder is now, by what of it has fired."""
    for standing in reversed(rungs):
        record = fired.get(standing.key)
        if record is not None and not record.passed_over:
            break
    else:
        return None
    snoozed = next((one for one in pathway.snoozed if one.key == standing.key), None)
    if standing.moment.instant > pathway.as_of or (snoozed is not None and snoozed.until <= pathway.as_of):
        return None  # put off, it has been said again, under a name of its own
    rung = standing.rung
    return Alert(
        key=standing.key,
        level=rung.level,
        role=rung.to,
        person=record.person,
        text=rung.text or _said(standing, ground),
        since=record.at,
        step=standing.step,
        also=rung.also,
        acknowledged=_acknowledged(standing.key, pathway),
        snoozed=snoozed,
    )


def _acknowledged(key: str, pathway: Pathway) -> Acknowledgement | None:
    return next((one for one in reversed(pathway.acknowledged) if one.key == key), None)


def not_ready(pathway: Pathway, ground: Ground) -> bool:
    """Whether a fired rung has flagged the procedure as not ready."""
    fired = known(pathway, ground).fired
    return bool(fired) and any(
        standing.rung.effect == "not-ready" and _has_fired(standing, fired)
        for rungs in ladders(pathway, ground)
        for standing in rungs
    )


def _has_fired(standing: Standing, fired: Mapping[str, Fired]) -> bool:
    record = fired.get(standing.key)
    return record is not None and not record.passed_over


def _put_off(pathway: Pathway, ground: Ground) -> Iterator[tuple[Standing, ...]]:
    """An alert of a step that was put off is said again, if it still stands then."""
    for snoozed in pathway.snoozed:
        ref = snoozed.key.split("/rung/")[0]
        key, _, occurrence = ref.rpartition("/")
        step = pathway.at(key, int(occurrence)) if occurrence.isdigit() else None
        standing = [one for one in ladder(step, pathway, ground) if one.key == snoozed.key] if step else []
        for one in standing:
            again = f"{one.key}/again@{snoozed.until.isoformat()}"
            yield (Standing(again, one.rung, one.step, Moment(snoozed.until, f"put off {one.moment.why}")),)


def _alarm_ladders(pathway: Pathway, ground: Ground) -> Iterator[tuple[Standing, ...]]:
    """Every alarm of the watch: said at once, and again until somebody answers, the last time to others as well.

    Answered, it is said no more; it stays to be seen until the watch is over.
    """
    watch = ground.protocol.surveillance
    if watch is None or not pathway.alarms or not pathway.runs:
        return
    step = pathway.last(watch.step)
    fired = {one.key for one in pathway.fired}
    for raised in pathway.alarms:
        rule = watch.alarm(raised.alarm)
        answered = is_answered(raised, pathway)
        if rule is None or (answered and (step is None or step.is_settled)):
            continue
        rungs = []
        for number in range(1, rule.rounds + 1):
            key = f"{raised.ref}/rung/{number}"
            if answered and key not in fired:
                break
            last = number == rule.rounds and number > 1
            first, *others = rule.to
            rung = Rung(
                key=str(number),
                at=_NOWHERE,
                to=first,
                also=(*others, *(rule.last_to if last else ())),
                level=rule.level,
                text=rule.title,
            )
            instant = raised.at + timedelta(minutes=(number - 1) * rule.acknowledge_minutes)
            rungs.append(Standing(key, rung, step, Moment(instant, f"alarm {rule.key}")))
        if rungs:
            yield tuple(rungs)


def _missing_sets(pathway: Pathway, ground: Ground) -> Iterator[tuple[Standing, ...]]:
    """Sets of observations that nobody has recorded: the ward hears of each, and hears of it again."""
    watch = ground.protocol.surveillance
    step = pathway.last(watch.step) if watch else None
    if watch is None or step is None or step.status not in LIVE or not pathway.runs:
        return
    for slot in unrecorded(pathway, ground):
        name = f"{step.ref}/rung/{slot.round.key}.{slot.number}"
        yield (
            Standing(
                f"{name}.amber",
                Rung("amber", _NOWHERE, watch.charge, "overdue", _unheard(slot)),
                step,
                Moment(slot.amber, f"{slot.round.key} {slot.number} +{slot.round.amber} min"),
            ),
            Standing(
                f"{name}.red",
                Rung("red", _NOWHERE, watch.charge, "red", _unheard(slot)),
                step,
                Moment(slot.red, f"{slot.round.key} {slot.number} +{slot.round.red} min"),
            ),
        )


def _unheard(slot: Slot) -> Text:
    title, number, count = slot.round.title, slot.number, slot.round.count
    return Text(
        fr=f"Relevé manquant : {title.fr} ({number} sur {count})",
        en=f"Observations missing: {title.en} ({number} of {count})",
    )


def _red_flags(pathway: Pathway, ground: Ground) -> Iterator[tuple[Standing, ...]]:
    """A finding that is there is told to the role that it concerns, from when it was known."""
    end = ground.protocol.ends.get(pathway.end or "")
    if pathway.status is PathwayStatus.COMPLETED or pathway.patient.deceased or (end and end.silent):
        return
    taken = {one.key for one in pathway.acknowledged}
    for flagged in pathway.flagged:
        flag = ground.protocol.red_flag(flagged.key)
        if flag is None or flag.to is None:
            continue
        level: Literal["red", "overdue"] = "overdue" if flag.effect in ("warn", "decide") else "red"
        rung = Rung(flag.key, _NOWHERE, flag.to, level, flag.refusal)
        key = f"finding/{flag.key}/rung/raised@{flagged.since.isoformat()}"
        if not pathway.runs and key in taken:
            continue
        yield (Standing(key, rung, None, Moment(flagged.since, f"finding {flag.key}")),)


_LEVELS = {
    "reminder": Text(fr="à faire bientôt", en="due soon"),
    "overdue": Text(fr="en retard", en="overdue"),
    "escalation": Text(fr="toujours en retard", en="still overdue"),
    "red": Text(fr="urgent", en="urgent"),
}


def _said(standing: Standing, ground: Ground) -> Text:
    assert standing.step is not None
    title, level = ground.protocol.step(standing.step.key).title, _LEVELS[standing.rung.level]
    return Text(fr=f"{title.fr} : {level.fr}", en=f"{title.en}: {level.en}")


def _revisit(pathway: Pathway, ground: Ground) -> Standing | None:
    """A pathway on hold or deferred is looked at again on the day that was set."""
    waits = pathway.status is PathwayStatus.ON_HOLD or pathway.status is PathwayStatus.ENDED
    if pathway.revisit is None or not waits:
        return None
    rung = Rung(
        key="revisit",
        at=_NOWHERE,
        to=ground.protocol.messaging.desk,
        level="overdue",
        text=Text(
            fr="Parcours en attente : à revoir aujourd'hui", en="Pathway waiting: look at it again today"
        ),
    )
    instant = ground.calendar.at(pathway.revisit, ground.calendar.decent_from)
    return Standing(f"{REVISIT}@{pathway.revisit.isoformat()}", rung, None, Moment(instant, "revisit"))
