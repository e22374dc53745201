"""Protocols and their texts: from the files clinicians write to the one document that a pathway pins.

``load`` reads ``protocol.yaml`` and the ``messages.yaml`` beside it for the settings of a centre, checks both, and
works out the holidays. Everything a running pathway depends on is then in ``content``, one JSON document whose
SHA-256 is its name: ``from_content`` makes the same protocol of it again, whatever has become of the files.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, TemplateSyntaxError, meta

from app import hold_profiles
from app.centre_file import CENTRE, CentreFile, load_centre, read_centre
from app.public_holidays import public_holidays
from app.variants import Chosen, Setting, Variant, choose, settings_of
from app.yaml_file import Unreadable, YamlFile, like, read_yaml
from pathway.calendar import Calendar
from pathway.codec import Malformed, decode, encode
from pathway.ground import Ground
from pathway.holding.profile import Profile
from pathway.protocol import Hours, Protocol, read_protocol

__all__ = [
    "BUILTIN",
    "CENTRE",
    "CentreFile",
    "LoadedProtocol",
    "Unreadable",
    "WrongSetting",
    "from_content",
    "load",
    "load_centre",
    "load_for",
    "read_centre",
    "settings_in",
]

BUILTIN = Path(str(files("protocols"))) / "vertebroplasty" / "protocol.yaml"
"""The protocol that comes with Jalon. Not validated for clinical use."""

HOLIDAY_YEARS = range(2024, 2046)
"""The years whose holidays a protocol pins: a pathway lasts about 14 months from its first day."""

ALWAYS_SAID = frozenset({"establishment", "phone", "opt_out", "place", "link"})
OF_A_VISIT = frozenset({"weekday", "date", "time"})
OF_A_CHANGE = frozenset({"old_weekday", "old_date", "old_time"})
"""What a text may name, and nothing else: no health data is within its reach. A visit's date is known only to a
text about a visit, the date it had before only to ``moved`` and ``cancelled``."""

_FORMAT = 1


class WrongSetting(Unreadable):
    """A centre chose what its protocol does not leave open: the setting's ``key``, and the ``problem`` with it."""

    def __init__(self, sentence: str, key: str, problem: str) -> None:
        super().__init__(sentence)
        self.key = key
        self.problem = problem


@dataclass(frozen=True)
class LoadedProtocol:
    """A protocol ready to run. ``digest`` names ``content``, from which all the rest can be made again.

    ``texts`` is ``{template: {language: {channel: text}}}``; an e-mail's text is ``{subject, text}``. ``settings``
    are what the centre chose of what the file leaves open, and ``hold_profiles`` the profile it chose with those
    that are shown beside it (none where the file has no such setting): both pinned with the rest.
    """

    protocol: Protocol
    calendar: Calendar
    texts: dict[str, Any]
    content: dict[str, Any]
    digest: str
    settings: tuple[Chosen, ...] = ()
    hold_profiles: Mapping[str, Profile] = field(default_factory=dict)

    @property
    def hold_profile(self) -> Profile | None:
        """The hold profile that the centre chose; None where the file leaves none to choose."""
        chosen = {one.key: one.value for one in self.settings}
        return self.hold_profiles.get(str(chosen.get("hold_profile")))

    @property
    def ground(self) -> Ground:
        """What ``decide`` and ``plan`` stand on."""
        own = self.hold_profile
        first = {own.profile: own} if own is not None else {}
        return Ground(self.protocol, self.calendar, {**first, **self.hold_profiles})


def load(
    path: Path = BUILTIN, settings: Mapping[str, str] | None = None, *, edition: str = ""
) -> LoadedProtocol:
    """The protocol in this file, with the ``messages.yaml`` beside it, for these settings (else the defaults).

    ``edition`` is the centre's own: version 2.0.0 with edition 3 is the version 2.0.0+3.

    Raises Unreadable: one sentence, ``file:line: path: problem``; Malformed at ``settings.KEY`` when the file has no
    such setting, or the setting no such value.
    """
    # Reading it takes a second: it is done again only when a file has changed, by a letter and not by its date.
    return _loaded(path, tuple(sorted((settings or {}).items())), edition, _as_they_stand(path))


