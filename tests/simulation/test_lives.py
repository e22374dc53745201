"""What becomes of synthetic patients: smoothly to the end, or by the ways on which something happens."""

from __future__ import annotations

from dataclasses import replace

from app import protocols
from app.simulation.cohort import Cohort, Habit
from app.simulation.life import Life
from app.simulation.run import Run, simulate
from pathway.hold_plan import HoldStatus
from pathway.lifecycle import StepStatus
from pathway.state import PathwayStatus
from tests.simulation.cohorts import SMOOTH, life, run, shipped, with_habit, with_rates


def smooth(**rates: float) -> Cohort:
    return with_rates(**{**SMOOTH, **rates})


def one(**rates: float) -> Life:
    return life(cohort=smooth(**rates))


def test_a_patient_to_whom_nothing_happens_completes_the_pathway() -> None:
    lived = one()
    assert lived.tally.faults == []
    assert lived.pathway.status is PathwayStatus.COMPLETED
    assert lived.pathway.hold.status is HoldStatus.NOT_REQUIRED
    done = lived.pathway.done(lived.world.ground.protocol.procedure_step)
    assert done is not None
    assert done.started is not None
    assert lived.tally.total("sent") > 5, "reminders of every visit"
    assert lived.tally.total("cancelled on the day") == 0


def test_an_antithrombotic_is_held_by_a_signed_plan_and_taken_again() -> None:
    lived = one(takes_antithrombotic=1.0, new_creatinine=0.0)
    assert lived.tally.faults == []
    assert lived.pathway.hold.status is HoldStatus.SIGNED
    assert lived.pathway.hold.drugs
    assert lived.pathway.done("resumption_done") is not None
    assert any("/message/hold/" in key for key in lived.pathway.said) or lived.tally.total(
        "work", "coordinator"
    )


def test_a_dose_taken_too_late_costs_the_slot_and_another_is_given() -> None:
    cohort = smooth(takes_antithrombotic=1.0, hold_not_respected=0.5)
    for number in range(12):
        lived = life(number, cohort=cohort)
        assert lived.tally.faults == []
        if lived.tally.total("cancelled on the day", "anticoagulant failure"):
            assert lived.pathway.done(lived.world.ground.protocol.procedure_step) is not None
            return
    raise AssertionError("half of them fail, and none of twelve did")


def test_a_malignancy_suspends_bone_health() -> None:
    lived = one(malignant=1.0)
    assert lived.tally.faults == []
    suspended = [step for step in lived.pathway.steps if step.key in ("dxa", "treatment")]
    assert suspended
    assert lived.tally.total("outcome", "biopsy_result", "malignant") == 1
    assert not any(step.status is StepStatus.OPEN for step in suspended)
    assert lived.tally.total("outcome", "follow_up_52w") == 0, "the check at 52 weeks was not done here"
    assert lived.pathway.status in (PathwayStatus.COMPLETED, PathwayStatus.ENDED)


def test_who_never_comes_to_the_review_is_offered_others_and_then_formally_lost() -> None:
    lived = one(never_comes_back=1.0)
    assert lived.tally.faults == []
    assert lived.tally.total("no-show", "review") == 3
    review = lived.pathway.last("review")
    assert review is not None
    assert review.outcome == "lost"
    assert lived.tally.total("rung", "overdue", "review: missed_call") >= 1
    assert lived.pathway.status is PathwayStatus.COMPLETED, (
        "the biopsy and the bones were seen to all the same"
    )


def test_an_infection_found_at_the_consult_diverts() -> None:
    lived = one(infection_at_consult=1.0)
    assert lived.tally.faults == []
    assert lived.pathway.end == "diverted_infection"
    assert lived.tally.total("procedures") == 0


def test_nothing_more_is_sent_to_the_dead() -> None:
    cohort = smooth(dies_within_a_year=1.0)
    for number in range(4):
        lived = life(number, cohort=cohort)
        assert lived.tally.faults == []
        assert lived.pathway.end == "deceased" or lived.pathway.status is PathwayStatus.COMPLETED


def test_what_everybody_forgets_is_done_once_a_rung_says_so() -> None:
    cohort = with_habit(smooth(forgotten=1.0), "triage", Habit(forgets="forgotten"))
    lived = life(cohort=cohort)
    assert lived.tally.faults == []
    assert lived.tally.total("rung", "overdue", "triage: overdue") == 1
    assert lived.pathway.done("triage") is not None


def test_without_the_ladder_the_forgotten_wait_for_ever_and_that_is_a_fault() -> None:
    ground = protocols.load().ground
    steps = tuple(
        replace(step, ladder=step.ladder[:0]) if step.key == "hold_plan" else step
        for step in ground.protocol.steps
    )
    deaf = replace(ground, protocol=replace(ground.protocol, steps=steps))
    cohort = with_habit(smooth(forgotten=1.0), "hold_plan", Habit(forgets="forgotten"))
    tally = simulate(Run(deaf, cohort, 1, 1), jobs=1)
    assert tally.total("fault", "waits for ever") == 1
    assert "hold_plan/1 (open)" in tally.faults[0][1]


def test_a_step_that_the_cohort_does_not_know_is_done_in_its_window() -> None:
    nobody_named = replace(shipped(), steps={}, rates=smooth().rates)
    tally = simulate(run(5, cohort=nobody_named), jobs=1)
    assert tally.faults == []
    assert tally.total("end", "completed") == 5
