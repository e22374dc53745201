"""``jalon scenario run``: what it prints, what it exits with, and how it points at a mistake."""

import json
from pathlib import Path

from tests.cli.conftest import Shell

STORY = """\
story: T01
title: A referral, and nothing else
patient: {family: Durand, given: Odette, born: 1947-05-02, sex: female}
fracture: {onset: 2027-01-20, level: T12}
referral: {at: 2027-02-01 09:00, by: Dr Martin}
lines:
  - at: 2027-02-01 10:00
    id: T01-open
    expect: {step: triage, status: open}
    control: {step: triage, status: done}
  - at: 2027-02-01 11:00
    id: T01-refused
    complete: surveillance
    outcome: uneventful
    refused: cannot become done
"""


def story(place: Path, text: str) -> Path:
    path = place / "story.yaml"
    path.write_text(text)
    return path


def test_a_story_that_holds_ends_with_its_count_and_exit_0(jalon: Shell) -> None:
    answer = jalon("scenario", "run", str(story(jalon.place, STORY)))
    assert answer.returncode == 0, answer.stdout
    assert answer.stdout.splitlines()[-1] == "2 expectations: 2 passed, 0 failed"
    assert "2027-02-01 09:00" in answer.stdout
    assert not (jalon.place / "jalon.sqlite").exists()


def test_one_that_does_not_hold_says_what_was_found_and_exits_1(jalon: Shell) -> None:
    wrong = STORY.replace("status: open", "status: done").replace(
        "    control: {step: triage, status: done}\n", ""
    )
    answer = jalon("scenario", "run", str(story(jalon.place, wrong)))
    assert answer.returncode == 1
    assert answer.stdout.splitlines()[-1] == "2 expectations: 1 passed, 1 failed"
    assert "T01-open" in answer.stdout
    assert "triage/1 is open" in answer.stdout


def test_as_json_it_says_the_same_to_a_machine(jalon: Shell) -> None:
    answer = jalon("scenario", "run", str(story(jalon.place, STORY)), "--json")
    found = json.loads(answer.stdout)
    assert found["summary"] == {"expectations": 2, "passed": 2, "failed": 0}
    assert [one["id"] for one in found["expectations"]] == ["T01-open", "T01-refused"]
    assert {entry["kind"] for entry in found["timeline"]} >= {"referral", "event", "task", "refused"}


def test_a_story_may_be_stopped_early_and_what_was_not_reached_fails(jalon: Shell) -> None:
    answer = jalon("scenario", "run", str(story(jalon.place, STORY)), "--until", "2027-02-01 10:30")
    assert answer.returncode == 1
    assert "before it" in answer.stdout


def test_a_database_in_use_is_not_played_on(jalon: Shell) -> None:
    path, url = str(story(jalon.place, STORY)), f"sqlite:///{jalon.place / 'mine.sqlite'}"
    assert jalon("scenario", "run", path, "--database", url).returncode == 0
    again = jalon("scenario", "run", path, "--database", url)
    assert again.returncode == 1
    assert "give an empty one" in again.stderr


def test_a_mistake_in_a_story_is_one_line_that_points_at_it(jalon: Shell) -> None:
    path = story(jalon.place, STORY.replace("status: open", "status: opened"))
    answer = jalon("scenario", "run", str(path))
    assert answer.returncode == 1, answer.stdout
    assert "triage/1 is open" in answer.stdout
    path = story(jalon.place, STORY.replace("complete: surveillance", "compleet: surveillance"))
    answer = jalon("scenario", "run", str(path))
    assert answer.returncode == 2
    assert answer.stderr.startswith(f"{path}:13: lines[1].compleet: is not known here")
    assert answer.stderr.count("\n") == 1


def test_a_missing_file_is_one_line_and_exit_2(jalon: Shell) -> None:
    answer = jalon("scenario", "run", "nowhere.yaml")
    assert (answer.returncode, answer.stderr) == (
        2,
        "nowhere.yaml:1: cannot be read: No such file or directory\n",
    )
