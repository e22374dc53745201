"""The built-in protocol says what the clinical reference says: findings, timing table, the watch, choices, ends."""

from typing import Any

import pytest

from app.protocols import load
from pathway.anchors import spoken
from pathway.protocol import Protocol

PROTOCOL = load().protocol


def variant(**settings: str) -> Protocol:
    return load(settings=settings).protocol


# --- findings ---------------------------------------------------------------------------------------------

# Finding, effect, gates it stops, whether somebody may pass it.
FINDINGS = {
    "C1": ("divert", ("G1", "G3", "G4"), False),
    "C2": ("stop", ("G4",), True),
    "C3": ("divert", ("G1", "G3", "G4"), False),
    "C4": ("stop", ("G1",), True),
    "C5": ("stop", ("G1",), True),
    "C6": ("decide", ("G3",), True),
    "C7": ("decide", ("G3",), True),
    "C8": ("decide", ("G1",), True),
    "C9": ("decide", ("G1",), True),
    "C10": ("stop", ("G1", "G3", "G4"), False),
    "C11": ("warn", (), True),
    "C12": ("defer", ("G3",), False),
    "C13": ("defer", ("G3",), True),
    "C14": ("defer", ("G3",), True),
    "C15": ("stop", ("G3", "G4"), False),
}


@pytest.mark.parametrize("key", FINDINGS)
def test_each_contra_indication_has_its_effect(key: str) -> None:
    flag = PROTOCOL.red_flag(key)
    assert flag is not None
    assert (flag.effect, flag.stops, not flag.never_override) == FINDINGS[key]


def test_an_infection_and_a_deficit_go_to_those_who_treat_them() -> None:
    ends = {key: flag.end for key in ("C1", "C3") if (flag := PROTOCOL.red_flag(key))}
    assert ends == {"C1": "diverted_infection", "C3": "diverted_spine_surgery"}
    assert "infectious_advice" in PROTOCOL.ends["diverted_infection"].opens
    assert "spine_surgery_advice" in PROTOCOL.ends["diverted_spine_surgery"].opens


# --- the timing table ---------------------------------------------------------------------------------------

# Step, rung: when, to whom.
LADDERS = {
    ("triage", "overdue"): ("due", "coordinator"),
    ("triage", "lead"): ("due +1 wd 10:00", "lead_radiologist"),
    ("radiologist_consult", "overdue"): ("due", "coordinator"),
    ("radiologist_consult", "radiologist"): ("due +1 wd 12:00", "radiologist"),
    ("indication", "overdue"): ("due", "lead_radiologist"),
    ("indication", "mdt"): ("due +2 wd 10:00", "mdt"),
    ("anaesthesia_consult", "overdue"): ("due", "coordinator"),
    ("anaesthesia_consult", "release"): ("due +1 d 10:00", "lead_anaesthetist"),
    ("hold_plan", "reminder"): ("due -2 d 10:00", "anaesthetist"),
    ("hold_plan", "overdue"): ("due", "anaesthetist"),
    ("hold_plan", "not_ready"): ("hold_start -1 d 12:00", "lead_anaesthetist"),
    ("hold_told", "unreachable"): ("due", "anaesthetist"),
    ("exam_inr", "overdue"): ("due", "coordinator"),
    ("exam_inr", "anaesthetist"): ("due +1 h", "anaesthetist"),
    ("preop_check", "visit"): ("procedure -1 d 18:00", "ward"),
    ("preop_check", "two_hours"): ("procedure -2 h", "anaesthetist"),
    ("preop_check", "last_dose"): ("due", "anaesthetist"),
    ("resumption_order", "overdue"): ("due", "anaesthetist"),
    ("resumption_order", "lead"): ("procedure +1 d 10:00", "lead_anaesthetist"),
    ("resumption_done", "overdue"): ("due", "coordinator"),
    ("resumption_done", "signer"): ("due +24 h", "anaesthetist"),
    ("biopsy_result", "laboratory"): ("due -5 wd 10:00", "pathologist"),
    ("biopsy_result", "overdue"): ("due", "coordinator"),
    ("biopsy_result", "radiologist"): ("due +5 wd", "radiologist"),
    ("biopsy_ack", "overdue"): ("due", "lead_radiologist"),
    ("biopsy_ack", "risk"): ("due +1 wd", "risk_manager"),
    ("review", "overdue"): ("due", "coordinator"),
    ("review", "letter"): ("due +8 d 10:00", "gp"),  # D+36
    ("review", "mdt"): ("due +22 d 10:00", "mdt"),  # D+50
    ("bone_owner", "reminder"): ("due -7 d 10:00", "rheumatologist"),
    ("bone_owner", "overdue"): ("due", "coordinator"),
    ("bone_owner", "letter"): ("due +7 d 10:00", "gp"),
    ("dxa", "overdue"): ("due", "coordinator"),
    ("dxa", "rheumatologist"): ("due +7 d 10:00", "rheumatologist"),
    ("treatment", "reminder"): ("due -28 d 10:00", "rheumatologist"),
    ("treatment", "reminder_2"): ("due -14 d 10:00", "rheumatologist"),
    ("treatment", "rheumatologist"): ("due +7 d 10:00", "rheumatologist"),
    ("follow_up_52w", "overdue"): ("due +14 d", "coordinator"),
    ("follow_up_52w", "gp"): ("due +26 d 10:00", "gp"),
}


@pytest.mark.parametrize(("step", "rung"), LADDERS)
def test_each_cell_of_the_timing_table_is_a_rung(step: str, rung: str) -> None:
    (found,) = [one for one in PROTOCOL.step(step).ladder if one.key == rung]
    assert (spoken(found.at), found.to) == LADDERS[step, rung]


