"""The procedure moves: everything that hangs on its date moves with it, and the difference is shown row by row."""

import pytest

from pathway import events as e
from pathway.hold_plan import HoldStatus
from pathway.lifecycle import StepStatus, VisitStatus
from pathway.plan import How, Kind, Plan, diff
from pathway.refusal import Refused
from tests.pathway.tale import ANAESTHETIST, CHECK, NADIA, WARD, Tale, on_apixaban, p01, shown, wall

D0 = "2027-02-16 09:30"


def booked(start: str) -> e.VisitBooked:
    return e.VisitBooked(by=NADIA, step="procedure", start=wall(start))


def without_revisions(plan: Plan) -> set[tuple[str, str]]:
    return {(item.key.partition("@")[0], shown(item.at)) for item in plan.items}


def test_nine_days_later_moves_every_dependent_date() -> None:
    tale = p01(sending=False).until_confirmed()
    rows = {row.what: row for row in tale.changes(booked("2027-02-25 09:30"))}
    moved = {
        name: (shown(rows[name].old), shown(rows[name].new)) for name in rows if rows[name].how is How.MOVED
    }
    assert moved["procedure/1/visit"] == (D0, "2027-02-25 09:30")
    assert moved["preop_check/1/task"] == ("2027-02-16 08:30", "2027-02-25 08:30")
    assert moved["review/1/task"] == ("2027-03-16 23:59", "2027-03-25 23:59")
    assert moved["biopsy_result/1/task"] == ("2027-03-09 17:00", "2027-03-18 17:00")
    assert moved["bone_owner/1/task"] == ("2027-03-02 18:00", "2027-03-11 18:00")
    assert moved["procedure/1/message/arrival/2/sms"] == ("2027-02-15 18:00", "2027-02-24 18:00")
    assert rows["procedure/1/visit"].why
    assert "dxa/1/task" not in rows, "the fracture's clock does not move"
    assert "treatment/1/task" not in rows


def test_three_days_earlier_leaves_the_anaesthesia_gap_unmet_and_says_so() -> None:
    tale = p01(sending=False).until_confirmed("2027-02-12 09:30")
    tale.at("2027-02-09 12:00").does(booked("2027-02-10 09:30"))
    visit = tale.step("procedure").visit
    assert visit is not None
    assert visit.status is VisitStatus.PENDING, "a move has happened and stands, but it is not confirmed"
    assert "G3/0" in tale.flags()
    assert tale.templates() == [("follow_up", "2027-03-22 08:00"), ("follow_up", "2027-04-05 10:00")]


def test_a_consult_left_behind_by_an_earlier_procedure_is_flagged_and_nobody_is_reminded_of_it() -> None:
    tale = p01().until_indication().books("procedure", D0, confirmed=False)
    tale.books("anaesthesia_consult", "2027-02-12 10:00")
    assert ("appointment", "2027-02-09 10:00") in tale.templates()
    tale.books("procedure", "2027-02-11 09:30", confirmed=False)
    assert "anaesthesia_consult/1/misplaced" in tale.flags()
    assert all(template == "follow_up" for template, _ in tale.templates())


def test_a_date_that_puts_the_hold_in_the_past_is_flagged_as_impossible() -> None:
    tale = on_apixaban().until_anaesthesia().signs_hold(("apixaban", 3, "B01AF02")).books("procedure", D0)
    tale.at("2027-02-10 09:00").does(booked("2027-02-12 09:30"))
    assert tale.pathway.hold.status is HoldStatus.EXPIRED
    assert {"hold/impossible", "hold/expired"} <= tale.flags()
    with pytest.raises(Refused, match="which is past: move the procedure"):
        tale.signs_hold(("apixaban", 3, "B01AF02"))


def test_nine_days_later_and_back_leaves_what_never_moving_leaves() -> None:
    still, moved = (p01(sending=False).until_confirmed() for _ in range(2))
    moved.does(booked("2027-02-25 09:30")).does(booked(D0))
    assert without_revisions(moved.plan()) == without_revisions(still.plan())
    assert moved.flags() == still.flags()


def test_nine_days_later_and_back_after_it_was_told_adds_the_corrections_only() -> None:
    moved = p01().until_confirmed().at("2027-02-13 12:00")
    still = p01().until_confirmed().at("2027-02-13 12:00")
    assert moved.sent[-1].template == "arrival"
    moved.does(booked("2027-02-25 09:30"))
    assert ("moved", "2027-02-13 12:00") in moved.templates()
    moved.at("2027-02-13 12:05").does(booked(D0))
    assert ("moved", "2027-02-13 12:05") in moved.templates(), "the patient was told the other date meanwhile"
    moved.at("2027-02-13 12:10")
    still.at("2027-02-13 12:10")
    assert [one.template for one in moved.sent][len(still.sent) :] == ["moved", "moved"]
    gone = {(one.key.partition("@")[0], shown(one.at)) for one in still.sent}
    assert without_revisions(moved.plan()) - gone == without_revisions(still.plan()) - gone


def test_moved_and_moved_back_before_anybody_was_told_says_nothing() -> None:
    tale = p01(sending=False).until_confirmed().at("2027-02-13 09:00")
    tale.does(booked("2027-02-25 09:30")).does(booked(D0))
    assert not [template for template, _ in tale.templates() if template in ("moved", "cancelled")]


