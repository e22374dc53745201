"""What a search asks, read from its parameters; and the same said again, as the ``self`` and ``next`` links say it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Literal
from urllib.parse import quote

from app.fhir.errors import FhirError, refuse
from app.fhir.filters import condition, is_id
from app.fhir.pages import PAGE, Pages
from app.fhir.served import Served
from fhir_mappings.outcome import Issue, error
from store.asked import Key, Place, Question

__all__ = ["Asked", "Include", "counted", "is_id", "pairs", "plain_name", "query", "read"]

COUNT, MOST = 50, 500
CONDITIONS = 50
_QUIET = ("_format", "_pretty", "_charset_")
"""Parameters about the form of the answer: understood elsewhere, or harmless."""

Total = Literal["none", "bounded", "accurate", "only"]


@dataclass(frozen=True, slots=True)
class Include:
    """What is shown beside what was found: what ``type:param`` refers to, or, ``reverse``, what refers by it.

    ``to`` is the one type that is meant; empty: any.
    """

    type: str
    param: str
    to: str = ""
    reverse: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A search as it was understood. ``said`` is what was honoured, in its order; ``ignored`` names the rest."""

    question: Question
    total: Total
    said: tuple[tuple[str, str], ...]
    ignored: tuple[str, ...]
    includes: tuple[Include, ...] = ()

    @property
    def query(self) -> str:
        """The search as a query string, without what was ignored."""
        return query(self.said)


def query(said: Iterable[tuple[str, str]]) -> str:
    """These parameters as a query string."""
    return "&".join(f"{quote(name, safe='-_:')}={quote(value, safe='-_:,|/')}" for name, value in said)


def read(
    served: Served, pairs: Sequence[tuple[str, str]], *, pages: Pages, zone: tzinfo, base: str, strict: bool
) -> Asked:
    """What these parameters ask of this type. ``base`` is our own address, which references may begin with.

    A sealed page is the search it continues, whatever else is said beside it.

    400 for a value that makes no sense, for what would change what is asked and is not supported (a modifier, a
    chain, ``_has``), and in ``strict`` handling for anything unknown; otherwise the unknown is left out, and the
    ``self`` link says so.
    """
    reader = _Reader(served, zone, base)
    sealed = next((value for name, value in pairs if name == PAGE), None)
    if sealed is not None:
        try:
            pairs, reader.after = pages.open(served.type, sealed)
        except ValueError as problem:
            raise refuse(400, f"The parameter {PAGE} is wrong: {problem}.", PAGE, code="value") from None
    for name, value in pairs:
        reader.take(name, value)
    if len(reader.question.wanted) > CONDITIONS:
        raise refuse(400, f"A search has at most {CONDITIONS} conditions; ask for less.", code="too-costly")
    if reader.problems:
        raise FhirError(400, *reader.problems)
    if strict and reader.ignored:
        raise FhirError(400, *(_unknown(name, served) for name in reader.ignored))
    question = replace(reader.question, after=reader.after)
    includes = tuple(dict.fromkeys(reader.includes))
    return Asked(question, reader.total, tuple(reader.said), tuple(reader.ignored), includes)


class _Reader:
    """Takes one parameter after another, and keeps what it understood, what it did not, and what is wrong."""

    def __init__(self, served: Served, zone: tzinfo, base: str) -> None:
        self.served, self.zone, self.base = served, zone, base
        self.question = Question(served.type, count=COUNT)
        self.after: Place | None = None
        self.total: Total = "bounded"
        self.includes: list[Include] = []
        self.said: list[tuple[str, str]] = []
        self.ignored: list[str] = []
        self.problems: list[Issue] = []

    def take(self, name: str, value: str) -> None:
        if name in _QUIET:
            return
        try:
            honoured = self._control(name, value) if _is_control(name) else self._filter(name, value)
        except ValueError as problem:
            self.problems.append(
                error("value", f"The parameter {plain_name(name)} is wrong: {problem}.", name)
            )
            return
        if not honoured:
            self.ignored.append(plain_name(name))
        else:
            self.said.append((name, honoured))

    def _filter(self, name: str, value: str) -> str | None:
        if "." in name or name.startswith("_has"):
            # Left out, it would find much more than was asked for.
            raise ValueError("chained searches are not supported; search for the other resource first")
        plain, _, modifier = name.partition(":")
        parameter = self.served.searched_by.get(plain)
        if parameter is None or not value:
            return None
        wanted = condition(self.served, parameter, modifier, value, zone=self.zone, base=self.base)
        self.question = replace(self.question, wanted=(*self.question.wanted, wanted))
        return value

    def _control(self, name: str, value: str) -> str | None:
        """Parameters about the answer rather than about what is looked for."""
        if name == "_count":
            self.question = replace(self.question, count=counted(value))
            if self.question.count == 0:
                self.total = "only"
            return str(self.question.count)
        if name == "_sort":
            return self._sort(value)
        if name.partition(":")[0] in ("_include", "_revinclude"):
            return self._include(name, value)
        if name == "_summary":
            if value == "count":
                self.total = "only"
            return value if value in ("count", "false") else None
        if value not in ("none", "estimate", "accurate"):
            raise ValueError("write none, estimate or accurate")
        if self.total != "only":
            self.total = "none" if value == "none" else "accurate"
        return value

    def _sort(self, value: str) -> str | None:
        keys = [Key(each.removeprefix("-"), each.startswith("-")) for each in value.split(",")]
        if len(keys) > 5 or any(key.by not in self.served.sorted_by for key in keys):
            return None
        self.question = replace(self.question, sort=tuple(dict.fromkeys(keys)))
        return value

    def _include(self, name: str, value: str) -> str | None:
        plain, _, modifier = name.partition(":")
        if modifier:
            raise ValueError("includes are not followed further; leave its modifier out and ask again")
        type_, _, rest = value.partition(":")
        param, _, to = rest.partition(":")
        reverse = plain == "_revinclude"
        known = self.served.reverse_includes if reverse else self.served.includes
        if f"{type_}:{param}" not in known or (reverse and to not in ("", self.served.type)):
            return None
        self.includes.append(Include(type_, param, to, reverse))
        return value


CONTROLS = ("_count", "_sort", "_summary", "_total", "_include", "_revinclude")


def counted(value: str) -> int:
    """How many a page holds: what is asked, and no more than we give. ValueError with a sentence."""
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise ValueError("write a whole number of resources a page")
    return min(int(value), MOST)


def _is_control(name: str) -> bool:
    return name in CONTROLS or name.startswith(("_include:", "_revinclude:"))


def _unknown(name: str, served: Served) -> Issue:
    known = ", ".join([*served.searched_by, *CONTROLS])
    sentence = f"The parameter {name}, or what it asks, is not supported here; supported: {known}."
    return error("not-supported", sentence, name)


def plain_name(name: str) -> str:
    """A parameter's name as it may be repeated in an answer: names only, for anything may be typed there."""
    return name if re.fullmatch(r"[A-Za-z_:.\-]{1,40}", name) else "(unreadable)"


def pairs(said: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The parameters as they came; 400 for characters that no database takes."""
    found = list(said)
    if any("\x00" in text or re.search(r"[\ud800-\udfff]", text) for pair in found for text in pair):
        raise refuse(400, "A parameter holds a character that is not text; remove it.", code="value")
    return found
