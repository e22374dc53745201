"""What a changed line of the engine could once have got wrong without a test noticing: each was a live mutant."""

from datetime import date, timedelta

import pytest

from pathway import events as e
from pathway.lifecycle import Assignment, StepStatus, VisitStatus
from pathway.planned import Kind
from pathway.refusal import Refused
from pathway.state import PathwayStatus
from pathway.watch import missing_sets
from tests.pathway.small import DOCTOR, T0, Small
from tests.pathway.tale import ANAESTHETIST, CLOCK, NADIA, RADIOLOGIST, on_apixaban, p01, shown

# --- paused, resumed, ended ---------------------------------------------------------------------------------


def test_a_resumed_pathway_keeps_neither_the_reason_nor_the_day_of_its_pause() -> None:
    tale = p01().at("2027-02-02 09:00")
    tale.does(e.PathwayHeld(by=NADIA, reason="influenza", revisit=date(2027, 2, 9)))
    assert (tale.pathway.reason, tale.pathway.revisit) == ("influenza", date(2027, 2, 9))
    tale.does(e.PathwayResumed(by=NADIA))
    assert tale.pathway.status is PathwayStatus.ACTIVE
    assert (tale.pathway.reason, tale.pathway.revisit) == ("", None)


def test_a_deferred_patient_is_looked_at_again_on_the_day_that_was_said() -> None:
    tale = p01().at("2027-02-02 09:00")
    with pytest.raises(Refused, match="Say when to look at this pathway again") as refused:
        tale.does(e.PathwayEnded(by=NADIA, end="deferred", reason="pneumonia"))
    assert (refused.value.kind, refused.value.field) == ("invalid", "revisit")
    assert refused.value.text.fr == "Indiquez quand revoir ce parcours."
    tale.does(e.PathwayEnded(by=NADIA, end="deferred", reason="pneumonia", revisit=date(2027, 3, 1)))
    assert tale.pathway.revisit == date(2027, 3, 1)


def test_a_patient_who_dies_after_the_end_leaves_no_step_open_and_the_record_says_why() -> None:
    tale = p01().until_done()
    tale.does(e.PathwayEnded(by=NADIA, end="lost_to_follow_up", reason="gone abroad"))
    left = {step.ref for step in tale.pathway.unsettled()}
    tale.does(e.PatientDied(by=NADIA))
    assert not list(tale.pathway.unsettled())
    for step in tale.pathway.steps:
        if step.ref in left:
            assert (step.status, step.reason) == (StepStatus.CANCELLED, "pathway ended: deceased")


# --- alerts ---------------------------------------------------------------------------------------------------


def test_an_alert_taken_says_who_took_it_when_and_with_what_word() -> None:
    tale = p01().at("2027-02-10 09:00")
    alert = tale.alerts()[0]
    tale.does(e.AlertAcknowledged(by=NADIA, key=alert.key, note="called the ward"))
    (taken,) = [one for one in tale.pathway.acknowledged if one.key == alert.key]
    assert (taken.by, taken.at, taken.note) == ("Nadia Roche", tale.now, "called the ward")


def test_an_alert_is_put_off_to_the_last_allowed_minute_and_not_beyond_by_who_says_why() -> None:
    tale = p01().at("2027-02-10 09:00")
    alert = next(one for one in tale.alerts() if one.waits and one.level != "red")
    last = tale.now + timedelta(hours=tale.ground.protocol.messaging.longest_snooze_hours)
    with pytest.raises(Refused, match="hours at most") as refused:
        tale.does(e.AlertSnoozed(by=NADIA, key=alert.key, until=last + timedelta(minutes=1), reason="x"))
    assert (refused.value.kind, refused.value.field) == ("invalid", "until")
    tale.does(e.AlertSnoozed(by=NADIA, key=alert.key, until=last, reason="ward is called"))
    (put_off,) = tale.pathway.snoozed
    assert (put_off.until, put_off.by, put_off.reason, put_off.at) == (
        last,
        "Nadia Roche",
        "ward is called",
        tale.now,
    )


