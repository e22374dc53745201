"""What an explanation is: a sentence, the rule behind it, what the rule was told, and where its number comes from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pathway.referral import Fact
from pathway.refusal import Text

UNSOURCED = "centre default, unsourced"
"""What stands where nobody prescribes a number."""

Kind = Literal[
    "pathway", "step", "due", "earliest", "candidate", "visit", "rung", "alert", "notice", "message", "late",
    "silence", "page", "call", "letter", "hour", "channel", "gate", "need", "condition", "flag", "hold",
    "last-intake", "proposal", "warning",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Input:
    """One thing that a rule was told: what, its value, when it was true (UTC), who said it and where it was read.

    ``value`` None: nobody has said it.
    """

    what: Text
    value: Text | None = None
    at: datetime | None = None
    by: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one thing is as it is. A tree: ``parts`` explain what this one rests on.

    ``key`` is the key of the planned thing, or ``gate/G3``, ``flag/hold/expired``, ``hold``, ``review/1`` (the state
    of a step), ``review/1/earliest``. ``because`` is the sentence; ``rule`` what the protocol says, in words;
    ``source`` where that comes from, never empty. ``at`` is the instant explained (UTC), where there is one.
    ``holds``: of a condition, gate or need whether it is met; of a candidate or channel whether it is the one that
    counts; else None.
    """

    key: str
    kind: Kind
    title: Text
    because: Text
    source: str = UNSOURCED
    at: datetime | None = None
    rule: Text | None = None
    inputs: tuple[Input, ...] = ()
    holds: bool | None = None
    parts: tuple[Explanation, ...] = ()

    def walk(self) -> Iterator[Explanation]:
        """This one and everything it rests on."""
        yield self
        for part in self.parts:
            yield from part.walk()


def sourced(*candidates: str) -> str:
    """The first source that is given, else that there is none."""
    return next((one for one in candidates if one), UNSOURCED)


def of_fact(fact: Fact, what: Text, value: Text) -> Input:
    """A fact as what a rule was told."""
    return Input(what, value, fact.at, fact.by, fact.source)
