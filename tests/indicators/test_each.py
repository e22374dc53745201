"""Every indicator with a patient who counts and one who does not: a check that can only say yes is no check."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from pathway import events as e
from pathway.hold_plan import HoldStatus
from pathway.indicators.counting import Counts
from pathway.indicators.course import Course, Line
from pathway.records import Observed, Raised
from pathway.referral import Contact
from pathway.state import Step
from tests.indicators.cast import (
    D0,
    DEFINITIONS,
    LOADED,
    SOMEBODY,
    adds,
    booked,
    completed,
    done,
    fact,
    line,
    patient,
    signed,
    treated,
    wall,
)

APIXABAN = ("B01AF02", 3)
WARFARIN = ("B01AA03", 6)
BLED = {"drug": "apixaban", "bleeding": True}
SEEN = (Observed("recovery/1", {"motor_right": 5}, wall(D0), wall(D0)),)


def _held(*lines: Line, steps: Sequence[Step] = (), **more: Any) -> Course:
    return patient(treated(), *steps, lines=lines, hold=HoldStatus.SIGNED, **more)


def _read(outcome: str, on: str, read: str | None) -> Course:
    result = done("biopsy_result", outcome, on)
    steps = [treated(), result]
    if read:
        steps.append(done("biopsy_ack", "acknowledged", read))
    return patient(*steps)


def _biopsied(outcome: str, **more: Any) -> Course:
    return patient(treated(), done("biopsy_result", outcome, "2027-02-26"), **more)


def _reviewed(on: str = "2027-03-11", **data: Any) -> Course:
    return patient(treated(), done("review", "seen", on, **data))


Story = Callable[[], Course]


def _seen(**data: Any) -> Step:
    return done("review", "seen", "2027-03-11", pain_nrs=2, **data)


def _watched(outcome: str, *steps: Step, **more: Any) -> Course:
    return patient(treated(), done("surveillance", outcome, "2027-02-17"), *steps, **more)


def _no_go(**data: Any) -> Course:
    return patient(
        lines=[booked(D0, "2027-02-09"), completed("preop_check", "no_go", "2027-02-16 07:31", **data)]
    )


SHARES: dict[str, tuple[Story, Story]] = {
    "fracture_to_procedure_21": (
        lambda: patient(treated("2027-02-10 23:00")),
        lambda: patient(treated("2027-02-11 00:30")),
    ),
    "fracture_to_procedure_42": (
        lambda: patient(treated("2027-03-03 23:00")),
        lambda: patient(treated("2027-03-04 00:30")),
    ),
    "hold_signed_in_time": (
        lambda: _held(signed("2027-02-08 23:00", WARFARIN)),
        lambda: _held(signed("2027-02-09 08:00", WARFARIN)),
    ),
    "hold_compliance": (
        lambda: patient(
            done("preop_check", "go", "2027-02-16 08:00", last_dose_respected=True),
            lines=[signed("2027-02-04", APIXABAN)],
        ),
        lambda: patient(
            done("preop_check", "no_go", "2027-02-16 08:00", last_dose_respected=False),
            lines=[signed("2027-02-04", APIXABAN)],
        ),
    ),
    "anaesthesia_two_days": (
        lambda: patient(treated(), done("anaesthesia_consult", "fit", "2027-02-14 18:00")),
        lambda: patient(treated(), done("anaesthesia_consult", "fit", "2027-02-15 08:00")),
    ),
    "cancelled_on_day": (
        lambda: patient(
            lines=[booked(D0, "2027-02-09"), completed("preop_check", "no_go", "2027-02-16 07:31")]
        ),
        lambda: patient(lines=[booked(D0, "2027-02-09"), completed("procedure", "done", "2027-02-16 10:10")]),
    ),
    "cancelled_antithrombotic": (
        lambda: patient(
            lines=[
                booked(D0, "2027-02-09"),
                completed("preop_check", "no_go", "2027-02-16 07:31", last_dose_respected=False),
            ]
        ),
        lambda: patient(
            lines=[booked(D0, "2027-02-09"), completed("preop_check", "no_go", "2027-02-16 07:31")]
        ),
    ),
    "doac_residual_30": (
        lambda: _held(signed("2027-02-04", APIXABAN), facts=[fact("doac_level_ng_ml", 22, "2027-02-15")]),
        lambda: _held(signed("2027-02-04", APIXABAN), facts=[fact("doac_level_ng_ml", 30, "2027-02-15")]),
    ),
    "doac_residual_50": (
        lambda: _held(signed("2027-02-04", APIXABAN), facts=[fact("doac_level_ng_ml", 40, "2027-02-15")]),
        lambda: _held(signed("2027-02-04", APIXABAN), facts=[fact("doac_level_ng_ml", 50, "2027-02-15")]),
    ),
    "cancelled_laboratory": (
        lambda: _no_go(cancel_code="laboratory"),
        lambda: _no_go(cancel_code="organisation", last_dose_respected=False),
    ),
    "cancelled_other": (lambda: _no_go(cancel_code="organisation"), lambda: _no_go(cancel_code="laboratory")),
    "bleeding_30d": (
        lambda: _held(
            signed("2027-02-04", APIXABAN), steps=[_seen(antithrombotics_now=[{"bleeding": False}, BLED])]
        ),
        lambda: _held(
            signed("2027-02-04", APIXABAN), steps=[_seen(antithrombotics_now=[{"bleeding": False}])]
        ),
    ),
    "leak_symptomatic": (
        lambda: patient(treated(leak="none"), done("exam_ct_urgent", "compression", "2027-02-16 15:10")),
        lambda: patient(treated(leak="canal"), done("exam_ct_urgent", "normal", "2027-02-16 15:10")),
    ),
    "complication_osteoporotic": (lambda: _watched("eventful"), lambda: _watched("uneventful")),
    "complication_neoplastic": (
        lambda: _watched("uneventful", _seen(wound_problem=True), cause="neoplastic"),
        lambda: _watched("uneventful", _seen(wound_problem=False), cause="neoplastic"),
    ),
    "pulmonary_embolism": (
        lambda: _watched("eventful", done("exam_ct_urgent", "embolism", "2027-02-16 15:10")),
        lambda: _watched("eventful", done("exam_ct_urgent", "normal", "2027-02-16 15:10")),
    ),
    "infection_90d": (
        lambda: patient(treated(), done("exam_mri", "infection", "2027-05-17")),
        lambda: patient(treated(), _seen(), done("exam_mri", "infection", "2027-05-18")),
    ),
    "neurological_deficit": (
        lambda: patient(treated(), observed=SEEN, alarms=(Raised("neurological", 1, wall(D0), wall(D0)),)),
        lambda: patient(treated(), observed=SEEN, alarms=(Raised("pain", 1, wall(D0), wall(D0)),)),
    ),
    "decompression": (
        lambda: _watched("eventful", done("surgical_decision", "operated", "2027-02-16 16:00")),
        lambda: _watched("eventful", done("surgical_decision", "watched", "2027-02-16 16:00")),
    ),
    "readmission_30d": (
        lambda: patient(treated(), facts=[fact("readmitted", True, "2027-03-01")]),
        lambda: patient(treated(), facts=[fact("readmitted", False, "2027-03-01")]),
    ),
    "new_fracture_review": (
        lambda: patient(
            treated(), _seen(new_pain_level=True), done("exam_mri", "new_fracture", "2027-03-18")
        ),
        lambda: patient(treated(), _seen(new_pain_level=True), done("exam_mri", "done", "2027-03-18")),
    ),
    "new_fracture_12m": (
        lambda: patient(
            treated(),
            done("follow_up_52w", "adherent", "2028-01-19", new_fracture=False),
            next_fracture="2028-02-16",
        ),
        lambda: patient(
            treated(),
            done("follow_up_52w", "adherent", "2028-01-19", new_fracture=False),
            next_fracture="2028-02-17",
        ),
    ),
    "leak_any": (
        lambda: patient(treated(leak="disc")),
        lambda: patient(treated(leak="none")),
    ),
    "mortality_30d": (
        lambda: patient(
            treated(),
            lines=[line(e.PatientDied(by=SOMEBODY), "2027-03-18")],
            end="deceased",
            ended="2027-03-18",
        ),
        lambda: patient(
            treated(),
            lines=[line(e.PatientDied(by=SOMEBODY), "2027-03-19")],
            end="deceased",
            ended="2027-03-19",
        ),
    ),
    "biopsy_taken": (
        lambda: patient(treated(biopsy_taken=True)),
        lambda: patient(treated(biopsy_taken=False)),
    ),
    "biopsy_diagnostic": (lambda: _biopsied("benign"), lambda: _biopsied("indeterminate")),
    "malignant_unsuspected": (lambda: _biopsied("malignant"), lambda: _biopsied("benign")),
    # Thursday 18 February 2027, 16:40: the next working day ends on Friday at 17:00 (patient P06).
    "result_read_critical": (
        lambda: _read("malignant", "2027-02-18 16:40", "2027-02-19 16:59"),
        lambda: _read("malignant", "2027-02-18 16:40", "2027-02-19 17:01"),
    ),
    "result_read": (
        lambda: _read("benign", "2027-02-26 10:00", "2027-03-03 16:59"),
        lambda: _read("benign", "2027-02-26 10:00", "2027-03-03 17:01"),
    ),
    "pain_below_4": (lambda: _reviewed(pain_nrs=3), lambda: _reviewed(pain_nrs=4)),
    "opioid_stopped": (lambda: _reviewed(opioid_stopped=True), lambda: _reviewed(opioid_stopped=False)),
    "review_in_window": (lambda: _reviewed("2027-03-16 18:00"), lambda: _reviewed("2027-03-17 08:00")),
    "kpi_3": (lambda: patient(level="L1"), lambda: patient(level="femur")),
    "kpi_4": (
        lambda: patient(done("bone_assessment", "assessed", "2027-04-20")),
        lambda: patient(done("dxa", "done", "2027-03-18")),  # a scan alone is no assessment (patient P12)
    ),
    "kpi_6": (
        lambda: patient(done("falls", "referred", "2027-04-06")),
        lambda: patient(done("falls", "not_needed", "2027-04-06")),
    ),
    "kpi_8": (
        lambda: patient(done("strength_balance", "started", "2027-05-12")),
        lambda: patient(done("strength_balance", "started", "2027-05-13")),
    ),
    "kpi_9": (
        lambda: patient(done("follow_up_16w", "done", "2027-05-12")),
        lambda: patient(done("follow_up_16w", "unreachable", "2027-05-12")),
    ),
    "kpi_5": (
        lambda: patient(done("dxa", "done", "2027-04-20 23:00")),
        lambda: patient(done("dxa", "done", "2027-04-21 00:30")),
    ),
    "kpi_7": (
        lambda: patient(done("bone_decision", "drug_recommended", "2027-04-06")),
        lambda: patient(done("bone_decision", "no_drug", "2027-04-06")),
    ),
    "kpi_10": (
        # Confirmed later than it was started: the day it was started counts.
        lambda: patient(done("treatment", "started", "2027-06-01", started_on="2027-05-12")),
        lambda: patient(done("treatment", "started", "2027-05-13 00:30")),
    ),
    "kpi_11": (
        lambda: patient(done("follow_up_52w", "adherent", "2028-01-19")),
        lambda: patient(done("follow_up_52w", "not_adherent", "2028-01-19")),
    ),
    "two_ways": (lambda: patient(), lambda: patient(contact=Contact(mobile="+33600000001"))),
    "unreachable": (lambda: patient(contact=Contact()), lambda: patient()),
    "opted_out": (lambda: patient(opted_out=("sms",)), lambda: patient()),
}

VALUES: dict[str, tuple[Story, float]] = {
    "referral_to_consult": (lambda: patient(done("radiologist_consult", "seen", "2027-02-04")), 3),
    "fracture_to_procedure": (lambda: patient(treated()), 27),
    "referral_to_procedure": (lambda: patient(treated()), 15),
    "pain_drop_day_1": (
        lambda: patient(
            treated(),
            done("surveillance", "uneventful", "2027-02-17", pain_nrs=3),
            facts=[fact("pain_nrs", 8, "2027-02-04"), fact("pain_nrs", 3, "2027-02-17")],
        ),
        5,
    ),
    "pain_drop_review": (
        lambda: patient(
            treated(),
            done("review", "seen", "2027-03-11", pain_nrs=2),
            facts=[fact("pain_nrs", 8, "2027-02-04"), fact("pain_nrs", 2, "2027-03-11")],
        ),
        6,
    ),
}


@pytest.mark.parametrize("key", SHARES)
def test_one_patient_counts_and_another_does_not(key: str) -> None:
    counts, does_not = SHARES[key]
    assert [one.counts for one in adds(key, counts())] == [Counts.YES]
    assert [one.counts for one in adds(key, does_not())] == [Counts.NO]


@pytest.mark.parametrize("key", VALUES)
def test_a_median_is_made_of_what_was_measured(key: str) -> None:
    story, value = VALUES[key]
    assert [one.value for one in adds(key, story())] == [value]


NOT_ASKED = replace(LOADED.protocol, steps=(), surveillance=None, facts={})


@pytest.mark.parametrize("key", [one for one in SHARES if one.startswith("kpi_") and one != "kpi_3"])
def test_what_a_protocol_never_asks_is_not_recorded_and_never_nought(key: str) -> None:
    nobody_asked = replace(patient(), protocol=NOT_ASKED)
    assert [one.counts for one in adds(key, nobody_asked)] == [Counts.NOT_RECORDED]
    assert [one.counts for one in adds(key, patient())] == [Counts.NO]


@pytest.mark.parametrize(
    "key",
    [
        "leak_any",
        "leak_symptomatic",
        "complication_osteoporotic",
        "pulmonary_embolism",
        "infection_90d",
        "neurological_deficit",
        "decompression",
        "readmission_30d",
        "new_fracture_12m",
    ],
)
def test_silence_about_a_complication_is_not_recorded(key: str) -> None:
    assert [one.counts for one in adds(key, patient(treated()))] == [Counts.NOT_RECORDED]


def test_every_indicator_has_its_pair_of_patients() -> None:
    elsewhere = {"kpi_1", "kpi_2"}
    assert {*SHARES, *VALUES, *elsewhere} == set(DEFINITIONS.by_key)
