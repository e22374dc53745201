"""Sentences in both languages at once: joined, filled in, with dates as the ward writes them.

Whoever explains a thing does not know who will read it, so each piece is a ``Text``. Dates are on the centre's wall
clock, in the form of the pages: ``mar. 16 mars 2027, 09:30`` and ``Tue 16 Mar 2027, 09:30``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from pathway.calendar import Calendar
from pathway.refusal import Text

_DAYS_FR = ("lun.", "mar.", "mer.", "jeu.", "ven.", "sam.", "dim.")
_DAYS_EN = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS_FR = (
    "janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc.",
)  # fmt: skip
_MONTHS_EN = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

UNITS = {
    "Cel": "°C",
    "umol/L": "µmol/L",
    "mm[Hg]": "mmHg",
    "{score}": "",
    "{T-score}": "",
    "{INR}": "",
    "{count}": "",
    "10*9/L": "10⁹/L",
}
"""UCUM as the ward writes it, where that is not the same."""

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?([+-]\d\d:\d\d|Z)")

YES, NO = Text(fr="oui", en="yes"), Text(fr="non", en="no")
NONE = Text(fr="aucun", en="none")


def same(text: str) -> Text:
    """What is written alike in both languages: a name, a code, what a person typed."""
    return Text(fr=text, en=text)


def fill(fr: str, en: str, **parts: object) -> Text:
    """A sentence in each language with its ``{names}`` filled in; a part that is a ``Text`` gives its own side."""
    return Text(
        fr=fr.format(**{name: part.fr if isinstance(part, Text) else part for name, part in parts.items()}),
        en=en.format(**{name: part.en if isinstance(part, Text) else part for name, part in parts.items()}),
    )


def joined(texts: Iterable[Text], between: Text | str = ", ") -> Text:
    """Texts in a row."""
    said = tuple(texts)
    fr, en = (between, between) if isinstance(between, str) else (between.fr, between.en)
    return Text(fr=fr.join(one.fr for one in said), en=en.join(one.en for one in said))


def sentence(text: Text) -> Text:
    """With a capital and a full stop, unless it ends with a mark of its own."""
    return Text(fr=_sentence(text.fr), en=_sentence(text.en))


def _sentence(text: str) -> str:
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "!", "…")) else ".")


def day(shown: date) -> Text:
    """``mar. 16 mars 2027``, ``Tue 16 Mar 2027``."""
    weekday, month = shown.weekday(), shown.month - 1
    return Text(
        fr=f"{_DAYS_FR[weekday]} {shown.day} {_MONTHS_FR[month]} {shown.year}",
        en=f"{_DAYS_EN[weekday]} {shown.day} {_MONTHS_EN[month]} {shown.year}",
    )


def when(instant: datetime, calendar: Calendar) -> Text:
    """``mar. 16 mars 2027, 09:30`` on the centre's clock."""
    local = calendar.local(instant)
    return fill("{day}, {hour}", "{day}, {hour}", day=day(local.date()), hour=local.strftime("%H:%M"))


def count(number: int, one: Text, several: Text) -> Text:
    """``1 jour``, ``3 jours``."""
    return Text(
        fr=f"{number} {one.fr if abs(number) < 2 else several.fr}",
        en=f"{number} {one.en if abs(number) == 1 else several.en}",
    )


def unit_of(ucum: str) -> str:
    """A UCUM unit as the ward writes it."""
    return UNITS.get(ucum, ucum.strip("{}"))


def value(known: Any, calendar: Calendar, unit: str = "") -> Text:
    """A recorded value as people read it, with its UCUM unit in the ward's writing."""
    said = _value(known, calendar)
    written = unit_of(unit)
    return fill("{said} {unit}", "{said} {unit}", said=said, unit=written) if written else said


def _value(known: Any, calendar: Calendar) -> Text:
    if isinstance(known, bool):
        return YES if known else NO
    if isinstance(known, list | tuple):
        rows = any(_is_row(one) for one in known)
        return joined((_value(one, calendar) for one in known), "; " if rows else ", ") if known else NONE
    if isinstance(known, Mapping):
        text, atc = known.get("text"), known.get("atc")
        if text or atc:
            return same(f"{text} ({atc})" if text and atc else str(text or atc))
        return joined((_value(one, calendar) for one in known.values()), " · ")
    if isinstance(known, float):
        return Text(fr=f"{known:g}".replace(".", ","), en=f"{known:g}")
    if isinstance(known, str):
        return _dated(known, calendar)
    return same(str(known))


def _is_row(known: Any) -> bool:
    """Whether this is a row of a table, and no drug."""
    return isinstance(known, Mapping) and not {"text", "atc"} & known.keys()


def _dated(text: str, calendar: Calendar) -> Text:
    """A day or an instant as people read it; any other text, and a day that no calendar has, as it is written."""
    try:
        if _DAY.fullmatch(text):
            return day(date.fromisoformat(text))
        if _INSTANT.fullmatch(text):
            return when(datetime.fromisoformat(text), calendar)
        return same(text)
    except (ValueError, OverflowError):
        return same(text)
