"""Settings of a protocol file: what a centre may choose, and what each choice makes of the file.

The file lists its ``settings``; any other part of it, and of the texts beside it, may depend on them:

``only_if: {biopsy: [systematic]}``          in a list member or a mapping: left out unless every setting has one of
                                             these values; ``{only_if: …, value: X}`` where X is no mapping
``{by_setting: stay, 24h: X, ambulatory: Y}``  X or Y; ``otherwise`` for the values not named, an empty one for nothing
``{from_setting: review_last_day, plus: 8}``   a number that the centre has set, and so many more
``{from_profile: inr_max}``                  a limit of the hold profile that the centre has set
``{setting.stay}``, ``{profile.inr_max}``    the same in the midst of a text, in its language

It is applied to the nodes of the file before they become data, so that ``pathway`` sees a plain protocol and an
error still names the line. A list among the members of a list is one with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import yaml

from app.yaml_file import Misplaced, like, plain, scalar, worded
from pathway.codec import Malformed, decode
from pathway.refusal import Text

Value = str | int | float
"""One of a setting's choices, or a number."""

_FORMS = ("by_setting", "from_setting", "from_profile")
_IN_A_TEXT = re.compile(r"(?<!\{)\{(setting|profile)\.([\w.]+)\}(?!\})")


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing that a centre chooses. ``default`` is as written; ``source`` says where it comes from.

    Of kind ``choice``: one of ``choices``, each with its title. Of kind ``number``: a whole number of ``unit``
    between ``at_least`` and ``at_most``, and not after the setting ``not_after``.
    """

    key: str
    title: Text
    default: str
    source: str
    kind: Literal["choice", "number"] = "choice"
    choices: dict[str, Text] | None = None
    at_least: str | None = None
    at_most: str | None = None
    not_after: str | None = None
    unit: Text | None = None

    def read(self, written: str) -> Value:
        """The value of these words. Malformed, at this setting, with the ones that are known."""
        if self.kind == "choice":
            if written not in (self.choices or {}):
                raise Malformed(
                    f"settings.{self.key}",
                    f"there is no value {written!r}; there are: {', '.join(self.choices or {})}",
                )
            return written
        if not re.fullmatch(r"-?\d{1,6}", written) or not self._within(int(written)):
            raise Malformed(
                f"settings.{self.key}",
                f"{written!r} is no whole number from {self.at_least} to {self.at_most}",
            )
        return int(written)

    def says(self, value: Value) -> Text:
        """The value in words."""
        if self.choices is not None and isinstance(value, str):
            return self.choices[value]
        unit = self.unit or Text(fr="", en="")
        return Text(fr=f"{value} {unit.fr}".strip(), en=f"{value} {unit.en}".strip())

    def _within(self, number: int) -> bool:
        return int(self.at_least or "0") <= number <= int(self.at_most or "999999")


@dataclass(frozen=True, slots=True)
class Chosen:
    """A setting as a protocol was resolved with it; kept with the protocol that is pinned."""

    key: str
    title: Text
    value: Value
    says: Text


@dataclass(frozen=True)
class Variant:
    """The settings of a file with the value of each; ``profile`` knows the limits of a hold profile by its name."""

    settings: Mapping[str, Setting]
    values: Mapping[str, Value]
    profile: Callable[[str], Mapping[str, float]]

    def chosen(self) -> tuple[Chosen, ...]:
        """Every setting with its value, in the order of the file."""
        return tuple(
            Chosen(one.key, one.title, self.values[one.key], one.says(self.values[one.key]))
            for one in self.settings.values()
        )

    def apply(self, node: yaml.Node) -> yaml.Node:
        """What the file says for these settings. Raises Misplaced."""
        resolved = _Resolver(self).resolve(node, "")
        return resolved if resolved is not None else scalar("", node)


def settings_of(node: yaml.Node) -> tuple[Setting, ...]:
    """The settings that a protocol file lists, each well said. Raises Malformed with the path in the file."""
    block = dict(_members(node)).get("settings") if isinstance(node, yaml.MappingNode) else None
    if block is None:
        return ()
    settings = decode(tuple[Setting, ...], plain(worded(block)), "settings")
    known = {one.key: one for one in settings}
    for index, one in enumerate(settings):
        path = f"settings[{index}]"
        if [other.key for other in settings].count(one.key) > 1:
            raise Malformed(path, f"the setting {one.key!r} is given twice")
        if (one.kind == "choice") is not bool(one.choices):
            raise Malformed(f"{path}.choices", "goes with kind choice, which needs two or more")
        for bound in ("at_least", "at_most"):
            said = getattr(one, bound)
            if (one.kind == "number") is not bool(re.fullmatch(r"-?\d{1,6}", said or "")):
                raise Malformed(f"{path}.{bound}", "is a whole number, and goes with kind number")
        if one.not_after is not None and one.not_after not in known:
            raise Malformed(f"{path}.not_after", f"there is no setting {one.not_after!r}")
        try:
            one.read(one.default)
        except Malformed as error:
            raise Malformed(f"{path}.default", error.problem) from None
    return settings


def choose(settings: tuple[Setting, ...], given: Mapping[str, str]) -> dict[str, Value]:
    """The value of every setting: the one given, else the default. Raises Malformed at ``settings.KEY``."""
    known = {one.key: one for one in settings}
    for key in given:
        if key not in known:
            there = ", ".join(known) or "none"
            raise Malformed(f"settings.{key}", f"there is no setting {key!r}; there are: {there}")
    values = {one.key: one.read(given.get(one.key, one.default)) for one in settings}
    for one in settings:
        if one.not_after and values[one.key] > values[one.not_after]:  # type: ignore[operator]
            raise Malformed(
                f"settings.{one.key}",
                f"{values[one.key]} is after {one.not_after}, which is {values[one.not_after]}",
            )
    return values


class _Resolver:
    """Goes through a file's nodes and takes out what the settings take out."""

    def __init__(self, variant: Variant) -> None:
        self.variant = variant
        self.above: list[yaml.Node] = []

    def resolve(self, node: yaml.Node, language: str) -> yaml.Node | None:
        """What the node becomes; None when it is left out. ``language`` is that of the texts below."""
        if any(node is one for one in self.above):
            raise Misplaced(node, "refers to something that it is part of")
        self.above.append(node)
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, language)
            if isinstance(node, yaml.SequenceNode):
                return self._sequence(node, language)
            return self._scalar(node, language)
        finally:
            self.above.pop()

    def _sequence(self, node: yaml.SequenceNode, language: str) -> yaml.Node:
        members: list[yaml.Node] = []
        for one in node.value:
            resolved = self.resolve(one, language)
            if isinstance(resolved, yaml.SequenceNode) and isinstance(one, yaml.MappingNode):
                members += resolved.value
            elif resolved is not None:
                members.append(resolved)
        return like(node, members)

    def _mapping(self, node: yaml.MappingNode, language: str) -> yaml.Node | None:
        members = _members(node)
        said = dict(members)
        if "only_if" in said:
            if not self._holds(said.pop("only_if")):
                return None
            if set(said) == {"value"}:
                return self.resolve(said["value"], language)
        for form in _FORMS:
            if form in said:
                return self._form(form, said, node, language)
        kept = []
        for key, value in node.value:
            if key.value == "only_if":
                continue
            resolved = self.resolve(value, key.value if key.value in ("fr", "en") else language)
            if resolved is not None:
                kept.append((key, resolved))
        return like(node, kept)

    def _scalar(self, node: yaml.Node, language: str) -> yaml.Node:
        if not isinstance(node, yaml.ScalarNode) or not _IN_A_TEXT.search(node.value):
            return node

        def word(found: re.Match[str]) -> str:
            if found[1] == "profile":
                return _number(self._of_profile(found[2], node), language)
            key, value = found[2], self._value(found[2], node)
            title = self.variant.settings[key].says(value)
            return (
                _number(value, language) if not isinstance(value, str) else getattr(title, language or "fr")
            )

        return scalar(_IN_A_TEXT.sub(word, node.value), node)

    def _form(
        self, form: str, said: dict[str, yaml.Node], node: yaml.Node, language: str
    ) -> yaml.Node | None:
        name = said.pop(form)
        if form == "by_setting":
            return self._by_setting(name, said, language)
        more = said.pop("plus", None)
        if said:
            raise Misplaced(node, f"{', '.join(sorted(said))} does not go with {form}; only plus does")
        found = (
            self._of_profile(name.value, name) if form == "from_profile" else self._value(name.value, name)
        )
        if isinstance(found, str):
            raise Misplaced(name, f"{name.value!r} is no number; use by_setting for a choice")
        return scalar(found + (_whole(more) if more is not None else 0), node)

    def _by_setting(self, name: yaml.Node, said: dict[str, yaml.Node], language: str) -> yaml.Node | None:
        value = self._value(name.value, name)
        choices = self._choices(name)
        for key, below in said.items():
            if key not in choices and key != "otherwise":
                raise Misplaced(below, self._no_choice(name.value, key, choices))
        missing = [choice for choice in choices if choice not in said]
        if missing and "otherwise" not in said:
            raise Misplaced(
                name, f"by_setting {name.value} says nothing for {', '.join(missing)}; add it, or otherwise"
            )
        picked = said.get(str(value), said.get("otherwise"))
        if picked is None or (isinstance(picked, yaml.ScalarNode) and plain(picked) is None):
            return None
        return self.resolve(picked, language)

    def _holds(self, asked: yaml.Node) -> bool:
        if not isinstance(asked, yaml.MappingNode):
            raise Misplaced(asked, "only_if names settings and their values, like {biopsy: [systematic]}")
        holds = True
        for key, wanted in asked.value:
            choices = self._choices(key)
            values = wanted.value if isinstance(wanted, yaml.SequenceNode) else [wanted]
            for one in values:
                if one.value not in choices:
                    raise Misplaced(one, self._no_choice(key.value, one.value, choices))
            holds = holds and self.variant.values[key.value] in [one.value for one in values]
        return holds

    def _choices(self, name: yaml.Node) -> Mapping[str, Text]:
        self._value(name.value, name)
        choices = self.variant.settings[name.value].choices
        if choices is None:
            raise Misplaced(name, f"{name.value!r} is a number; use from_setting")
        return choices

    def _value(self, key: str, where: yaml.Node) -> Value:
        if not isinstance(key, str) or key not in self.variant.values:
            there = ", ".join(self.variant.settings) or "none"
            raise Misplaced(where, f"there is no setting {key!r}; there are: {there}")
        return self.variant.values[key]

    def _no_choice(self, key: str, written: str, choices: Mapping[str, Text]) -> str:
        return f"there is no value {written!r} of the setting {key}; there are: {', '.join(choices)}"

    def _of_profile(self, limit: str, where: yaml.Node) -> float:
        named = str(self._value("hold_profile", where))
        limits = self.variant.profile(named)
        if limit not in limits:
            there = ", ".join(limits) or "none"
            raise Misplaced(where, f"the hold profile {named} has no limit {limit!r}; there are: {there}")
        found = limits[limit]
        return int(found) if found.is_integer() else found


def _members(node: yaml.MappingNode) -> list[tuple[str, yaml.Node]]:
    members: dict[str, yaml.Node] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise Misplaced(key, "a key is a word")
        if key.value in members:
            raise Misplaced(key, f"the key {key.value!r} is given twice; keep one")
        members[key.value] = value
    return list(members.items())


def _whole(node: yaml.Node) -> int:
    if not isinstance(node, yaml.ScalarNode) or not re.fullmatch(r"-?\d{1,6}", node.value):
        raise Misplaced(node, "plus is a whole number")
    return int(node.value)


def _number(value: Value, language: str) -> str:
    value = int(value) if isinstance(value, float) and value.is_integer() else value
    return str(value).replace(".", ",") if language == "fr" else str(value)