@lru_cache(maxsize=32)
def _loaded(
    path: Path, chosen: tuple[tuple[str, str], ...], edition: str, _files: tuple[str, ...]
) -> LoadedProtocol:
    settings = dict(chosen)
    profiles = _Profiles(path)
    variant = _variant(path, settings, profiles)
    file = read_yaml(path, lambda node: variant.apply(_without_settings(node)))
    try:
        protocol = read_protocol(file.data)
        if edition:
            protocol = replace(protocol, version=f"{protocol.version}+{edition}")
        days = _holidays(protocol.hours)
    except Malformed as error:
        raise file.unreadable(error) from None
    said = read_yaml(path.with_name("messages.yaml"), variant.apply)
    try:
        texts = _read_texts(said.data, protocol)
    except Malformed as error:
        raise said.unreadable(error) from None
    content = {
        "format": _FORMAT,
        "protocol": {key: value for key, value in encode(protocol).items() if key != "digest"},
        "texts": texts,
        "calendar": {**_times(protocol.hours), "holidays": [day.isoformat() for day in days]},
    }
    if variant.settings:
        content["settings"] = encode(variant.chosen())
    if "hold_profile" in variant.values:
        content["hold_profiles"] = hold_profiles.as_content(
            profiles.used(str(variant.values["hold_profile"]))
        )
    content = json.loads(json.dumps(content))
    return from_content(content, digest_of(content))


def _as_they_stand(path: Path) -> tuple[str, ...]:
    """The digest of every file that a protocol may be read from: those beside it, and the hold profiles."""
    beside = (*sorted(path.parent.glob("*.yaml")), *sorted(_Profiles(path).folder.glob("*.yaml")), path)
    return tuple(
        f"{each} {hashlib.sha256(each.read_bytes()).hexdigest()}" for each in beside if each.is_file()
    )


def as_written(path: Path, settings: Mapping[str, str]) -> tuple[YamlFile, YamlFile]:
    """The protocol's file and that of its texts for these settings, as plain data that nobody has checked yet.

    Raises Unreadable when there is no such file or it is no YAML; Malformed at ``settings.KEY``.
    """
    variant = _variant(path, settings, _Profiles(path))
    file = read_yaml(path, lambda node: variant.apply(_without_settings(node)))
    return file, read_yaml(path.with_name("messages.yaml"), variant.apply)


def settings_in(path: Path = BUILTIN) -> tuple[Setting, ...]:
    """The settings that a protocol's file lists, in its order. Raises Unreadable."""
    found: list[Setting] = []

    def listed(node: yaml.Node) -> yaml.Node:
        found.extend(settings_of(node))
        return like(node, []) if isinstance(node, yaml.MappingNode) else node

    read_yaml(path, listed)
    return tuple(found)


def load_for(centre: CentreFile, path: Path | None = None) -> LoadedProtocol:
    """The protocol that this centre runs, with its settings; ``path`` goes before the file that the centre names.

    Raises Unreadable; a setting that the protocol does not have is told at its line of the centre's file.
    """
    try:
        return load(path or centre.protocol or BUILTIN, centre.settings, edition=centre.edition)
    except Malformed as error:
        place = centre.file.unreadable(error)
        raise WrongSetting(str(place), error.path.removeprefix("settings."), error.problem) from None


def from_content(content: dict[str, Any], digest: str) -> LoadedProtocol:
    """The very protocol that ``load`` made this document of.

    Raises Unreadable when the document does not have that digest: it is not what was pinned.
    """
    found = digest_of(content)
    if found != digest:
        raise Unreadable(f"the stored protocol has digest {found}, not {digest}: it has been changed")
    if content.get("format") != _FORMAT:
        raise Unreadable(
            f"the stored protocol has format {content.get('format')!r}; this version reads {_FORMAT}"
        )
    return LoadedProtocol(
        protocol=read_protocol(content["protocol"], digest=digest),
        calendar=decode(Calendar, content["calendar"], "calendar"),
        texts=content["texts"],
        content=content,
        digest=digest,
        settings=decode(tuple[Chosen, ...], content.get("settings", []), "settings"),
        hold_profiles=hold_profiles.from_content(content.get("hold_profiles", {})),
    )


