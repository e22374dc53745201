"""What the person completing a step answers: read in the kind that the step asks for, or refused with the remedy."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from math import isfinite
from typing import Any

from pathway import events as e
from pathway.gates import holds
from pathway.ground import Ground
from pathway.moves import when
from pathway.protocol import Answer, Outcome, StepRule
from pathway.referral import Fact
from pathway.refusal import Refused, Text
from pathway.state import Pathway


def answers(
    rule: StepRule, outcome: Outcome, event: e.StepCompleted, pathway: Pathway, ground: Ground
) -> tuple[dict[str, Any], tuple[Fact, ...]]:
    """The answers given, checked against what the step asks; those that are facts, as facts."""
    asked = {answer.key: answer for answer in rule.answers}
    for key in event.data:
        if key not in asked:
            raise Refused(
                Text(
                    fr=f"« {key} » n'est pas demandé ici ; demandé : {', '.join(asked) or 'rien'}.",
                    en=f"{key!r} is not asked here; asked: {', '.join(asked) or 'nothing'}.",
                ),
                kind="invalid",
                field=f"data.{key}",
            )
    data, facts = {}, []
    for key, answer in asked.items():
        if event.data.get(key) in (None, "", []):
            if _is_wanted(answer, outcome, pathway, ground):
                raise Refused(
                    Text(fr=f"Renseignez « {answer.title.fr} ».", en=f"Fill in “{answer.title.en}”."),
                    kind="invalid",
                    field=f"data.{key}",
                )
            continue
        data[key] = _checked(answer, event.data[key])
        if answer.fact:
            facts.append(Fact(key, data[key], when(event, pathway), event.by.name, f"step/{rule.key}"))
    return data, tuple(facts)


def _is_wanted(answer: Answer, outcome: Outcome, pathway: Pathway, ground: Ground) -> bool:
    """Whether this outcome cannot be recorded without it: required, of this patient, and not known yet."""
    if outcome.key not in answer.required_for or (answer.fact and pathway.fact(answer.key)):
        return False
    return answer.when is None or holds(answer.when, pathway, ground)


_YEARS = range(1900, 2200)
"""Dates outside are a slip of the hand, and leave no room to count from."""


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise ValueError(value)
    return value


def _date(value: Any) -> str:
    day = date.fromisoformat(value)
    if day.year not in _YEARS:
        raise ValueError(value)
    return day.isoformat()


def _instant(value: Any) -> str:
    instant = datetime.fromisoformat(value)
    if instant.tzinfo is None or instant.year not in _YEARS:
        raise ValueError(value)
    return instant.astimezone(UTC).isoformat()


def _of(*kinds: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if not isinstance(value, kinds):
            raise TypeError(value)
        return value

    return read


def _checked(answer: Answer, value: Any, where: str = "data") -> Any:
    """The value in the answer's kind, days and instants (UTC) in one form. Refused with the remedy otherwise."""
    if answer.kind == "table":
        return _rows(answer, value)
    try:
        if answer.kind == "choice":
            return answer.choice_keys[answer.choice_keys.index(value)]
        read = _READERS[answer.kind](value)
        if answer.kind == "number" and not _possible(answer, read):
            raise ValueError(read)
        return read
    except (TypeError, ValueError, OverflowError):
        remedy = _remedy(answer)
        raise Refused(
            Text(
                fr=f"« {answer.title.fr} » attend {remedy.fr}.",
                en=f"“{answer.title.en}” expects {remedy.en}.",
            ),
            kind="invalid",
            field=f"{where}.{answer.key}",
        ) from None


_READERS: dict[str, Callable[[Any], Any]] = {
    "number": _number,
    "yes-no": _of(bool),
    "date": _date,
    "instant": _instant,
    "text": _of(str),
}


def _remedy(answer: Answer) -> Text:
    """What is expected, in words."""
    if answer.kind == "number":
        return _numbers(answer)
    if answer.kind == "choice":
        return Text(fr=", ".join(answer.choice_keys), en=", ".join(answer.choice_keys))
    return _REMEDIES[answer.kind]


_REMEDIES = {
    "yes-no": Text(fr="oui ou non", en="true or false"),
    "date": Text(fr="une date comme 2027-03-16", en="a day like 2027-03-16"),
    "instant": Text(
        fr="un instant comme 2027-03-16T09:30:00+01:00", en="an instant like 2027-03-16T09:30:00+01:00"
    ),
    "text": Text(fr="un texte", en="a text"),
}


def _rows(answer: Answer, value: Any) -> list[dict[str, Any]]:
    """The rows of a table, each value in its column's kind; empty cells are left out, empty rows too."""
    columns = {column.key: column for column in answer.columns}
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise Refused(
            Text(
                fr=f"« {answer.title.fr} » attend une liste de lignes.",
                en=f"“{answer.title.en}” expects a list of rows.",
            ),
            kind="invalid",
            field=f"data.{answer.key}",
        )
    rows = []
    for number, row in enumerate(value):
        where = f"data.{answer.key}[{number}]"
        for key in row:
            if key not in columns:
                known = ", ".join(columns)
                raise Refused(
                    Text(
                        fr=f"« {key} » n'est pas une colonne de « {answer.title.fr} » ; colonnes : {known}.",
                        en=f"{key!r} is no column of “{answer.title.en}”; columns: {known}.",
                    ),
                    kind="invalid",
                    field=f"{where}.{key}",
                )
        given = {key: one for key, one in row.items() if one not in (None, "")}
        if given:
            rows.append({key: _checked(columns[key], one, where) for key, one in given.items()})
    return rows


def _possible(answer: Answer, number: float) -> bool:
    low, high = answer.at_least, answer.at_most
    return (low is None or number >= low) and (high is None or number <= high)


def _numbers(answer: Answer) -> Text:
    """What numbers are possible, in words."""
    low, high = answer.at_least, answer.at_most
    if low is None or high is None:
        return Text(fr="un nombre", en="a number")
    return Text(fr=f"un nombre de {low:g} à {high:g}", en=f"a number from {low:g} to {high:g}")
