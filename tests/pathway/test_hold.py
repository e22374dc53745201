"""Stopping an anticoagulant: signed by a person, pointed to by a message, resumed on a signed order."""

import pytest

from pathway import events as e
from pathway.hold_plan import HeldDrug
from pathway.lifecycle import StepStatus
from pathway.plan import Kind
from pathway.refusal import Refused
from pathway.state import PathwayStatus
from tests.pathway.tale import (
    ANAESTHETIST,
    CHECK,
    LEAVING,
    NADIA,
    RADIOLOGIST,
    WARD,
    Tale,
    on_apixaban,
    shown,
    wall,
)

D0 = "2027-02-16 09:30"


def signed() -> Tale:
    return on_apixaban().until_anaesthesia().signs_hold(("apixaban", 3, "B01AF02")).books("procedure", D0)


def done() -> Tale:
    tale = signed().at("2027-02-16 08:00").completes("preop_check", "go", WARD, **CHECK)
    tale.at("2027-02-16 10:20")
    return tale.completes(
        "procedure", "done", RADIOLOGIST, occurred="2027-02-16 10:10", cement_ml=2, biopsy_taken=False
    )


def test_until_a_plan_is_proposed_the_longest_delay_is_assumed() -> None:
    tale = on_apixaban().until_indication().books("procedure", "2027-03-02 09:30", confirmed=False)
    tale.books("anaesthesia_consult", "2027-02-09 10:00").at("2027-02-09 10:40")
    tale.completes("anaesthesia_consult", "fit", ANAESTHETIST, weight_kg=62, creatinine_umol_l=58)
    assert tale.due("hold_plan") == "2027-02-21 12:00"  # D-(7 + 2)
    tale.does(e.HoldProposed(by=ANAESTHETIST, drugs=(HeldDrug("apixaban", 3, "B01AF02"),)))
    assert tale.due("hold_plan") == "2027-02-25 12:00"  # D-(3 + 2)


def test_a_plan_not_signed_by_the_day_before_it_begins_makes_the_procedure_not_ready() -> None:
    tale = on_apixaban().until_anaesthesia("2027-02-23 09:30")
    tale.does(e.HoldProposed(by=ANAESTHETIST, drugs=(HeldDrug("apixaban", 3, "B01AF02"),)))
    tale.at("2027-02-18 11:00")
    assert [alert.role for alert in tale.alerts() if alert.level != "reminder"] == []
    tale.at("2027-02-18 12:00")
    assert [alert.role for alert in tale.alerts() if alert.level == "overdue"] == ["anaesthetist"]
    assert "procedure/not-ready" not in tale.flags()
    tale.at("2027-02-19 12:00")  # D-(3 + 1) noon
    (alert,) = [alert for alert in tale.alerts() if alert.level == "escalation"]
    assert (alert.role, alert.also) == ("lead_anaesthetist", ("radiologist",))
    assert "procedure/not-ready" in tale.flags()
    tale.signs_hold(("apixaban", 3, "B01AF02"))
    assert "procedure/not-ready" not in tale.flags()


def test_two_drugs_are_pointed_to_on_each_last_day_and_the_day_before_the_first() -> None:
    tale = on_apixaban().until_anaesthesia("2027-02-23 09:30")
    tale.signs_hold(("ticagrelor", 5, "B01AC24"), ("apixaban", 3, "B01AF02"))
    assert sorted(tale.planned("message/hold/").values()) == [
        "2027-02-17 10:00",
        "2027-02-18 10:00",
        "2027-02-20 10:00",
    ]


def test_a_hold_reminder_dies_on_its_day_and_a_sunday_does_not_stop_it() -> None:
    tale = on_apixaban().until_anaesthesia("2027-02-17 09:30").signs_hold(("apixaban", 3, "B01AF02"))
    messages = {shown(item.at): item for item in tale.plan().items if "message/hold/" in item.key}
    assert list(messages) == ["2027-02-13 10:00", "2027-02-14 10:00"]  # Saturday, Sunday
    assert shown(messages["2027-02-14 10:00"].until) == "2027-02-14 20:00"


def test_signed_too_late_for_any_message_is_told_by_telephone() -> None:
    tale = on_apixaban().until_anaesthesia().at("2027-02-13 20:30").signs_hold(("apixaban", 3, "B01AF02"))
    assert tale.planned("message/hold/") == {
        "procedure/1/message/hold/2.2027-02-13@1.1.1/call": "2027-02-13 20:30"
    }


