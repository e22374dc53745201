"""Patient P01 of the protocol reference (§10), from the referral to the check at 52 weeks."""

from dataclasses import replace

import pytest

from pathway import events as e
from pathway.hold_plan import HoldStatus
from pathway.lifecycle import StepStatus
from pathway.plan import Kind
from pathway.records import Told
from pathway.refusal import Refused
from pathway.state import PathwayStatus
from tests.pathway.tale import ANAESTHETIST, NADIA, RADIOLOGIST, Tale, p01, shown, wall


def test_the_way_of_p01_to_its_end() -> None:
    tale = p01().until_home()
    assert tale.due("dxa") == "2027-04-20 23:59"  # fracture + 90 d
    assert tale.due("treatment") == "2027-05-12 23:59"  # fracture + 112 d
    assert tale.due("follow_up_52w") == "2028-01-19 23:59"  # fracture + 364 d
    assert tale.due("biopsy_result") == "2027-03-09 17:00"  # 15 working days
    review = tale.plan().by_key()["review/1/task"]
    assert (shown(review.not_before), shown(review.at)) == ("2027-03-09 00:00", "2027-03-16 23:59")

    tale.books("review", "2027-03-11 10:00")
    tale.at("2027-02-26 15:00").completes("biopsy_result", "benign", NADIA)
    tale.completes("bone_bloods", "done")
    assert tale.due("biopsy_ack") == "2027-03-03 17:00"  # 3 working days
    tale.at("2027-03-01 09:00").completes("biopsy_ack", "acknowledged", RADIOLOGIST)
    tale.at("2027-03-11 10:20").completes("review", "seen", RADIOLOGIST, pain_nrs=2, opioid_stopped=True)
    assert tale.step("closing").status is StepStatus.WAITING, "the bone-health owner has not accepted"

    tale.at("2027-03-12 10:00").completes("bone_owner", "accepted")
    tale.at("2027-03-15 10:00").completes("closing", "closed")
    tale.at("2027-03-18 10:00").completes("dxa", "done", t_score=-3.1)
    for key, outcome in {
        "bone_assessment": "assessed",
        "bone_decision": "drug_recommended",
        "falls": "done",
        "strength_balance": "started",
    }.items():
        tale.completes(key, outcome)
    tale.at("2027-04-06 10:00").completes("treatment", "started", bone_treatment="zoledronate")
    tale.at("2027-05-10 10:00").completes("follow_up_16w", "done")
    assert tale.pathway.status is PathwayStatus.ACTIVE, "in follow-up until the 52-week check"
    tale.at("2028-01-19 10:00").completes("follow_up_52w", "adherent")
    assert tale.pathway.status is PathwayStatus.COMPLETED

    assert tale.alerts() == ()
    late = [one.key.partition("@")[0] for one in tale.pathway.fired if "overdue" in one.key]
    assert late == ["bone_owner/1/rung/overdue"], "accepted on 12 March, due on 2 March"
    assert [one.template for one in tale.sent].count("instruction") == 0


def test_p01_is_told_of_each_visit_and_of_nothing_else() -> None:
    tale = p01().until_home().books("review", "2027-03-11 10:00").at("2027-03-12 10:00")
    told = [(one.template, shown(one.at)) for one in tale.sent]
    assert told == [
        ("appointment", "2027-02-02 09:00"),  # booked two days ahead: D-3 is past, said at once
        ("documents", "2027-02-02 09:00"),
        ("appointment", "2027-02-03 10:00"),
        ("appointment", "2027-02-06 10:00"),
        ("appointment", "2027-02-08 10:00"),
        ("arrival", "2027-02-13 10:00"),
        ("arrival", "2027-02-15 18:00"),
        ("appointment", "2027-03-04 10:00"),
        ("appointment", "2027-03-09 10:00"),
    ]


