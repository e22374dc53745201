"""Stories told in a test: a header that is always the same, lines that are not, and the instant that is now."""

from datetime import UTC, datetime
from pathlib import Path

from app.story.reader import read_story
from app.story.runner import Played
from app.story.theatre import play_alone

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)

HEADER = """\
story: T01
title: Told in a test
patient:
  {family: Durand, given: Odette, born: 1947-05-02, sex: female, mobile: "+33639980021", landline: "+33199001122"}
fracture: {onset: 2027-01-05, level: T12}
referral: {at: 2027-02-01 09:00, by: Dr Martin, facts: {pain_nrs: 5, antithrombotics: none}}
"""


def play(place: Path, lines: str, *, header: str = HEADER, url: str = "") -> Played:
    """Play a story of these lines (and what follows them) on a database of its own."""
    path = place / "story.yaml"
    path.write_text(f"{header}lines:\n{lines}")
    told = read_story(path)
    return play_alone(told, database_url=url or f"sqlite:///{place}/story.sqlite", place=place, now=NOW)[0]


def verdicts(played: Played) -> dict[str, bool]:
    """Which expectations passed, by their id."""
    return {verdict.id: verdict.passed for verdict in played.verdicts}


def why(played: Played, id_: str) -> str:
    """What was found where this expectation was judged."""
    return next(verdict.why for verdict in played.verdicts if verdict.id == id_)
