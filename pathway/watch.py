"""The watch after the procedure: which sets of observations are wanted, which alarms they raise, what is missing.

T0 is the end of cement injection: the time at which the procedure was settled. A set that nobody recorded is never
taken for a good one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import isfinite
from typing import Any

from pathway.ground import Ground
from pathway.protocol_watch import AlarmRule, Observation, Round, Sign, Surveillance
from pathway.records import Observed, Raised
from pathway.refusal import Refused, Text
from pathway.state import Pathway


@dataclass(frozen=True, slots=True)
class Slot:
    """One set of observations that the schedule wants. ``key`` is ``round/number``; ``due`` is UTC."""

    key: str
    round: Round
    number: int
    due: datetime

    @property
    def amber(self) -> datetime:
        """When it is told to be missing."""
        return self.due + timedelta(minutes=self.round.amber)

    @property
    def red(self) -> datetime:
        """When it is told again, urgently."""
        return self.due + timedelta(minutes=self.round.red)


def began(pathway: Pathway, ground: Ground) -> datetime | None:
    """T0, or None while the procedure has not ended."""
    done = pathway.done(ground.protocol.procedure_step)
    return done.settled if done else None


def slots(pathway: Pathway, ground: Ground) -> tuple[Slot, ...]:
    """Every set that the schedule wants, in the order of time; none before T0."""
    watch, start = ground.protocol.surveillance, began(pathway, ground)
    if watch is None or start is None:
        return ()
    latest: dict[datetime, tuple[Slot, ...]] = ground.protocol.__dict__.setdefault("_slots", {})
    found = latest.get(start)
    if found is None:
        if len(latest) >= _KEPT:
            latest.clear()
        found = latest[start] = _slots(watch, start)
    return found


_KEPT = 256
"""Of so many starts the schedules are kept: it is asked for several times an event."""


def _slots(watch: Surveillance, start: datetime) -> tuple[Slot, ...]:
    found = [
        Slot(
            f"{one.key}/{number + 1}",
            one,
            number + 1,
            start + timedelta(minutes=one.start + number * one.every),
        )
        for one in watch.rounds
        for number in range(one.count)
    ]
    return tuple(sorted(found, key=lambda slot: slot.due))


def unrecorded(pathway: Pathway, ground: Ground) -> tuple[Slot, ...]:
    """The sets of the schedule of which we have not heard: neither what they need nor why there is nothing."""
    heard = heard_of(pathway, ground)
    return tuple(
        slot
        for slot in slots(pathway, ground)
        if not any(one.round == slot.key and is_whole(one, slot.round) for one in heard)
    )


def is_whole(seen: Observed, wanted: Round) -> bool:
    """Whether a set has what its round needs, or says why it has nothing: half a set is no good one."""
    return all(item in seen.values for item in wanted.needed) if seen.values else bool(seen.reason)


def heard_of(pathway: Pathway, ground: Ground) -> list[Observed]:
    """The sets recorded since the watch began, with values or without."""
    start = began(pathway, ground)
    return [one for one in pathway.observed if start is None or one.taken >= start]


def missing_sets(pathway: Pathway, ground: Ground) -> tuple[Slot, ...]:
    """What still keeps the observations from being complete: past sets unheard of, and the last without values."""
    wanted = slots(pathway, ground)
    if not wanted:
        return ()
    last = wanted[-1]
    looked = any(
        one.round == last.key and one.values and is_whole(one, last.round) for one in pathway.observed
    )
    past = tuple(slot for slot in unrecorded(pathway, ground) if slot.due <= pathway.as_of and slot != last)
    return past if looked else (*past, last)


def recent_red(pathway: Pathway, ground: Ground, within: timedelta) -> tuple[Raised, ...]:
    """The urgent alarms raised within that time before now, and those that nobody has answered."""
    watch = ground.protocol.surveillance
    if watch is None:
        return ()
    red = {rule.key for rule in watch.alarms if rule.level == "red"}
    return tuple(
        one
        for one in pathway.alarms
        if one.alarm in red and (pathway.as_of - one.at < within or not is_answered(one, pathway))
    )


def is_answered(raised: Raised, pathway: Pathway) -> bool:
    """Whether somebody has acknowledged it, in any of its rounds."""
    return any(one.key.startswith(raised.ref + "/") for one in pathway.acknowledged)


# --- hearing what the ward saw ----------------------------------------------------------------------------


def observe(pathway: Pathway, seen: Observed, ground: Ground) -> tuple[Pathway, tuple[AlarmRule, ...]]:
    """The pathway with this set, and the alarms that it newly raises. Refused when it cannot be read."""
    watch = _watch(ground)
    values = {key: _checked(key, value, watch) for key, value in seen.values.items()}
    if not values and not seen.reason.strip():
        raise Refused(
            Text(
                fr="Notez au moins une valeur, ou pourquoi rien n'a été relevé.",
                en="Record at least one value, or why nothing was looked at.",
            ),
            kind="invalid",
            field="values",
        )
    _known_round(seen.round, watch)
    before = pathway
    pathway = pathway.but(observed=(*pathway.observed, replace(seen, values=values)))
    looked, start = _by_item(pathway), began(pathway, ground)
    raised = []
    for rule in watch.alarms:
        if not _is_shown(rule, looked, start):
            continue
        earlier = [one for one in pathway.alarms if one.alarm == rule.key]
        if earlier and (not is_answered(earlier[-1], pathway) or _is_shown(rule, _by_item(before), start)):
            continue
        pathway = pathway.but(
            alarms=(*pathway.alarms, Raised(rule.key, len(earlier) + 1, pathway.as_of, seen.taken)),
        )
        raised.append(rule)
    return pathway, tuple(raised)


def _by_item(pathway: Pathway) -> dict[str, list[Observed]]:
    """The sets that looked at each item, in the order of time."""
    found: dict[str, list[Observed]] = {}
    for one in sorted(pathway.observed, key=lambda one: one.taken):
        for item in one.values:
            found.setdefault(item, []).append(one)
    return found


def _is_shown(rule: AlarmRule, looked: dict[str, list[Observed]], start: datetime | None) -> bool:
    """Whether the last sets that looked at an item show one of the alarm's signs."""
    for sign in rule.any_of:
        sets = looked.get(sign.item, [])
        if len(sets) < sign.times:
            continue
        baseline = sets[0].values[sign.item]
        if all(_is_so(sign, one, baseline, start) for one in sets[-sign.times :]):
            return True
    return False


