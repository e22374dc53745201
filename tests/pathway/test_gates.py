"""Gates block with a sentence, are overridden by those who may, and never where a red flag stands."""

from typing import Any

import pytest

from pathway import events as e
from pathway.plan import Kind
from pathway.refusal import Refused
from pathway.state import Actor, PathwayStatus
from tests.pathway.tale import (
    ANAESTHETIST,
    CHECK,
    CONSULT,
    LEAVING,
    NADIA,
    NEOPLASTIC,
    RADIOLOGIST,
    WARD,
    Tale,
    on_apixaban,
    p01,
)

D0 = "2027-02-16 09:30"


def consulted(by: Actor = RADIOLOGIST, **answers: Any) -> Tale:
    tale = p01(facts={"pain_nrs": None}).at("2027-02-02 09:00").completes("triage", "accepted")
    tale.books("radiologist_consult", "2027-02-04 11:00").at("2027-02-04 11:30")
    said = {key: value for key, value in {**CONSULT, **answers}.items() if value is not None}
    return tale.completes("radiologist_consult", "seen", by, **said)


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        ("levels", "Say which vertebrae"),
        ("analgesia_tried", "Note the pain relief"),
        ("exam_matches_imaging", "must find the pain at the level"),
        ("mri_date", "Note the date of the MRI"),
        ("red_flag_infection", "infection must be excluded"),
        ("red_flag_neurological", "neurological deficit must be excluded"),
    ],
)
def test_g1_names_what_is_not_answered(missing: str, sentence: str) -> None:
    tale = consulted(**{missing: None})
    with pytest.raises(Refused, match=sentence) as refused:
        tale.completes("indication", "validated", RADIOLOGIST)
    assert refused.value.gate == "G1"
    tale.completes("indication", "validated", RADIOLOGIST, **{missing: CONSULT[missing]})


def test_a_missing_answer_is_overridden_by_the_radiologist_with_a_reason() -> None:
    tale = consulted(mri_date=None)
    with pytest.raises(Refused, match="may be overridden only by"):
        tale.does(e.GateOverridden(by=NADIA, gate="G1", reason="pacemaker"))
    with pytest.raises(Refused, match="Give the reason"):
        tale.does(e.GateOverridden(by=RADIOLOGIST, gate="G1", reason=" "))
    tale.does(e.GateOverridden(by=RADIOLOGIST, gate="G1", reason="pacemaker, CT instead"))
    tale.completes("indication", "validated", RADIOLOGIST)


@pytest.mark.parametrize("flag", ["red_flag_infection", "red_flag_neurological"])
def test_a_red_flag_is_never_overridden(flag: str) -> None:
    tale = consulted(**{flag: True}, by=WARD)
    with pytest.raises(Refused, match="must be excluded"):
        tale.does(e.GateOverridden(by=RADIOLOGIST, gate="G1", reason="I am sure"))


@pytest.mark.parametrize(
    ("flag", "end"),
    [("red_flag_infection", "diverted_infection"), ("red_flag_neurological", "diverted_spine_surgery")],
)
def test_a_red_flag_that_the_radiologist_records_diverts_the_pathway(flag: str, end: str) -> None:
    tale = consulted(**{flag: True}, by=RADIOLOGIST)
    assert (tale.pathway.status, tale.pathway.end) == (PathwayStatus.ENDED, end)


def test_a_suspected_infection_ends_the_pathway_with_its_name() -> None:
    tale = consulted(red_flag_infection=True, by=WARD).completes("indication", "infection", RADIOLOGIST)
    assert (tale.pathway.status, tale.pathway.end) == (PathwayStatus.ENDED, "diverted_infection")
    left = {item.step for item in tale.plan().items if item.kind is Kind.TASK}
    assert left == {"infectious_advice/1", "exam_blood_cultures/1", "exam_disc_biopsy/1"}
    assert not [item for item in tale.plan().items if item.kind is Kind.MESSAGE]


def test_a_neoplastic_fracture_needs_its_meeting() -> None:
    tale = Tale(cause="neoplastic").at("2027-02-02 09:00").completes("triage", "accepted")
    tale.at("2027-02-04 11:30").completes("radiologist_consult", "seen", RADIOLOGIST, **CONSULT)
    with pytest.raises(Refused, match="multidisciplinary meeting"):
        tale.completes("indication", "validated", RADIOLOGIST)
    tale.completes("indication", "validated", RADIOLOGIST, **{**NEOPLASTIC, "mdt_date": "2027-02-05"})


def test_a_deferred_indication_is_looked_at_again_on_its_day() -> None:
    tale = consulted()
    with pytest.raises(Refused, match="Fill in “Look again on”"):
        tale.completes("indication", "deferred", RADIOLOGIST)
    tale.completes("indication", "deferred", RADIOLOGIST, revisit="2027-03-15")
    assert list(tale.planned("revisit").values()) == ["2027-03-15 08:00"]


def test_g2_needs_weight_and_blood_only_of_those_who_take_something() -> None:
    tale = on_apixaban().until_indication().books("procedure", "2027-02-23 09:30", confirmed=False)
    tale.at("2027-02-09 10:40").completes("anaesthesia_consult", "fit", ANAESTHETIST)
    with pytest.raises(Refused, match=r"Note the weight\. A creatinine less than a year old"):
        tale.signs_hold(("apixaban", 3, "B01AF02"))
    free = p01().until_indication().books("procedure", "2027-02-23 09:30", confirmed=False)
    free.at("2027-02-09 10:40").completes("anaesthesia_consult", "fit", ANAESTHETIST)
    free.does(e.HoldNotRequired(by=ANAESTHETIST))


