"""Our keys on the command line: made, published, put to use and dropped, and never shown."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from app.commands.keys import app


def test_a_key_is_replaced_in_three_steps_and_its_private_half_is_never_printed(tmp_path: Path) -> None:
    def jalon(*words: str) -> str:
        result = CliRunner().invoke(app, [*words, "--file", str(tmp_path / "keys.json")])
        assert result.exit_code == 0, result.output
        return result.stdout

    first = jalon("new").strip()
    new = jalon("new").strip()
    assert jalon("list").splitlines() == [f"ES384 {first} signs", f"ES384 {new} published"]
    jalon("use", new)
    assert jalon("list").splitlines() == [f"ES384 {new} signs", f"ES384 {first} published"]
    shown = jalon("show")
    assert [key["kid"] for key in json.loads(shown)["keys"]] == [new, first]
    assert '"d"' not in shown
    jalon("drop", first)
    assert first not in jalon("list")
