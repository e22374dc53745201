"""Every choice of every setting of the built-in protocol makes another protocol: in its steps, gates or texts."""

from __future__ import annotations

from itertools import combinations

import pytest

from app import versions
from app.protocols import BUILTIN, LoadedProtocol, load, settings_in
from app.variants import Setting

SETTINGS = settings_in()


def values(setting: Setting) -> list[str]:
    """Every choice; of a number its default and the next, one way or the other."""
    if setting.choices:
        return list(setting.choices)
    default = int(setting.default)
    return [setting.default, str(default - 1 if setting.not_after else default + 1)]


def with_one(setting: Setting, value: str) -> LoadedProtocol:
    return load(BUILTIN, {setting.key: value})


def changes(one: LoadedProtocol, other: LoadedProtocol) -> list[str]:
    """Where they differ, beside the record of the settings themselves."""
    own = ("settings", "hold_profiles")
    return [
        path
        for path in versions.said_otherwise(one.content, other.content)
        if path.partition(".")[0] not in own
    ]


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda one: one.key)
def test_each_choice_changes_steps_gates_or_texts(setting: Setting) -> None:
    made = {value: with_one(setting, value) for value in values(setting)}
    same = [
        f"{one} and {other}"
        for one, other in combinations(made, 2)
        if not changes(made[one], made[other])
        and not (setting.key == "hold_profile" and made[one].hold_profile != made[other].hold_profile)
    ]
    assert not same, f"the setting {setting.key} makes no difference between {', '.join(same)}"


def rows_that_cover_every_pair() -> list[dict[str, str]]:
    """Choices of all settings at once, a few rows in which every two choices meet: greedy, always the same."""
    open_pairs = {
        ((one.key, first), (other.key, second))
        for one, other in combinations(SETTINGS, 2)
        for first in values(one)
        for second in values(other)
    }
    rows = []
    while open_pairs:
        row: dict[str, str] = {}
        for setting in SETTINGS:
            met = {
                value: sum(((key, row[key]), (setting.key, value)) in open_pairs for key in row)
                for value in values(setting)
            }
            ahead = {
                value: sum((setting.key, value) in pair for pair in open_pairs) for value in values(setting)
            }
            row[setting.key] = max(values(setting), key=lambda value: (met[value], ahead[value]))
        pairs = {
            ((one.key, row[one.key]), (other.key, row[other.key])) for one, other in combinations(SETTINGS, 2)
        }
        if not pairs & open_pairs:
            (one, first), (other, second) = sorted(open_pairs)[0]
            row |= {one: first, other: second}
            pairs = {((a.key, row[a.key]), (b.key, row[b.key])) for a, b in combinations(SETTINGS, 2)}
        open_pairs -= pairs
        rows.append(row)
    return rows


def test_any_two_choices_go_together() -> None:
    refused = []
    for row in rows_that_cover_every_pair():
        try:
            load(BUILTIN, row)
        except ValueError as error:
            refused.append(f"{row}: {error}")
    assert not refused, "\n".join(refused)