def test_a_list_on_which_everything_was_stopped_is_no_answer() -> None:
    stopped = [{"atc": "B01AF02", "text": "apixaban", "status": "stopped", "dose": None}]
    tale = Tale(antithrombotics=stopped).until_anaesthesia()
    with pytest.raises(Refused, match="silence is not a no"):
        tale.does(e.HoldNotRequired(by=ANAESTHETIST))


def test_g3_keeps_the_date_unconfirmed_until_anaesthesia_and_hold_are_settled() -> None:
    tale = p01().until_indication().books("procedure", D0, confirmed=False)
    with pytest.raises(Refused, match="at least 2 days before") as refused:
        tale.books("procedure", D0)
    assert "neither signed nor stated" in str(refused.value)
    assert refused.value.gate == "G3"
    assert {"G3/0", "G3/1"} <= tale.flags()


def test_a_consult_on_the_eve_is_too_late_whatever_the_hour() -> None:
    tale = p01().until_indication().books("procedure", "2027-02-10 17:00", confirmed=False)
    tale.at("2027-02-09 08:00").completes("anaesthesia_consult", "fit", ANAESTHETIST)
    tale.does(e.HoldNotRequired(by=ANAESTHETIST))
    with pytest.raises(Refused, match="at least 2 days before"):
        tale.books("procedure", "2027-02-10 17:00")
    tale.books("procedure", "2027-02-11 08:00")


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ({"temperature_c": 38.0}, "must be below 38.0"),
        ({"fasting_ok": False}, "Fasting must be confirmed"),
        ({"consent_recorded": None}, "Consent must be recorded"),
        ({"no_new_deficit": False}, "No new neurological deficit"),
        ({"preanaesthesia_visit": None}, "pre-anaesthesia visit"),
    ],
)
def test_g4_is_asked_before_a_go(answer: dict[str, Any], sentence: str) -> None:
    tale = p01().until_confirmed().at("2027-02-16 08:15")
    said = {key: value for key, value in {**CHECK, **answer}.items() if value is not None}
    with pytest.raises(Refused, match=sentence):
        tale.completes("preop_check", "go", WARD, **said)


def test_yesterdays_answers_do_not_pass_todays_check() -> None:
    tale = p01().until_confirmed().at("2027-02-16 08:15").completes("preop_check", "go", WARD, **CHECK)
    tale.does(e.VisitBooked(by=NADIA, step="procedure", start=tale.now.replace(day=23)))
    tale.at("2027-02-23 08:00")
    with pytest.raises(Refused, match="Fasting must be confirmed"):
        tale.completes("preop_check", "go", WARD)


def test_the_procedure_starts_only_after_a_go_and_the_go_is_asked_again() -> None:
    tale = p01().until_confirmed().at(D0)
    with pytest.raises(Refused):
        tale.does(e.StepStarted(by=RADIOLOGIST, step="procedure"))
    tale.completes("preop_check", "go", WARD, **CHECK)
    tale.does(e.StepHeld(by=WARD, step="procedure", reason="fever"))
    tale.does(e.StepReleased(by=WARD, step="procedure"))
    from pathway.referral import Fact

    fever = Fact("temperature_c", 38.4, tale.now, "ward", "Observation/8310-5")
    tale.does(e.FactsRecorded(by=WARD, facts=(fever,)))
    with pytest.raises(Refused, match="C1b: fever"):
        tale.does(e.StepStarted(by=RADIOLOGIST, step="procedure"))


def test_g5_waits_for_24_hours_and_g6_for_its_three() -> None:
    tale = p01().until_done().at("2027-02-17 09:00").completes("surveillance", "uneventful", WARD)
    with pytest.raises(Refused, match=r"24 hours have not passed.*Not every observation set"):
        tale.completes("discharge", "home", WARD, **LEAVING)
    tale.watched().at("2027-02-17 10:10").completes("discharge", "home", WARD, **LEAVING)
    tale.completes("biopsy_result", "benign").completes("biopsy_ack", "acknowledged", RADIOLOGIST)
    tale.completes("bone_owner", "declined").at("2027-03-11 10:00")
    tale.completes("review", "seen", RADIOLOGIST, pain_nrs=2)
    with pytest.raises(Refused, match="Nobody has accepted the bone-health"):
        tale.completes("closing", "closed")
    tale.does(e.GateOverridden(by=RADIOLOGIST, gate="G6", reason="declined, written to the GP"))
    with pytest.raises(Refused, match="Nobody has accepted the bone-health"):
        tale.completes("closing", "closed")
    tale.does(e.GateOverridden(by=NADIA, gate="G6", reason="declined, written to the GP"))
    tale.completes("closing", "closed")


@pytest.mark.parametrize(
    "step", ["radiologist_consult", "indication", "preop_check", "procedure", "discharge", "closing"]
)
def test_nobody_waives_a_gate_away_with_its_step(step: str) -> None:
    with pytest.raises(Refused, match="cannot be waived"):
        p01().until_home().does(e.StepWaived(by=RADIOLOGIST, step=step, reason="in a hurry"))


def test_answers_are_checked_and_dates_kept_in_one_form() -> None:
    tale = consulted(mri_date=None)
    for wrong in ("20 January", "0001-01-01", 20270129, True):
        with pytest.raises(Refused, match="expects a day like"):
            tale.completes("indication", "validated", RADIOLOGIST, mri_date=wrong)
    tale.completes("indication", "validated", RADIOLOGIST, mri_date="20270129")
    fact = tale.pathway.fact("mri_date")
    assert fact is not None
    assert fact.value == "2027-01-29"
    for wrong in (float("nan"), float("inf"), "62"):
        with pytest.raises(Refused, match="expects a number"):
            tale.completes("anaesthesia_consult", "fit", ANAESTHETIST, weight_kg=wrong)
