"""Every deed there is, by its name in the address, and where each is offered."""

from __future__ import annotations

from app.web.deeds import Deed
from app.web.deeds_hold import Compute, DeclareDose, NotRequired, Propose, Refuse, Sign
from app.web.deeds_pathway import Acknowledge, End, Override, Pause, Resume, SettleCall, Snooze
from app.web.deeds_patient import ChangeContact, Died, NameCarer, OptIn, OptOut, RecordFact
from app.web.deeds_steps import Accept, Complete, Fail, Hold, Reject, Release, Start, Waive
from app.web.deeds_visits import Arrived, Book, Cancel, NoShow
from app.web.deeds_watch import Ask, Observe

TO_A_STEP: tuple[Deed, ...] = (
    Observe(),
    Book(),
    Arrived(),
    Start(),
    Complete(),
    Accept(),
    Release(),
    NoShow(),
    Cancel(),
    Hold(),
    Reject(),
    Fail(),
    Waive(),
)
TO_THE_HOLD: tuple[Deed, ...] = (Compute(), Sign(), Propose(), NotRequired(), Refuse(), DeclareDose())
TO_THE_PATHWAY: tuple[Deed, ...] = (Ask(), Resume(), Pause(), End())
TO_THE_PATIENT: tuple[Deed, ...] = (ChangeContact(), NameCarer(), Died())
OPT_OUT, OPT_IN = OptOut(), OptIn()
RECORD_FACT = RecordFact()
OVERRIDE = Override()
ACKNOWLEDGE = Acknowledge()
SNOOZE = Snooze()
SETTLE_CALL = SettleCall()

DEEDS: dict[str, Deed] = {
    deed.name: deed
    for deed in (
        *TO_A_STEP,
        *TO_THE_HOLD,
        *TO_THE_PATHWAY,
        *TO_THE_PATIENT,
        OPT_OUT,
        OPT_IN,
        RECORD_FACT,
        OVERRIDE,
        ACKNOWLEDGE,
        SNOOZE,
        SETTLE_CALL,
    )
}
