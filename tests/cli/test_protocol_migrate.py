"""``jalon protocol migrate``: preview, apply and undo from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from app.protocols import BUILTIN, load
from tests.cli.conftest import Shell

CENTRES = BUILTIN.parent.parent / "centres"
NOW = load().protocol.version
REFERRAL = sorted((BUILTIN.parent.parent / "demo" / "referrals").glob("*.json"))[0]


def centre_with(place: Path, edition: str, biopsy: str) -> str:
    """A centre's file like an example's, with another edition and another choice; its path."""
    said = (CENTRES / "tilleuls.yaml").read_text("utf-8").replace("biopsy: systematic", f"biopsy: {biopsy}")
    path = place / f"centre-{edition}.yaml"
    path.write_text(f"{said}edition: {edition}\n", encoding="utf-8")
    return str(path)


def test_patients_are_moved_after_a_preview_and_taken_back(jalon: Shell) -> None:
    first = {"JALON_CENTRE": centre_with(jalon.place, "1", "systematic")}
    second = {"JALON_CENTRE": centre_with(jalon.place, "2", "none")}
    assert jalon("refer", str(REFERRAL), **first).returncode == 0
    published = jalon("protocol", "publish", **second)
    assert published.returncode == 0, published.stderr  # the checker finds no fault in a centre's variant

    preview = jalon("protocol", "migrate", "--to", f"{NOW}+2", "--preview", "--json", **first)
    assert preview.returncode == 0, preview.stderr
    [one] = json.loads(preview.stdout)
    assert (one["from"], one["to"], one["refused"]) == (f"{NOW}+1", f"{NOW}+2", None)
    assert {"added", "dropped", "newly_unmet", "hold", "changes"} <= set(one)
    shown = jalon("protocol", "migrate", "--to", f"{NOW}+2", "--preview", **first).stdout
    assert one["pathway"] in shown
    assert f"{NOW}+1" in shown
    assert shown.endswith("1 pathways would be moved, 0 cannot be\n")

    words = ("protocol", "migrate", "--to", f"{NOW}+2", "--reason", "no biopsy here any more")
    moved = jalon(*words, **first)
    assert moved.returncode == 0, moved.stderr
    assert moved.stdout.endswith("1 pathways moved, 0 cannot be\n")
    assert jalon(*words, **first).stdout == "0 pathways moved, 0 cannot be\n"
    undo = ("protocol", "migrate", "--undo", f"{NOW}+2", "--reason", "too early")
    assert jalon(*undo, "--pathway", one["pathway"], **first).stdout.endswith(
        "1 pathways moved, 0 cannot be\n"
    )
    again = jalon(*undo, "--pathway", one["pathway"], **first)
    assert again.returncode == 1
    assert f"is on {NOW}+1, not on {NOW}+2" in again.stderr

    engine = create_engine(f"sqlite:///{jalon.place / 'jalon.sqlite'}")
    with engine.connect() as connection:
        lines = connection.execute(text("SELECT type FROM history ORDER BY seq")).scalars().all()
    engine.dispose()
    assert lines == ["Enrolled", "Migrated", "MigrationUndone"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 2, "say --to VERSION to move onto it, or --undo VERSION to take back what was moved onto it"),
        (("--to", "9", "--undo", "9"), 2, "say --to VERSION"),
        (("--to", "9"), 2, "--reason is missing: it stands in every history"),
        (("--to", "9", "--preview"), 1, "No version '9' is published; there are: vertebroplasty"),
        (("--to", NOW, "--preview", "--pathway", "nobody"), 1, "There is no pathway nobody."),
    ],
)
def test_what_is_badly_asked_for_is_one_line(
    jalon: Shell, words: tuple[str, ...], code: int, said: str
) -> None:
    done = jalon("protocol", "migrate", *words)
    assert done.returncode == code
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