def test_not_required_needs_an_explicit_answer() -> None:
    silent = Tale().until_anaesthesia()
    with pytest.raises(Refused, match="silence is not a no"):
        silent.does(e.HoldNotRequired(by=ANAESTHETIST))
    tale = p01().until_anaesthesia().does(e.HoldNotRequired(by=ANAESTHETIST))
    assert tale.pathway.hold.status is HoldStatus.NOT_REQUIRED
    assert tale.step("hold_plan").outcome == "not_required"


def test_who_explicitly_takes_nothing_is_not_late_for_a_hold() -> None:
    tale = p01().until_anaesthesia()
    assert tale.due("hold_plan") == "2027-02-14 12:00"  # D-2, not D-9
    assert tale.flags() == {
        "G3/1",  # neither signed nor not required
    }


def test_nothing_is_to_resume_when_nothing_was_held() -> None:
    tale = p01().until_done()
    assert tale.step("resumption_order").status is StepStatus.CANCELLED
    assert tale.step("resumption_done").status is StepStatus.CANCELLED


def test_no_message_from_the_start_of_the_procedure_until_twelve_hours_after_the_cement() -> None:
    tale = p01().until_done()
    # Something to say in the middle of it: the review that was booked and told is cancelled at noon.
    tale.books("review", "2027-03-11 10:00")
    review = tale.step("review")
    assert review.visit is not None
    told = Told("review", 1, 1, review.visit.start, review.visit.place)
    tale.pathway = replace(tale.pathway, told=(*tale.pathway.told, told))
    tale.at("2027-02-16 12:00").does(e.VisitCancelled(by=NADIA, step="review", reason="room closed"))
    assert tale.templates()[0] == ("cancelled", "2027-02-17 08:00")
    tale.at("2027-02-18 09:00")
    quiet_from, quiet_to = wall("2027-02-16 09:30"), wall("2027-02-16 22:10")
    assert [one for one in tale.sent if quiet_from <= one.at < quiet_to] == []
    assert tale.sent[-1].template == "cancelled"


def test_the_review_can_be_booked_from_the_procedure_on() -> None:
    tale = p01().until_done().books("review", "2027-03-11 10:00")
    assert tale.step("review").status is StepStatus.SCHEDULED
    assert [item.kind for item in tale.plan().items if item.step == "review/1"].count(Kind.MESSAGE) == 2


def test_without_a_biopsy_the_loop_is_still_closed_by_a_radiologist() -> None:
    tale = p01().until_home().completes("biopsy_result", "no_sample")
    with pytest.raises(Refused, match="may be recorded only by"):
        tale.completes("biopsy_ack", "acknowledged", NADIA)
    with pytest.raises(Refused, match="may be recorded only by"):
        tale.does(e.StepWaived(by=NADIA, step="biopsy_ack", reason="nothing to read"))
    tale.completes("biopsy_ack", "acknowledged", RADIOLOGIST)


def test_a_malignant_result_is_read_within_a_working_day_and_suspends_the_bone_track() -> None:
    tale = p01().until_home().at("2027-02-18 16:40").completes("biopsy_result", "malignant")
    assert tale.due("biopsy_ack") == "2027-02-19 17:00"
    assert {tale.step(key).status for key in ("bone_owner", "dxa", "treatment")} == {StepStatus.ON_HOLD}
    tale.at("2027-02-18 16:41")
    red = [alert for alert in tale.alerts() if alert.level == "red"]
    assert [(alert.role, alert.also) for alert in red] == [("radiologist", ("referrer",))]
    pages = [item.role for item in tale.plan().items if item.kind is Kind.PAGE]
    assert pages == ["radiologist", "referrer"]
    assert {one.template for one in tale.sent} <= {"appointment", "arrival", "documents"}


def test_a_second_look_at_the_biopsy_has_a_deadline_of_its_own() -> None:
    tale = p01().until_home().at("2027-03-01 09:00").completes("biopsy_result", "indeterminate")
    tale.completes("biopsy_ack", "look_again", RADIOLOGIST, decision="second sample")
    assert tale.step("biopsy_result").ref == "biopsy_result/2"
    assert tale.due("biopsy_result") == "2027-03-22 17:00"
    assert tale.step("biopsy_ack").status is StepStatus.WAITING
