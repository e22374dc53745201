"""What docs/stories.md says of the format is what the reader takes."""

import re
from pathlib import Path

from app.story.format import SUBJECTS, VERBS
from app.story.reader import read_story
from app.story.theatre import play_alone
from tests.story.cast import NOW

PAGE = (Path(__file__).parents[2] / "docs" / "stories.md").read_text()


def test_the_example_of_the_documentation_runs_and_passes(tmp_path: Path) -> None:
    [example] = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    path = tmp_path / "example.yaml"
    path.write_text(example)
    url = f"sqlite:///{tmp_path}/story.sqlite"
    played, _ = play_alone(read_story(path), database_url=url, place=tmp_path, now=NOW)
    assert len(played.verdicts) == 3
    assert [f"{one.id}: {one.why}" for one in played.failed] == []


def test_every_verb_and_every_subject_is_documented() -> None:
    lines, expectations = PAGE.split("## Expectations")
    said = set(re.findall(r"[a-z_]+", " ".join(re.findall(r"`([^`]*)`", lines))))
    assert set(VERBS) <= said
    assert set(SUBJECTS) <= set(re.findall(r"[a-z_]+", " ".join(re.findall(r"`([^`]*)`", expectations))))
