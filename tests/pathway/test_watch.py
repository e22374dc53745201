"""The watch after the procedure: a missing set is never a good one, and an alarm is said again until it is answered."""

from datetime import timedelta

import pytest

from pathway import events as e
from pathway.gates import unmet
from pathway.lifecycle import StepStatus
from pathway.planned import Kind
from pathway.refusal import Refused
from pathway.state import PathwayStatus
from tests.pathway.small import DESK, DOCTOR, NURSE, SMALL, START, T0, Small

MINUTE = timedelta(minutes=1)


def watched() -> Small:
    return Small().operated().sees(T0, "hourly/1", motor=5, spo2=97, temperature=36.8)


def refusals(story: Small) -> list[str]:
    return [
        one.need.reason.en for one in unmet(story.ground.protocol.gate("OUT"), story.pathway, story.ground)
    ]


def test_a_set_that_nobody_recorded_is_told_to_the_ward_and_then_urgently() -> None:
    story = watched().at(T0 + 74 * MINUTE)
    assert story.alerts() == ()
    story.at(T0 + 75 * MINUTE)
    assert [(alert.level, alert.role) for alert in story.alerts()] == [("overdue", "ward")]
    story.at(T0 + 90 * MINUTE)
    assert [(alert.level, alert.role) for alert in story.alerts()] == [("red", "ward")]
    story.sees(T0 + 95 * MINUTE, "hourly/2", motor=5, spo2=97)
    assert story.alerts() == ()


def test_a_set_may_be_explained_but_not_left_empty_and_the_last_has_to_be_looked_at() -> None:
    story = watched().sees(T0 + 60 * MINUTE, "hourly/2", motor=5)
    with pytest.raises(Refused, match="at least one value") as refused:
        story.sees(T0 + 120 * MINUTE, "hourly/3")
    assert refused.value.field == "values"
    story.sees(T0 + 121 * MINUTE, "hourly/3", reason="in the scanner")
    story.at(T0 + 241 * MINUTE)
    assert refusals(story) == ["Observations"]
    story.sees(T0 + 242 * MINUTE, "last/1", reason="asleep")
    assert refusals(story) == ["Observations"]
    story.sees(T0 + 250 * MINUTE, "last/1", motor=5, voided=True)
    assert refusals(story) == []


def test_observations_are_not_complete_while_the_last_set_is_still_to_come() -> None:
    assert refusals(watched()) == ["Observations"]


def test_a_lost_grade_of_strength_is_said_to_all_at_once_and_again_every_five_minutes() -> None:
    story = watched().sees(T0 + 60 * MINUTE, "hourly/2", motor=4)
    at = story.now
    story.at(at)
    [alert] = story.alerts()
    assert (alert.level, alert.role, alert.also) == ("red", "radiologist", ("anaesthetist", "surgeon"))
    story.at(at + 5 * MINUTE)
    assert story.alerts()[0].key == "alarm/neuro/1/rung/2"
    story.at(at + 10 * MINUTE)
    assert story.alerts()[0].also == ("anaesthetist", "surgeon", "bed_manager")


def test_an_answered_alarm_is_not_said_again() -> None:
    story = watched().sees(T0 + 60 * MINUTE, "hourly/2", motor=4)
    at = story.now
    story.at(at + 2 * MINUTE).does(e.AlertAcknowledged(by=DOCTOR, key="alarm/neuro/1/rung/1"))
    story.at(at + 14 * MINUTE)
    assert [(alert.key, alert.acknowledged is not None) for alert in story.alerts()] == [
        ("alarm/neuro/1/rung/1", True)
    ]


def test_the_alarm_holds_the_pathway_and_asks_for_the_urgent_scan_whose_clock_runs_on() -> None:
    story = watched().sees(T0 + 60 * MINUTE, "hourly/2", motor=4)
    assert (story.pathway.status, story.pathway.reason) == (PathwayStatus.ON_HOLD, "complication")
    assert story.step("urgent_scan").status is StepStatus.OPEN
    story.at(story.now + 61 * MINUTE)
    assert any(alert.step and alert.step.key == "urgent_scan" for alert in story.alerts())
    assert "Red sign" in refusals(story)


def test_a_red_alarm_keeps_the_patient_for_twelve_hours_and_until_somebody_has_answered() -> None:
    story = watched().sees(T0 + 60 * MINUTE, "hourly/2", motor=5, spo2=91)
    at = story.now
    story.at(at + timedelta(hours=13))
    assert "Red sign" in refusals(story)
    story.does(e.AlertAcknowledged(by=DOCTOR, key="alarm/oxygen/1/rung/3"))
    assert "Red sign" not in refusals(story)