def test_moving_the_procedure_withdraws_a_signed_hold_and_brings_a_call() -> None:
    tale = on_apixaban().until_anaesthesia().signs_hold(("apixaban", 3, "B01AF02")).books("procedure", D0)
    assert tale.planned("message/hold/") == {
        "procedure/1/message/hold/1.2027-02-12@1.1.1/sms": "2027-02-12 10:00",
        "procedure/1/message/hold/2.2027-02-13@1.1.1/sms": "2027-02-13 10:00",
    }
    tale.at("2027-02-12 12:00").does(booked("2027-02-18 09:30"))
    assert tale.pathway.hold.status is HoldStatus.EXPIRED
    assert tale.planned("message/hold/") == {}
    assert tale.step("hold_plan").ref == "hold_plan/2"
    calls = [item for item in tale.plan().items if item.kind is Kind.CALL]
    assert [(call.data["template"], shown(call.at)) for call in calls] == [
        ("hold_stopped", "2027-02-12 12:00")
    ]
    tale.signs_hold(("apixaban", 3, "B01AF02"))
    assert not [item for item in tale.plan().items if item.kind is Kind.CALL]


def test_a_check_made_for_one_day_is_made_again_for_another() -> None:
    tale = p01().until_confirmed().at("2027-02-16 08:15").completes("preop_check", "go", WARD, **CHECK)
    tale.does(booked("2027-02-17 09:30"))
    assert tale.step("preop_check").ref == "preop_check/2"
    tale.at("2027-02-17 09:30")
    with pytest.raises(Refused, match="has not given a go for this date"):
        tale.does(e.StepStarted(by=ANAESTHETIST, step="procedure"))


def test_a_no_go_gives_up_the_slot_and_asks_for_another_check() -> None:
    tale = on_apixaban().until_anaesthesia().signs_hold(("apixaban", 3, "B01AF02")).books("procedure", D0)
    tale.at("2027-02-16 07:30").completes("preop_check", "no_go", WARD, reason="taken on D-1 at 20:00")
    assert tale.step("procedure").status is StepStatus.OPEN
    assert tale.pathway.hold.status is HoldStatus.EXPIRED
    assert tale.step("preop_check").ref == "preop_check/2"
    assert ("hold_stopped", "2027-02-16 07:30") in tale.templates(Kind.CALL)
    assert ("cancelled", "2027-02-16 08:00") in tale.templates()
    tale.books("procedure", "2027-02-23 10:00", confirmed=False)
    assert tale.due("hold_plan") == "2027-02-18 12:00"


def test_a_failed_procedure_leaves_no_plan_signed_for_its_slot() -> None:
    tale = on_apixaban().until_anaesthesia().signs_hold(("apixaban", 3, "B01AF02")).books("procedure", D0)
    tale.at("2027-02-16 08:00").completes("preop_check", "go", WARD, **CHECK)
    tale.at("2027-02-16 09:30").does(e.StepStarted(by=ANAESTHETIST, step="procedure"))
    tale.does(e.StepFailed(by=ANAESTHETIST, step="procedure", reason="table broken"))
    assert tale.step("procedure").ref == "procedure/2"
    assert tale.pathway.hold.status is HoldStatus.EXPIRED
    assert tale.step("preop_check").ref == "preop_check/2"


def test_the_difference_of_a_plan_with_itself_is_nothing() -> None:
    tale = p01().until_confirmed()
    assert diff(tale.plan(), tale.plan(), tale.pathway) == ()


def test_new_blood_expires_a_signed_plan_but_not_the_word_that_none_is_needed() -> None:
    held = on_apixaban().until_anaesthesia().signs_hold(("apixaban", 3, "B01AF02"))
    held.at("2027-02-10 09:00").does(_creatinine(held, 152))
    assert held.pathway.hold.status is HoldStatus.EXPIRED
    free = p01().until_confirmed()
    free.at("2027-02-10 09:00").does(_creatinine(free, 152))
    assert free.pathway.hold.status is HoldStatus.NOT_REQUIRED


def test_blood_taken_before_the_one_that_was_reasoned_from_changes_nothing() -> None:
    tale = on_apixaban().until_anaesthesia().signs_hold(("apixaban", 3, "B01AF02"))
    tale.at("2027-02-10 09:00").does(_creatinine(tale, 152, when="2027-01-15 08:00"))
    assert tale.pathway.hold.status is HoldStatus.SIGNED


def test_nothing_expires_the_plan_once_the_procedure_has_begun() -> None:
    tale = on_apixaban().until_anaesthesia().signs_hold(("apixaban", 3, "B01AF02")).books("procedure", D0)
    tale.at("2027-02-16 08:00").completes("preop_check", "go", WARD, **CHECK)
    tale.at("2027-02-16 09:30").does(e.StepStarted(by=ANAESTHETIST, step="procedure"))
    tale.does(_creatinine(tale, 152))
    assert tale.pathway.hold.status is HoldStatus.SIGNED
    tale.completes("procedure", "aborted", ANAESTHETIST, reason="no access")
    assert tale.step("resumption_order").status is StepStatus.OPEN


def _creatinine(tale: Tale, value: int, *, when: str | None = None) -> e.FactsRecorded:
    from pathway.referral import Fact

    at = wall(when) if when else tale.now
    fact = Fact("creatinine_umol_l", value, at, "laboratory", "Observation/14682-9")
    return e.FactsRecorded(by=NADIA, facts=(fact,))
