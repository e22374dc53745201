"""Tables in forms: a row a vertebra. Every cell is a field of its own, so that it works without JavaScript."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.i18n import Speech
from app.web.answers import answer_field, read_answer
from app.web.fields import Field, Said
from pathway.protocol import Answer

EMPTY_ROWS = 3
"""Rows to fill in beside those that hold something."""
_MOST = 20


def table_rows(
    answer: Answer, speech: Speech, typed: Mapping[str, str], known: Any
) -> tuple[tuple[Field, ...], ...]:
    """The cells of the table, row by row: what was typed, else what is known, and some empty rows."""
    rows = known if isinstance(known, list) else []
    count = min(_MOST, max(len(rows), _last_typed(answer, typed)) + EMPTY_ROWS)
    return tuple(
        tuple(
            answer_field(
                column, speech, name=_name(answer, number, column), value=_known(rows, number, column)
            )
            for column in answer.columns
        )
        for number in range(count)
    )


def read_table(answer: Answer, said: Said) -> list[dict[str, Any]]:
    """The rows that were filled in, in order; empty ones left out."""
    found = []
    for number in range(_last_typed(answer, said.typed)):
        row = {
            column.key: value
            for column in answer.columns
            if (value := read_answer(column, said, name=_name(answer, number, column))) not in (None, "")
        }
        if row:
            found.append(row)
    return found


def _name(answer: Answer, number: int, column: Answer) -> str:
    return f"data.{answer.key}.{number}.{column.key}"


def _last_typed(answer: Answer, typed: Mapping[str, str]) -> int:
    """How many rows there are up to the last in which something was typed."""
    last = 0
    for number in range(_MOST):
        if any(typed.get(_name(answer, number, column), "").strip() for column in answer.columns):
            last = number + 1
    return last


def _known(rows: list[Any], number: int, column: Answer) -> str:
    row = rows[number] if number < len(rows) and isinstance(rows[number], dict) else {}
    value = row.get(column.key, "")
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
