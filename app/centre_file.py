"""A centre's file: who speaks in the messages, and what the centre chose of what its protocol leaves open."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from app.yaml_file import YamlFile, like, read_yaml, worded
from pathway.codec import Malformed, decode, encode

CENTRE = Path(str(files("protocols"))) / "centre.yaml"
"""The example centre."""


@dataclass(frozen=True)
class _OptOut:
    fr: str
    en: str


@dataclass(frozen=True)
class _Centre:
    """Who speaks. Not pinned: a new telephone number is for everybody."""

    name: str
    phone: str
    place: str
    opt_out: _OptOut
    slot_hold_minutes: int = 30
    """How long a hospital's Slot is held for a visit that nobody has confirmed. Centre default, unsourced."""


_SAID = ("name", "phone", "place", "opt_out", "slot_hold_minutes")


@dataclass(frozen=True)
class _CentreFile(_Centre):
    settings: dict[str, str] = field(default_factory=dict)
    edition: str = ""
    protocol: str | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.slot_hold_minutes <= 7 * 24 * 60:
            raise ValueError("slot_hold_minutes is from 1 minute to 7 days (10080)")
        if not re.fullmatch(r"[0-9A-Za-z.-]{0,40}", self.edition):
            raise ValueError("the edition is at most 40 of letters, digits, points and hyphens")


@dataclass(frozen=True)
class CentreFile:
    """A centre: what its messages say of it, the protocol it runs (None: the built-in), and what it chose of it.

    ``said`` is ``{name, phone, place, opt_out: {fr, en}, slot_hold_minutes}``. A protocol pins the settings;
    ``said`` is not pinned.
    ``edition`` counts the centre's own changes of its settings, so that each can be published.
    """

    said: dict[str, Any]
    settings: Mapping[str, str]
    edition: str
    protocol: Path | None
    file: YamlFile


def read_centre(path: Path = CENTRE) -> CentreFile:
    """The centre in this file; the protocol it names is looked for beside it. Raises Unreadable."""
    file = read_yaml(path, _with_worded_settings)
    try:
        found = decode(_CentreFile, file.data)
    except Malformed as error:
        raise file.unreadable(error) from None
    said = {name: encode(getattr(found, name)) for name in _SAID}
    named = path.parent / found.protocol if found.protocol else None
    return CentreFile(said, found.settings, found.edition, named, file)


def load_centre(path: Path = CENTRE) -> dict[str, Any]:
    """``{name, phone, place, opt_out: {fr, en}, slot_hold_minutes}`` of the centre in this file. Raises Unreadable."""
    return read_centre(path).said


def _with_worded_settings(node: yaml.Node) -> yaml.Node:
    """The settings and the edition as they are written: ``control_ct: yes`` is the word, no truth value."""
    if not isinstance(node, yaml.MappingNode):
        return node
    words = ("settings", "edition")
    return like(node, [(key, worded(v) if key.value in words else v) for key, v in node.value])
