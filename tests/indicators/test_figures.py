"""From patients to figures: who is left out and why, which period counts, and what is not known is never nought."""

from dataclasses import replace
from datetime import date

import pytest

from app.protocols import load
from pathway import events as e
from pathway.hold_plan import Dose, HeldDrug, HoldPlan, HoldStatus
from pathway.indicators.counting import Counts
from pathway.indicators.course import Course
from pathway.indicators.figures import Figure, Period, figures
from tests.indicators.cast import (
    D0,
    DEFINITIONS,
    MUCH_LATER,
    SOMEBODY,
    adds,
    booked,
    completed,
    done,
    line,
    patient,
    signed,
    treated,
    wall,
)

YEAR = Period(date(2027, 1, 1), date(2027, 12, 31))
BONE = ["kpi_3", "kpi_4", "kpi_5", "kpi_6", "kpi_7", "kpi_8", "kpi_9", "kpi_10", "kpi_11"]


def _figure(key: str, *courses: Course, period: Period = YEAR, now: str = "2029-01-01") -> Figure:
    found = figures(DEFINITIONS, courses, period, wall(now))
    return next(one for one in found if one.indicator.key == key)


# --- who is left out ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", BONE)
def test_a_myeloma_found_at_biopsy_is_left_out_of_every_bone_indicator(key: str) -> None:
    """P06: fracture 2027-01-14, malignant result of 2027-02-18."""
    p06 = patient(
        done("biopsy_result", "malignant", "2027-02-18 16:40"),
        done("dxa", "done", "2027-03-01"),
        done("treatment", "started", "2027-03-01"),
        onset="2027-01-14",
        born="1947-01-01",
    )
    benign = patient(
        done("biopsy_result", "benign", "2027-02-18 16:40"), onset="2027-01-14", born="1947-01-01"
    )
    assert _figure(key, p06).excluded == {"neoplastic": 1}
    assert _figure(key, p06).denominator == 0
    assert _figure(key, benign).excluded == {}


def test_the_same_patient_counts_where_the_biopsy_is_judged() -> None:
    p06 = patient(treated(), done("biopsy_result", "malignant", "2027-02-18 16:40"))
    assert _figure("malignant_unsuspected", p06).value == 1


def test_an_end_before_the_limit_leaves_out_and_one_after_it_does_not() -> None:
    early = patient(end="withdrawn", ended="2027-04-20")
    late = patient(end="withdrawn", ended="2027-04-21")
    assert _figure("kpi_5", early).excluded == {"end:withdrawn": 1}
    assert _figure("kpi_5", late).denominator == 1


def test_a_patient_who_died_long_after_the_review_was_reviewed() -> None:
    seen = [treated(), done("review", "seen", "2027-03-11")]
    later = patient(
        *seen, lines=[line(e.PatientDied(by=SOMEBODY), "2027-09-01")], end="deceased", ended="2027-09-01"
    )
    assert _figure("review_in_window", later).value == 1
    before = [line(e.PatientDied(by=SOMEBODY), "2027-03-01")]
    early = patient(treated(), lines=before, end="deceased", ended="2027-03-01")
    assert _figure("review_in_window", early).excluded == {"end:deceased": 1}


def test_a_centre_with_another_window_is_judged_by_its_own() -> None:
    late = load(settings={"review_first_day": "35", "review_last_day": "42"})
    seen = replace(patient(treated(), done("review", "seen", "2027-03-25")), protocol=late.protocol)
    assert _figure("review_in_window", seen).value == 1
    assert _figure("review_in_window", patient(treated(), done("review", "seen", "2027-03-25"))).value == 0


def test_a_centre_without_biopsies_has_none_recorded() -> None:
    without = load(settings={"biopsy": "none", "control_ct": "yes"})
    course = replace(patient(treated(leak="none")), protocol=without.protocol)
    assert _figure("malignant_unsuspected", course).value is None
    assert _figure("leak_any", course).value == 0


def test_a_patient_lost_to_follow_up_is_not_left_out() -> None:
    assert _figure("kpi_5", patient(end="lost_to_follow_up", ended="2027-03-20")).value == 0


def test_a_patient_with_nothing_to_stop_has_no_plan_to_be_signed_in_time() -> None:
    none = patient(treated(), done("hold_plan", "not_required", "2027-02-09"))
    assert _figure("hold_signed_in_time", none).excluded == {"no_hold": 1}