def test_one_alert_is_not_put_off_in_place_of_another() -> None:
    tale = p01().at("2027-02-10 09:00")
    assert any(one.waits for one in tale.alerts())
    with pytest.raises(Refused, match="cannot be put off") as refused:
        tale.does(
            e.AlertSnoozed(by=NADIA, key="no/such/alert", until=tale.now + timedelta(hours=1), reason="x")
        )
    assert refused.value.kind == "not-found"
    assert not tale.pathway.snoozed


# --- messages and calls ---------------------------------------------------------------------------------------


def test_a_message_that_did_not_arrive_is_dated() -> None:
    tale = p01().at("2027-02-02 09:00")
    tale.does(e.MessageUndelivered(by=NADIA, key="message/x", how="failed", reason="no such number"))
    (one,) = tale.pathway.undelivered
    assert (one.how, one.reason, one.at) == ("failed", "no such number", tale.now)


def test_a_call_that_nobody_awaits_is_not_settled() -> None:
    tale = p01().at("2027-02-02 09:00")
    with pytest.raises(Refused, match="not awaited") as refused:
        tale.does(e.CallSettled(by=NADIA, key="call/x", note="done"))
    assert (refused.value.kind, refused.value.field) == ("not-found", "key")
    assert refused.value.text.fr == "Cet appel n'est pas attendu."


# --- steps and visits -----------------------------------------------------------------------------------------


def test_a_step_asked_of_somebody_is_taken_by_name_and_not_taken_twice() -> None:
    tale = p01().at("2027-02-02 09:00")
    tale.does(e.StepAccepted(by=NADIA, step="triage", owner="Nadia Roche"))
    taken = tale.step("triage")
    assert (taken.assignment, taken.owner) == (Assignment.ACCEPTED, "Nadia Roche")
    with pytest.raises(Refused):
        tale.does(e.StepAccepted(by=RADIOLOGIST, step="triage", owner="Dr Morel"))


def test_a_missed_visit_says_since_when() -> None:
    tale = p01().at("2027-02-02 09:00").completes("triage", "accepted")
    tale.books("radiologist_consult", "2027-02-04 11:00").at("2027-02-04 11:45")
    tale.does(e.VisitMissed(by=NADIA, step="radiologist_consult"))
    step = tale.step("radiologist_consult")
    assert step.status is StepStatus.MISSED
    assert step.visit is not None
    assert (step.visit.status, shown(step.visit.since)) == (VisitStatus.NOSHOW, "2027-02-04 11:45")


@pytest.mark.parametrize("came", [True, False])
def test_a_paused_step_goes_back_to_what_it_was_and_is_missed_only_when_its_visit_was(came: bool) -> None:
    tale = p01().at("2027-02-02 09:00").completes("triage", "accepted")
    tale.books("radiologist_consult", "2027-02-04 11:00")
    tale.does(e.StepHeld(by=NADIA, step="radiologist_consult", reason="strike"))
    tale.at("2027-02-04 11:45")
    if not came:
        tale.does(e.VisitMissed(by=NADIA, step="radiologist_consult"))
    tale.does(e.StepReleased(by=NADIA, step="radiologist_consult"))
    assert (tale.step("radiologist_consult").status is StepStatus.MISSED) is not came


def test_an_override_that_may_never_be_names_its_gate_and_wants_a_reason() -> None:
    tale = on_apixaban().until_anaesthesia()
    with pytest.raises(Refused, match="Give the reason") as refused:
        tale.does(e.GateOverridden(by=ANAESTHETIST, gate="G4", reason=" "))
    assert (refused.value.kind, refused.value.field) == ("invalid", "reason")
    with pytest.raises(Refused, match="may be overridden only by") as refused:
        tale.does(e.GateOverridden(by=NADIA, gate="G4", reason="late"))
    assert (refused.value.kind, refused.value.gate) == ("forbidden", "G4")
    assert "ne peut être levé que par" in refused.value.text.fr


# --- what is written down of a step, a slot, a message --------------------------------------------------------


