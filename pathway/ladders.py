"""Ladders of reminders and escalations: which rungs a step has now, and which of them count.

A rung is named ``step/occurrence/rung/key``, with the revision of the slot it hangs on: when the slot moves,
its ladder starts again. Rungs that are past together collapse to the highest; the others are passed over. What is
said of a step's visit (not recorded, missed) is a ladder of its own: however late the step is already, a patient who
did not come is called that day.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from pathway.anchors import Moment, resolve
from pathway.ground import Ground
from pathway.lifecycle import LIVE
from pathway.protocol import Offset, Rung
from pathway.refusal import Text
from pathway.state import Acknowledgement, Fired, Pathway, PathwayStatus, Snoozed, Step
from pathway.watch import Slot, is_answered, unrecorded

REVISIT = "pathway/1/rung/revisit"
_NOWHERE = Offset(from_="revisit")
_OF_THE_VISIT = frozenset({"slot", "missed"})


@dataclass(frozen=True, slots=True)
class Standing:
    """A rung of the ladder as it stands: its key, when, and what it says to whom."""

    key: str
    rung: Rung
    step: Step | None
    moment: Moment


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
    if step.status not in LIVE or not _speaks(step, pathway, ground):
        return ()
    found = []
    for rung in ground.protocol.step(step.key).ladder:
        moment = resolve(rung.at, step, pathway, ground)
        if moment is not None:
            revision = f"@{moment.revision}" if moment.revision else ""
            found.append(Standing(f"{step.ref}/rung/{rung.key}{revision}", rung, step, moment))
    return tuple(sorted(found, key=lambda standing: standing.moment.instant))


def _speaks(step: Step, pathway: Pathway, ground: Ground) -> bool:
    """Whether this pathway's clocks run for the step: a pause stops all but the tracks that go on while held.

    What is left to do after an end has clocks like any other work.
    """
    if pathway.status is PathwayStatus.ON_HOLD:
        track = ground.protocol.tracks.get(ground.protocol.step(step.key).track)
        return track is not None and track.while_held
    return pathway.status is not PathwayStatus.COMPLETED


def ladders(pathway: Pathway, ground: Ground) -> Iterator[tuple[Standing, ...]]:
    """Every ladder that stands: a step's, its visit's, those of alarms, findings and missing observations, and the
    one that looks again at a paused or deferred pathway."""
    for step in pathway.steps:
        rungs = ladder(step, pathway, ground)
        for of_the_visit in (False, True):
            part = tuple(one for one in rungs if (one.rung.at.from_ in _OF_THE_VISIT) is of_the_visit)
            if part:
                yield part
    yield from _put_off(pathway, ground)
    yield from _alarm_ladders(pathway, ground)
    yield from _missing_sets(pathway, ground)
    yield from _red_flags(pathway, ground)
    if revisit := _revisit(pathway, ground):
        yield (revisit,)


def pending(rungs: tuple[Standing, ...], pathway: Pathway) -> tuple[Standing, ...]:
    """The rungs still to fire: of those past at ``as_of`` only the highest, then all that are to come.

    Nothing past is left to fire below a rung that has fired already.
    """
    fired = {one.key for one in pathway.fired}
    past = [standing for standing in rungs if standing.moment.instant <= pathway.as_of]
    return tuple(standing for standing in rungs if standing.key not in fired and standing not in past[:-1])


def pass_over(pathway: Pathway, ground: Ground) -> Pathway:
    """Record the rungs that a higher one, past as well, has made pointless."""
    fired = {one.key for one in pathway.fired}
    skipped = []
    for rungs in ladders(pathway, ground):
        keep = pending(rungs, pathway)
        skipped += [
            Fired(standing.key, pathway.as_of, passed_over=True)
            for standing in rungs
            if standing.key not in fired and standing not in keep
        ]
    return replace(pathway, fired=(*pathway.fired, *skipped)) if skipped else pathway


def alerts(pathway: Pathway, ground: Ground) -> tuple[Alert, ...]:
    """What has fired and still stands, highest rung of each ladder only, oldest first."""
    fired = {one.key: one for one in pathway.fired if not one.passed_over}
    seen = {ack.key: ack for ack in pathway.acknowledged}
    off = {one.key: one for one in pathway.snoozed}
    found = []
    for rungs in ladders(pathway, ground):
        standing = next((one for one in reversed(rungs) if one.key in fired), None)
        if standing is None or standing.moment.instant > pathway.as_of:
            continue
        put_off = off.get(standing.key)
        if put_off is not None and put_off.until <= pathway.as_of:
            continue  # it has been said again, under a name of its own
        rung, record = standing.rung, fired[standing.key]
        found.append(
            Alert(
                key=standing.key,
                level=rung.level,
                role=rung.to,
                person=record.person,
                text=rung.text or _said(standing, ground),
                since=record.at,
                step=standing.step,
                also=rung.also,
                acknowledged=seen.get(standing.key),
                snoozed=put_off,
            )
        )
    return tuple(sorted(found, key=lambda alert: alert.since))


def not_ready(pathway: Pathway, ground: Ground) -> bool:
    """Whether a fired rung has flagged the procedure as not ready."""
    fired = {one.key for one in pathway.fired if not one.passed_over}
    return any(
        standing.rung.effect == "not-ready" and standing.key in fired
        for rungs in ladders(pathway, ground)
        for standing in rungs
    )


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