def test_a_neoplastic_fracture_has_no_age() -> None:
    assert _figure("fracture_to_procedure", patient(treated(), cause="neoplastic")).excluded == {
        "neoplastic_cause": 1
    }


# --- what is not known ----------------------------------------------------------------------------------------


def test_what_nobody_answered_is_not_recorded_and_gives_no_figure() -> None:
    unanswered = _figure("leak_any", patient(treated()))
    assert (unanswered.value, unanswered.not_recorded, unanswered.says) == (None, 1, "not-recorded")
    both = _figure("leak_any", patient(treated()), patient(treated(leak="disc")))
    assert (both.numerator, both.denominator, both.not_recorded, both.says) == (1, 1, 1, "value")


def test_a_real_nought_is_told_from_nobody() -> None:
    assert _figure("leak_any", patient(treated(leak="none"))).value == 0
    rows = [{"level": "T12", "leak": "none"}, {"level": "L1", "leak": None}]
    assert _figure("leak_any", patient(treated(levels_treated=rows))).says == "not-recorded"
    rows[1]["leak"] = "disc"
    assert _figure("leak_any", patient(treated(leak="none", levels_treated=rows))).value == 1
    empty = _figure("leak_any")
    assert (empty.value, empty.says, empty.on_target) == (None, "nobody", None)


def test_a_fracture_without_a_day_is_shown_where_it_was_referred() -> None:
    unknown = patient(onset=None, referred="2027-02-01")
    assert _figure("kpi_5", unknown).not_recorded == 1
    assert _figure("kpi_5", unknown, period=Period(date(2027, 3, 1), date(2027, 12, 31))).not_recorded == 0


def test_a_limit_that_is_not_over_is_pending_whatever_has_been_done() -> None:
    scanned, waiting = patient(done("dxa", "done", "2027-03-01")), patient()
    on_the_day = _figure("kpi_5", scanned, waiting, now="2027-04-20 23:00")
    assert (on_the_day.pending, on_the_day.value) == (2, None)
    the_day_after = _figure("kpi_5", scanned, waiting, now="2027-04-21 00:30")
    assert (the_day_after.pending, the_day_after.value) == (0, 0.5)


def test_the_caseload_is_not_recorded_while_nobody_has_written_it() -> None:
    assert _figure("kpi_2", patient()).says == "not-recorded"


def test_the_same_fracture_referred_again_is_no_new_fracture() -> None:
    answers = {"new_pain_level": False}
    steps = [treated(), done("review", "seen", "2027-03-11", **answers)]
    assert _figure("new_fracture_review", patient(*steps, next_fracture="2027-01-20")).value == 0
    assert _figure("new_fracture_review", patient(*steps, next_fracture="2027-03-01")).value == 1
    assert _figure("new_fracture_review", patient(*steps, next_fracture="2027-03-12")).value == 0


def test_a_deficit_after_the_procedure_counts_before_the_watch_is_closed() -> None:
    """P09: compression on the urgent CT, operated; the watch and the adverse event's record are still open."""
    scanned = done("exam_ct_urgent", "compression", "2027-04-20 15:10")
    p09 = patient(
        treated("2027-04-20 10:00"), scanned, done("surgical_decision", "operated", "2027-04-20 16:00")
    )
    for key in ("complication_osteoporotic", "leak_symptomatic", "decompression"):
        assert _figure(key, p09).value == 1, key


# --- periods --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "day"),
    [
        ("kpi_5", "2027-01-20"),
        ("fracture_to_procedure_21", "2027-02-16"),
        ("two_ways", "2027-02-01"),
        ("result_read", "2027-02-26"),
    ],
)
def test_a_period_begins_with_its_first_day_and_ends_with_its_last(key: str, day: str) -> None:
    one = patient(
        treated("2027-02-16 00:10"),
        done("biopsy_result", "benign", "2027-02-26"),
        referred="2027-02-01 00:10",
    )
    on = date.fromisoformat(day)
    before, after = date.fromordinal(on.toordinal() - 1), date.fromordinal(on.toordinal() + 1)
    assert _figure(key, one, period=Period(on, on)).denominator == 1
    assert _figure(key, one, period=Period(before, before)).denominator == 0
    assert _figure(key, one, period=Period(after, after)).denominator == 0


