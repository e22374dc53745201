"""What is noted beside a state changes no answer: with notes and without, the same is decided and planned."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pathway import events as e
from pathway.codec import decode, encode
from pathway.decide import decide
from pathway.ground import Ground
from pathway.hanging import EVERYTHING, hanging
from pathway.ladders import alerts
from pathway.plain import plainly
from pathway.plan import Kind, plan
from pathway.protocol import Condition
from pathway.records import Told
from pathway.refusal import Refused
from pathway.state import Actor, Pathway, PathwayStatus
from tests.pathway.small import DOCTOR, NURSE, SMALL, START, Small, step
from tests.pathway.tale import APIXABAN, LOADED, Tale
from tests.pathway.test_properties import any_event


def without_notes(pathway: Pathway) -> Pathway:
    """The same state as the database would give it back."""
    return decode(Pathway, json.loads(json.dumps(encode(pathway))))


def after(pathway: Pathway, event: e.Event, ground: Ground, at: datetime) -> Pathway | str:
    """What is decided, or the sentence of the refusal."""
    try:
        return decide(pathway, event, ground, at=at)
    except Refused as refusal:
        return refusal.text.en


def same_answers(noted: Pathway, event: e.Event, ground: Ground, at: datetime) -> Pathway:
    """The state after the event. With notes and without, everything is answered alike."""
    with_notes, fresh = after(noted, event, ground, at), after(without_notes(noted), event, ground, at)
    assert with_notes == fresh
    if isinstance(with_notes, str):
        return noted
    bare = without_notes(with_notes)
    assert plan(with_notes, ground) == plan(bare, ground)
    assert alerts(with_notes, ground) == alerts(bare, ground)
    return with_notes


def told(pathway: Pathway, ground: Ground) -> Pathway:
    """The state once the next message of the plan has left."""
    message = next((item for item in plan(pathway, ground).items if item.kind is Kind.MESSAGE), None)
    if message is None:
        return pathway
    slots = ()
    if "slot_start" in message.data:
        start = datetime.fromisoformat(message.data["slot_start"])
        slot = (message.data["slot_step"], message.data["slot_occurrence"], message.data["slot_revision"])
        slots = (Told(*slot, start),)
    return pathway.but(said=(*pathway.said, message.key), told=(*pathway.told, *slots))


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_state_with_notes_and_the_same_without_go_the_same_way(data: st.DataObject) -> None:
    tale = Tale(antithrombotics=data.draw(st.sampled_from([None, [], [APIXABAN]])))
    stage = data.draw(st.integers(0, 3))
    if stage == 1:
        tale.until_indication()
    elif stage == 2 or (stage == 3 and tale.pathway.fact("antithrombotics") is not None):
        tale.until_anaesthesia()
    for _ in range(data.draw(st.integers(1, 20))):
        tale.now += timedelta(minutes=data.draw(st.integers(0, 60 * 24 * 12)))
        if data.draw(st.booleans()):
            tale.pathway = told(tale.pathway, tale.ground)
        event = data.draw(any_event(tale.now, tale.pathway))
        tale.pathway = same_answers(tale.pathway, event, tale.ground, tale.now)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["fires", "watches", "takes", "learns"]), st.integers(0, 600)), max_size=15
    )
)
def test_the_watch_and_its_alarms_are_noted_rightly(acts: list[tuple[str, int]]) -> None:
    story = Small().operated()
    for act, minutes in acts:
        story.now += timedelta(minutes=minutes)
        pathway, ground = story.pathway, story.ground
        rungs = [item.key for item in plan(pathway, ground).items if item.kind is Kind.RUNG]
        standing = [alert.key for alert in alerts(pathway, ground)]
        events: dict[str, e.Event] = {
            "fires": e.RungFired(by=NURSE, key=rungs[0] if rungs else ""),
            "watches": e.ObservationsRecorded(by=NURSE, values={"motor": minutes % 6}, round="hourly/1"),
            "takes": e.AlertAcknowledged(by=DOCTOR, key=standing[0] if standing else ""),
            "learns": e.StepAsked(by=DOCTOR, step="scan", reason="pain"),
        }
        story.pathway = same_answers(pathway, events[act], ground, story.now)


# --- plain moves ---


def plain(steps: list[dict[str, Any]], *, procedure: str) -> dict[str, Any]:
    """The small protocol with these steps and nothing else."""
    kept = ("protocol", "version", "url", "title", "hours", "messaging", "roles")
    hold = {**SMALL["hold"], "step": steps[0]["key"]}
    bare = {key: SMALL[key] for key in kept}
    return {**bare, "hold": hold, "procedure_step": procedure, "ends": {}, "gates": [], "steps": steps}


@st.composite
def nets(draw: st.DrawFn) -> dict[str, Any]:
    """A protocol of plain steps, each waiting for some of those before it, perhaps for one outcome."""
    steps: list[dict[str, Any]] = []
    for number in range(draw(st.integers(2, 7))):
        waits = draw(st.lists(st.integers(0, number - 1), max_size=2, unique=True)) if number else []
        after = [
            {"step": f"s{one}", **({"outcome": ["done"]} if draw(st.booleans()) else {})} for one in waits
        ]
        outcomes = [{"key": key, "title": {"fr": key, "en": key}} for key in ("done", "other")]
        window = {"due": [{"from": "opened", "hours": draw(st.sampled_from([1, 24]))}]}
        steps.append(step(f"s{number}", "radiologist", after=after, outcomes=outcomes, window=window))
    return plain(steps, procedure=f"s{draw(st.integers(0, len(steps) - 1))}")


@settings(max_examples=60, deadline=None)
@given(nets(), st.data())
def test_a_plain_move_is_what_the_rules_would_make_of_it(net: dict[str, Any], data: st.DataObject) -> None:
    story = Small(net)
    pathway, ground, at = story.pathway, story.ground, START
    for _ in range(data.draw(st.integers(1, 12))):
        at += timedelta(minutes=data.draw(st.sampled_from([0, 10, 90, 60 * 30])))
        key = data.draw(st.sampled_from([one.key for one in pathway.steps]))
        outcome = data.draw(st.sampled_from(["done", "done", "other"]))
        event = e.StepCompleted(by=DOCTOR, step=key, outcome=outcome)
        pathway = same_answers(pathway, event, ground, at)


def test_on_a_line_every_move_is_plain_until_somebody_is_late() -> None:
    line = [step(f"s{n}", after=[{"step": f"s{n - 1}"}] if n else []) for n in range(8)]
    story = Small(plain(line, procedure="s7"))
    for number in range(8):
        event = e.StepCompleted(by=DOCTOR, step=f"s{number}", outcome="done")
        late = story.now + timedelta(days=2)
        assert plainly(story.pathway, event, story.ground, late) is None
        assert plainly(story.pathway, event, story.ground, story.now) is not None
        story.does(event)
    assert story.pathway.status is PathwayStatus.COMPLETED


def test_a_protocol_that_says_more_is_not_plain() -> None:
    ladder = [{"key": "late", "at": {"from": "due"}, "to": "ward", "level": "overdue"}]
    story = Small(plain([step("s0", ladder=ladder), step("s1")], procedure="s1"))
    assert (
        plainly(story.pathway, e.StepCompleted(by=DOCTOR, step="s0", outcome="done"), story.ground, START)
        is None
    )


# --- what things hang on ---


def test_what_the_protocol_as_shipped_asks_is_all_understood() -> None:
    bits = hanging(LOADED.protocol)
    unread = [
        key for table in (bits.opens, bits.dates, bits.words) for key, mask in table.items() if mask < 0
    ]
    assert not unread, "these steps are worked out again after every event"


def test_what_is_not_understood_hangs_on_everything() -> None:
    assert hanging(LOADED.protocol).of(Condition(rule="observations-complete")) == EVERYTHING


def test_nobody_is_to_be_looked_at_again_once_they_have_died() -> None:
    """Deferred, and then dead: a history that the random ones found once in thousands."""
    tale = Tale(antithrombotics=None).until_anaesthesia()
    by = Actor("Dr Tous", "clinician", tuple(tale.ground.protocol.roles))
    deferred = e.HoldRejected(by=by, reason="because", revisit=date(2027, 3, 1))
    for event in (deferred, e.PatientDied(by=by)):
        tale.pathway = same_answers(tale.pathway, event, tale.ground, tale.now)
    assert not [item for item in tale.plan().items if "revisit" in item.key]
