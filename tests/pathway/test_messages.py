"""What is said, when, by which channel, and when it is better not said."""

from datetime import date

import pytest

from pathway import events as e
from pathway.plan import Kind
from pathway.referral import Contact
from pathway.refusal import Refused
from pathway.state import PathwayStatus
from tests.pathway.tale import NADIA, RADIOLOGIST, Tale, p01, shown

D0 = "2027-02-16 09:30"


def channels(tale: Tale) -> set[str]:
    return {item.data["channel"] for item in tale.plan().items if item.kind is Kind.MESSAGE}


def test_who_opts_out_of_sms_is_written_by_email_and_then_called() -> None:
    tale = p01().until_confirmed()
    assert channels(tale) == {"sms"}
    tale.does(e.ChannelOptedOut(by=NADIA, channel="sms"))
    assert channels(tale) == {"email"}
    tale.does(e.ChannelOptedOut(by=NADIA, channel="email"))
    assert channels(tale) == set()
    calls = [shown(item.at) for item in tale.plan().items if item.kind is Kind.CALL]
    assert {"2027-02-13 10:00", "2027-02-15 18:00"} <= set(calls)
    tale.does(e.ChannelOptedIn(by=NADIA, channel="sms"))
    assert channels(tale) == {"sms"}


def test_a_patient_with_a_landline_gets_letters_in_time_and_calls() -> None:
    tale = p01(contact=Contact(landline="+33199001234")).until_home().books("review", "2027-03-11 10:00")
    letters = [shown(item.at) for item in tale.plan().items if item.kind is Kind.LETTER]
    assert letters == ["2027-03-01 10:00"]  # ten days before
    assert ("appointment", "2027-03-04 10:00") in tale.templates(Kind.CALL)
    assert channels(tale) == set()


def test_documents_go_by_email_first() -> None:
    tale = p01().at("2027-02-02 09:00").completes("triage", "accepted")
    tale.books("radiologist_consult", "2027-02-11 11:00")
    documents = [item for item in tale.plan().items if item.data.get("template") == "documents"]
    assert [(item.data["channel"], shown(item.at)) for item in documents] == [("email", "2027-02-06 10:00")]


def test_a_bounced_email_goes_by_sms_and_a_failed_sms_becomes_a_call() -> None:
    tale = p01().until_confirmed()
    arrival = "procedure/1/message/arrival/1@1.1"
    tale.does(e.MessageUndelivered(by=NADIA, key=f"{arrival}/sms", how="failed", reason="unknown number"))
    assert list(tale.planned(f"{arrival}/")) == [f"{arrival}/email"]
    tale.does(e.MessageUndelivered(by=NADIA, key=f"{arrival}/email", how="bounced", reason="no such mailbox"))
    assert set(tale.planned(f"{arrival}/")) == {f"{arrival}/email/undelivered"}
    with pytest.raises(Refused):
        tale.does(e.CallSettled(by=NADIA, key=f"{arrival}/sms/undelivered", note="phoned"))
    tale.does(e.CallSettled(by=NADIA, key=f"{arrival}/email/undelivered", note="phoned"))


def test_an_uncertain_message_is_never_repeated_by_itself() -> None:
    tale = p01().until_confirmed()
    arrival = "procedure/1/message/arrival/1@1.1"
    tale.does(e.MessageUndelivered(by=NADIA, key=f"{arrival}/sms", how="uncertain", reason="no answer"))
    assert f"{arrival}/sms/undelivered" in tale.planned(f"{arrival}/")
    assert f"{arrival}/email" not in tale.planned(f"{arrival}/")


def test_nobody_writes_to_the_dead() -> None:
    tale = p01().until_confirmed().at("2027-02-13 12:00")
    assert tale.sent[-1].template == "arrival"
    tale.does(e.PatientDied(by=NADIA))
    assert (tale.pathway.status, tale.pathway.end) == (PathwayStatus.ENDED, "deceased")
    assert tale.plan().items == ()
    with pytest.raises(Refused, match="has ended"):
        tale.books("procedure", D0)


def test_who_withdraws_is_left_alone_and_who_is_deferred_is_told_of_the_lost_slot() -> None:
    for end, said in (("withdrawn", []), ("deferred", ["cancelled"])):
        tale = p01().until_confirmed().at("2027-02-13 12:00")
        tale.does(e.PathwayEnded(by=NADIA, end=end, reason="as asked", revisit=date(2027, 6, 1)))
        assert [template for template, _ in tale.templates()] == said


def test_a_pause_says_nothing_and_resuming_says_it_again() -> None:
    tale = p01().until_confirmed()
    before = tale.templates()
    tale.does(e.PathwayHeld(by=NADIA, reason="fever", revisit=tale.now.date().replace(day=12)))
    assert tale.templates() == []
    assert list(tale.planned("revisit").values()) == ["2027-02-12 08:00"]
    tale.does(e.PathwayResumed(by=NADIA))
    assert tale.templates() == before


