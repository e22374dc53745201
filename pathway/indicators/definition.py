"""What an indicator is: whom it counts, what it asks of each, its limit and target, exactly as the file says them.

The file (``protocols/indicators.yaml``) is read by ``app`` and handed in as plain data. Every clinical number is
there, with its source; this package holds none.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from functools import cached_property
from typing import Any, Literal

from pathway.codec import Malformed, decode
from pathway.refusal import Text

Unit = Literal["share", "days", "points", "fields"]

RuleName = Literal[
    "acknowledged", "caseload", "completeness", "hold-in-time", "in-window", "last-intakes", "planned-days"
]
"""What a question cannot say; each is a function in ``rules.py``."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Where a value is read.

    ``answer`` is ``step.key`` of the latest time the step was done, ``step.table.column`` for every row of a table;
    ``fact`` the latest fact of that key, with ``before`` the latest that was true before that step began;
    ``observed`` the last time that the ward saw it after the procedure.
    """

    answer: str | None = None
    fact: str | None = None
    observed: str | None = None
    before: str | None = None


@dataclass(frozen=True)
class Question:
    """A question about one pathway, answered yes, no, or *not recorded*. Every part that is given must hold.

    ``step`` asks that it be done, the latest time with one of ``outcome`` where given. ``answer`` and ``fact`` read a
    value (see ``Reading``) and compare it; of a table it is enough that one row fits. ``from_``, ``to`` count the
    calendar days between two moments. ``cause`` and ``level`` (its first letters) speak of the fracture, ``held`` of
    a drug (ATC code) of the last signed hold plan, ``older_than`` of the age in years at the fracture, ``reachable``
    of how many ways there are to reach the patient, ``opted_out`` of a way that the patient refuses, ``alarm`` of an
    alarm that the watch after the procedure raised.

    ``asked_if`` says of whom it can be answered at all: of others it is not recorded. ``told_by`` are several ways to
    hear of one thing: yes as soon as one says yes, no when at least one says no, whatever the others were not asked.
    """

    step: str | None = None
    outcome: tuple[str, ...] = ()
    answer: str | None = None
    fact: str | None = None
    before: str | None = None
    is_: Any = None
    is_not: tuple[str, ...] = ()
    at_least: float | None = None
    at_most: float | None = None
    below: float | None = None
    from_: str | None = None
    to: str | None = None
    at_least_days: int | None = None
    at_most_days: int | None = None
    cause: tuple[str, ...] = ()
    level: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    older_than: int | None = None
    reachable: int | None = None
    opted_out: bool | None = None
    alarm: tuple[str, ...] = ()
    all_of: tuple[Question, ...] = ()
    any_of: tuple[Question, ...] = ()
    none_of: tuple[Question, ...] = ()
    told_by: tuple[Question, ...] = ()
    asked_if: Question | None = None

    @cached_property
    def given(self) -> tuple[str, ...]:
        """The names of the parts that are given, worked out once for thousands of pathways."""
        return tuple(one.name for one in fields(self) if getattr(self, one.name) not in (None, ()))


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Whom an indicator leaves out, and why."""

    title: Text
    when: Question
    source: str


@dataclass(frozen=True, slots=True)
class Share:
    """How many of those ``of`` whom it is asked (everybody when not given) fulfil ``met``."""

    met: Question
    of: Question | None = None


@dataclass(frozen=True, slots=True)
class Median:
    """The middle of the days from one moment to another, or of how far a value fell between two readings.

    Each of ``first`` and ``last`` lists readings of which the first that is known counts.
    """

    from_: str | None = None
    to: str | None = None
    first: tuple[Reading, ...] = ()
    last: tuple[Reading, ...] = ()
    of: Question | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """A reason why a planned day came to nothing: told by the outcome of the step that gave it up, or by its answers.

    Causes are tried in their order, so one key may be told in several ways, the surest first.
    """

    key: str
    title: Text
    step: str
    outcome: tuple[str, ...] = ()
    answer: str | None = None
    is_: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """One field whose completeness is judged: it is there when ``known`` is answered yes."""

    key: str
    title: Text
    known: Question


