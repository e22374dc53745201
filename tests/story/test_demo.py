"""The demonstration can be made on any day and at any hour, and shows every stage."""

from datetime import datetime
from pathlib import Path

import pytest

from app.demo import Place, make, stories
from app.story.theatre import stage

MOMENTS = {
    "the night of a Sunday after the holidays": "2027-01-03T23:00:00+01:00",
    "a Monday in May, month of holidays": "2027-05-17T08:30:00+02:00",
}


@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS.keys())
def test_every_demo_story_is_lived_without_a_refusal(tmp_path: Path, moment: str) -> None:
    now = datetime.fromisoformat(moment)
    place = Place(tmp_path)
    with stage(place.settings("http://127.0.0.1:8000"), now=now) as opened:
        played = opened.play(stories(), until=now)
    assert [f"{one.place}: {one.why}" for story in played for one in story.failed] == []
    became = {story.story.story: story.received.status for story in played if story.received}
    assert [key for key, status in became.items() if status != "started"] == ["demo-11", "demo-12"]
    ends = {story.pathway.status.value for story in played if story.pathway}
    assert ends == {"active", "ended"}


def test_the_keys_are_for_their_owner_and_a_half_made_demonstration_does_not_count(tmp_path: Path) -> None:
    place = Place(tmp_path / "var")
    assert not place.is_made()
    now = datetime.fromisoformat("2026-11-20T09:00:00+01:00")
    keys = make(place, now=now, public_url="http://127.0.0.1:8000", progress=lambda done, total: None)
    assert place.is_made()
    assert place.read_keys() == keys
    assert place.keys.stat().st_mode & 0o777 == 0o600
    place.keys.unlink()
    assert not place.is_made()