# Step: its limits.
LIMITS = {
    "triage": ["referral +1 wd", "referral +1 wd", "referral +2 wd"],
    "radiologist_consult": ["done:triage +3 d 18:00", "done:triage +7 d 18:00"],
    "indication": ["done:radiologist_consult +2 wd"],
    "anaesthesia_consult": ["done:indication +10 d 18:00", "procedure -2 d 18:00"],
    "hold_plan": ["hold_start -2 d 12:00"],
    "exam_inr": ["procedure -1 wd 17:00", "procedure -2 h"],
    "biopsy_result": ["procedure +15 wd"],
    "biopsy_ack": ["done:biopsy_result +1 wd", "done:biopsy_result +3 wd"],
    "review": ["procedure +28 d 23:59"],
    "bone_owner": ["procedure +14 d 18:00"],
    "bone_bloods": ["procedure +14 d 18:00"],
    "bone_assessment": ["fracture +90 d"],
    "dxa": ["fracture +90 d"],
    "bone_decision": ["fracture +84 d"],
    "treatment": ["fracture +112 d"],
    "strength_balance": ["fracture +112 d"],
    "follow_up_16w": ["fracture +112 d"],
    "follow_up_52w": ["fracture +364 d"],
}


@pytest.mark.parametrize("step", LIMITS)
def test_each_step_has_its_limit(step: str) -> None:
    assert [spoken(one) for one in PROTOCOL.step(step).window.due] == LIMITS[step]


@pytest.mark.parametrize(
    ("step", "message", "when"),
    [
        ("radiologist_consult", "appointment", ["slot -3 d 10:00", "slot -1 d 10:00"]),
        ("procedure", "arrival", ["slot -3 d 10:00", "slot -1 d 18:00"]),
        ("procedure", "hold", ["hold_start -1 d 10:00", "last_intake +0 d 10:00"]),
        ("exam_inr", "errand", ["procedure -3 d 11:00"]),
        ("resumption_done", "resumption", ["data:resumption_order.first_intake -2 h"]),
        ("review", "appointment", ["slot -7 d 10:00", "slot -2 d 10:00"]),
        ("dxa", "follow_up", ["fracture +60 d 10:00", "fracture +75 d 10:00"]),
        ("follow_up_52w", "follow_up", ["fracture +340 d 10:00"]),
    ],
)
def test_the_patient_is_told_when_the_table_says(step: str, message: str, when: list[str]) -> None:
    (found,) = [one for one in PROTOCOL.step(step).messages if one.key == message]
    assert [spoken(one) for one in found.at] == when


# --- the watch --------------------------------------------------------------------------------------------


def minutes(protocol: Protocol) -> list[int]:
    assert protocol.surveillance
    return [
        one.start + number * one.every for one in protocol.surveillance.rounds for number in range(one.count)
    ]


def test_the_ward_looks_as_often_as_the_schedule_says() -> None:
    day = [15, 30, 45, 60, 90, 120, 180, 240, 300, 360]
    assert minutes(PROTOCOL) == [*day, 600, 840, 1080, 1320, 1440]
    assert minutes(variant(stay="ambulatory")) == day


@pytest.mark.parametrize(
    ("alarm", "level", "acknowledge", "holds"),
    [
        ("neurological", "red", 5, True),
        ("cardiorespiratory", "red", 5, True),
        ("anaphylaxis", "red", 1, True),
        ("bleeding", "red", 15, False),
        ("pain", "escalation", 30, False),
        ("fever", "escalation", 60, False),
        ("not_voided", "escalation", 30, False),
    ],
)
def test_an_alarm_is_answered_as_fast_as_it_says(
    alarm: str, level: str, acknowledge: int, holds: bool
) -> None:
    assert PROTOCOL.surveillance
    found = PROTOCOL.surveillance.alarm(alarm)
    assert found is not None
    assert (found.level, found.acknowledge_minutes, found.holds) == (level, acknowledge, holds)


# --- what a centre may choose -------------------------------------------------------------------------------


def reasons(protocol: Protocol, gate: str) -> set[str]:
    return {need.reason.en for need in protocol.gate(gate).needs}


@pytest.mark.parametrize(
    ("settings", "gate", "sentence"),
    [
        ({"preop_haemostasis": "routine"}, "G4", "A platelet count"),
        ({"antibiotic_policy": "always"}, "G4", "Note the antibiotic prescribed"),
        ({"stay": "ambulatory"}, "G4", "Somebody must take the patient home"),
        ({"stay": "ambulatory"}, "G5", "6 hours have not passed"),
        ({"hold_profile": "FR-2026-TRES-ELEVE"}, "G4", "an INR ≤ 1.2"),
    ],
)
def test_a_choice_changes_what_a_gate_needs(settings: dict[str, Any], gate: str, sentence: str) -> None:
    def says(protocol: Protocol) -> bool:
        return any(sentence.lower() in reason.lower() for reason in reasons(protocol, gate))

    assert says(variant(**settings))
    assert not says(PROTOCOL)


def test_a_choice_changes_the_steps() -> None:
    assert variant(control_ct="yes").has_step("control_ct")
    assert variant(stay="ambulatory").has_step("call_next_day")
    assert not PROTOCOL.has_step("control_ct")
    assert not PROTOCOL.has_step("call_next_day")
    assert variant(hold_owner="radiologist").step("hold_plan").performer == "radiologist"
    assert spoken(variant(review_last_day="42").step("review").window.due[0]) == "procedure +42 d 23:59"


def test_nobody_is_told_anything_after_a_silent_end() -> None:
    silent = {key for key, end in PROTOCOL.ends.items() if end.silent}
    assert silent == {"withdrawn", "deceased"}
    assert all(end.tells for key, end in PROTOCOL.ends.items() if key not in silent)
