"""A story says how its patient counts in the indicators, and an indicator that does not exist is refused."""

from pathlib import Path

import pytest

from app.yaml_file import Unreadable
from tests.story.cast import play, verdicts, why

LINES = """\
  - {at: 2027-02-01 10:00, complete: triage, outcome: accepted}
  - at: 2027-04-05 10:00
    id: pending
    expect: {indicator: kpi_5, counts: pending}
    control: {indicator: kpi_5, counts: not-met}
  - at: 2027-04-06 10:00
    id: late
    expect: {indicator: kpi_5, counts: not-met}
    control: {indicator: kpi_5, counts: met}
  - at: 2027-04-06 10:00
    id: reachable
    expect: {indicator: two_ways, counts: met}
  - at: 2027-04-06 10:00
    id: no_day
    expect: {indicator: cancelled_on_day, not: yes}
    control: {indicator: kpi_5, not: yes}
  - at: 2027-04-06 10:00
    id: wrong
    expect: {indicator: kpi_5, counts: met}
"""


def test_a_patient_counts_as_far_as_is_known_at_that_moment(tmp_path: Path) -> None:
    played = play(tmp_path, LINES)
    assert verdicts(played) == {
        "pending": True,
        "late": True,
        "reachable": True,
        "no_day": True,
        "wrong": False,
    }
    assert why(played, "wrong") == "kpi_5: not-met"


def test_an_indicator_that_does_not_exist_is_refused_with_those_that_do(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="'kpi_12' is no indicator; there are: referral_to_consult"):
        play(tmp_path, "  - {at: 2027-02-02 10:00, id: one, expect: {indicator: kpi_12}}\n")
