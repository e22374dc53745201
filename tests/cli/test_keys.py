"""Our keys on the command line: made, published, put to use and dropped, and never shown."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Shell


def test_a_key_is_replaced_in_three_steps_and_its_private_half_is_never_printed(jalon: Shell) -> None:
    file = "--file=keys.json"
    first = jalon("keys", "new", file).stdout.strip()
    second = jalon("keys", "new", file)
    assert "published beside" in second.stderr
    new = second.stdout.strip()
    assert jalon("keys", "list", file).stdout.splitlines() == [
        f"ES384 {first} signs",
        f"ES384 {new} published",
    ]
    jalon("keys", "use", new, file)
    assert jalon("keys", "list", file).stdout.splitlines() == [
        f"ES384 {new} signs",
        f"ES384 {first} published",
    ]
    shown = jalon("keys", "show", file).stdout
    assert [key["kid"] for key in json.loads(shown)["keys"]] == [new, first]
    assert '"d"' not in shown
    jalon("keys", "drop", first, file)
    assert first not in jalon("keys", "list", file).stdout