def test_no_message_ever_says_more_than_that_an_instruction_is_waiting() -> None:
    tale = signed().at(D0)
    about_hold = [one for one in tale.sent if "/hold/" in one.key]
    assert [(one.template, shown(one.at)) for one in about_hold] == [
        ("instruction", "2027-02-12 10:00"),
        ("instruction", "2027-02-13 10:00"),
    ]
    for item in tale.plan().items:
        assert "apixaban" not in repr(item.data)


def test_only_a_signer_signs_and_only_for_a_standing_slot() -> None:
    tale = on_apixaban().until_anaesthesia()
    drugs = (HeldDrug("apixaban", 3, "B01AF02"),)
    with pytest.raises(Refused, match="Only a signer"):
        tale.does(e.HoldSigned(by=NADIA, drugs=drugs, text="x"))
    with pytest.raises(Refused, match="No drug is listed"):
        tale.does(e.HoldSigned(by=ANAESTHETIST, drugs=(), text="x"))
    with pytest.raises(Refused, match="Write the instruction"):
        tale.does(e.HoldSigned(by=ANAESTHETIST, drugs=drugs, text=" "))
    with pytest.raises(Refused, match="check the number"):
        tale.does(e.HoldSigned(by=ANAESTHETIST, drugs=(HeldDrug("apixaban", 10**9),), text="x"))
    tale.does(e.VisitCancelled(by=NADIA, step="procedure", reason="room closed"))
    with pytest.raises(Refused, match="Set the procedure's date first"):
        tale.does(e.HoldSigned(by=ANAESTHETIST, drugs=drugs, text="x"))


def test_a_rejected_hold_defers_the_pathway_with_its_own_day_to_look_again() -> None:
    tale = on_apixaban().until_anaesthesia()
    revisit = wall("2027-08-23 00:00").date().replace(day=23)
    tale.does(e.HoldRejected(by=ANAESTHETIST, reason="stent < 6 months", revisit=revisit))
    assert (tale.pathway.status, tale.pathway.end) == (PathwayStatus.ENDED, "deferred")
    assert tale.pathway.revisit == revisit
    assert list(tale.planned("rung/revisit").values()) == ["2027-08-23 08:00"]
    left = {item.step for item in tale.plan().items if item.kind is Kind.TASK}
    assert left == {"alternative_care/1", "healing_review/1", "antiplatelet_watch/1"}
    assert not [item for item in tale.plan().items if item.kind is Kind.MESSAGE]


def test_what_was_held_is_resumed_on_an_order_and_confirmed() -> None:
    tale = done()
    assert tale.due("resumption_order") == "2027-02-16 14:10"
    tale.watched().at("2027-02-17 11:00").completes("surveillance", "uneventful", WARD)
    with pytest.raises(Refused, match="resumption of every held drug"):
        tale.completes("discharge", "home", WARD, **LEAVING)
    with pytest.raises(Refused, match="may be recorded only by"):
        tale.completes("resumption_order", "ordered", NADIA, first_intake="2027-02-18T20:00+01:00", order="x")
    tale.completes(
        "resumption_order", "ordered", ANAESTHETIST, first_intake="2027-02-18T20:00+01:00", order="x"
    )
    tale.completes("discharge", "home", WARD, **LEAVING)
    assert tale.due("resumption_done") == "2027-02-19 20:00"
    assert tale.planned("resumption_done/1/message") == {
        "resumption_done/1/message/resumption/1/sms": "2027-02-18 18:00"
    }
    tale.at("2027-02-19 23:59")  # the later of D+3 and the signed day
    assert [alert.level for alert in tale.alerts() if alert.step and alert.step.key == "resumption_done"] == [
        "red"
    ]
    tale.completes("resumption_done", "resumed")


def test_a_resumption_signed_beyond_day_three_is_red_only_on_its_own_day() -> None:
    tale = done()
    tale.completes(
        "resumption_order", "ordered", ANAESTHETIST, first_intake="2027-02-21T08:00+01:00", order="x"
    )
    assert tale.planned("resumption_done/1/rung/red") == {"resumption_done/1/rung/red": "2027-02-21 23:59"}


def test_an_override_lets_the_date_stand_but_nobody_past_the_signer() -> None:
    tale = on_apixaban().until_anaesthesia()
    tale.does(e.GateOverridden(by=ANAESTHETIST, gate="G3", reason="emergency")).books("procedure", D0)
    assert tale.step("preop_check").status is StepStatus.WAITING, "it opens when the hold is settled"
    tale.at(D0)
    with pytest.raises(Refused, match="Consent must be recorded"):
        tale.does(e.GateOverridden(by=ANAESTHETIST, gate="G4", reason="emergency"))
    with pytest.raises(Refused, match="Too few days are left"):
        tale.does(e.StepStarted(by=RADIOLOGIST, step="procedure"))
