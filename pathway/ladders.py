"""Ladders of reminders and escalations: which rungs a step has now, and which of them count.

A rung is named ``step/occurrence/rung/key``, with the revision of the slot it hangs on: when the slot moves,
its ladder starts again. Rungs that are past together collapse to the highest; the others are passed over. What is
said of a step's visit (not recorded, missed) is a ladder of its own: however late the step is already, a patient who
did not come is called that day.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Literal

from pathway.anchors import Moment
from pathway.courses import Course, Standing, course, course_at, work_out
from pathway.ground import Ground
from pathway.known import Known, known
from pathway.lifecycle import LIVE
from pathway.protocol import Offset, Rung
from pathway.records import Acknowledgement, Fired, Snoozed
from pathway.refusal import Text
from pathway.state import Pathway, PathwayStatus, Step
from pathway.watch import Slot, is_answered, slots, unrecorded

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
    rungs = [rung for one in course(step, pathway, ground).ladders for rung in one]
    return tuple(sorted(rungs, key=attrgetter("moment.instant")))


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
    yield from put_off(pathway, ground)
    for kind in APART:
        yield from apart(kind, known(pathway, ground), pathway, ground).ladders


def apart(kind: str, notes: Known, pathway: Pathway, ground: Ground) -> Course:
    """The ladders of this kind that are of no step, from the notes or worked out and noted."""
    found = notes.apart.get(kind)
    if found is None:
        standing = tuple(_ASKED.get(kind, _all_sets)(pathway, ground))
        found = notes.apart[kind] = Course(ladders=standing) if standing else _NONE
        if kind == "sets" and standing:
            found.items = notes.apart["all sets"].items
    return found


_NONE = Course()


def pending(rungs: tuple[Standing, ...], fired: Container[str], now: datetime) -> tuple[Standing, ...]:
    """The rungs still to fire: of those past at ``now`` only the highest, then all that are to come.

    Nothing past is left to fire below a rung that has fired already. ``fired`` are the keys of those.
    """
    first = max(sum(one.moment.instant <= now for one in rungs) - 1, 0)
    return tuple(standing for standing in rungs[first:] if standing.key not in fired)


def pass_over(pathway: Pathway, ground: Ground) -> Pathway:
    """Record the rungs that a higher one, past as well, has made pointless."""
    notes, now = known(pathway, ground), pathway.as_of
    work_out(notes, pathway, ground)
    crowded = [one for one in notes.courses if one and one.crowded is not None and one.crowded <= now]
    crowded += [
        one for one in _apart(notes, pathway, ground) if one.crowded is not None and one.crowded <= now
    ]
    if not crowded:
        return pathway
    fired = notes.fired
    skipped = [
        Fired(standing.key, now, passed_over=True)
        for one in crowded
        for rungs in one.ladders
        for standing in rungs[: max(sum(rung.moment.instant <= now for rung in rungs) - 1, 0)]
        if standing.key not in fired
    ]
    return pathway.but(fired=(*pathway.fired, *skipped)) if skipped else pathway


def _apart(notes: Known, pathway: Pathway, ground: Ground) -> list[Course]:
    return [notes.apart.get(kind) or apart(kind, notes, pathway, ground) for kind in APART]


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
        step=pathway.named(standing.step),
        also=rung.also,
        acknowledged=_acknowledged(standing.key, pathway),
        snoozed=snoozed,
    )


def _acknowledged(key: str, pathway: Pathway) -> Acknowledgement | None:
    return next((one for one in reversed(pathway.acknowledged) if one.key == key), None)


def not_ready(pathway: Pathway, ground: Ground) -> bool:
    """Whether a fired rung has flagged the procedure as not ready."""
    fired = known(pathway, ground).fired
    if not fired:
        return False
    found = [*put_off(pathway, ground)] if pathway.snoozed else []
    for key in ground.protocol.flagging:
        for step in pathway.every(key):
            found += course(step, pathway, ground).ladders
    return any(one.rung.effect == "not-ready" and _has_fired(one, fired) for rungs in found for one in rungs)


def _has_fired(standing: Standing, fired: Mapping[str, Fired]) -> bool:
    record = fired.get(standing.key)
    return record is not None and not record.passed_over


def put_off(pathway: Pathway, ground: Ground) -> Iterator[tuple[Standing, ...]]:
    """An alert of a step that was put off is said again, if it still stands then."""
    for snoozed in pathway.snoozed:
        step = pathway.named(snoozed.key.split("/rung/")[0])
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
            rungs.append(Standing(key, rung, step.ref if step else "", Moment(instant, f"alarm {rule.key}")))
        if rungs:
            yield tuple(rungs)


def _missing_sets(pathway: Pathway, ground: Ground) -> Iterator[tuple[Standing, ...]]:
    """Sets of observations that nobody has recorded: the ward hears of each, and hears of it again."""
    missing = {slot.key for slot in unrecorded(pathway, ground)}
    all_sets = apart("all sets", known(pathway, ground), pathway, ground)
    for rungs in all_sets.ladders:
        if rungs[0].rung.key in missing:
            yield rungs


def _all_sets(pathway: Pathway, ground: Ground) -> Iterator[tuple[Standing, ...]]:
    """What would be said of each set of observations that the schedule wants; its rungs are named by the set."""
    watch = ground.protocol.surveillance
    step = pathway.last(watch.step) if watch else None
    if watch is None or step is None or step.status not in LIVE or not pathway.runs:
        return
    ref = step.ref
    for slot in slots(pathway, ground):
        name = f"{ref}/rung/{slot.round.key}.{slot.number}"
        yield (
            Standing(
                f"{name}.amber",
                Rung(slot.key, _NOWHERE, watch.charge, "overdue", _unheard(slot)),
                ref,
                Moment(slot.amber, f"{slot.round.key} {slot.number} +{slot.round.amber} min"),
            ),
            Standing(
                f"{name}.red",
                Rung(slot.key, _NOWHERE, watch.charge, "red", _unheard(slot)),
                ref,
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
        yield (Standing(key, rung, "", Moment(flagged.since, f"finding {flag.key}")),)


_LEVELS = {
    "reminder": Text(fr="à faire bientôt", en="due soon"),
    "overdue": Text(fr="en retard", en="overdue"),
    "escalation": Text(fr="toujours en retard", en="still overdue"),
    "red": Text(fr="urgent", en="urgent"),
}


def _said(standing: Standing, ground: Ground) -> Text:
    title, level = ground.protocol.step(standing.step.rpartition("/")[0]).title, _LEVELS[standing.rung.level]
    return Text(fr=f"{title.fr} : {level.fr}", en=f"{title.en}: {level.en}")


def _revisit(pathway: Pathway, ground: Ground) -> Iterator[tuple[Standing, ...]]:
    """A pathway on hold or deferred is looked at again on the day that was set."""
    waits = pathway.status is PathwayStatus.ON_HOLD or pathway.status is PathwayStatus.ENDED
    end = ground.protocol.ends.get(pathway.end or "")
    silent = pathway.patient.deceased or (end is not None and end.silent)
    if pathway.revisit is None or not waits or silent:
        return
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
    yield (Standing(f"{REVISIT}@{pathway.revisit.isoformat()}", rung, "", Moment(instant, "revisit")),)


_ASKED: dict[str, Callable[[Pathway, Ground], Iterator[tuple[Standing, ...]]]] = {
    "alarms": _alarm_ladders,
    "sets": _missing_sets,
    "findings": _red_flags,
    "revisit": _revisit,
}
APART = tuple(_ASKED)
"""The ladders that are of no step, by what they are of. What each hangs on is in ``hanging.py``."""
