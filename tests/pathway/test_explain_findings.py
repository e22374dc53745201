"""Why, for findings, the watch, words owed to professionals, work on demand and computed hold plans."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from pathway import events as e
from pathway.checking.dice import Dice
from pathway.checking.reading import Reading
from pathway.decide import decide
from pathway.enrolment import enrol
from pathway.explaining.whole import explain, explain_one
from pathway.ground import Ground
from pathway.planned import Kind
from pathway.refusal import Refused
from pathway.state import Pathway
from tests.pathway.small import DESK, DOCTOR, T0, Small
from tests.pathway.tale import ANAESTHETIST, APIXABAN, LOADED, Tale
from tests.pathway.test_explain import judge

MINUTE = timedelta(minutes=1)
HIGH = "FR-2026-ELEVE"


@dataclass(frozen=True)
class State:
    """A pathway on its ground: all that an explanation reads."""

    pathway: Pathway
    ground: Ground


def test_a_finding_says_what_was_answered_and_what_it_does() -> None:
    story = Small().completes("triage").learns(infection=True)
    found = judge(story)["finding/C1"]
    assert found.holds
    assert found.at == story.pathway.flagged[0].since
    (told, *_) = found.inputs
    assert told.value is not None
    assert (told.value.en, bool(told.by)) == ("yes", True)
    assert judge(story)["flag/finding/C1"].source == found.source
    story.at(story.now + MINUTE)
    (alert,) = story.alerts()
    assert "the finding is there" in judge(story)[alert.key].because.en


def test_an_alarm_names_the_observations_that_raised_it_and_how_often_it_is_said() -> None:
    story = Small().operated().sees(T0, "hourly/1", motor=5, spo2=97, temperature=36.8)
    story.sees(T0 + 60 * MINUTE, "hourly/2", motor=4)
    story.at(story.now + 5 * MINUTE)
    found = judge(story)["alarm/neuro/1/rung/2"]
    assert found.kind == "alert"
    assert "call 2 of 3" in found.because.en
    assert [(given.what.en, given.value and given.value.en) for given in found.inputs] == [("Motor", "4")]
    assert found.rule is not None
    assert "Said again every 5 min until somebody answers" in found.rule.en


def test_a_missing_set_says_how_long_it_has_been_missing() -> None:
    story = Small().operated().sees(T0, "hourly/1", motor=5).at(T0 + 75 * MINUTE)
    (alert,) = story.alerts()
    assert (
        "15 min after the time of this set, which nobody has recorded" in judge(story)[alert.key].because.en
    )


def test_a_word_owed_to_a_professional_says_what_owes_it() -> None:
    story = Small().completes("triage").does(e.VisitBooked(by=DESK, step="procedure", start=T0))
    story.learns(DOCTOR, infection=True)
    (key,) = story.owed(Kind.CALL)
    found = judge(story)[key]
    assert found.kind == "notice"
    assert "the pathway ended" in found.because.en
    assert "owed until somebody records that it was done" in found.because.en
    assert judge(story)["cultures/1"].because.en.startswith("Asked for, ")


def _proposed() -> Tale:
    tale = Tale(antithrombotics=[APIXABAN])
    tale.pathway = replace(tale.pathway, patient=replace(tale.pathway.patient, gender="female"))
    tale.until_anaesthesia("2027-02-23 09:30")
    tale.does(e.HoldProposed(by=ANAESTHETIST, profile=HIGH))
    return tale


def test_a_computed_plan_says_its_profile_each_drugs_rule_and_what_other_texts_say() -> None:
    found = judge(_proposed())["hold"]
    known = {given.what.en: given.value.en for given in found.inputs if given.value}
    assert known["Hold profile"].startswith(HIGH)
    drug = next(part for part in found.parts if part.kind == "proposal")
    assert drug.source
    assert drug.rule is not None
    assert drug.rule.en == "last intake Sat 20 Feb 2027 (D-3)"
    assert {"Cockcroft–Gault", "CKD-EPI 2009", "Weight", "Creatinine", "Age"} <= known.keys()
    others = {part.title.en.split()[2] for part in drug.parts if part.title.en.startswith("Another text")}
    assert others == set(LOADED.ground.profiles) - {HIGH}
    assert found.rule is not None
    assert found.rule.en.startswith("To be signed by")


def test_a_plan_signed_otherwise_than_computed_says_so() -> None:
    tale = _proposed().signs_hold(("apixaban", 4, "B01AF02"))
    drug = explain_one("hold/1", tale.pathway, tale.ground)
    assert drug is not None
    assert drug.rule is not None
    assert drug.rule.en == "signed delay, other than computed (D-3): D-4"
    assert {one.key for one in explain(tale.pathway, tale.ground)} >= {"hold", "hold/1"}


@pytest.mark.parametrize("seed", range(3))
def test_wherever_random_events_lead_everything_there_is_explained(seed: int) -> None:
    ground, now = LOADED.ground, datetime(2027, 2, 1, 9, tzinfo=UTC)
    dice = Dice(Reading(ground.protocol), Random(seed))
    pathway = enrol("random", "p1", dice.referral(now), ground, at=now)
    seen = 0
    for _ in range(120):
        now += dice.time()
        try:
            pathway = decide(pathway, dice.event(pathway, now), ground, at=now)
        except Refused:
            continue
        judge(State(pathway, ground))
        seen += 1
    assert seen > 20
