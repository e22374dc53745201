"""How the hold plan is settled: proposed by the calculator where there is one, then signed, refused, or not needed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from app.simulation import timing
from app.simulation.answering import learn
from pathway import events as e
from pathway.ground import procedure_start
from pathway.hold_plan import HeldDrug
from pathway.referral import Fact
from pathway.state import Step

if TYPE_CHECKING:
    from app.simulation.life import Life

_TEXT = "Last intake as written for each drug."
_SPARE_DAYS = 2


def settle_hold(life: Life, step: Step) -> None:
    """A signer settles it. Without a slot there is nothing to count from: it is looked at again."""
    world, protocol = life.world, life.world.ground.protocol
    rule = protocol.step(step.key)
    role = world.who_does(rule)
    role = role if role in protocol.hold.signers else protocol.hold.signers[0]
    outcome = rule.outcome("signed" if life.patient.drugs else "not_required")
    learn(life, outcome.gates if outcome else (), role)
    if not life.patient.drugs:
        life.does(e.HoldNotRequired(by=world.actor(role)))
        _settled(life, role, step, "not_required")
        return
    if procedure_start(life.pathway, protocol) is None:
        life.again(step, world.hours.next_working_day(life.now, life.dice.roll(f"{step.ref}/slot?")))
        return
    if timing.happens(life, "hold_rejected", step.ref):
        _reject(life, step, role, "must not be stopped now")
        return
    drugs = _proposed(life, role)
    if drugs is not None and _move_for(life, step, drugs):
        drugs = _proposed(life, role)  # for the new day
    if drugs is None:
        _reject(life, step, role, "the profile gives no delay")
        return
    life.does(e.HoldSigned(by=world.actor(role), drugs=drugs, text=_TEXT))
    _settled(life, role, step, "signed")
    if timing.happens(life, "new_creatinine", step.ref):
        _new_creatinine(life, role)


def _proposed(life: Life, role: str) -> tuple[HeldDrug, ...] | None:
    """What the calculator proposes, and what the cohort says of a drug it leaves open; None when it refuses."""
    listed = {drug.atc: drug for drug in life.patient.drugs}
    profile = life.world.ground.protocol.hold.profile
    found: tuple[HeldDrug, ...] = ()
    if profile is not None:
        life.does(e.HoldProposed(by=life.world.actor(role), profile=profile))
        answer = life.pathway.hold.answer
        if answer is not None and answer.status in ("refused", "defer"):
            life.tally.add("count", f"holds the calculator answered with: {answer.status}")
            return None
        found = life.pathway.hold.drugs
    known = {drug.atc for drug in found}
    left = [drug for atc, drug in listed.items() if atc not in known]
    return (*found, *(HeldDrug(drug.text, drug.last_intake_offset_days, drug.atc) for drug in left))


def _move_for(life: Life, step: Step, drugs: tuple[HeldDrug, ...]) -> bool:
    """Give the procedure another day when too few are left for these drugs. Whether it was moved."""
    world, protocol = life.world, life.world.ground.protocol
    start = procedure_start(life.pathway, protocol)
    offset = timedelta(days=max(drug.last_intake_offset_days for drug in drugs))
    today = world.hours.day_of(life.now)
    if start is None or world.hours.day_of(start) - offset >= today:
        return False
    later = world.hours.slot(
        today + offset + timedelta(days=_SPARE_DAYS),
        world.habits[protocol.procedure_step].at,
        life.dice.roll(f"{step.ref}/moved"),
    )
    desk = protocol.messaging.desk
    life.tally.add("count", "procedures moved to leave time for the hold")
    life.does(e.VisitBooked(by=world.actor(desk), step=protocol.procedure_step, start=later, confirmed=False))
    life.works(desk, "bookings")
    return True


def _reject(life: Life, step: Step, role: str, reason: str) -> None:
    revisit = life.world.hours.day_of(life.now + timing.spread(life, "revisit", step.ref))
    life.does(e.HoldRejected(by=life.world.actor(role), reason=reason, revisit=revisit))
    _settled(life, role, step, "rejected")


def _settled(life: Life, role: str, step: Step, outcome: str) -> None:
    life.works(role, "tasks")
    life.tally.add("outcome", step.key, outcome)


def _new_creatinine(life: Life, role: str) -> None:
    """A new value two days later takes the ground from under the signed plan."""

    def arrives() -> None:
        if life.pathway.runs:
            value = life.patient.creatinine_umol_l * 1.3
            actor = life.world.actor(role)
            fact = Fact("creatinine_umol_l", round(value), life.now, actor.name, "simulation")
            life.does(e.FactsRecorded(by=actor, facts=(fact,)))

    life.at(life.now + timedelta(days=2), arrives)
