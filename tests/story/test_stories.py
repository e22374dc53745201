"""Every story that comes with Jalon is an acceptance test: played on both databases, all its expectations met."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app import clock
from app.story.format import Statement, Told, subject_of, verb_of
from app.story.reader import read_story
from app.story.runner import Played, Verdict
from app.story.theatre import play_alone
from tests.story.alterations import ALTERED, Altered
from tests.story.emitted import remember

FOLDER = Path(__file__).parents[2] / "protocols" / "stories"
STORIES = sorted(FOLDER.glob("*.yaml"))
PATIENTS = sorted(FOLDER.glob("p[0-9][0-9]*.yaml"))

EXPECTATIONS = {
    "P01": 54,
    "P02": 25,
    "P03": 38,
    "P04": 38,
    "P05": 21,
    "P06": 19,
    "P07": 18,
    "P08": 42,
    "P09": 25,
    "P10": 21,
    "P11": 11,
    "P12": 16,
}
"""How many things are expected of each patient, over all her stories: none is dropped without a word."""

REFERENCE = {
    "P01": (4, 1),
    "P02": (3, 2),
    "P03": (3, 1),
    "P04": (2, 1),
    "P05": (3, 2),
    "P06": (2, 1),
    "P07": (2, 1),
    "P08": (2, 1),
    "P09": (2, 1),
    "P10": (2, 1),
    "P11": (2, 1),
    "P12": (4, 1),
}
"""How many times §10 of the protocol reference says ✓ (must happen) and ✗ (must not) of each patient."""

SHOWN_ELSEWHERE = {
    "P01-nothing-flagged": "P04-not-ready",
    "P01-review-fits": "P10-third-offer-is-out-of-the-window",
    "P07-nobody-looks-again": "P05-looked-at-again-on-23-August",
    "P09-no-alarm-before": "P09-not-yet-answered",
}
"""Where nothing of the kind is there to be a control, the expectation of some story in which it is."""


def played(told: Told, database_url: str, place: Path) -> Played:
    return play_alone(told, database_url=database_url, place=place, now=clock.now())[0]


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_the_story_ends_as_it_says(path: Path, database_url: str, tmp_path: Path) -> None:
    found = played(read_story(path), database_url, tmp_path)
    assert found.verdicts
    assert [f"{one.place} {one.id}: {one.why}" for one in found.failed] == []
    remember(path, database_url)


# --- an expectation that could never fail would prove nothing ---------------------------------------------


@pytest.mark.parametrize("altered", ALTERED, ids=lambda altered: altered.story)
def test_with_one_thing_changed_the_story_fails_there_and_nowhere_else(
    altered: Altered, sqlite_url: str, tmp_path: Path
) -> None:
    text = (FOLDER / f"{altered.story}.yaml").read_text(encoding="utf-8")
    assert text.count(altered.old) == 1
    copy = tmp_path / "altered.yaml"
    copy.write_text(text.replace(altered.old, altered.new), encoding="utf-8")
    told = read_story(copy)
    assert {_name(one, told) for one in played(told, sqlite_url, tmp_path).failed} == altered.fails


def test_every_patient_has_a_story_that_is_altered() -> None:
    assert {altered.story for altered in ALTERED} == {path.stem for path in PATIENTS}


def test_what_must_not_be_has_a_control_that_shows_it_could_be() -> None:
    expected = {one.id: one for path in PATIENTS for one in _expected(path)}
    bare = {one.id for one in expected.values() if one.control is None and one.is_negative}
    assert bare == set(SHOWN_ELSEWHERE)
    for id_, elsewhere in SHOWN_ELSEWHERE.items():
        one, other = expected[id_].said, expected[elsewhere].said
        assert one is not None
        assert other is not None
        assert subject_of(one) == subject_of(other)


# --- nothing is dropped -----------------------------------------------------------------------------------


def test_every_expectation_of_a_patient_is_counted() -> None:
    counted = dict.fromkeys(EXPECTATIONS, 0)
    for path in PATIENTS:
        counted[_patient(path)] += len([*_expected(path)])
    assert counted == EXPECTATIONS


@pytest.mark.parametrize("patient", REFERENCE)
def test_all_that_the_reference_says_of_a_patient_is_expected(patient: str) -> None:
    notes = [one.note for path in PATIENTS if _patient(path) == patient for one in _expected(path)]
    must, must_not = REFERENCE[patient]
    assert sum("✓" in note for note in notes) >= must
    assert sum("✗" in note for note in notes) >= must_not


class _Expected:
    """One expectation of a story: a statement with its control, or a refusal (``said`` is None)."""

    def __init__(self, id_: str, note: str, said: Statement | None, control: Statement | None) -> None:
        self.id, self.note, self.said, self.control = id_, note, said, control

    @property
    def is_negative(self) -> bool:
        """Whether it would hold of a name that does not exist."""
        said = self.said
        return said is not None and (said.not_ or said.count == 0 or said.nothing_sent is not None)


def _expected(path: Path) -> Iterator[_Expected]:
    story = read_story(path).story
    for line in story.lines:
        if line.id:
            yield _Expected(line.id, line.note, line.expect, line.control)
    for one in story.finally_:
        yield _Expected(one.id, one.note, one.expect, one.control)


def _patient(path: Path) -> str:
    return path.stem[:3].upper()


def _name(verdict: Verdict, told: Told) -> str:
    """The id of an expectation; for a line that was refused without the story having said so, what it did."""
    for index, line in enumerate(told.story.lines):
        if verdict.id == told.place(f"lines[{index}]"):
            verb = verb_of(line)
            return f"{verb} {getattr(line, verb)}"
    return verdict.id