def _is_so(sign: Sign, seen: Observed, baseline: Any, start: datetime | None) -> bool:
    value = seen.values[sign.item]
    if sign.from_minutes is not None or sign.to_minutes is not None:
        if start is None:
            return False
        after = (seen.taken - start) / timedelta(minutes=1)
        if after < (sign.from_minutes or 0) or after > (sign.to_minutes or float("inf")):
            return False
    if sign.is_ is not None and value is not sign.is_:
        return False
    if sign.is_new and not (value is True and baseline is not True):
        return False
    return (
        (sign.at_least is None or value >= sign.at_least)
        and (sign.at_most is None or value <= sign.at_most)
        and (sign.falls_by is None or baseline - value >= sign.falls_by)
        and (sign.rises_by is None or value - baseline >= sign.rises_by)
    )


def _watch(ground: Ground) -> Surveillance:
    if ground.protocol.surveillance is None:
        raise Refused(
            Text(
                fr="Ce protocole ne prévoit pas de relevés de surveillance.",
                en="This protocol asks for no observations.",
            ),
            kind="invalid",
        )
    return ground.protocol.surveillance


def _known_round(key: str, watch: Surveillance) -> None:
    if key and key not in set(_round_keys(watch)):
        known = ", ".join(_round_keys(watch))
        raise Refused(
            Text(
                fr=f"Il n'y a pas de relevé « {key} » ; il y a : {known}.",
                en=f"There is no set {key!r}; there are: {known}.",
            ),
            kind="invalid",
            field="round",
        )


def _round_keys(watch: Surveillance) -> Iterator[str]:
    for one in watch.rounds:
        for number in range(one.count):
            yield f"{one.key}/{number + 1}"


def _checked(key: str, value: Any, watch: Surveillance) -> Any:
    item = watch.item(key)
    if item is None:
        known = ", ".join(one.key for one in watch.items)
        raise Refused(
            Text(
                fr=f"« {key} » n'est pas relevé ; relevés : {known}.",
                en=f"{key!r} is not looked at; looked at: {known}.",
            ),
            kind="invalid",
            field=f"values.{key}",
        )
    if not _possible(item, value):
        remedy = _remedy(item)
        raise Refused(
            Text(
                fr=f"« {item.title.fr} » attend {remedy.fr}.",
                en=f"“{item.title.en}” expects {remedy.en}.",
            ),
            kind="invalid",
            field=f"values.{key}",
        )
    return value


def _possible(item: Observation, value: Any) -> bool:
    if item.kind == "yes-no":
        return isinstance(value, bool)
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return False
    low, high = item.at_least, item.at_most
    return (low is None or value >= low) and (high is None or value <= high)


def _remedy(item: Observation) -> Text:
    if item.kind == "yes-no":
        return Text(fr="oui ou non", en="true or false")
    if item.at_least is None or item.at_most is None:
        return Text(fr="un nombre", en="a number")
    return Text(
        fr=f"un nombre de {item.at_least:g} à {item.at_most:g}",
        en=f"a number from {item.at_least:g} to {item.at_most:g}",
    )