# --- several patients -----------------------------------------------------------------------------------------


def test_a_median_has_its_quartiles_and_its_target() -> None:
    days = ["2027-02-08", "2027-02-09", "2027-02-11", "2027-02-20"]
    found = _figure(
        "referral_to_consult", *(patient(done("radiologist_consult", "seen", day)) for day in days)
    )
    assert (found.value, found.denominator, found.quartiles) == (9, 4, (7.75, 12.25))
    assert found.on_target is False
    assert _figure(
        "referral_to_consult", patient(done("radiologist_consult", "seen", "2027-02-08"))
    ).on_target


def test_a_target_that_must_be_passed_is_not_met_by_being_reached() -> None:
    met, missed = done("dxa", "done", "2027-03-01"), done("dxa", "done", "2027-06-01")
    assert _figure("kpi_5", *[patient(met)] * 4, patient(missed)).on_target is False
    assert _figure("kpi_5", *[patient(met)] * 5, patient(missed)).on_target is True


def test_a_field_that_is_missing_in_more_than_a_fifth_counts() -> None:
    full = patient(done("dxa", "done", "2027-03-01"), done("treatment", "started", "2027-03-01"))
    found = _figure("kpi_1", full, *[patient(done("treatment", "started", "2027-03-01"))] * 4)
    assert found.parts["fracture_date"] == (5, 5)
    assert found.parts["dxa"] == (1, 5)
    assert found.parts["treatment"] == (5, 5)
    assert found.value == sum((all_ - there) / all_ > 0.2 for there, all_ in found.parts.values())
    assert found.numerator <= found.denominator == len(found.parts)


# --- planned days -----------------------------------------------------------------------------------------------


def _planned(*lines: object) -> list[Counts]:
    return [one.counts for one in adds("cancelled_on_day", patient(lines=lines))]  # type: ignore[arg-type]


def test_a_slot_given_up_the_day_before_is_no_planned_day() -> None:
    cancelled = e.VisitCancelled(by=SOMEBODY, step="procedure", reason="fièvre")
    assert _planned(booked(D0, "2027-02-09"), line(cancelled, "2027-02-15 23:00")) == []
    assert _planned(booked(D0, "2027-02-09"), line(cancelled, "2027-02-16 00:10")) == [Counts.YES]


def test_a_move_on_the_day_counts_as_a_day_that_came_to_nothing() -> None:
    moved = [booked(D0, "2027-02-09"), booked("2027-02-23 09:30", "2027-02-16 07:00")]
    operated = completed("procedure", "done", "2027-02-23 10:10")
    assert _planned(*moved, operated) == [Counts.YES, Counts.NO]
    later = [booked(D0, "2027-02-09"), booked("2027-02-16 14:00", "2027-02-16 07:00")]
    assert _planned(*later, completed("procedure", "done", "2027-02-16 15:00")) == [Counts.NO]


def test_a_hold_missed_on_the_morning_is_counted_with_its_cause() -> None:
    """P08: no go on the morning of 2027-04-13, operated on the 20th."""
    lines = [
        booked("2027-04-13 10:00", "2027-03-31"),
        completed("preop_check", "no_go", "2027-04-13 07:31", last_dose_respected=False),
        booked("2027-04-20 10:00", "2027-04-13 09:00"),
        completed("preop_check", "go", "2027-04-20 08:00", last_dose_respected=True),
        completed("procedure", "done", "2027-04-20 10:40"),
    ]
    found = _figure("cancelled_on_day", patient(lines=lines))
    assert (found.numerator, found.denominator) == (1, 2)
    assert found.parts == {"antithrombotic": (1, 1)}
    assert _figure("cancelled_antithrombotic", patient(lines=lines)).value == 0.5
    assert _figure("cancelled_laboratory", patient(lines=lines)).value == 0


def test_a_patient_who_did_not_come_and_one_who_ended_that_day_count_too() -> None:
    slot = booked(D0, "2027-02-09")
    assert _planned(slot, line(e.VisitMissed(by=SOMEBODY, step="procedure"), "2027-02-16 20:00")) == [
        Counts.YES
    ]
    ended = e.PathwayEnded(by=SOMEBODY, end="declined", reason="ne veut plus")
    assert _planned(slot, line(ended, "2027-02-16 08:00")) == [Counts.YES]
    assert _planned(slot, line(ended, "2027-02-15 08:00")) == []