def test_a_sign_that_lasts_raises_one_alarm_and_one_that_comes_back_raises_another() -> None:
    story = watched().sees(T0 + 60 * MINUTE, "hourly/2", spo2=91)
    story.sees(T0 + 61 * MINUTE, spo2=90)
    assert len(story.pathway.alarms) == 1
    story.at(T0 + 62 * MINUTE).does(e.AlertAcknowledged(by=DOCTOR, key="alarm/oxygen/1/rung/1"))
    story.sees(T0 + 70 * MINUTE, spo2=97).sees(T0 + 80 * MINUTE, spo2=90)
    assert [one.number for one in story.pathway.alarms] == [1, 2]


@pytest.mark.parametrize(
    ("values", "alarm"),
    [
        ({"spo2": 93}, "oxygen"),  # four points below the baseline, although above the floor
        ({"saddle": True}, None),  # true at its baseline is not new
        ({"temperature": 38.5}, "fever"),
        ({"temperature": 38.4}, None),
        ({"motor": 5, "spo2": 94}, None),
    ],
)
def test_each_threshold_has_its_edge(values: dict[str, float], alarm: str | None) -> None:
    story = watched().sees(T0 + 60 * MINUTE, "hourly/2", **values)
    assert [one.alarm for one in story.pathway.alarms] == ([alarm] if alarm else [])


def test_two_sets_in_a_row_can_be_asked_for() -> None:
    story = watched().sees(T0 + 60 * MINUTE, temperature=38.1)
    assert story.pathway.alarms == ()
    story.sees(T0 + 90 * MINUTE, temperature=38.0)
    assert [one.alarm for one in story.pathway.alarms] == ["fever"]


def test_a_sign_may_count_only_from_some_time_on() -> None:
    story = watched().sees(T0 + 179 * MINUTE, voided=False)
    assert story.pathway.alarms == ()
    story.sees(T0 + 181 * MINUTE, voided=False)
    assert [one.alarm for one in story.pathway.alarms] == ["retention"]


@pytest.mark.parametrize(
    ("values", "round_", "field"),
    [
        ({"pulse": 80}, "", "values.pulse"),
        ({"motor": 6}, "", "values.motor"),
        ({"motor": True}, "", "values.motor"),
        ({"voided": 1}, "", "values.voided"),
        ({"motor": float("nan")}, "", "values.motor"),
        ({"motor": 5}, "hourly/4", "round"),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_name(
    values: dict[str, float], round_: str, field: str
) -> None:
    story = watched()
    with pytest.raises(Refused) as refused:
        story.does(e.ObservationsRecorded(by=NURSE, values=values, round=round_))
    assert refused.value.field == field


def test_resumed_by_a_person_the_pathway_goes_on() -> None:
    story = watched().sees(T0 + 60 * MINUTE, "hourly/2", motor=4)
    story.does(e.PathwayResumed(by=DESK))
    assert story.pathway.status is PathwayStatus.ACTIVE


def test_an_alert_put_off_is_said_again_and_an_urgent_one_cannot_be() -> None:
    protocol = {**SMALL, "messaging": {**SMALL["messaging"], "longest_snooze_hours": 24}}
    story = Small(protocol).does(e.StepAsked(by=DOCTOR, step="scan", reason="pain"))
    story.at(START + timedelta(hours=24))
    [alert] = story.alerts()
    until = story.now + timedelta(hours=5)
    with pytest.raises(Refused, match="by 24 hours at most"):
        story.does(e.AlertSnoozed(by=DESK, key=alert.key, until=until + timedelta(days=2), reason="x"))
    story.does(e.AlertSnoozed(by=DESK, key=alert.key, until=until, reason="booked for tomorrow"))
    assert [one.waits for one in story.alerts()] == [False]
    assert not [item for item in story.plan().items if item.kind is Kind.PAGE]
    story.at(until)
    assert [(one.key, one.waits) for one in story.alerts()] == [
        (f"{alert.key}/again@{until.isoformat()}", True)
    ]
    story.completes("scan")
    assert story.alerts() == ()

    red = Small(protocol).operated().at(T0 + 31 * MINUTE)
    with pytest.raises(Refused, match="An urgent alert is not put off"):
        red.does(e.AlertSnoozed(by=DESK, key=red.alerts()[0].key, until=red.now + MINUTE, reason="later"))
