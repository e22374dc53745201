"""What a changed line could once have got wrong about a hold plan without a test noticing: each was a live mutant."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from pathway import events as e
from pathway.condition import Condition
from pathway.gates import holds
from pathway.hold_asked import inputs, interactions
from pathway.hold_asked import taken as drugs_taken
from pathway.hold_plan import HeldDrug, HoldStatus
from tests.pathway.tale import ANAESTHETIST, Tale, on_apixaban, wall

# --- proposed, signed, rejected -------------------------------------------------------------------------------


def test_a_rejected_plan_is_a_new_revision_with_a_date_and_keeps_no_word_of_the_old_one() -> None:
    tale = on_apixaban().until_anaesthesia("2027-02-23 09:30")
    tale.does(e.HoldProposed(by=ANAESTHETIST, drugs=(HeldDrug("apixaban", 3, "B01AF02"),)))
    before = tale.pathway.hold.revision
    tale.at("2027-02-10 09:00")
    tale.does(e.HoldRejected(by=ANAESTHETIST, reason="ask the cardiologist", revisit=date(2027, 2, 12)))
    hold = tale.pathway.hold
    assert (hold.status, hold.revision, hold.signed) == (HoldStatus.REJECTED, before + 1, tale.now)
    assert (hold.text, hold.drugs, hold.doses, hold.breached) == ("", (), (), None)
    assert hold.signer == "Dr Klein"


def test_a_drug_signed_under_another_name_but_its_own_code_is_as_it_was_proposed() -> None:
    def signed(*drugs: HeldDrug) -> HoldStatus:
        tale = on_apixaban().until_anaesthesia("2027-02-23 09:30")
        proposed = (HeldDrug("apixaban", 3, "B01AF02"), HeldDrug("fish oil", 3, ""))
        tale.does(e.HoldProposed(by=ANAESTHETIST, drugs=proposed))
        tale.does(e.HoldSigned(by=ANAESTHETIST, drugs=drugs, text="As said."))
        return tale.pathway.hold.status

    assert signed(HeldDrug("Eliquis", 3, "B01AF02"), HeldDrug("Fish oil", 3, "")) is HoldStatus.SIGNED
    assert signed(HeldDrug("apixaban", 3, "B01AF02"), HeldDrug("garlic", 3, "")) is HoldStatus.MODIFIED
    assert signed(HeldDrug("apixaban", 3, "B01AE07"), HeldDrug("fish oil", 3, "")) is HoldStatus.MODIFIED


def test_a_plan_proposed_by_hand_is_not_expired_by_another_start_of_the_procedure() -> None:
    tale = on_apixaban().until_anaesthesia("2027-02-23 09:30")
    tale.does(e.HoldProposed(by=ANAESTHETIST, drugs=(HeldDrug("apixaban", 3, "B01AF02"),)))
    tale.books("procedure", "2027-02-24 09:30", confirmed=False)
    assert tale.pathway.hold.status is HoldStatus.PROPOSED


# --- what the calculator is told of a patient -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("gender", "sex"),
    [("female", "female"), ("male", "male"), ("other", None), ("unknown", None), (None, None)],
)
def test_a_man_is_a_man_to_the_calculator_and_of_others_nothing_is_guessed(
    gender: str | None, sex: str | None
) -> None:
    tale = on_apixaban().until_anaesthesia()
    patient = replace(tale.pathway.patient, gender=gender)
    known = inputs(tale.pathway.but(patient=patient), tale.ground, wall("2027-02-16 09:30"))
    assert known.sex == sex
    assert known.weight_kg == 62
    assert known.weight_day == known.creatinine_day == date(2027, 2, 9)


def test_every_recent_event_on_record_reaches_the_calculator() -> None:
    events = {
        "stent_date": "2026-12-01",
        "stent_high_risk": True,
        "mi_date": "2026-12-02",
        "vte_date": "2026-12-03",
        "stroke_date": "2026-12-04",
    }
    tale = on_apixaban(facts=events)
    known = inputs(tale.pathway, tale.ground, wall("2027-02-16 09:30"))
    assert (known.stent, known.high_risk_stent) == (date(2026, 12, 1), True)
    assert (known.mi, known.vte, known.stroke) == (date(2026, 12, 2), date(2026, 12, 3), date(2026, 12, 4))
    assert (known.weight_kg, known.weight_day) == (None, None)


def test_what_is_signed_is_kept_word_for_word() -> None:
    tale = on_apixaban().until_anaesthesia("2027-02-23 09:30")
    tale.does(e.HoldProposed(by=ANAESTHETIST, drugs=(HeldDrug("apixaban", 3, "B01AF02"),)))
    since = tale.pathway.hold.since
    assert since == tale.now
    assert tale.pathway.hold.procedure_start == wall("2027-02-23 09:30")
    tale.at("2027-02-10 09:00").signs_hold(("apixaban", 3, "B01AF02"))
    assert tale.pathway.hold.text == "Dernière prise comme indiqué."
    assert tale.pathway.hold.since == since


# --- the hold again: what stands, what was taken back, what is taken at all -----------------------------------


def test_nothing_to_stop_is_signed_dated_and_for_this_start_of_the_procedure() -> None:
    tale = on_apixaban().until_anaesthesia("2027-02-23 09:30")
    before = tale.pathway.hold.revision
    tale.does(e.HoldNotRequired(by=ANAESTHETIST))
    hold = tale.pathway.hold
    assert (hold.status, hold.signer, hold.signed) == (HoldStatus.NOT_REQUIRED, "Dr Klein", tale.now)
    assert (hold.procedure_start, hold.revision) == (wall("2027-02-23 09:30"), before + 1)


def test_an_expired_plan_is_another_revision_and_what_ended_is_kept_when_nothing_is_to_be_stopped() -> None:
    tale = on_apixaban().until_anaesthesia("2027-02-23 09:30").signs_hold(("apixaban", 3, "B01AF02"))
    signed = tale.pathway.hold
    tale.books("procedure", "2027-02-24 09:30", confirmed=False)
    expired = tale.pathway.hold
    assert (expired.status, expired.revision) == (HoldStatus.EXPIRED, signed.revision + 1)
    tale.does(e.HoldNotRequired(by=ANAESTHETIST))
    assert tale.pathway.hold.ended == expired.ended


@pytest.mark.parametrize(("days", "status"), [(3, HoldStatus.SIGNED), (4, HoldStatus.MODIFIED)])
def test_a_late_dose_taken_back_leaves_the_plan_as_it_had_been_signed(days: int, status: HoldStatus) -> None:
    tale = on_apixaban().until_anaesthesia("2027-02-23 09:30")
    tale.does(e.HoldProposed(by=ANAESTHETIST, drugs=(HeldDrug("apixaban", 3, "B01AF02"),)))
    tale.signs_hold(("apixaban", days, "B01AF02")).at("2027-02-23 07:30")
    tale.does(e.LastDoseDeclared(by=ANAESTHETIST, drug="B01AF02", taken=wall("2027-02-22 20:00")))
    breached = tale.pathway.hold
    assert breached.status is HoldStatus.BREACHED
    tale.does(e.LastDoseDeclared(by=ANAESTHETIST, drug="B01AF02", taken=wall("2027-02-18 20:00")))
    hold = tale.pathway.hold
    assert (hold.status, hold.breached, hold.revision) == (status, None, breached.revision + 1)
    known = tale.pathway.fact("last_dose_respected")
    assert known is not None
    assert (known.value, known.source) == (True, "hold")


@pytest.mark.parametrize(
    ("drugs", "taken"),
    [
        ([{"atc": "B01AF02", "text": "apixaban", "status": "active"}], True),
        ([{"atc": "B01AF02", "text": "apixaban"}], True),  # nobody said that it was stopped
        ([{"atc": "B01AF02", "text": "apixaban", "status": "stopped"}], False),
        ([{"atc": "A02BC01", "text": "omeprazole", "status": "active"}], False),
        (["apixaban"], False),  # a word is no coded drug, and no reason to fall over
        ([], False),
    ],
)
def test_a_drug_counts_as_taken_while_nobody_has_said_that_it_was_stopped(
    drugs: list[Any], taken: bool
) -> None:
    tale = Tale(antithrombotics=drugs)
    assert holds(Condition(taken=("B01AF",)), tale.pathway, tale.ground) is taken


def test_a_drug_is_named_to_the_calculator_as_well_as_it_is_known() -> None:
    named = [
        {"atc": "?", "text": "un anticoagulant"},
        {"atc": "?"},
        {"atc": "B01AF02"},
        {"atc": "B01AF02", "text": "Eliquis", "status": "stopped"},
    ]
    tale = Tale(antithrombotics=named, facts={"medications": [{"atc": "J01FA09", "text": "clarithromycine"}]})
    assert [(one.atc, one.text) for one in drugs_taken(tale.pathway)] == [
        ("", "un anticoagulant"),
        ("", "?"),
        ("B01AF02", ""),
    ]
    profile = tale.ground.profiles["FR-2026-ELEVE"]
    assert interactions(tale.pathway, profile) == {"J01FA09", "clarithromycine"}