def test_a_move_that_was_told_is_corrected_once_and_the_old_reminders_go() -> None:
    tale = p01().until_home().books("review", "2027-03-11 10:00").at("2027-03-05 09:00")
    assert tale.sent[-1].template == "appointment"
    tale.books("review", "2027-03-15 14:00")
    # D-2 of the new slot is a Saturday; D-7 was the day that is told now.
    assert tale.templates()[:2] == [("moved", "2027-03-05 09:00"), ("appointment", "2027-03-08 10:00")]
    tale.at("2027-03-05 09:10")
    assert [one.template for one in tale.sent].count("moved") == 1
    tale.does(e.VisitCancelled(by=NADIA, step="review", reason="room closed"))
    tale.at("2027-03-05 09:20")
    assert tale.sent[-1].template == "cancelled"
    assert [t for t, _ in tale.templates() if t != "follow_up"] == []


def test_a_correction_waits_for_a_decent_hour_but_not_for_monday() -> None:
    tale = p01().until_home().books("review", "2027-03-11 10:00").at("2027-03-06 21:15")  # a Saturday
    tale.books("review", "2027-03-15 14:00")
    assert tale.templates()[0] == ("moved", "2027-03-07 08:00")


def test_quiet_hours_and_sundays_are_kept_but_for_the_day_before() -> None:
    tale = p01().until_home().books("review", "2027-03-09 10:00")
    # D-7 is Tuesday 2 March; D-2 is a Sunday, so it leaves on Monday.
    assert [at for template, at in tale.templates() if template == "appointment"] == [
        "2027-03-02 10:00",
        "2027-03-08 08:00",
    ]
    monday = p01().until_confirmed("2027-02-15 09:30")
    assert ("arrival", "2027-02-14 18:00") in monday.templates(), "the day before may be a Sunday"


def test_a_visit_booked_for_tomorrow_says_the_latest_thing_only() -> None:
    tale = Tale("2027-02-02 09:00").completes("triage", "accepted").at("2027-02-02 12:00")
    tale.books("radiologist_consult", "2027-02-03 11:00")
    said = [item.key for item in tale.plan().items if item.data.get("template") == "appointment"]
    assert said == ["radiologist_consult/1/message/appointment/2@1.1/sms"]
    late = [item for item in tale.plan().late if item.data["template"] == "appointment"]
    assert [(item.key, item.why) for item in late] == [
        ("radiologist_consult/1/message/appointment/1@1.1/sms", "a later one says it")
    ]


def test_rungs_long_past_collapse_to_the_highest() -> None:
    tale = Tale("2027-02-01 10:00")
    tale.now = tale.now.replace(month=2, day=20)
    tale.does(e.ChannelOptedIn(by=NADIA, channel="sms"))
    fired = {one.key: one.passed_over for one in tale.pathway.fired}
    assert fired == {"triage/1/rung/overdue": True, "triage/1/rung/lead": True}
    tale.at("2027-02-20 12:00")
    (alert,) = tale.alerts()
    assert (alert.role, alert.text.en) == ("referrer", "Tell the referrer of the delay")


def test_a_rung_fires_once() -> None:
    tale = Tale("2027-02-01 10:00").at("2027-02-02 17:30")
    (fired,) = tale.pathway.fired
    with pytest.raises(Refused, match="has been dealt with"):
        tale.does(e.RungFired(by=NADIA, key=fired.key))


def test_a_no_show_is_called_written_to_and_told_to_those_who_must_know() -> None:
    tale = p01().until_home().books("review", "2027-03-11 10:00").at("2027-03-11 20:00")
    (alert,) = [one for one in tale.alerts() if one.step and one.step.key == "review"]
    assert alert.text.en == "Visit not recorded: came or missed?"
    tale.does(e.VisitMissed(by=NADIA, step="review"))
    assert [one for one in tale.alerts() if one.step and one.step.key == "review"] == []
    tale.at("2027-03-12 11:30")
    (alert,) = [one for one in tale.alerts() if one.step and one.step.key == "review"]
    assert alert.text.en == "Missed the review: call today"
    assert tale.sent[-1].template == "missed"
    tale.books("review", "2027-03-16 10:00").at("2027-03-16 20:00")
    tale.does(e.VisitMissed(by=NADIA, step="review")).at("2027-03-25 09:00")  # D+37
    call, letter = [one for one in tale.alerts() if one.step and one.step.key == "review"]
    assert call.text.en == "Missed the review: second call, by another way"
    assert (letter.role, letter.also) == ("gp", ("referrer",))
    tale.at("2027-04-07 12:00")
    call, last = [one for one in tale.alerts() if one.step and one.step.key == "review"]
    assert (call.role, last.role) == ("coordinator", "mdt")
    tale.completes("biopsy_result", "benign").completes("biopsy_ack", "acknowledged", RADIOLOGIST)
    days = [one.at.date() for one in tale.sent]
    assert max(days.count(day) for day in days) <= 2
    assert tale.pathway.status is PathwayStatus.ACTIVE


def test_an_alert_pages_until_somebody_takes_it() -> None:
    tale = Tale("2027-02-01 10:00").at("2027-02-02 17:30")
    (page,) = [item for item in tale.plan().items if item.kind is Kind.PAGE]
    assert page.role == "coordinator"
    assert page.data["template"] == "staff_page"
    (alert,) = tale.alerts()
    tale.does(e.AlertAcknowledged(by=NADIA, key=alert.key))
    assert [item for item in tale.plan().items if item.kind is Kind.PAGE] == []
