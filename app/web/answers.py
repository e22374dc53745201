"""What a step asks, as fields of a form, and what was typed into them as answers."""

from __future__ import annotations

from typing import Any

from app.i18n import Speech
from app.web.fields import Field, Kind, Said
from pathway.codec import encode
from pathway.protocol import Answer

UNITS = {
    "Cel": "°C",
    "umol/L": "µmol/L",
    "mm[Hg]": "mmHg",
    "/min": "/min",
    "{score}": "",
    "{T-score}": "",
    "{INR}": "",
    "10*9/L": "10⁹/L",
}
"""UCUM as the ward writes it."""

_FIELDS: dict[str, Kind] = {
    "number": "number",
    "text": "text",
    "yes-no": "yes-no",
    "date": "date",
    "instant": "instant",
    "choice": "choice",
    "table": "table",
}


def unit_of(ucum: str) -> str:
    """A UCUM unit as the ward writes it."""
    return UNITS.get(ucum, ucum.strip("{}"))


def answer_field(
    answer: Answer, speech: Speech, *, name: str = "", help_: str = "", value: str = ""
) -> Field:
    """The field in which this is answered, named ``data.KEY`` unless said otherwise."""
    return Field(
        name or f"data.{answer.key}",
        speech.text(answer.title),
        _FIELDS[answer.kind],
        choices=tuple((one, speech.text(answer.choice_title(one))) for one in answer.choice_keys),
        unit=unit_of(answer.unit),
        help=help_,
        value=value,
    )


def read_answer(answer: Answer, said: Said, *, name: str = "") -> Any:
    """What was typed as this answer, in its kind; None or empty when nothing was."""
    name = name or f"data.{answer.key}"
    if answer.kind == "number":
        return said.number(name)
    if answer.kind == "yes-no":
        return said.yes_no(name)
    if answer.kind == "date":
        return encode(said.day(name))
    if answer.kind == "instant":
        return encode(said.instant(name))
    if answer.kind == "choice":
        return said.choice(name, answer.choice_keys)
    return said.text(name)
