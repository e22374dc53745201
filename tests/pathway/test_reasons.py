"""Jalon's own reasons have a side in each language, and what a person wrote stays as it was written."""

import re
from pathlib import Path

import pytest

import pathway
from pathway import events as e
from pathway.plan import plan
from pathway.protocol_words import fact_title
from pathway.reasons import REASONS, reason
from pathway.wording import same
from tests.pathway.tale import LOADED, NADIA, RADIOLOGIST, on_apixaban, p01

PROTOCOL = LOADED.protocol
ROOT = Path(pathway.__file__).parents[1]
NUMBERS = re.compile(r"[\d:.,°/ J-]*")


def test_every_phrase_that_the_code_stores_as_a_reason_has_words() -> None:
    stored = set()
    for package in ("pathway", "store", "scheduler"):
        for file in (ROOT / package).rglob("*.py"):
            if "checking" in file.parts:  # its random events give reasons as people would
                continue
            text = file.read_text(encoding="utf-8")
            stored |= set(re.findall(r"""\breason ?= ?"([a-z][^"{]+[^": ])"[,)\n]""", text))
            stored |= set(re.findall(r"""(?:expire_hold|procedure_moved)\([^"]*"([^"{]+)"\)""", text))
    stored -= {"pathway ended: deceased"}
    assert "the procedure has moved" in stored
    assert {one for one in stored if one not in REASONS and reason(one, PROTOCOL) == same(one)} <= {
        "their copy had moved on"  # of a FHIR write: never shown
    }


@pytest.mark.parametrize(
    ("stored", "fr", "en"),
    [
        (
            "pathway ended: declined",
            "parcours arrêté : Refusé par le patient",
            "the pathway has ended: Declined by the patient",
        ),
        ("sms: failed", "SMS : non remis", "SMS: not delivered"),
        (
            "done:indication +2 wd",
            "Validation de l'indication (faite) +2 j ouvrés",
            "Indication (done) +2 working d",
        ),
        ("procedure -3 d 10:00", "intervention −3 j 10:00", "procedure −3 d 10:00"),
        (
            "quiet hours, and later it is of no use",
            "heures de repos, et plus tard il ne sert plus",
            "quiet hours, and later it is of no use",
        ),
        ("il pleut", "il pleut", "il pleut"),
        ("", "", ""),
    ],
)
def test_what_is_stored_becomes_words(stored: str, fr: str, en: str) -> None:
    said = reason(stored, PROTOCOL)
    assert (said.fr, said.en) == (fr, en)


def test_findings_alarms_missing_sets_and_changed_facts_are_named_by_their_titles() -> None:
    flag = PROTOCOL.red_flags[0]
    assert flag.title.fr in reason(f"finding {flag.key}", PROTOCOL).fr
    assert PROTOCOL.surveillance is not None
    alarm, first = PROTOCOL.surveillance.alarms[0], PROTOCOL.surveillance.rounds[0]
    assert reason(f"alarm {alarm.key}", PROTOCOL) == alarm.title
    other = PROTOCOL.surveillance.alarm("cardiorespiratory")
    assert other is not None
    assert reason(other.key, PROTOCOL) == other.title, "what an alarm calls for has its key as the reason"
    assert reason(f"{first.key} 2 +15 min", PROTOCOL).fr.startswith("relevé manquant depuis 15 min")
    changed = reason("changed: weight_kg, antithrombotics", PROTOCOL)
    assert (
        changed.fr
        == f"a changé : {fact_title('weight_kg', PROTOCOL).fr}, {fact_title('antithrombotics', PROTOCOL).fr}"
    )


def test_nothing_that_is_planned_says_its_reason_in_one_language() -> None:
    moved = on_apixaban().until_anaesthesia().signs_hold(("apixaban", 3, "B01AF02"))
    moved.books("procedure", "2027-02-16 09:30").at("2027-02-14 10:00").books("procedure", "2027-02-26 09:30")
    malignant = p01().until_home().at("2027-02-18 16:40").completes("biopsy_result", "malignant")
    held = p01().until_indication().does(e.StepHeld(by=RADIOLOGIST, step="dxa", reason="machine en panne"))
    held.does(e.ChannelOptedOut(by=NADIA, channel="sms"))
    for tale in (moved, malignant, held):
        items = plan(tale.pathway, tale.ground)
        given = [item.why for item in (*items.items, *items.late)]
        given += [step.reason for step in tale.pathway.steps]
        given += [step.visit.reason for step in tale.pathway.steps if step.visit]
        given += [tale.pathway.hold.reason, tale.pathway.reason]
        alone = {why for why in given if why and reason(why, PROTOCOL) == same(why)}
        assert alone <= {"machine en panne"}
    assert "Malin" in reason(malignant.step("dxa").reason, PROTOCOL).fr
