"""What a search asks, read from its parameters; and the same said again, as the ``self`` and ``next`` links say it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Literal
from urllib.parse import quote

from app.fhir.dates import span
from app.fhir.errors import FhirError, refuse
from app.fhir.pages import PAGE, Pages
from app.fhir.served import Parameter, Served
from fhir_mappings.outcome import Issue, error
from store.search import Column, Named, Place, Question, Span

COUNT, MOST = 50, 500
_QUIET = ("_format", "_pretty", "_charset_")
"""Parameters about the form of the answer: understood elsewhere, or harmless."""
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")

Total = Literal["none", "accurate", "only"]


@dataclass(frozen=True, slots=True)
class Asked:
    """A search as it was understood. ``said`` is what was honoured, in its order; ``ignored`` names the rest."""

    question: Question
    total: Total
    said: tuple[tuple[str, str], ...]
    ignored: tuple[str, ...]

    @property
    def query(self) -> str:
        """The search as a query string, without what was ignored."""
        return "&".join(
            f"{quote(name, safe='-_:')}={quote(value, safe='-_:,|/')}" for name, value in self.said
        )


def read(
    served: Served, pairs: Sequence[tuple[str, str]], *, pages: Pages, zone: tzinfo, base: str, strict: bool
) -> Asked:
    """What these parameters ask of this type. ``base`` is our own address, which references may begin with.

    A sealed page is the search it continues, whatever else is said beside it.

    400 for a value that makes no sense, for a modifier that is not known (it would change what is asked), and in
    ``strict`` handling for anything unknown; otherwise the unknown is left out, and the ``self`` link says so.
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
    if reader.problems:
        raise FhirError(400, *reader.problems)
    if strict and reader.ignored:
        raise FhirError(400, *(_unknown(name, served) for name in reader.ignored))
    question = replace(reader.question, after=reader.after)
    return Asked(question, reader.total, tuple(reader.said), tuple(reader.ignored))


class _Reader:
    """Takes one parameter after another, and keeps what it understood, what it did not, and what is wrong."""

    def __init__(self, served: Served, zone: tzinfo, base: str) -> None:
        self.served, self.zone, self.base = served, zone, base
        self.question = Question(served.type, count=COUNT)
        self.after: Place | None = None
        self.total: Total = "accurate"
        self.said: list[tuple[str, str]] = []
        self.ignored: list[str] = []
        self.problems: list[Issue] = []

    def take(self, name: str, value: str) -> None:
        if name in _QUIET:
            return
        try:
            honoured = self._control(name, value) if name in _CONTROLS else self._filter(name, value)
        except ValueError as problem:
            self.problems.append(error("value", f"The parameter {_plain(name)} is wrong: {problem}.", name))
            return
        if not honoured:
            self.ignored.append(_plain(name))
        else:
            self.said.append((name, honoured))

    def _filter(self, name: str, value: str) -> str | None:
        plain, _, modifier = name.partition(":")
        parameter = self.served.searched_by.get(plain)
        if parameter is None:
            return None
        if modifier and not (parameter.kind == "reference" and modifier == "Patient"):
            raise ValueError("its modifier is not supported; leave it out")
        if not value:
            return None
        either = _split(value)
        asked = self.question
        if plain == "_id":
            self.question = replace(asked, ids=(*asked.ids, either))
        elif parameter.kind == "reference":
            self.question = replace(asked, patients=(*asked.patients, self._patients(either)))
        elif plain == "identifier":
            self.question = replace(asked, identifiers=(*asked.identifiers, tuple(map(_named, either))))
        elif parameter.kind == "token":
            codes = tuple(code.rpartition("|")[2] for code in either)
            self.question = replace(asked, statuses=(*asked.statuses, codes))
        else:
            self.question = replace(asked, times=(*asked.times, self._times(parameter, either)))
        return value

    def _times(self, parameter: Parameter, either: tuple[str, ...]) -> tuple[Column, tuple[Span, ...]]:
        assert parameter.column is not None
        return parameter.column, tuple(span(each, self.zone) for each in either)

    def _patients(self, either: tuple[str, ...]) -> tuple[str, ...]:
        """The ids of the patients meant; a reference to anybody's but ours finds nothing."""
        ids = []
        for each in either:
            plain = each.removeprefix(f"{self.base}/").removeprefix("Patient/")
            ids.append(plain if is_id(plain) else "")
        return tuple(ids)

    def _control(self, name: str, value: str) -> str | None:
        """Parameters about the answer rather than about what is looked for."""
        if name == "_count":
            if not (value.isascii() and value.isdigit() and len(value) < 10):
                raise ValueError("write a whole number of resources a page")
            count = min(int(value), MOST)
            self.question = replace(self.question, count=count)
            if count == 0:
                self.total = "only"
            return str(count)
        if name == "_sort":
            plain = value.removeprefix("-")
            if plain not in self.served.sorted_by:
                return None
            column = self.served.searched_by[plain].column
            self.question = replace(self.question, sort=column, descending=value.startswith("-"))
            return value
        if name == "_summary":
            if value == "count":
                self.total = "only"
            return value if value in ("count", "false") else None
        if value not in ("none", "estimate", "accurate"):
            raise ValueError("write none, estimate or accurate")
        if self.total != "only":
            self.total = "none" if value == "none" else "accurate"
        return value


_CONTROLS = ("_count", "_sort", "_summary", "_total")


def _split(value: str) -> tuple[str, ...]:
    """The alternatives of a value: commas part them, ``\\,`` is a comma."""
    return tuple(re.sub(r"\\([,$\\])", r"\1", each) for each in re.split(r"(?<!\\),", value))


def _named(said: str) -> Named:
    """``value``, ``system|value``, ``|value`` (no system) or ``system|`` (any value)."""
    parts = [re.sub(r"\\\|", "|", part) for part in re.split(r"(?<!\\)\|", said, maxsplit=1)]
    if len(parts) == 1:
        return Named(None, parts[0])
    return Named(parts[0], parts[1] or None)


def _unknown(name: str, served: Served) -> Issue:
    known = ", ".join([*served.searched_by, *_CONTROLS])
    sentence = f"The parameter {name}, or what it asks, is not supported here; supported: {known}."
    return error("not-supported", sentence, name)


def _plain(name: str) -> str:
    """A parameter's name as it may be repeated in an answer: names only, for anything may be typed there."""
    return name if re.fullmatch(r"[A-Za-z_:.\-]{1,40}", name) else "(unreadable)"


def is_id(said: str) -> bool:
    """Whether this can be the id of a resource; what cannot is looked for nowhere."""
    return _ID.fullmatch(said) is not None


def pairs(said: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The parameters as they came; 400 for characters that no database takes."""
    found = list(said)
    if any("\x00" in text or re.search(r"[\ud800-\udfff]", text) for pair in found for text in pair):
        raise refuse(400, "A parameter holds a character that is not text; remove it.", code="value")
    return found
