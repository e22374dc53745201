"""Every story that comes with Jalon is an acceptance test: played on both databases, all its expectations met."""

from pathlib import Path

import pytest

from app import clock
from app.story.reader import read_story
from app.story.runner import Played
from app.story.theatre import play_alone

STORIES = sorted((Path(__file__).parents[2] / "protocols" / "stories").glob("*.yaml"))


def played(path: Path, database_url: str, place: Path) -> Played:
    return play_alone(read_story(path), database_url=database_url, place=place, now=clock.now())[0]


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_the_story_ends_as_it_says(path: Path, database_url: str, tmp_path: Path) -> None:
    found = played(path, database_url, tmp_path)
    assert found.verdicts
    assert [f"{one.place} {one.id}: {one.why}" for one in found.failed] == []


def test_the_first_patient_of_the_protocol_reference_is_among_them() -> None:
    assert "p01" in {path.stem for path in STORIES}
