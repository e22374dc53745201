"""How the hold plan is settled: not required, signed for a slot that leaves time for it, or refused."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from app.simulation import timing
from app.simulation.answering import learn
from pathway import events as e
from pathway.ground import procedure_start
from pathway.referral import Fact
from pathway.state import HeldDrug, Step

if TYPE_CHECKING:
    from app.simulation.life import Life

_TEXT = "Last intake as written for each drug."
_SPARE_DAYS = 2


def settle_hold(life: Life, step: Step) -> None:
    """A signer settles it. Without a slot there is nothing to count from: it is looked at again."""
    world, protocol = life.world, life.world.ground.protocol
    role = protocol.hold.signers[0]
    signer = world.actor(role)
    rule = protocol.step(step.key)
    key = "signed" if life.patient.drugs else "not_required"
    outcome = rule.outcome(key)
    learn(life, outcome.gates if outcome else (), role)
    if not life.patient.drugs:
        life.does(e.HoldNotRequired(by=signer))
        _settled(life, role, step, key)
        return
    if timing.happens(life, "hold_rejected", step.ref):
        revisit = world.hours.day_of(life.now + timing.spread(life, "revisit", step.ref))
        life.does(e.HoldRejected(by=signer, reason="must not be stopped now", revisit=revisit))
        _settled(life, role, step, "rejected")
        return
    start = procedure_start(life.pathway, protocol)
    if start is None:
        life.again(step, world.hours.next_working_day(life.now, life.dice.roll(f"{step.ref}/slot?")))
        return
    offset = max(drug.last_intake_offset_days for drug in life.patient.drugs)
    day = world.hours.day_of
    if day(start) - timedelta(days=offset) < day(life.now):
        later = world.hours.slot(
            day(life.now) + timedelta(days=offset + _SPARE_DAYS),
            world.habits[protocol.procedure_step].at,
            life.dice.roll(f"{step.ref}/moved"),
        )
        desk = world.actor(protocol.messaging.desk)
        life.tally.add("count", "procedures moved to leave time for the hold")
        life.does(e.VisitBooked(by=desk, step=protocol.procedure_step, start=later, confirmed=False))
        life.works(protocol.messaging.desk, "bookings")
    drugs = tuple(HeldDrug(drug.text, drug.last_intake_offset_days, drug.atc) for drug in life.patient.drugs)
    life.does(e.HoldSigned(by=signer, drugs=drugs, text=_TEXT))
    _settled(life, role, step, key)
    if timing.happens(life, "new_creatinine", step.ref):
        _new_creatinine(life, role)


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
