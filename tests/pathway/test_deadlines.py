"""Every wait has a deadline, whatever is unknown: no date of the fracture, no slot, a step set aside."""

import pytest

from pathway import events as e
from pathway.ladders import alerts
from pathway.lifecycle import StepStatus
from pathway.plan import Kind
from tests.pathway.tale import (
    ANAESTHETIST,
    CHECK,
    CONSENT,
    CONSULT,
    LEAVING,
    NADIA,
    NEOPLASTIC,
    RADIOLOGIST,
    WARD,
    Tale,
    wall,
)


def waits_without_a_date(tale: Tale) -> list[str]:
    """The tasks that are awaited now and have no due date."""
    return [
        item.key for item in tale.plan().items if item.kind is Kind.TASK and item.live and item.at is None
    ]


STAGES = (
    "triage",
    "consult",
    "indication",
    "anaesthesia",
    "hold",
    "done",
    "home",
    "biopsy",
    "review",
    "bone",
)


def walk(tale: Tale, stage: str) -> Tale:
    """The way as far as this stage, at one instant where the protocol lets it, with nothing known that is not asked."""
    acts = {
        "triage": lambda: tale.completes("triage", "accepted"),
        "consult": lambda: tale.completes("radiologist_consult", "seen", RADIOLOGIST, **CONSULT),
        "indication": lambda: tale.completes(
            "indication", "validated", RADIOLOGIST, **_meeting(tale)
        ).completes("consent", "given", RADIOLOGIST, **CONSENT),
        "anaesthesia": lambda: tale.completes("anaesthesia_consult", "fit", ANAESTHETIST),
        "hold": lambda: tale.does(e.HoldNotRequired(by=ANAESTHETIST)),
        "done": lambda: _operate(tale),
        "home": lambda: (
            tale.watched()
            .at("2027-02-25 12:00")
            .completes("surveillance", "uneventful", WARD)
            .completes("discharge", "home", WARD, **LEAVING)
        ),
        "biopsy": lambda: tale.completes("biopsy_result", "benign"),
        "review": lambda: (
            tale.completes("biopsy_ack", "acknowledged", RADIOLOGIST)
            .at("2027-03-18 10:00")
            .completes("review", "seen", RADIOLOGIST, pain_nrs=1)
        ),
        "bone": lambda: tale.completes("treatment", "started", bone_treatment="zoledronate"),
    }
    for name in STAGES[: STAGES.index(stage) + 1]:
        acts[name]()
    return tale


def _meeting(tale: Tale) -> dict[str, object]:
    return NEOPLASTIC if tale.pathway.fracture.cause == "neoplastic" else {"mdt_date": "2027-02-01"}


def _operate(tale: Tale) -> Tale:
    tale.books("procedure", "2027-02-24 09:30").at("2027-02-24 08:30")
    tale.completes("preop_check", "go", WARD, **CHECK).at("2027-02-24 10:30")
    return tale.completes("procedure", "done", RADIOLOGIST, cement_ml=2, biopsy_taken=True)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("cause", ["osteoporotic", "neoplastic", "unknown"])
@pytest.mark.parametrize("onset", [None, wall("2027-01-20 12:00").date()])
def test_every_awaited_step_has_a_due_date(stage: str, cause: str, onset: None) -> None:
    tale = walk(Tale(onset=onset, cause=cause, antithrombotics=[]), stage)
    assert waits_without_a_date(tale) == []


@pytest.mark.parametrize("stage", STAGES[:5])
def test_a_step_asked_again_has_a_due_date_too(stage: str) -> None:
    tale = walk(Tale(onset=None, antithrombotics=[]), stage)
    for step in list(tale.pathway.unsettled()):
        if step.status is StepStatus.OPEN:
            tale.does(e.StepFailed(by=RADIOLOGIST, step=step.key, reason="nobody there"))
    assert waits_without_a_date(tale) == []


def test_a_waived_step_leaves_no_wait_without_a_date() -> None:
    tale = Tale(onset=None, antithrombotics=[]).does(e.StepWaived(by=NADIA, step="triage", reason="by phone"))
    assert tale.due("radiologist_consult") == "2027-02-08 18:00"
    tale.completes("radiologist_consult", "seen", RADIOLOGIST, **CONSULT)
    tale.completes("indication", "validated", RADIOLOGIST)
    tale.does(e.StepWaived(by=ANAESTHETIST, step="anaesthesia_consult", reason="local anaesthesia"))
    assert tale.step("hold_plan").status is StepStatus.OPEN, "a waived consult waives no hold"
    assert waits_without_a_date(tale) == []


def test_a_neoplastic_fracture_has_dates_but_no_fracture_clock() -> None:
    tale = walk(Tale(cause="neoplastic", antithrombotics=[]), "indication")
    assert tale.due("dxa") == "2027-05-02 18:00"
    assert tale.due("treatment") == "2027-05-24 18:00"
    assert tale.due("procedure") == "2027-02-22 18:00"
    assert tale.planned("message/follow_up") == {}


@pytest.mark.parametrize(
    ("facts", "due"),
    [
        ({"pain_nrs": 6}, "2027-02-03 17:00"),
        ({"pain_nrs": 7}, "2027-02-02 17:00"),
        ({"pain_nrs": 3, "inpatient": True}, "2027-02-02 17:00"),
        ({"pain_nrs": 3, "inpatient": False}, "2027-02-03 17:00"),
    ],
)
def test_pain_and_a_hospital_bed_hasten_the_triage(facts: dict[str, object], due: str) -> None:
    assert Tale(facts=facts).due("triage") == due


@pytest.mark.parametrize(
    ("onset", "due"), [("2027-01-11", "2027-02-04 18:00"), ("2027-01-10", "2027-02-08 18:00")]
)
def test_a_fracture_of_at_most_three_weeks_is_seen_within_three_days(onset: str, due: str) -> None:
    tale = Tale(onset=wall(f"{onset} 12:00").date()).completes("triage", "accepted")
    assert tale.due("radiologist_consult") == due


def test_who_misses_a_visit_is_called_that_day_however_late_the_step_is_already() -> None:
    tale = Tale(antithrombotics=[]).completes("triage", "accepted")
    tale.books("radiologist_consult", "2027-02-05 10:00").at("2027-02-05 12:30")
    tale.does(e.VisitMissed(by=NADIA, step="radiologist_consult")).at("2027-02-05 12:31")
    standing = {(alert.role, alert.text.en) for alert in alerts(tale.pathway, tale.ground)}
    assert standing == {
        ("radiologist", "Radiologist consult: still overdue"),
        ("coordinator", "Missed the visit: call today"),
    }
