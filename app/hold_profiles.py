"""Hold profiles: from the files clinicians write to the values the calculator reads.

A profile may inherit another of the same directory: thresholds, laboratory checks, drugs and resumptions are taken
over entry by entry, everything else as a whole. What it inherits is part of it, and of its ``digest``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from app.yaml_file import Unreadable, read_yaml
from pathway.codec import Malformed, encode
from pathway.holding.profile import Profile, read_profile

__all__ = [
    "BUILTIN",
    "Unreadable",
    "as_content",
    "builtin",
    "compared",
    "from_content",
    "load",
    "load_all",
    "named",
]

BUILTIN = Path(str(files("protocols"))) / "holds"
"""The profiles that come with Jalon. Not validated for clinical use."""

_ENTRY_BY_ENTRY = ("thresholds", "labs", "drugs", "resume")


def load(path: Path) -> Profile:
    """The profile in this file, with what it inherits. Raises Unreadable: ``file:line: path: problem``."""
    return _load(path, ())


def load_all(directory: Path = BUILTIN) -> dict[str, Profile]:
    """Every profile of a directory by its name. Raises Unreadable for the first that cannot be used."""
    found: dict[str, Profile] = {}
    for path in sorted(directory.glob("*.yaml")):
        profile = load(path)
        if profile.profile != path.stem:
            problem = f"profile: is {profile.profile!r} in a file named {path.name}; give both one name"
            raise Unreadable(f"{path}:1: {problem}")
        found[profile.profile] = profile
    for name, profile in found.items():
        for other in profile.always_show_divergence_with:
            if other not in found:
                where = f"{directory / name}.yaml:1: always_show_divergence_with"
                raise Unreadable(f"{where}: there is no profile {other!r}; known: {', '.join(found)}")
    return found


@cache
def builtin() -> Mapping[str, Profile]:
    """The profiles that come with Jalon, read once."""
    return load_all()


def named(profiles: Mapping[str, Profile], name: str, path: str = "profile") -> Profile:
    """The profile of that name. Raises Malformed with those there are."""
    if name not in profiles:
        raise Malformed(path, f"there is no hold profile {name!r}; known: {', '.join(sorted(profiles))}")
    return profiles[name]


def compared(profile: Profile, profiles: Mapping[str, Profile]) -> tuple[Profile, ...]:
    """The profiles shown beside this one, in the order it names them."""
    return tuple(profiles[name] for name in profile.always_show_divergence_with if name in profiles)


def as_content(profiles: Iterable[Profile]) -> dict[str, Any]:
    """Profiles as JSON-ready data to pin, by name; ``from_content`` makes the same of it again."""
    return {one.profile: _content(one) for one in profiles}


def from_content(content: Mapping[str, Any]) -> dict[str, Profile]:
    """The profiles that ``as_content`` wrote. Raises Malformed when the data are none."""
    return {name: read_profile(data, digest=_digest(data)) for name, data in content.items()}


def _load(path: Path, above: tuple[Path, ...]) -> Profile:
    file = read_yaml(path)
    parent = file.data.get("inherits") if isinstance(file.data, dict) else None
    data = file.data
    try:
        if parent is not None:
            data = _inherited(path, parent, file.data, (*above, path))
        profile = read_profile(data)
    except Malformed as error:
        raise file.unreadable(error) from None
    content = _content(profile)
    return read_profile(content, digest=_digest(content))


def _inherited(path: Path, parent: object, own: dict[str, Any], above: tuple[Path, ...]) -> dict[str, Any]:
    """The file's data over those of the profile it inherits."""
    beside = path.with_name(f"{parent}.yaml")
    if not isinstance(parent, str) or not beside.is_file():
        known = ", ".join(sorted(one.stem for one in path.parent.glob("*.yaml") if one != path))
        raise Malformed("inherits", f"there is no profile {parent!r} beside this one; known: {known}")
    if beside in above:
        raise Malformed("inherits", f"{parent} inherits this profile itself; one of them must stand alone")
    inherited = _content(_load(beside, above))
    data = {**inherited, **own}
    for family in _ENTRY_BY_ENTRY:
        mine, theirs = own.get(family), inherited.get(family, {})
        if mine is None:
            data[family] = theirs
        elif isinstance(mine, dict):
            data[family] = {**theirs, **mine}
    return data


def _content(profile: Profile) -> dict[str, Any]:
    data = {key: value for key, value in encode(profile).items() if key != "digest"}
    return dict(json.loads(json.dumps(data)))


def _digest(content: Mapping[str, Any]) -> str:
    """SHA-256 (hexadecimal) of the content written in one way only: sorted keys, no spaces, UTF-8."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