def test_what_is_waived_says_when_by_whom_and_why() -> None:
    tale = p01().until_home().at("2027-02-20 09:00")
    tale.does(e.StepWaived(by=RADIOLOGIST, step="falls", reason="bedridden"))
    waived = tale.step("falls")
    assert (waived.status, waived.settled, waived.by, waived.reason) == (
        StepStatus.WAIVED,
        tale.now,
        "Dr Morel",
        "bedridden",
    )


def test_what_is_paused_says_why() -> None:
    tale = p01().at("2027-02-02 09:00").completes("triage", "accepted")
    tale.does(e.StepHeld(by=NADIA, step="radiologist_consult", reason="strike"))
    assert tale.step("radiologist_consult").reason == "strike"


def test_the_end_cancels_every_step_and_slot_and_each_says_by_which_end() -> None:
    tale = p01().until_confirmed()
    open_before = {step.ref for step in tale.pathway.unsettled()}
    tale.does(e.PathwayEnded(by=NADIA, end="declined", reason="prefers to wait"))
    ended = [step for step in tale.pathway.steps if step.ref in open_before]
    assert ended
    assert {(step.status, step.reason, step.by, step.settled) for step in ended} == {
        (StepStatus.CANCELLED, "pathway ended: declined", "Nadia Roche", tale.now)
    }
    visit = tale.step("procedure").visit
    assert visit is not None
    assert (visit.status, visit.reason, visit.since) == (VisitStatus.CANCELLED, "declined", tale.now)


def test_a_message_that_failed_by_every_channel_becomes_one_call_and_by_one_of_two_none() -> None:
    tale = p01(sending=False).until_confirmed()
    first, second = [item.key.rpartition("/")[0] for item in tale.plan().items if item.kind is Kind.MESSAGE][
        :2
    ]
    for key in (f"{first}/sms", f"{second}/sms", f"{second}/email"):
        tale.does(e.MessageUndelivered(by=CLOCK, key=key, how="failed", reason="no such address"))
    (call,) = [item for item in tale.plan().items if item.data.get("template") == "undelivered"]
    assert call.key == f"{second}/email/undelivered"
    assert (call.kind, call.role, call.step, call.at) == (Kind.CALL, "coordinator", "procedure/1", tale.now)
    assert call.data == {"template": "undelivered", "channel": "phone", "about": f"{second}/email"}
    assert call.why == "email: failed"


# --- the watch ------------------------------------------------------------------------------------------------

MINUTE = timedelta(minutes=1)


def watched() -> Small:
    return Small().operated().sees(T0, "hourly/1", motor=5, spo2=97, temperature=36.8)


def test_an_answered_sign_that_lasts_raises_no_second_alarm_but_another_sign_does() -> None:
    story = watched().sees(T0 + 60 * MINUTE, "hourly/2", spo2=91)
    story.at(T0 + 62 * MINUTE).does(e.AlertAcknowledged(by=DOCTOR, key="alarm/oxygen/1/rung/1"))
    story.sees(T0 + 70 * MINUTE, spo2=90)
    assert [one.alarm for one in story.pathway.alarms] == ["oxygen"]
    story.sees(T0 + 80 * MINUTE, spo2=90, temperature=38.6, motor=4)
    assert sorted(one.alarm for one in story.pathway.alarms) == ["fever", "neuro", "oxygen"]


def test_a_sign_counts_from_its_very_minute() -> None:
    assert watched().sees(T0 + 179 * MINUTE, voided=False).pathway.alarms == ()
    (raised,) = watched().sees(T0 + 180 * MINUTE, voided=False).pathway.alarms
    assert raised.alarm == "retention"


def test_a_set_nobody_recorded_is_missing_even_when_the_last_was_looked_at() -> None:
    story = watched().at(T0 + 241 * MINUTE)
    unheard = {slot.key for slot in missing_sets(story.pathway, story.ground)}
    assert {"hourly/2", "last/1"} <= unheard
    story.sees(T0 + 242 * MINUTE, "last/1", motor=5, voided=True)
    assert {slot.key for slot in missing_sets(story.pathway, story.ground)} == unheard - {"last/1"}