def test_a_planned_day_of_which_nobody_spoke_is_not_recorded_and_one_to_come_is_nothing() -> None:
    slot = patient(lines=[booked(D0, "2027-02-09")])
    assert [one.counts for one in adds("cancelled_on_day", slot, MUCH_LATER)] == [Counts.NOT_RECORDED]
    assert adds("cancelled_on_day", slot, wall("2027-02-16 20:00")) == []


# --- holds ------------------------------------------------------------------------------------------------------


def test_the_longest_hold_of_the_plan_decides_when_it_had_to_be_signed() -> None:
    two = signed("2027-02-09", ("B01AF02", 3), ("B01AA03", 6))
    one = signed("2027-02-09", ("B01AF02", 3))
    assert [found.counts for found in adds("hold_signed_in_time", patient(treated(), lines=[two]))] == [
        Counts.NO
    ]
    assert [found.counts for found in adds("hold_signed_in_time", patient(treated(), lines=[one]))] == [
        Counts.YES
    ]


def test_a_dose_declared_for_a_drug_says_it_for_that_drug_alone() -> None:
    """P08: the dose of the evening before is told on the morning; a week later all is as signed."""
    drugs = (HeldDrug("rivaroxaban 20", 3, "B01AF01"), HeldDrug("aspirine 75", 3, "B01AC06"))
    late, kept = wall("2027-04-12 20:00"), wall("2027-04-09 20:00")
    first = HoldPlan(
        status=HoldStatus.SUPERSEDED,
        drugs=drugs,
        procedure_start=wall("2027-04-13 10:00"),
        doses=(
            Dose("rivaroxaban 20", late, False, "Inès", wall("2027-04-13 07:30")),
            Dose("B01AC06", kept, True, "Inès", wall("2027-04-13 07:30")),
        ),
    )
    second = replace(
        first,
        status=HoldStatus.SIGNED,
        procedure_start=wall("2027-04-20 10:00"),
        doses=(Dose("B01AF01", wall("2027-04-17 20:00"), True, "Inès", wall("2027-04-20 07:30")),),
        earlier=(first,),
    )
    check = done("preop_check", "no_go", "2027-04-13 07:31", last_dose_respected=False)
    course = patient(check, lines=[signed("2027-03-31", ("B01AF01", 3))], plan=second)
    found = _figure("hold_compliance", course)
    assert (found.numerator, found.denominator) == (2, 3)
    assert found.parts == {"B01AC06": (1, 1), "B01AF01": (1, 2)}


def test_every_check_is_asked_for_its_last_intakes_and_told_apart_by_drug() -> None:
    checks = [
        done("preop_check", "no_go", "2027-02-16 07:31", last_dose_respected=False),
        done("preop_check", "go", "2027-02-23 08:00", occurrence=2, last_dose_respected=True),
    ]
    found = _figure("hold_compliance", patient(*checks, lines=[signed("2027-02-04", ("B01AF01", 3))]))
    assert (found.numerator, found.denominator, found.parts) == (1, 2, {"B01AF01": (1, 2)})


# --- results read ------------------------------------------------------------------------------------------------


def test_a_result_that_nobody_has_read_is_late_once_its_time_is_over() -> None:
    unread = patient(done("biopsy_result", "infection", "2027-02-19 10:00"))
    assert [one.counts for one in adds("result_read_critical", unread, wall("2027-02-22 16:59"))] == [
        Counts.PENDING
    ]
    assert [one.counts for one in adds("result_read_critical", unread, wall("2027-02-22 17:01"))] == [
        Counts.NO
    ]


def test_a_second_result_is_a_second_thing_to_read() -> None:
    course = patient(
        done("biopsy_result", "indeterminate", "2027-02-26 10:00"),
        done("biopsy_ack", "look_again", "2027-03-01 10:00"),
        done("biopsy_result", "benign", "2027-03-15 10:00", occurrence=2),
        done("biopsy_ack", "acknowledged", "2027-03-29 10:00", occurrence=2),
    )
    assert [one.counts for one in adds("result_read", course)] == [Counts.YES, Counts.NO]
