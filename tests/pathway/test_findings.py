"""Red flags, work on demand, words owed to professionals, tables, and gates that two people pass."""

from datetime import date, timedelta
from typing import Any

import pytest

from pathway import events as e
from pathway.codec import Malformed, decode, encode
from pathway.gates import unmet
from pathway.ladders import ladders
from pathway.lifecycle import StepStatus
from pathway.plan import plan
from pathway.planned import Kind
from pathway.protocol import read_protocol
from pathway.refusal import Refused
from pathway.state import Actor, Pathway, PathwayStatus
from tests.pathway.small import CLOCK, DESK, DOCTOR, SLEEP, SMALL, START, T0, Small, said

DAY = timedelta(days=1)


def at_the_gate(story: Small) -> list[str]:
    return [
        one.need.reason.en for one in unmet(story.ground.protocol.gate("GO"), story.pathway, story.ground)
    ]


# --- red flags --------------------------------------------------------------------------------------------


def test_a_physician_who_records_an_infection_diverts_the_patient_and_leaves_the_cultures_to_take() -> None:
    story = Small().completes("triage").does(e.VisitBooked(by=DESK, step="procedure", start=T0))
    story.learns(DOCTOR, infection=True)
    assert (story.pathway.status, story.pathway.end) == (PathwayStatus.ENDED, "diverted")
    assert story.step("procedure").status is StepStatus.CANCELLED
    assert story.step("cultures").status is StepStatus.OPEN
    assert story.owed(Kind.CALL) == {"pathway/1/notice/diverted.infectious": "gp"}
    assert not [item for item in story.plan().items if item.kind is Kind.MESSAGE]


def test_heard_from_anybody_else_it_stops_and_alerts_but_ends_nothing() -> None:
    story = Small().completes("triage").learns(infection=True).at(START)
    assert story.pathway.status is PathwayStatus.ACTIVE
    assert [(alert.role, alert.level) for alert in story.alerts()] == [("radiologist", "red")]
    assert {flag.key: flag.blocking for flag in story.plan().flags} == {"finding/C1": True}
    story.does(e.VisitBooked(by=DESK, step="procedure", start=T0)).at(T0).learns(inr=1)
    with pytest.raises(Refused, match="C1: infection suspected"):
        story.does(e.StepStarted(by=DOCTOR, step="procedure"))
    for who in (DOCTOR, SLEEP):
        with pytest.raises(Refused, match="C1: infection suspected"):
            story.does(e.GateOverridden(by=who, gate="GO", reason="all the same"))
    story.learns(infection=False)
    assert story.pathway.flagged == ()
    story.does(e.StepStarted(by=DOCTOR, step="procedure"))


@pytest.mark.parametrize(
    ("stent", "stands"),
    [("2026-09-02", False), ("2026-09-03", True), ("2026-08-31", False), ("not a day", True)],
)
def test_six_months_are_calendar_months_before_the_procedure(stent: str, stands: bool) -> None:
    story = (
        Small(stent_date=stent).completes("triage").does(e.VisitBooked(by=DESK, step="procedure", start=T0))
    )
    assert ("C12: recent stent." in at_the_gate(story)) is stands


def test_a_finding_asks_for_its_examination_once() -> None:
    story = Small().learns(weak_bone=True)
    assert story.step("scan").occurrence == 1
    story.learns(weak_bone=True)
    assert [step.ref for step in story.pathway.steps if step.key == "scan"] == ["scan/1"]


# --- work on demand ---------------------------------------------------------------------------------------


def test_an_examination_exists_once_it_is_asked_for_and_as_often() -> None:
    story = Small()
    assert story.pathway.last("scan") is None
    story.does(e.StepAsked(by=DOCTOR, step="scan", reason="new pain", due=date(2027, 3, 5)))
    story.does(e.StepAsked(by=DOCTOR, step="scan", reason="again"))
    due = {item.key: item.at for item in story.plan().items if item.kind is Kind.TASK and "scan" in item.key}
    assert due["scan/1/task"] == START.replace(day=5, hour=17)
    assert due["scan/2/task"] == START + DAY
    story.at(START + 2 * DAY)
    assert [alert.step.ref for alert in story.alerts() if alert.step] == ["scan/2"]


