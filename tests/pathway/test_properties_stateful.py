"""What must hold after any sequence of events, told as a machine that hypothesis drives and shortens."""

import json
from datetime import timedelta
from random import Random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from pathway import events as e
from pathway.anchors import due
from pathway.checking.dice import Dice
from pathway.checking.reading import Reading
from pathway.codec import decode, encode
from pathway.decide import decide
from pathway.hold_plan import HoldStatus
from pathway.lifecycle import LIVE
from pathway.plan import Kind, Plan, plan
from pathway.planned import Item
from pathway.protocol import PatientMessage
from pathway.refusal import Refused
from pathway.state import Pathway, PathwayStatus, Step
from tests.pathway.tale import APIXABAN, LOADED, Tale
from tests.pathway.test_properties import EVERYBODY, any_event, helpful

GROUND, PROTOCOL = LOADED.ground, LOADED.protocol
READING = Reading(PROTOCOL)
SIGNED = (HoldStatus.SIGNED, HoldStatus.MODIFIED)
TO_THE_PATIENT = (Kind.MESSAGE, Kind.CALL, Kind.LETTER)


def rules_about(what: str) -> set[tuple[str, str]]:
    """Step and key of the messages to the patient that speak of this."""
    messages: list[tuple[str, PatientMessage]] = [
        (step.key, message) for step in PROTOCOL.steps for message in step.messages
    ]
    return {(step, message.key) for step, message in messages if message.about == what}


def about_the_hold(planned: Plan) -> list[Item]:
    """Messages that say when a drug is taken for the last time."""
    about = rules_about("hold")
    found = []
    for item in planned.items:
        parts = item.key.split("/")
        if item.kind is Kind.MESSAGE and len(parts) > 3 and (parts[0], parts[3]) in about:
            found.append(item)
    return found


class AnyHistory(RuleBasedStateMachine):
    """A pathway, a clock, and anything that may happen."""

    def __init__(self) -> None:
        super().__init__()
        self.tale = Tale()

    @initialize(
        drugs=st.sampled_from([None, [], [APIXABAN]]),
        begun=st.sampled_from(["referred", "validated", "seen"]),
    )
    def somebody_is_referred(self, drugs: list[object] | None, begun: str) -> None:
        self.tale = Tale(antithrombotics=drugs)
        if begun == "validated":
            self.tale.until_indication()
        elif begun == "seen":
            self.tale.until_anaesthesia()

    def happens(self, event: e.Event) -> None:
        before = self.tale.pathway
        try:
            self.tale.does(event)
        except Refused:
            assert self.tale.pathway is before

    @rule(data=st.data(), minutes=st.integers(0, 60 * 24 * 3))
    def anything_happens(self, data: st.DataObject, minutes: int) -> None:
        self.tale.now += timedelta(minutes=minutes)
        self.happens(data.draw(any_event(self.tale.now, self.tale.pathway)))

    @rule(seed=st.integers(0, 10_000), count=st.integers(1, 12))
    def some_of_what_is_awaited_happens(self, seed: int, count: int) -> None:
        dice = Dice(READING, Random(seed))
        for _ in range(count):
            self.tale.now += dice.time()
            self.happens(dice.event(self.tale.pathway, self.tale.now))

    @rule()
    def the_patient_refuses_messages_and_wants_them_again_at_once(self) -> None:
        if "sms" in self.tale.pathway.opted_out:
            return
        before, planned = self.tale.pathway, self.tale.plan()
        self.happens(e.ChannelOptedOut(by=EVERYBODY, channel="sms"))
        self.happens(e.ChannelOptedIn(by=EVERYBODY, channel="sms"))
        if self.tale.pathway.as_of == before.as_of:
            assert self.tale.plan() == planned, "equal states plan equally, however they were reached"

    @invariant()
    def the_plan_is_a_function_of_the_state(self) -> None:
        again = decode(Pathway, json.loads(json.dumps(encode(self.tale.pathway), allow_nan=False)))
        assert again == self.tale.pathway
        assert plan(again, GROUND) == self.tale.plan()

    @invariant()
    def no_message_speaks_of_a_hold_that_nobody_signed(self) -> None:
        hold = self.tale.pathway.hold
        if about_the_hold(self.tale.plan()):
            assert hold.status in SIGNED
            assert hold.signer
            assert hold.text

    @invariant()
    def an_expired_hold_leaves_no_live_message(self) -> None:
        if self.tale.pathway.hold.status is HoldStatus.EXPIRED:
            assert about_the_hold(self.tale.plan()) == []

    @invariant()
    def nothing_is_planned_for_the_dead_or_withdrawn(self) -> None:
        pathway = self.tale.pathway
        end = PROTOCOL.ends.get(pathway.end or "")
        if pathway.patient.deceased or (end is not None and end.silent):
            kinds = {item.kind for item in self.tale.plan().items}
            assert not kinds & {*TO_THE_PATIENT, Kind.TASK, Kind.VISIT, Kind.RUNG}

    @invariant()
    def overdue_work_stays_completable(self) -> None:
        pathway, now = self.tale.pathway, self.tale.now
        for step in pathway.unsettled():
            moment = due(step, pathway, GROUND)
            if step.status in LIVE and moment is not None and moment.instant < now:
                assert can_be_completed(step, pathway, self.tale), f"{step.ref} is late and cannot be done"


def can_be_completed(step: Step, pathway: Pathway, tale: Tale) -> bool:
    """Whether an outcome is recorded now, or only a gate, the pause or a missing answer stands in its way."""
    rule = PROTOCOL.step(step.key)
    if rule.kind == "hold":
        return True
    paused = pathway.status is PathwayStatus.ON_HOLD and step.key == PROTOCOL.procedure_step
    for outcome in rule.outcomes:
        event = e.StepCompleted(
            by=EVERYBODY, step=step.key, occurrence=step.occurrence, outcome=outcome.key, data=helpful(rule)
        )
        try:
            decide(pathway, event, GROUND, at=tale.now)
        except Refused as refusal:
            if refusal.gate is not None or refusal.kind == "invalid" or paused:
                return True
        else:
            return True
    return False


TestAnyHistory = AnyHistory.TestCase
TestAnyHistory.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
