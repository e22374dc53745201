"""What the door lets nobody do, and what somebody's word no longer covers."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from pathway import events as e
from pathway.refusal import Refused
from tests.pathway.tale import ANAESTHETIST, CHECK, LOADED, NADIA, RADIOLOGIST, WARD, on_apixaban, p01


def test_what_was_overridden_for_one_date_is_asked_again_for_another() -> None:
    tale = p01().until_indication().books("procedure", "2027-02-16 09:30", confirmed=False)
    tale.does(e.GateOverridden(by=ANAESTHETIST, gate="G3", reason="seen in the ward this morning"))
    tale.books("procedure", "2027-02-16 09:30")
    with pytest.raises(Refused, match="G3"):
        tale.does(e.VisitCancelled(by=NADIA, step="procedure", reason="theatre")).books(
            "procedure", "2027-02-18 09:30"
        )
    tale.books("procedure", "2027-02-16 09:30")


def test_the_procedure_does_not_begin_on_a_pathway_that_is_on_hold() -> None:
    tale = p01().until_confirmed().at("2027-02-16 08:15").completes("preop_check", "go", WARD, **CHECK)
    tale.does(e.PathwayHeld(by=RADIOLOGIST, reason="fever", revisit=date(2027, 2, 17)))
    with pytest.raises(Refused, match="on hold"):
        tale.does(e.StepStarted(by=RADIOLOGIST, step="procedure"))
    with pytest.raises(Refused, match="on hold"):
        tale.completes("procedure", "done", RADIOLOGIST, cement_ml=2, biopsy_taken=False)
    tale.does(e.PathwayResumed(by=RADIOLOGIST)).does(e.StepStarted(by=RADIOLOGIST, step="procedure"))


def test_nothing_is_deferred_without_a_day_to_look_again() -> None:
    tale = on_apixaban().until_anaesthesia()
    with pytest.raises(Refused, match="when to look at this pathway again"):
        tale.does(e.PathwayEnded(by=NADIA, end="deferred", reason="travels"))
    with pytest.raises(Refused, match="when to look at this pathway again"):
        tale.does(e.HoldRejected(by=ANAESTHETIST, reason="stent of last month"))
    tale.does(e.HoldRejected(by=ANAESTHETIST, reason="stent of last month", revisit=date(2027, 6, 1)))
    assert any("revisit" in key for key in tale.planned("rung"))


def test_the_protocol_says_how_long_a_hold_may_be() -> None:
    hold = replace(LOADED.protocol.hold, longest_offset_days=10)
    ground = replace(LOADED.ground, protocol=replace(LOADED.protocol, hold=hold))
    tale = on_apixaban(ground=ground).until_anaesthesia("2027-04-16 09:30")
    with pytest.raises(Refused, match="More than 10 days"):
        tale.signs_hold(("clopidogrel", 11, "B01AC04"))
    tale.signs_hold(("clopidogrel", 10, "B01AC04"))