def test_what_opens_by_itself_cannot_be_asked_for_and_a_past_day_neither() -> None:
    with pytest.raises(Refused, match="cannot be asked for; these can: scan"):
        Small().does(e.StepAsked(by=DOCTOR, step="triage", reason="again"))
    with pytest.raises(Refused, match="is past"):
        Small().does(e.StepAsked(by=DOCTOR, step="scan", reason="late", due=date(2027, 2, 28)))


def test_an_ended_pathway_still_finishes_what_its_end_left_to_do() -> None:
    story = Small().learns(DOCTOR, infection=True)
    with pytest.raises(Refused, match="has ended"):
        story.completes("triage")
    story.at(START + 2 * DAY)
    late = {f"cultures/1/rung/late/letter/{role}": role for role in ("gp", "radiologist")}
    assert story.owed(Kind.LETTER) == late
    story.completes("cultures")
    assert story.owed(Kind.LETTER) == {}
    assert story.pathway.status is PathwayStatus.ENDED


def test_death_takes_back_what_an_end_had_left_to_do() -> None:
    story = Small().learns(DOCTOR, infection=True).does(e.PatientDied(by=DESK))
    assert story.step("cultures").status is StepStatus.CANCELLED
    assert plan(story.pathway, story.ground).items == ()
    assert list(ladders(story.pathway, story.ground)) == []


def test_the_pathway_is_complete_although_some_work_was_never_asked_for() -> None:
    story = Small().operated().at(T0 + DAY).completes("watch")
    assert story.pathway.status is PathwayStatus.ACTIVE
    story.does(e.ObservationsRecorded(by=DOCTOR, values={"motor": 5}, round="last/1"))
    for round_ in ("hourly/1", "hourly/2", "hourly/3"):
        story.does(e.ObservationsRecorded(by=DOCTOR, values={"motor": 5}, round=round_))
    story.completes("leave")
    assert story.pathway.status is PathwayStatus.COMPLETED


# --- words owed -------------------------------------------------------------------------------------------


def test_an_outcome_owes_a_word_until_somebody_has_said_it() -> None:
    story = Small().completes("triage", "scanned")
    assert story.step("scan").status is StepStatus.OPEN
    assert story.owed(Kind.LETTER) == {"triage/1/notice/gp": "gp"}
    story.does(e.CallSettled(by=DESK, key="triage/1/notice/gp", note="sent"))
    assert story.owed(Kind.LETTER) == {}


# --- gates that two pass ----------------------------------------------------------------------------------


def test_two_different_people_of_two_groups_pass_such_a_gate() -> None:
    story = Small().completes("triage").does(e.HoldNotRequired(by=SLEEP))
    story.does(e.VisitBooked(by=DESK, step="procedure", start=T0))
    story.does(e.GateOverridden(by=DOCTOR, gate="GO", reason="emergency"))
    assert at_the_gate(story) == ["INR"]
    story.does(e.GateOverridden(by=SLEEP, gate="GO", reason="emergency"))
    assert at_the_gate(story) == []


def test_one_person_with_both_functions_does_not_pass_it_alone() -> None:
    both = Actor("Dr Seul", "clinician", ("radiologist", "anaesthetist"))
    story = Small().completes("triage").does(e.VisitBooked(by=DESK, step="procedure", start=T0))
    for _ in range(2):
        story.does(e.GateOverridden(by=both, gate="GO", reason="emergency"))
    assert at_the_gate(story) == ["INR"]
    with pytest.raises(Refused, match="may be overridden only by: radiologist, anaesthetist"):
        story.does(e.GateOverridden(by=DESK, gate="GO", reason="emergency"))


def test_blood_counts_when_drawn_the_day_before_or_on_the_day() -> None:
    story = Small().completes("triage").does(e.VisitBooked(by=DESK, step="procedure", start=T0 + 7 * DAY))
    story.at(T0 + 5 * DAY).learns(inr=1.1)
    assert at_the_gate(story) == ["INR"]
    story.at(T0 + 6 * DAY).learns(inr=1.1)
    assert at_the_gate(story) == []


