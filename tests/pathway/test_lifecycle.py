"""Every move of a step and of a visit: the table says which are legal, and every other is refused."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pathway import events as e
from pathway.lifecycle import LIVE, SETTLED, STEP_MOVES, VISIT_MOVES, StepStatus, VisitStatus
from pathway.moves import move_visit
from pathway.refusal import Refused
from pathway.state import Step, Visit
from tests.pathway.tale import NADIA, Tale, p01

NOW = datetime(2027, 3, 16, 9, 30, tzinfo=UTC)
S = StepStatus


@pytest.mark.parametrize("to", StepStatus)
@pytest.mark.parametrize("status", StepStatus)
def test_a_step_moves_by_the_table_and_no_other_way(status: StepStatus, to: StepStatus) -> None:
    step = Step("x", status=status)
    if to in STEP_MOVES[status]:
        assert step.moved(to).status is to
    else:
        with pytest.raises(Refused, match=f"is {status.value} and cannot become {to.value}"):
            step.moved(to)


@pytest.mark.parametrize("to", VisitStatus)
@pytest.mark.parametrize("status", VisitStatus)
def test_a_visit_moves_by_the_table_and_no_other_way(status: VisitStatus, to: VisitStatus) -> None:
    visit = Visit(NOW, NOW, status=status)
    if to in VISIT_MOVES[status]:
        assert move_visit(visit, to).status is to
    else:
        with pytest.raises(Refused, match=f"is {status.value} and cannot become {to.value}"):
            move_visit(visit, to)


def test_what_is_settled_stays_settled_and_everything_else_can_be() -> None:
    assert {S.DONE, S.WAIVED, S.CANCELLED, S.REJECTED, S.FAILED} == SETTLED
    assert not SETTLED & LIVE
    for status in set(StepStatus) - SETTLED:
        assert STEP_MOVES[status] & SETTLED, f"{status} is a dead end"


# What a person may do to a step, by the status it is in. Everything else is refused.
ALLOWED: dict[type[e.StepEvent], set[StepStatus]] = {
    e.StepStarted: {S.OPEN, S.SCHEDULED},
    e.StepCompleted: {S.OPEN, S.SCHEDULED, S.IN_PROGRESS, S.MISSED},
    e.StepRejected: {S.OPEN, S.SCHEDULED},
    e.StepFailed: {S.OPEN, S.SCHEDULED, S.IN_PROGRESS},
    e.StepWaived: {S.WAITING, S.OPEN, S.SCHEDULED, S.MISSED, S.ON_HOLD},
    e.StepHeld: {S.WAITING, S.OPEN, S.SCHEDULED, S.IN_PROGRESS, S.MISSED},
    e.StepReleased: {S.ON_HOLD},
    e.StepAccepted: {S.OPEN, S.SCHEDULED, S.IN_PROGRESS, S.MISSED},
    e.VisitBooked: {S.OPEN, S.SCHEDULED, S.MISSED},
}
EXTRA: dict[type[e.StepEvent], dict[str, object]] = {
    e.StepCompleted: {"outcome": "fit"},
    e.StepAccepted: {"owner": "Dr Klein"},
    e.VisitBooked: {"start": NOW},
}


@pytest.mark.parametrize("status", StepStatus)
@pytest.mark.parametrize("kind", ALLOWED, ids=lambda kind: kind.__name__)
def test_a_person_moves_a_step_only_from_where_it_may(kind: type[e.StepEvent], status: StepStatus) -> None:
    from tests.pathway.tale import ANAESTHETIST

    tale = p01().until_indication()
    step = replace(tale.step("anaesthesia_consult"), status=status)
    if status is S.ON_HOLD:
        step = replace(step, came_from=S.OPEN)
    tale.pathway = tale.pathway.with_step(step)
    reason = {"reason": "because"} if "reason" in kind.__dataclass_fields__ else {}
    event = kind(by=ANAESTHETIST, step="anaesthesia_consult", **{**EXTRA.get(kind, {}), **reason})
    if status in ALLOWED[kind]:
        tale.does(event)
    else:
        with pytest.raises(Refused):
            tale.does(event)


def test_a_step_paused_with_its_slot_and_cancelled_waits_for_another_when_it_resumes() -> None:
    tale = booked_consult()
    tale.does(e.StepHeld(by=NADIA, step="radiologist_consult", reason="fever"))
    tale.does(e.VisitCancelled(by=NADIA, step="radiologist_consult", reason="room closed"))
    tale.does(e.StepReleased(by=NADIA, step="radiologist_consult"))
    assert tale.step("radiologist_consult").status is S.OPEN


def test_a_step_paused_and_missed_is_missed_when_it_resumes() -> None:
    tale = booked_consult()
    tale.does(e.StepHeld(by=NADIA, step="radiologist_consult", reason="fever")).at("2027-02-04 12:00")
    tale.does(e.VisitMissed(by=NADIA, step="radiologist_consult"))
    tale.does(e.StepReleased(by=NADIA, step="radiologist_consult"))
    assert tale.step("radiologist_consult").status is S.MISSED


def test_what_has_begun_is_ended_and_no_longer_cancelled_and_ends_after_it_began() -> None:
    tale = booked_consult().at("2027-02-04 11:00")
    tale.does(e.StepStarted(by=NADIA, step="radiologist_consult"))
    with pytest.raises(Refused, match="has begun"):
        tale.does(e.VisitCancelled(by=NADIA, step="radiologist_consult", reason="x"))
    tale.at("2027-02-04 11:30")
    with pytest.raises(Refused, match="before the start"):
        tale.completes("radiologist_consult", "seen", occurred="2027-02-04 10:00")
    with pytest.raises(Refused, match="in the future"):
        tale.completes("radiologist_consult", "seen", occurred="2027-02-04 12:00")


def test_a_slot_is_not_in_another_century() -> None:
    tale = p01().completes("triage", "accepted")
    for start in ("2207-02-04 11:00", "1927-02-04 11:00"):
        with pytest.raises(Refused, match="check the year"):
            tale.books("radiologist_consult", start)


def booked_consult() -> Tale:
    tale = p01().at("2027-02-02 09:00").completes("triage", "accepted")
    return tale.books("radiologist_consult", "2027-02-04 11:00")


def test_an_answer_that_cannot_be_true_is_refused_with_what_can() -> None:
    tale = p01().at("2027-02-02 09:00")
    with pytest.raises(Refused, match="a number from 0 to 10") as refused:
        tale.completes("triage", "accepted", pain_nrs=80)
    assert refused.value.field == "data.pain_nrs"


def test_nobody_arrives_on_another_day_than_the_visits() -> None:
    tale = p01().at("2027-02-02 09:00").completes("triage", "accepted")
    tale.books("radiologist_consult", "2027-02-04 11:00")
    with pytest.raises(Refused, match="on a later day"):
        tale.does(e.VisitArrived(by=NADIA, step="radiologist_consult"))
    tale.at("2027-02-04 10:40").does(e.VisitArrived(by=NADIA, step="radiologist_consult"))
