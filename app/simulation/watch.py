"""What the ward sees after the procedure: every set of observations at its hour, quiet or with a sign of something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.simulation import timing
from app.simulation.quiet import showing
from pathway import events as e
from pathway.protocol_watch import Sign, Surveillance
from pathway.refusal import Refused
from pathway.watch import Slot, slots

if TYPE_CHECKING:
    from app.simulation.life import Life


def keep(life: Life) -> None:
    """From the end of the procedure on, the ward means to look at every hour that the schedule names."""
    watch = life.world.ground.protocol.surveillance
    assert watch is not None
    wanted = slots(life.pathway, life.world.ground)
    troubled = None
    if timing.happens(life, "complication", "watch"):
        life.tally.add("count", "complications")
        troubled = wanted[int(life.dice.roll("complication/when") * len(wanted))].key
    for slot in wanted:
        late = timing.spread(life, "looks_late", slot.key)
        life.at(slot.due + late, lambda slot=slot: _look(life, slot, slot.key == troubled))  # type: ignore[misc]


def _look(life: Life, slot: Slot, troubled: bool) -> None:
    watch = life.world.ground.protocol.surveillance
    assert watch is not None
    if not life.pathway.runs:
        return
    quiet = life.world.quiet
    values = {key: quiet[key] for key in slot.round.items if key in quiet}
    if troubled:
        values |= _trouble(life, watch, slot)
    ward = life.world.actor(watch.charge)
    try:
        life.does(e.ObservationsRecorded(by=ward, values=values, round=slot.key))
    except Refused as refused:
        life.surprised(refused, f"observations {slot.key}")
        return
    life.works(watch.charge, "observations")


def _trouble(life: Life, watch: Surveillance, slot: Slot) -> dict[str, Any]:
    """Values that raise one of the urgent alarms which this set can raise, or of the others where none is urgent."""
    able = [rule for rule in watch.alarms if any(_can_show(sign, slot) for sign in rule.any_of)]
    urgent = [rule for rule in able if rule.level == "red"] or able
    if not urgent:
        return {}
    rule = urgent[int(life.dice.roll("complication/kind") * len(urgent))]
    sign = next(sign for sign in rule.any_of if _can_show(sign, slot))
    item = watch.item(sign.item)
    assert item is not None
    return {sign.item: showing(sign, life.world.quiet[item.key], item)}


def _can_show(sign: Sign, slot: Slot) -> bool:
    """Whether this set looks at it, once is enough, and it counts at this hour."""
    after = slot.round.start + (slot.number - 1) * slot.round.every
    in_time = (sign.from_minutes or 0) <= after and (sign.to_minutes is None or after <= sign.to_minutes)
    return sign.item in slot.round.items and sign.times == 1 and in_time
