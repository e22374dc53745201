"""What must hold for any history: only refusals are raised, the plan is the state's alone, settled stays settled."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pathway import events as e
from pathway.codec import decode, encode
from pathway.decide import settle
from pathway.hold_plan import HeldDrug, HoldStatus
from pathway.ladders import REVISIT
from pathway.lifecycle import SETTLED, STEP_MOVES, StepStatus
from pathway.plan import Kind, diff, plan
from pathway.protocol import Answer, StepRule
from pathway.records import Carer
from pathway.referral import Contact, Fact
from pathway.refusal import Refused
from pathway.state import Actor, Pathway
from tests.pathway.tale import APIXABAN, LOADED, Tale, wall

PROTOCOL, GROUND = LOADED.protocol, LOADED.ground
STEPS = [step.key for step in PROTOCOL.steps]
EVERYBODY = Actor("Dr Tous", "clinician", tuple(PROTOCOL.roles))
NOBODY = Actor("Personne")

who = st.sampled_from([EVERYBODY, EVERYBODY, EVERYBODY, NOBODY])
minutes = st.integers(-60 * 24 * 3, 60 * 24 * 40).map(lambda count: timedelta(minutes=count))
reasons = st.sampled_from(["because", "because", " "])


def value_for(answer: Answer) -> st.SearchStrategy[Any]:
    kinds: dict[str, st.SearchStrategy[Any]] = {
        "number": st.one_of(st.integers(0, 300), st.floats()),
        "text": st.text(max_size=5),
        "yes-no": st.booleans(),
        "date": st.dates().map(str),
        "instant": st.datetimes().map(lambda at: at.isoformat() + "+01:00"),
        "choice": st.sampled_from([*answer.choice_keys, "other"]),
        "table": st.sampled_from([[], [{}], [{"level": "T12"}]]),
    }
    return st.one_of(kinds[answer.kind], kinds[answer.kind], st.none(), st.just([1]))


GOOD: dict[str, Any] = {
    "temperature_c": 36.8,
    "exam_matches_imaging": True,
    "red_flag_infection": False,
    "red_flag_neurological": False,
}


def helpful(rule: StepRule) -> dict[str, Any]:
    """Answers with which a step usually passes, so that histories get beyond the first gates."""
    by_kind = {
        "table": [],
        "number": 5,
        "text": "x",
        "yes-no": True,
        "date": "2027-03-01",
        "instant": "2027-03-01T08:00:00+01:00",
    }
    return {
        one.key: GOOD.get(one.key, one.choice_keys[0] if one.choices else by_kind[one.kind])
        for one in rule.answers
    }


@st.composite
def completed(draw: st.DrawFn, now: datetime, pathway: Pathway) -> e.Event:
    key = draw(st.sampled_from([step.key for step in pathway.steps if step.status is not StepStatus.WAITING]))
    rule = PROTOCOL.step(key)
    outcome = draw(
        st.sampled_from([rule.outcomes[0].key, rule.outcomes[0].key, *(o.key for o in rule.outcomes)])
    )
    data = helpful(rule)
    if draw(st.integers(0, 3)) == 0:
        data = {one.key: draw(value_for(one)) for one in rule.answers}
    occurred = draw(st.one_of(st.none(), st.none(), minutes.map(lambda by: now - abs(by))))
    return e.StepCompleted(by=draw(who), step=key, outcome=outcome, data=data, occurred=occurred)


@st.composite
def any_event(draw: st.DrawFn, now: datetime, pathway: Pathway) -> e.Event:
    by = draw(who)
    step = draw(st.sampled_from(STEPS))
    drugs = st.lists(
        st.builds(HeldDrug, st.just("drug"), st.integers(-1, 80), st.sampled_from(["", "B01AF02"])),
        max_size=2,
    ).map(tuple)
    slots = minutes.map(lambda ahead: now + ahead)
    facts = st.builds(
        Fact,
        st.sampled_from(["antithrombotics", "weight_kg", "creatinine_umol_l", "temperature_c"]),
        st.sampled_from([[], [APIXABAN], 62, 62.5, "62", None, {"a": 1}]),
        minutes.map(lambda by_: now - by_),
        st.just("laboratory"),
        st.just("Observation"),
    )
    rungs = [item.key for item in plan(pathway, GROUND).items if item.kind is Kind.RUNG]
    messages = [item.key for item in plan(pathway, GROUND).items if item.kind is Kind.MESSAGE]
    fired = [one.key for one in pathway.fired]
    builders: list[Callable[[], e.Event]] = [
        lambda: draw(completed(now, pathway)),
        lambda: draw(completed(now, pathway)),
        lambda: draw(completed(now, pathway)),
        lambda: e.VisitBooked(
            by=by,
            step=step,
            start=draw(slots),
            place=draw(st.text(max_size=3)),
            confirmed=draw(st.booleans()),
        ),
        lambda: e.VisitBooked(by=by, step="procedure", start=now + timedelta(days=draw(st.integers(3, 30)))),
        lambda: e.VisitBooked(by=by, step=step, start=draw(st.datetimes(timezones=st.just(now.tzinfo)))),
        lambda: e.VisitCancelled(by=by, step=step, reason=draw(reasons)),
        lambda: e.VisitArrived(by=by, step=step),
        lambda: e.VisitMissed(by=by, step=step),
        lambda: e.StepStarted(by=by, step=step),
        lambda: e.StepReceived(by=by, step=step),
        lambda: e.StepAccepted(by=by, step=step, owner=draw(st.sampled_from(["A", "B"]))),
        lambda: e.StepRejected(by=by, step=step, reason=draw(reasons)),
        lambda: e.StepFailed(by=by, step=step, reason=draw(reasons)),
        lambda: e.StepWaived(by=by, step=step, reason=draw(reasons)),
        lambda: e.StepHeld(by=by, step=step, reason=draw(reasons)),
        lambda: e.StepReleased(by=by, step=step),
        lambda: e.StepStarted(by=by, step="nowhere", occurrence=draw(st.one_of(st.none(), st.integers()))),
        lambda: e.HoldProposed(by=by, drugs=draw(drugs)),
        lambda: e.HoldSigned(by=by, drugs=draw(drugs), text=draw(reasons)),
        lambda: e.HoldNotRequired(by=by),
        lambda: e.HoldRejected(by=by, reason=draw(reasons), revisit=draw(st.one_of(st.none(), st.dates()))),
        lambda: e.FactsRecorded(by=by, facts=tuple(draw(st.lists(facts, max_size=3)))),
        lambda: e.GateOverridden(
            by=by, gate=draw(st.sampled_from([*(g.key for g in PROTOCOL.gates), "G0"])), reason=draw(reasons)
        ),
        lambda: e.RungFired(by=by, key=draw(st.sampled_from([*rungs, "x", REVISIT]))),
        lambda: e.AlertAcknowledged(by=by, key=draw(st.sampled_from([*fired, "x"]))),
        lambda: e.MessageUndelivered(
            by=by,
            key=draw(st.sampled_from([*messages, "a/1/message/b/1/sms"])),
            how=draw(st.sampled_from(["failed", "bounced", "uncertain", "too-late"])),
            reason="x",
        ),
        lambda: e.ChannelOptedOut(by=by, channel=draw(st.sampled_from(["sms", "email", "fax"]))),
        lambda: e.ChannelOptedIn(by=by, channel="sms"),
        lambda: e.ContactChanged(by=by, contact=draw(st.builds(Contact, mobile=st.just("+33600000002")))),
        lambda: e.CarerNamed(by=by, carer=draw(st.one_of(st.none(), st.builds(Carer, st.just("Anne"))))),
        lambda: e.PathwayHeld(by=by, reason=draw(reasons), revisit=draw(st.dates())),
        lambda: e.PathwayResumed(by=by),
    ]
    if draw(st.integers(0, 40)) == 0:
        return draw(
            st.sampled_from(
                [
                    e.PatientDied(by=by),
                    e.PathwayEnded(by=by, end="withdrawn", reason="x"),
                    e.PathwayEnded(by=by, end="nowhere", reason="x"),
                ]
            )
        )
    return draw(st.sampled_from(builders))()


def check(before: Pathway, after: Pathway) -> None:
    again = decode(Pathway, json.loads(json.dumps(encode(after), allow_nan=False)))
    assert again == after
    wanted = plan(after, GROUND)
    assert plan(again, GROUND) == wanted, "the plan depends on the state alone"
    assert settle(after, GROUND) == after, "there is nothing left to draw"
    assert len({item.key for item in wanted.items}) == len(wanted.items), "one key, one thing"
    for item in wanted.items:
        assert item.kind is not Kind.TASK or not item.live or item.at is not None, "every wait has a deadline"
        assert item.at is None or item.until is None or item.until > item.at or item.kind is Kind.CALL
    for step in before.steps:
        now = after.at(step.key, step.occurrence)
        assert now is not None
        if step.status in SETTLED:
            assert now.status is step.status
        assert now.status is step.status or now.status in _reachable(step.status)
    if after.patient.deceased:
        assert not [item for item in wanted.items if item.kind in (Kind.MESSAGE, Kind.CALL, Kind.LETTER)]
    procedure = after.last("procedure")
    assert procedure is not None
    if procedure.status is StepStatus.IN_PROGRESS or procedure.outcome == "done":
        assert any(step.outcome == "go" for step in after.steps if step.key == "preop_check")
        assert after.hold.stands or after.hold.status in (HoldStatus.NOT_REQUIRED, HoldStatus.BREACHED)
        assert any(step.outcome == "validated" for step in after.steps if step.key == "indication")
    diff(plan(before, GROUND), wanted, after)


def _reachable(status: StepStatus) -> frozenset[StepStatus]:
    """A step may be moved more than once by one event: a waiting one opens and its check is dropped."""
    return frozenset(STEP_MOVES[status] | {two for one in STEP_MOVES[status] for two in STEP_MOVES[one]})


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_any_history_is_refused_in_a_sentence_or_leaves_a_state_that_says_everything(
    data: st.DataObject,
) -> None:
    none_or_some = data.draw(st.sampled_from([None, [], [APIXABAN]]))
    onset = data.draw(st.sampled_from([None, wall("2027-01-20 12:00").date()]))
    tale = Tale(antithrombotics=none_or_some, onset=onset)
    stage = data.draw(st.integers(0, 3))
    if stage == 1:
        tale.until_indication()
    elif stage == 2:
        tale.until_anaesthesia()
    elif stage == 3 and none_or_some == []:
        tale.until_done()
    check(tale.pathway, tale.pathway)
    for _ in range(data.draw(st.integers(1, 25))):
        tale.now += abs(data.draw(minutes)) / 4
        event = data.draw(any_event(tale.now, tale.pathway))
        before = tale.pathway
        refusal = None
        try:
            tale.does(event)
        except Refused as error:
            refusal = error
        if refusal is not None:
            assert refusal.text.fr
            assert refusal.text.en
            assert tale.pathway is before
        else:
            assert e.from_data(json.loads(json.dumps(e.to_data(event)))) == event
            check(before, tale.pathway)