@dataclass(frozen=True, slots=True)
class Rule:
    """A check written in ``rules.py`` with its measures; which it takes is said there."""

    name: RuleName
    step: str | None = None
    outcome: tuple[str, ...] = ()
    answered: str | None = None
    days: int | None = None
    working_days: int | None = None
    causes: tuple[Cause, ...] = ()
    only: str | None = None
    other_than: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()
    missing_over: float | None = None
    caseload_per_year: float | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """So many calendar days after a moment; until that day is over, a pathway is *pending* and counts for nothing."""

    from_: str
    days: int


@dataclass(frozen=True, slots=True)
class Target:
    """What is aimed at: a share between 0 and 1, days, points or fields.

    ``above`` and ``below`` do not include the limit itself.
    """

    at_least: float | None = None
    at_most: float | None = None
    above: float | None = None
    below: float | None = None

    def is_met(self, value: float) -> bool:
        """Whether this value is what is aimed at."""
        return (
            (self.at_least is None or value >= self.at_least)
            and (self.at_most is None or value <= self.at_most)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )


@dataclass(frozen=True, slots=True)
class Indicator:
    """One indicator. ``period`` is the moment whose day decides in which period a pathway counts.

    ``counts`` and ``among`` say the numerator and the denominator to a reader. Exactly one of ``share``, ``median``
    and ``rule`` says how it is computed. ``excludes`` names exclusions of the file; ``without_ends`` the ends of a
    pathway that leave it out when they came before the limit (at any time when there is none).
    """

    key: str
    group: str
    title: Text
    counts: Text
    among: Text
    unit: Unit
    period: str
    source: str
    share: Share | None = None
    median: Median | None = None
    rule: Rule | None = None
    excludes: tuple[str, ...] = ()
    without_ends: tuple[str, ...] = ()
    limit: Limit | None = None
    target: Target | None = None
    benchmark: Text | None = None


@dataclass(frozen=True, slots=True)
class MayLack:
    """Names that a protocol may do without: those of another centre variant, or asked for by none yet."""

    steps: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    observations: tuple[str, ...] = ()
    alarms: tuple[str, ...] = ()


@dataclass(frozen=True)
class Definitions:
    """The file: its version, the groups it is shown in, exclusions by name, and the indicators in their order."""

    version: str
    reviewed: date
    groups: dict[str, Text]
    exclusions: dict[str, Exclusion]
    indicators: tuple[Indicator, ...]
    may_lack: MayLack = MayLack()

    @cached_property
    def by_key(self) -> dict[str, Indicator]:
        """The indicators by their key."""
        return {indicator.key: indicator for indicator in self.indicators}


def read_definitions(data: Any) -> Definitions:
    """The definitions that plain data (a parsed YAML file) says. Raises Malformed with path and remedy."""
    found = decode(Definitions, data)
    seen: set[str] = set()
    for indicator in found.indicators:
        path = f"indicators.{indicator.key}"
        if indicator.key in seen:
            raise Malformed(path, "is given twice; keep one")
        seen.add(indicator.key)
        ways = [way for way in ("share", "median", "rule") if getattr(indicator, way) is not None]
        if len(ways) != 1:
            raise Malformed(
                path, f"needs exactly one of share, median, rule; has {', '.join(ways) or 'none'}"
            )
        if indicator.group not in found.groups:
            raise Malformed(
                f"{path}.group", f"{indicator.group!r} is no group; groups: {', '.join(found.groups)}"
            )
        for name in indicator.excludes:
            if name not in found.exclusions:
                known = ", ".join(found.exclusions)
                raise Malformed(f"{path}.excludes", f"{name!r} is no exclusion; exclusions: {known}")
    return found
