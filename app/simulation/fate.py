"""What happens to people and to the day: death, withdrawal, a complication, a pause, a procedure that is not done."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from app.simulation.timing import happens, spread
from pathway import events as e
from pathway.lifecycle import StepStatus, VisitStatus
from pathway.planned import Item
from pathway.state import Pathway, PathwayStatus

if TYPE_CHECKING:
    from app.simulation.life import Life


def events_of_life(life: Life) -> None:
    """Death and withdrawal, at their hour, if the pathway still runs then."""
    patient = life.patient

    def dies() -> None:
        if life.pathway.runs:
            life.does(e.PatientDied(by=life.world.actor(life.world.ground.protocol.messaging.desk)))

    def withdraws() -> None:
        if life.pathway.runs and "withdrawn" in life.world.ground.protocol.ends:
            desk = life.world.actor(life.world.ground.protocol.messaging.desk)
            life.does(e.PathwayEnded(by=desk, end="withdrawn", reason="at the patient's request"))

    def refuses() -> None:
        life.does(e.ChannelOptedOut(by=life.world.actor("patient"), channel="sms"))

    if patient.dies:
        life.at(patient.dies, dies)
    if patient.withdraws:
        life.at(patient.withdraws, withdraws)
    if happens(life, "refuses_sms", "refuses_sms"):
        life.at(patient.referred + timedelta(days=2), refuses)


def goes_wrong(life: Life) -> None:
    """A complication some hours after the procedure: the pathway is held, and resumed on the day that was set."""
    role = life.world.actor(
        life.world.who_does(life.world.ground.protocol.step(life.world.ground.protocol.procedure_step))
    )

    def held() -> None:
        if life.pathway.status is PathwayStatus.ACTIVE:
            lasts = spread(life, "complication_lasts", "complication")
            day = life.world.hours.day_of(life.now + lasts)
            life.tally.add("count", "complications")
            life.does(e.PathwayHeld(by=role, reason="complication", revisit=day))

    life.at(life.now + timedelta(hours=1 + 20 * life.dice.roll("complication/when")), held)


def resumption(life: Life) -> None:
    """Somebody looks again at a paused pathway on the day that was set, and lets it go on."""
    revisit = life.pathway.revisit or life.world.hours.day_of(life.now)
    role = life.world.actor(
        life.world.who_does(life.world.ground.protocol.step(life.world.ground.protocol.procedure_step))
    )

    def resumes() -> None:
        if life.on_hold:
            life.does(e.PathwayResumed(by=role))

    life.at(life.world.hours.office(life.world.hours.midnight(revisit) + timedelta(hours=10), 0.3), resumes)


def day_cancelled(life: Life, before: Pathway) -> None:
    """Count a procedure that was to be today and is not, with its cause."""
    key = life.world.ground.protocol.procedure_step
    old, new = before.last(key), life.pathway.last(key)
    if old is new or old is None or old.visit is None or not old.visit.stands:
        return
    if old.status is StepStatus.IN_PROGRESS or old.visit.status is VisitStatus.PENDING:
        return
    day = life.world.hours.day_of
    if day(old.visit.start) != day(life.now):
        return
    same = life.pathway.at(key, old.occurrence)
    visit = same.visit if same is not None else None
    if visit is None or same is None or same.status is StepStatus.DONE:
        return
    if visit.stands and day(visit.start) == day(old.visit.start):
        return
    causes = life.world.cohort.causes
    known = [causes[answer] for answer in life.violated if answer in causes]
    cause = "no-show" if visit.status is VisitStatus.NOSHOW else next(iter(known), "other")
    life.tally.add("cancelled on the day", cause if life.pathway.runs else "the pathway ended")


def acknowledgement(life: Life, item: Item) -> None:
    """Somebody of the role takes the alert, mostly."""
    if not happens(life, "acknowledged", item.key):
        return

    def takes() -> None:
        life.does(e.AlertAcknowledged(by=life.world.actor(item.role), key=item.key))

    life.at(life.now + spread(life, "acknowledges", item.key), takes)
