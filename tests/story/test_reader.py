"""A story's file is read strictly: what is misspelt, missing or out of order is pointed at by its line."""

from pathlib import Path

import pytest

from app import protocols
from app.story.moments import Days
from app.story.reader import check_against, read_story
from app.yaml_file import Unreadable
from tests.cli.test_scenario import STORY
from tests.story.cast import NOW


def complaint(path: Path) -> str:
    """What is said of this file when it is read and held against the built-in protocol."""
    loaded = protocols.load(protocols.BUILTIN)
    with pytest.raises(Unreadable) as raised:
        check_against(read_story(path), loaded.protocol, Days(loaded.calendar, NOW))
    return str(raised.value)


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("sex: female", "sex: woman", 3, "'woman' is not one of female, male"),
        ("born: 1947-05-02", "born: 02/05/1947", 3, "expected a day like 2027-03-16"),
        ("title: A", "tilte: A", 2, "is not known here"),
        ("at: 2027-02-01 10:00", "at: 2027-02-01", 7, "lacks the time"),
        ("at: 2027-02-01 10:00", "at: tomorrow", 7, "expected a moment like"),
        ("at: 2027-02-01 11:00", "at: 2027-02-01 09:30", 11, "comes before the line above it"),
        ("step: triage, status: open", "step: triaeg, status: open", 9, "there is no step 'triaeg'"),
        ("status: open", "state: open", 9, "is not known here"),
        ("status: open", "due: 2027-02-02", 9, "does not go with step"),
        ("    id: T01-open\n", "", 7, "add an id"),
        ("id: T01-refused", "id: T01-open", 12, "is already the id"),
        ("complete: surveillance", "compleet: surveillance", 13, "is not known here"),
        (
            "complete: surveillance",
            "complete: surveillance\n    start: surveillance",
            11,
            "make it two lines",
        ),
        ("outcome: uneventful", "oops", 15, "could not find expected ':'"),
    ],
)
def test_a_mistake_is_pointed_at(tmp_path: Path, old: str, new: str, line: int, said: str) -> None:
    assert old in STORY
    path = tmp_path / "story.yaml"
    path.write_text(STORY.replace(old, new, 1))
    words = complaint(path)
    assert said in words
    assert words.startswith(f"{path}:{line}: ")
    assert "\n" not in words