def test_for_a_monday_it_is_drawn_on_the_friday_and_again_on_the_day() -> None:
    monday = T0 + 6 * DAY
    assert monday.weekday() == 0
    story = Small().completes("triage").does(e.VisitBooked(by=DESK, step="procedure", start=monday))
    story.at(monday - 3 * DAY).learns(inr=1.1)
    assert at_the_gate(story) == ["INR"]
    story.at(monday - timedelta(hours=2)).learns(inr=1.2)
    assert at_the_gate(story) == []


# --- tables -----------------------------------------------------------------------------------------------


def test_a_table_keeps_a_row_a_vertebra_and_drops_empty_ones() -> None:
    story = Small().completes("triage").does(e.HoldNotRequired(by=SLEEP))
    story.does(e.VisitBooked(by=DESK, step="procedure", start=T0)).at(T0).learns(inr=1)
    rows: list[dict[str, Any]] = [
        {"level": "T12", "cement_ml": 2.5},
        {"level": "", "cement_ml": None},
        {"level": "L1"},
    ]
    story.completes("procedure", levels=rows)
    assert story.step("procedure").data["levels"] == [{"level": "T12", "cement_ml": 2.5}, {"level": "L1"}]


@pytest.mark.parametrize(
    ("rows", "field"),
    [
        ("T12", "data.levels"),
        ([1], "data.levels"),
        ([{"side": "left"}], "data.levels[0].side"),
        ([{"level": "T12"}, {"level": "C1"}], "data.levels[1].level"),
        ([{"cement_ml": 200}], "data.levels[0].cement_ml"),
    ],
)
def test_a_wrong_cell_is_named(rows: Any, field: str) -> None:
    story = Small().completes("triage").does(e.HoldNotRequired(by=SLEEP))
    story.does(e.VisitBooked(by=DESK, step="procedure", start=T0)).at(T0).learns(inr=1)
    with pytest.raises(Refused) as refused:
        story.completes("procedure", levels=rows)
    assert refused.value.field == field


# --- the state and the file -------------------------------------------------------------------------------


def test_what_was_seen_and_found_is_stored_and_read_back() -> None:
    story = Small().operated().sees(T0, "hourly/1", motor=5).sees(T0 + DAY, motor=3).learns(weak_bone=True)
    assert decode(Pathway, encode(story.pathway)) == story.pathway


@pytest.mark.parametrize(
    ("place", "value", "complaint"),
    [
        (("red_flags", 0, "stops"), ["G9"], "there is no gate 'G9'"),
        (("red_flags", 0, "end"), None, "goes with the effect divert"),
        (("red_flags", 1, "stops"), [], "say which gates it stops"),
        (("red_flags", 2, "opens"), ["triage"], "which is not on_demand"),
        (("ends", "withdrawn", "opens"), ["scan"], "opens and tells nothing"),
        (("gates", 0, "both"), [["nobody"]], "there is no role 'nobody'"),
        (("surveillance", "alarms", 0, "any_of"), [{"item": "pulse"}], "there is no item 'pulse'"),
        (("surveillance", "alarms", 0, "to"), [], "needs somebody who hears it"),
        (("surveillance", "rounds", 0, "red"), 5, "red not before amber"),
        (("steps", 5, "after"), [{"step": "triage"}], "does not go with on_demand"),
        (
            ("steps", 0, "outcomes"),
            [{"key": "x", "title": said("x"), "opens": ["scan2"]}],
            "there is no step 'scan2'",
        ),
    ],
)
def test_a_protocol_that_says_it_wrongly_is_refused_at_its_place(
    place: tuple[str | int, ...], value: Any, complaint: str
) -> None:
    data = encode(SMALL)
    inside = data
    for part in place[:-1]:
        inside = inside[part]
    inside[place[-1]] = value
    with pytest.raises(Malformed, match=complaint):
        read_protocol(data)


def test_the_clock_is_the_only_one_that_fires() -> None:
    with pytest.raises(Refused, match="no longer stands"):
        Small().does(e.RungFired(by=CLOCK, key="scan/1/rung/late"))