def digest_of(content: dict[str, Any]) -> str:
    """SHA-256 (hexadecimal) of the document written in one way only: sorted keys, no spaces, UTF-8."""
    canonical = json.dumps(
        content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return hashlib.sha256(canonical.encode()).hexdigest()


# --- the settings -----------------------------------------------------------------------------------------


def _variant(path: Path, given: Mapping[str, str], profiles: _Profiles) -> Variant:
    """The settings that the file lists, with what the centre chose of them."""
    settings = settings_in(path)
    return Variant({one.key: one for one in settings}, choose(settings, given), profiles)


def _without_settings(node: yaml.Node) -> yaml.Node:
    if not isinstance(node, yaml.MappingNode):
        return node
    return like(node, [(key, value) for key, value in node.value if key.value != "settings"])


class _Profiles:
    """The hold profiles that a protocol file may name: of a folder ``holds`` beside it or above, else Jalon's own."""

    def __init__(self, protocol: Path) -> None:
        near = (protocol.parent / "holds", protocol.parent.parent / "holds")
        self.folder = next((folder for folder in near if folder.is_dir()), hold_profiles.BUILTIN)
        self._read: dict[str, Profile] = {}

    def __call__(self, name: str) -> Mapping[str, float]:
        """The limits of the profile of that name. Raises Unreadable."""
        return {key: limit.value for key, limit in self._load(name).thresholds.items()}

    def used(self, name: str) -> tuple[Profile, ...]:
        """The profile of that name, and those it is shown beside. Raises Unreadable."""
        chosen = self._load(name)
        return (chosen, *(self._load(other) for other in chosen.always_show_divergence_with))

    def _load(self, name: str) -> Profile:
        if name not in self._read:
            self._read[name] = hold_profiles.load(self.folder / f"{name}.yaml")
        return self._read[name]


# --- the calendar -----------------------------------------------------------------------------------------


def _times(hours: Hours) -> dict[str, Any]:
    names = ("zone", "business_close", "decent_from", "decent_to")
    return {name: encode(getattr(hours, name)) for name in names}


def _holidays(hours: Hours) -> list[date]:
    """The public holidays of the place in ``HOLIDAY_YEARS``, and the centre's own days off."""
    public = public_holidays(hours.country, hours.subdivision, HOLIDAY_YEARS, field="hours.")
    return sorted({*public, *hours.also_closed})


# --- the texts --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Email:
    subject: str
    text: str


@dataclass(frozen=True)
class _Said:
    """One template in one language, by the channels it may go by."""

    sms: str | None = None
    email: _Email | None = None
    call: str | None = None
    letter: str | None = None


@dataclass(frozen=True)
class _Template:
    fr: _Said
    en: _Said


_ALWAYS = {
    "moved": ("sms", "email", "call", "letter"),
    "cancelled": ("sms", "email", "call", "letter"),
    "hold_stopped": ("call",),
    "undelivered": ("call",),
    "staff_page": ("email",),
}
"""Texts that Jalon itself asks for, whatever the protocol says."""


def _read_texts(data: Any, protocol: Protocol) -> dict[str, Any]:
    """The texts, each checked: both languages, every channel it is asked for by, known variables only."""
    templates = decode(dict[str, _Template], data)
    for name, channels in _asked_for(protocol):
        if name not in templates:
            raise Malformed("", f"there is no text {name!r}, and the protocol asks for it")
        for language, said in (("fr", templates[name].fr), ("en", templates[name].en)):
            for channel in channels:
                if getattr(said, channel) is None:
                    raise Malformed(f"{name}.{language}", f"has no {channel}, and the protocol asks for it")
    texts: dict[str, Any] = encode(templates)
    for name, said in texts.items():
        allowed = _variables_of(name, protocol)
        for path, text in _leaves(said, name):
            _check_variables(path, text, allowed)
    return texts


def _variables_of(template: str, protocol: Protocol) -> frozenset[str]:
    if template in ("moved", "cancelled"):
        return ALWAYS_SAID | OF_A_VISIT | OF_A_CHANGE
    about = {
        message.about for step in protocol.steps for message in step.messages if message.template == template
    }
    return ALWAYS_SAID | OF_A_VISIT if about == {"visit"} else ALWAYS_SAID


def _asked_for(protocol: Protocol) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield from _ALWAYS.items()
    for step in protocol.steps:
        for message in step.messages:
            letter = ("letter",) if message.about == "visit" else ()
            yield message.template, (*message.channels, "call", *letter)


def _leaves(texts: dict[str, Any], path: str) -> Iterator[tuple[str, str]]:
    for key, value in texts.items():
        below = f"{path}.{key}"
        if isinstance(value, dict):
            yield from _leaves(value, below)
        else:
            yield below, value


def _check_variables(path: str, text: str, allowed: frozenset[str]) -> None:
    try:
        names = meta.find_undeclared_variables(Environment(autoescape=False).parse(text))  # noqa: S701
    except TemplateSyntaxError as error:
        raise Malformed(path, f"is no Jinja2 text: {error.message}") from None
    if unknown := sorted(names - allowed):
        raise Malformed(path, f"names {', '.join(unknown)}; it may name {', '.join(sorted(allowed))}")
