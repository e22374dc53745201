"""A hold plan's whole life: computed, signed so or otherwise, expired, breached, replaced; and nothing forgotten."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pathway import events as e
from pathway.codec import decode, encode
from pathway.gates import unmet
from pathway.ground import Ground
from pathway.hold_asked import taken
from pathway.hold_plan import HeldDrug, HoldPlan, HoldStatus
from pathway.lifecycle import StepStatus
from pathway.referral import Fact
from pathway.refusal import Refused
from tests.pathway.tale import ANAESTHETIST, APIXABAN, LOADED, NADIA, RADIOLOGIST, WARD, Tale, shown, wall

HIGH = "FR-2026-ELEVE"
D0 = "2027-02-23 09:30"


def patient(*drugs: dict[str, Any], gender: str = "female", **more: Any) -> Tale:
    """A woman of 79 whose procedure stands on a Tuesday; seen by the anaesthetist a fortnight before."""
    tale = Tale(antithrombotics=list(drugs) or [APIXABAN], **more)
    tale.pathway = replace(tale.pathway, patient=replace(tale.pathway.patient, gender=gender))
    return tale.until_anaesthesia(D0)


def proposed(*drugs: dict[str, Any], **more: Any) -> Tale:
    return patient(*drugs, **more).does(e.HoldProposed(by=ANAESTHETIST, profile=HIGH))


def learns(tale: Tale, **facts: Any) -> Tale:
    known = tuple(Fact(key, value, tale.now, "Dr Klein", "test") for key, value in facts.items())
    return tale.does(e.FactsRecorded(by=ANAESTHETIST, facts=known))


def messages(tale: Tale) -> list[str]:
    return [key for key in tale.planned("message/hold/") if not key.endswith("/call")]


def declares(tale: Tale, when: str, drug: str = "B01AF02", by: Any = WARD) -> Tale:
    return tale.does(e.LastDoseDeclared(by=by, drug=drug, taken=wall(when)))


# --- proposed ---------------------------------------------------------------------------------------------


def test_one_press_proposes_every_line_with_its_profile_and_its_inputs() -> None:
    plan = proposed().pathway.hold
    answer = plan.answer
    assert answer is not None
    assert plan.status is HoldStatus.PROPOSED
    assert plan.drugs == (HeldDrug("apixaban", 3, "B01AF02"),)
    assert (answer.profile, answer.digest) == (HIGH, LOADED.ground.profiles[HIGH].digest)
    assert answer.inputs.weight_kg == 62
    assert answer.inputs.creatinine_day == wall("2027-02-09 10:40").date()
    assert answer.cockcroft_gault == pytest.approx(68, abs=0.5)
    assert answer.ckd_epi == pytest.approx(84, abs=0.5)
    assert {one.profile for one in answer.drugs[0].others} == set(LOADED.ground.profiles) - {HIGH}


def test_a_plan_is_stored_and_read_without_loss() -> None:
    plan = proposed({**APIXABAN, "dose": "2,5 mg matin et soir"}, {"atc": "B01AC06", "text": "aspirine"})
    assert decode(HoldPlan, encode(plan.pathway.hold)) == plan.pathway.hold


def test_what_is_proposed_reaches_nobody_and_opens_no_gate() -> None:
    tale = proposed()
    assert messages(tale) == []
    missing = unmet(tale.ground.protocol.gate("G3"), tale.pathway, tale.ground)
    assert any("hold plan" in one.need.reason.en for one in missing)


def test_the_deadline_counts_the_longest_that_the_answer_leaves_open() -> None:
    aspirin = {"atc": "B01AC06", "text": "aspirine", "indication": "secondary"}
    tale = proposed(APIXABAN, aspirin)
    assert tale.pathway.hold.max_offset_days == 3
    assert tale.due("hold_plan") == "2027-02-18 12:00"  # D-(3 + 2)


def test_a_refusal_and_a_deferral_propose_no_day_and_say_why() -> None:
    tale = learns(patient({"atc": "B01AE07", "text": "dabigatran"}), creatinine_umol_l=152)
    tale.does(e.HoldProposed(by=ANAESTHETIST, profile=HIGH))
    plan = tale.pathway.hold
    assert plan.answer is not None
    assert (plan.answer.status, plan.drugs) == ("refused", ())
    assert "hold/refused" in tale.flags()
    assert tale.step("hold_advice").status is StepStatus.OPEN
    tale.at(tale.now + timedelta(minutes=1))
    (alert,) = [one for one in tale.alerts() if one.step and one.step.key == "hold_advice"]
    assert (alert.role, alert.also) == ("anaesthetist", ("haemostasis", "prescriber"))
    assert "procedure/not-ready" in tale.flags()
    tale.completes("hold_advice", "released", ANAESTHETIST, advice="replaced by cardiology")
    assert tale.pathway.hold.status is HoldStatus.EXPIRED
    stented = proposed(
        {"atc": "B01AC06", "text": "aspirine"},
        {"atc": "B01AC24", "text": "ticagrélor"},
        facts={"mi_date": "2027-01-25"},
    )
    assert "hold/deferred" in stented.flags()
    assert stented.pathway.hold.drugs == ()


def test_the_calculator_says_what_it_needs() -> None:
    tale = Tale(antithrombotics=[APIXABAN]).until_anaesthesia(D0)
    with pytest.raises(Refused, match="cannot be used here; there are: FR-2026-ELEVE"):
        tale.does(e.HoldProposed(by=ANAESTHETIST, profile="NOWHERE"))
    with pytest.raises(Refused, match="not both"):
        tale.does(e.HoldProposed(by=ANAESTHETIST, profile=HIGH, drugs=(HeldDrug("x", 3),)))
    answer = tale.does(e.HoldProposed(by=ANAESTHETIST, profile=HIGH)).pathway.hold.answer
    assert answer is not None
    assert answer.status == "refused", "nobody has said whether the patient is a woman or a man"
    none = Tale(antithrombotics=[]).until_anaesthesia(D0)
    with pytest.raises(Refused, match="not required"):
        none.does(e.HoldProposed(by=ANAESTHETIST, profile=HIGH))
    none.does(e.VisitCancelled(by=NADIA, step="procedure", reason="room closed"))
    with pytest.raises(Refused, match="Set the procedure's date first"):
        none.does(e.HoldProposed(by=ANAESTHETIST, profile=HIGH))


def test_a_centre_may_do_without_the_calculator() -> None:
    ground = LOADED.ground
    protocol = replace(ground.protocol, hold=replace(ground.protocol.hold, profile=None))
    tale = Tale(antithrombotics=[APIXABAN], ground=Ground(protocol, ground.calendar, ground.profiles))
    tale.until_anaesthesia(D0)
    with pytest.raises(Refused, match="does without the calculator"):
        tale.does(e.HoldProposed(by=ANAESTHETIST, profile=HIGH))
    tale.does(e.HoldProposed(by=ANAESTHETIST, drugs=(HeldDrug("apixaban", 3, "B01AF02"),)))
    assert tale.pathway.hold.answer is None


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ({"atc": "B01AF02", "dose": "2,5 mg matin et soir"}, (None, "twice", None)),
        ({"atc": "B01AF01", "dose": "20 mg le soir"}, (None, "once", "evening")),
        ({"atc": "B01AF01", "dose": "15 mg x2/j"}, ("lead-in", "twice", None)),
        ({"atc": "B01AF02", "dose": "10 mg matin et soir"}, ("lead-in", "twice", None)),
        ({"atc": "B01AB05", "dose": "6000 UI x 2, curatif"}, ("therapeutic", "twice", None)),
        ({"atc": "B01AB05", "dose": "4000 UI le soir, préventif"}, ("prophylactic", "once", "evening")),
        (
            {"atc": "B01AB05", "dose_class": "therapeutic", "frequency": "od-evening"},
            ("therapeutic", "once", "evening"),
        ),
        ({"atc": "B01AB01", "text": "héparine IV seringue électrique"}, ("iv", None, None)),
        ({"atc": "B01AA03", "dose": None}, (None, None, None)),
    ],
)
def test_the_words_of_a_dose_are_read_as_far_as_they_are_plain(
    said: dict[str, Any], read: tuple[Any, ...]
) -> None:
    (drug,) = taken(Tale(antithrombotics=[{"text": "x", "status": "active", **said}]).pathway)
    assert (drug.dose_class, drug.frequency, drug.taken) == read


def test_a_drug_that_was_stopped_is_not_asked_about_and_one_without_a_code_is_refused() -> None:
    stopped = {**APIXABAN, "status": "stopped"}
    tale = proposed(stopped, {"text": "un anticoagulant", "status": "active"})
    answer = tale.pathway.hold.answer
    assert answer is not None
    assert [one.status for one in answer.drugs] == ["refused"]


# --- signed, or signed otherwise --------------------------------------------------------------------------


def test_what_is_signed_as_it_was_proposed_is_signed() -> None:
    tale = proposed().signs_hold(("apixaban", 3, "B01AF02"))
    hold = tale.pathway.hold
    assert hold.status is HoldStatus.SIGNED
    assert hold.answer is not None
    assert hold.proposed == ()


def test_what_is_signed_otherwise_is_modified_stands_and_keeps_what_was_proposed() -> None:
    tale = proposed().signs_hold(("apixaban", 4, "B01AF02"))
    hold = tale.pathway.hold
    assert (hold.status, hold.stands) == (HoldStatus.MODIFIED, True)
    assert hold.proposed == (HeldDrug("apixaban", 3, "B01AF02"),)
    assert len(messages(tale)) == 2
    assert not any(
        "hold plan" in one.need.reason.en
        for one in unmet(tale.ground.protocol.gate("G3"), tale.pathway, tale.ground)
    )


def test_to_choose_one_of_the_answers_offered_is_no_modification() -> None:
    aspirin = {"atc": "B01AC06", "text": "aspirine", "indication": "secondary"}
    goes_on = proposed(APIXABAN, aspirin).signs_hold(("apixaban", 3, "B01AF02"))
    assert goes_on.pathway.hold.status is HoldStatus.SIGNED
    stops = proposed(APIXABAN, aspirin).signs_hold(("apixaban", 3, "B01AF02"), ("aspirine", 3, "B01AC06"))
    assert stops.pathway.hold.status is HoldStatus.SIGNED
    longer = proposed(APIXABAN, aspirin).signs_hold(("apixaban", 3, "B01AF02"), ("aspirine", 5, "B01AC06"))
    assert longer.pathway.hold.status is HoldStatus.MODIFIED
    left_out = proposed(APIXABAN, aspirin).signs_hold(("aspirine", 3, "B01AC06"))
    assert left_out.pathway.hold.status is HoldStatus.MODIFIED


def test_a_plan_that_nobody_proposed_is_signed_as_it_is() -> None:
    tale = patient().signs_hold(("apixaban", 5, "B01AF02"))
    assert (tale.pathway.hold.status, tale.pathway.hold.answer) == (HoldStatus.SIGNED, None)


def test_a_rejected_proposal_keeps_what_was_proposed_the_reason_and_the_day() -> None:
    revisit = wall("2027-08-23 00:00").date() + timedelta(days=1)
    tale = proposed().does(e.HoldRejected(by=ANAESTHETIST, reason="stent < 6 months", revisit=revisit))
    hold = tale.pathway.hold
    assert (hold.status, hold.reason, hold.revisit) == (HoldStatus.REJECTED, "stent < 6 months", revisit)
    assert hold.drugs == ()
    assert hold.proposed == (HeldDrug("apixaban", 3, "B01AF02"),)
    assert messages(tale) == []


# --- expired ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "facts",
    [
        {"creatinine_umol_l": 152},
        {"weight_kg": 52},
        {"antithrombotics": [{"atc": "B01AF01", "text": "rivaroxaban", "status": "active"}]},
        {"stent_date": "2027-02-01"},
        {"mi_date": "2027-02-01"},
        {"vte_date": "2027-02-01"},
        {"interacting_drug": True},
        {"medications": [{"atc": "C08DA01", "text": "vérapamil", "status": "active"}]},
    ],
    ids=lambda facts: next(iter(facts)),
)
@pytest.mark.parametrize("days", [3, 4])
def test_a_change_of_what_it_was_reasoned_from_expires_a_signed_plan(
    facts: dict[str, Any], days: int
) -> None:
    tale = learns(proposed().signs_hold(("apixaban", days, "B01AF02")), **facts)
    assert tale.pathway.hold.status is HoldStatus.EXPIRED
    assert next(iter(facts)) in tale.pathway.hold.reason
    assert messages(tale) == []


@pytest.mark.parametrize(
    "facts",
    [
        {"creatinine_umol_l": 58},
        {"pain_nrs": 4},
        {"medications": [{"atc": "N02BE01", "text": "paracétamol", "status": "active"}]},
    ],
    ids=lambda facts: next(iter(facts)),
)
def test_what_changes_nothing_expires_nothing(facts: dict[str, Any]) -> None:
    tale = learns(proposed().signs_hold(("apixaban", 3, "B01AF02")), **facts)
    assert tale.pathway.hold.status is HoldStatus.SIGNED


@pytest.mark.parametrize("moved", ["2027-02-23 10:00", "2027-02-25 09:30"])
@pytest.mark.parametrize("signed", [False, True])
def test_another_day_or_another_hour_of_the_procedure_expires_it(moved: str, signed: bool) -> None:
    tale = proposed()
    if signed:
        tale.signs_hold(("apixaban", 3, "B01AF02"))
        assert messages(tale)
    tale.books("procedure", moved, confirmed=False)
    assert tale.pathway.hold.status is HoldStatus.EXPIRED
    assert messages(tale) == []


def test_a_new_plan_takes_the_place_of_an_expired_one_and_nothing_signed_is_forgotten() -> None:
    tale = proposed().signs_hold(("apixaban", 3, "B01AF02"))
    tale.books("procedure", "2027-02-25 09:30", confirmed=False)
    tale.does(e.HoldProposed(by=ANAESTHETIST, profile=HIGH)).signs_hold(("apixaban", 4, "B01AF02"))
    tale.books("procedure", "2027-02-26 09:30", confirmed=False).signs_hold(("apixaban", 3, "B01AF02"))
    hold = tale.pathway.hold
    assert hold.status is HoldStatus.SIGNED
    assert [one.status for one in hold.earlier] == [HoldStatus.SUPERSEDED, HoldStatus.SUPERSEDED]
    assert [shown(one.procedure_start)[:10] for one in hold.earlier] == ["2027-02-23", "2027-02-25"]
    assert [one.drugs[0].last_intake_offset_days for one in hold.earlier] == [3, 4]
    assert all(one.signer == "Dr Klein" and one.signed for one in hold.earlier)


# --- breached ---------------------------------------------------------------------------------------------


def until_the_eve() -> Tale:
    return proposed().signs_hold(("apixaban", 3, "B01AF02")).at("2027-02-23 07:30")


def test_a_dose_inside_the_window_breaches_the_plan_and_is_said_in_red() -> None:
    tale = declares(until_the_eve(), "2027-02-22 20:00")
    hold = tale.pathway.hold
    assert (hold.status, hold.stands) == (HoldStatus.BREACHED, False)
    assert [(one.in_time, one.by) for one in hold.doses] == [(False, "Inès Petit")]
    assert "hold/breached" in tale.flags()
    tale.at("2027-02-23 07:31")
    heard = {role for alert in tale.alerts() if alert.level == "red" for role in (alert.role, *alert.also)}
    assert {"anaesthetist", "radiologist"} <= heard
    missing = {
        one.need.reason.en for one in unmet(tale.ground.protocol.gate("G4"), tale.pathway, tale.ground)
    }
    assert any("last intake" in reason.lower() for reason in missing)


@pytest.mark.parametrize(
    ("taken_at", "status"),
    [
        ("2027-02-20 20:00", HoldStatus.SIGNED),
        ("2027-02-20 23:59", HoldStatus.SIGNED),
        ("2027-02-21 00:00", HoldStatus.BREACHED),
    ],
)
def test_the_whole_day_of_the_last_intake_is_in_time(taken_at: str, status: HoldStatus) -> None:
    tale = declares(until_the_eve(), taken_at)
    assert tale.pathway.hold.status is status
    respected = tale.pathway.fact("last_dose_respected")
    assert respected is not None
    assert respected.value is (status is HoldStatus.SIGNED)


@pytest.mark.parametrize(("taken_at", "in_time"), [("2027-02-22 09:30", True), ("2027-02-22 09:31", False)])
def test_an_item_in_hours_is_late_a_minute_after_its_limit(taken_at: str, in_time: bool) -> None:
    enoxaparin = {"atc": "B01AB05", "text": "énoxaparine", "dose": "6000 UI x 2, curatif", "status": "active"}
    tale = proposed(enoxaparin).signs_hold(("énoxaparine", 1, "B01AB05")).at("2027-02-23 07:30")
    declares(tale, taken_at, "énoxaparine")
    assert tale.pathway.hold.stands is in_time


def test_every_drug_is_declared_before_the_last_dose_counts_as_respected() -> None:
    tale = patient(APIXABAN, {"atc": "B01AC04", "text": "clopidogrel"})
    tale.signs_hold(("apixaban", 3, "B01AF02"), ("clopidogrel", 5, "B01AC04")).at("2027-02-23 07:30")
    declares(tale, "2027-02-20 20:00")
    assert tale.pathway.fact("last_dose_respected") is None
    declares(tale, "2027-02-18 08:00", "clopidogrel")
    known = tale.pathway.fact("last_dose_respected")
    assert known is not None
    assert known.value is True


def test_only_a_signer_takes_a_late_dose_back() -> None:
    tale = declares(until_the_eve(), "2027-02-22 20:00")
    with pytest.raises(Refused, match="Only a signer"):
        declares(tale, "2027-02-20 20:00")
    declares(tale, "2027-02-20 20:00", by=ANAESTHETIST)
    assert tale.pathway.hold.status is HoldStatus.SIGNED


def test_what_cannot_be_declared_is_refused() -> None:
    with pytest.raises(Refused, match="No signed hold plan stands"):
        declares(proposed(), "2027-02-20 20:00")
    tale = until_the_eve()
    with pytest.raises(Refused, match="not in the signed plan; there are: apixaban"):
        declares(tale, "2027-02-20 20:00", "warfarine")
    with pytest.raises(Refused, match="lies in the future"):
        declares(tale, "2027-02-23 08:00")


def test_a_breached_plan_is_planned_again_for_another_day() -> None:
    tale = declares(until_the_eve(), "2027-02-22 20:00")
    tale.books("procedure", "2027-03-02 09:30", confirmed=False)
    assert tale.pathway.hold.status is HoldStatus.EXPIRED
    tale.does(e.HoldProposed(by=RADIOLOGIST, profile=HIGH)).signs_hold(("apixaban", 3, "B01AF02"))
    hold = tale.pathway.hold
    assert hold.status is HoldStatus.SIGNED
    assert hold.doses == ()
    assert hold.earlier[0].doses[0].in_time is False
