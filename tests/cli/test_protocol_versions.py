"""``jalon protocol``: settings, publishing, and which version new pathways begin with."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.protocols import BUILTIN, load
from tests.app.test_variants import PROFILE, written
from tests.cli.conftest import Shell

CENTRES = BUILTIN.parent.parent / "centres"
NOW = load().protocol.version


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (
            ("--set", "stay=night"),
            2,
            "--set stay=night: there is no value 'night'; there are: 24h, ambulatory",
        ),
        (
            ("--set", "stays=24h"),
            2,
            "--set stays=24h: there is no setting 'stays'; there are: anaesthesia, biopsy",
        ),
        (("--set", "stay"), 2, "--set stay: write --set KEY=VALUE, like --set stay=ambulatory"),
        (("--set", "review_first_day=80"), 2, "80 is after review_last_day, which is 28"),
        (("--centre", "nowhere.yaml"), 1, "nowhere.yaml:1: cannot be read"),
        (("9.9.9",), 1, "No version '9.9.9' is published; there are: none"),
    ],
)
def test_a_choice_or_version_that_there_is_not_is_one_line(
    jalon: Shell, words: tuple[str, ...], code: int, said: str
) -> None:
    done = jalon("protocol", "show", *words)
    assert done.returncode == code
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_setting_is_tried_before_it_is_set(jalon: Shell) -> None:
    shown = jalon("protocol", "show", "--set", "review_last_day=35", "--language", "en")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith("# Percutaneous vertebroplasty")
    assert jalon("protocol", "show", "--centre", str(CENTRES / "canal.yaml")).returncode == 0


def test_a_version_is_published_once_and_used_when_somebody_says_so(jalon: Shell) -> None:
    assert "nothing is published yet" in jalon("protocol", "list").stdout
    assert jalon("worklist").returncode == 0, "the first start publishes"
    first = jalon("protocol", "list").stdout
    assert f"vertebroplasty {NOW} (new pathways)" in first
    assert "the first start" in first

    centre = jalon.place / "centre.yaml"
    centre.write_text((CENTRES / "canal.yaml").read_text("utf-8"), encoding="utf-8")
    refused = jalon("worklist", JALON_CENTRE=str(centre))
    assert refused.returncode == 1
    assert f"vertebroplasty {NOW} was published on " in refused.stderr
    assert "(settings.anaesthesia, settings.biopsy" in refused.stderr
    assert refused.stderr.count("\n") == 1
    taken = jalon("protocol", "publish", "--unchecked", "--note", "none", JALON_CENTRE=str(centre))
    assert taken.returncode == 1
    assert taken.stderr == refused.stderr

    centre.write_text(centre.read_text("utf-8") + "edition: 1\n", encoding="utf-8")
    words = ("protocol", "publish", "--unchecked", "--note", "the centre's own choices")
    published = jalon(*words, JALON_CENTRE=str(centre))
    assert published.stdout == f"vertebroplasty {NOW}+1 is published\n"
    again = jalon(*words, JALON_CENTRE=str(centre))
    assert again.stdout == f"vertebroplasty {NOW}+1 was published already, with this very content\n"
    assert f"{NOW} (new pathways)" in jalon("protocol", "list").stdout
    assert jalon("protocol", "use", f"{NOW}+1").stdout == f"new pathways begin with vertebroplasty {NOW}+1\n"
    listed = jalon("protocol", "list").stdout
    assert f"{NOW}+1 (new pathways)" in listed
    assert "the centre's own choices" in listed
    shown = jalon("protocol", "show", f"{NOW}+1", "--language", "en").stdout
    assert shown.startswith(f"# Percutaneous vertebroplasty {NOW}+1\n")


def test_a_service_says_when_its_file_is_newer_than_what_runs(jalon: Shell, tmp_path: Path) -> None:
    assert jalon("worklist").returncode == 0
    centre = tmp_path / "centre.yaml"
    centre.write_text((CENTRES / "plaine.yaml").read_text("utf-8") + "edition: 4\n", encoding="utf-8")
    process = jalon.start("serve", "--port", "0", JALON_CENTRE=str(centre))
    assert process.stderr is not None
    said = process.stderr.readline()
    process.terminate()
    assert said.startswith(f"vertebroplasty {NOW}+4 is not published: new pathways begin with {NOW}.")


def test_what_a_centre_may_choose_is_listed(jalon: Shell) -> None:
    listed = jalon("protocol", "settings", "--language", "en")
    assert listed.returncode == 0, listed.stderr
    assert "24h, ambulatory" in listed.stdout
    assert "21 (7 to 90)" in listed.stdout


def test_a_protocol_with_faults_is_published_only_with_a_word_why(jalon: Shell) -> None:
    (jalon.place / "holds").mkdir()
    for name in ("mild", "strict"):
        (jalon.place / "holds" / f"{name}.yaml").write_text(PROFILE.format(name=name, limit="1.5"), "utf-8")
    file = str(written(jalon.place))
    refused = jalon("protocol", "publish", file)
    assert refused.returncode == 1
    assert "1.0.0 is not published: it has " in refused.stderr
    assert "as `jalon protocol check` tells; the first: " in refused.stderr
    assert refused.stderr.count("\n") == 1
    silent = jalon("protocol", "publish", file, "--unchecked")
    assert (silent.returncode, silent.stderr) == (
        2,
        "--unchecked needs a --note: it is kept with the version\n",
    )
    assert "nothing is published yet" in jalon("protocol", "list").stdout
    done = jalon("protocol", "publish", file, "--unchecked", "--note", "a rehearsal")
    assert done.stdout == "small 1.0.0 is published\nnew pathways begin with it\n"
    assert "a rehearsal" in jalon("protocol", "list").stdout
