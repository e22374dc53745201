"""What a form asks and what was typed into it: nothing typed is lost, every complaint stands at its field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from app.i18n import Speech

Kind = Literal[
    "text",
    "textarea",
    "number",
    "date",
    "instant",
    "choice",
    "radio",
    "yes-no",
    "email",
    "tel",
    "tick",
    "table",
]


@dataclass(frozen=True, slots=True)
class Field:
    """One question of a form. ``value`` stands in it before anybody types; ``rows`` are the cells of a table."""

    name: str
    label: str
    kind: Kind = "text"
    required: bool = False
    choices: tuple[tuple[str, str], ...] = ()
    help: str = ""
    unit: str = ""
    value: str = ""
    notes: Mapping[str, str] | None = None
    rows: tuple[tuple[Field, ...], ...] = ()
    autocomplete: str = "off"


_YEARS = (1900, 2200)
"""Outside of them a year is a slip of the keyboard."""


class Invalid(Exception):
    """What was typed cannot be understood. ``errors`` has a sentence for each field."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(errors.values()))
        self.errors = dict(errors)


class Said:
    """What was typed into a form, read field by field. ``done`` raises what could not be understood, all at once."""

    def __init__(self, typed: Mapping[str, str], speech: Speech) -> None:
        self.typed = typed
        self._speech = speech
        self._errors: dict[str, str] = {}

    def complain(self, name: str, sentence: str) -> None:
        """Remember that this field cannot stay as it is."""
        self._errors.setdefault(name, sentence)

    def done(self) -> None:
        """Raise Invalid when there was anything to complain of."""
        if self._errors:
            raise Invalid(self._errors)

    def text(self, name: str, *, required: bool = False) -> str:
        """The text, trimmed; empty when nothing was typed."""
        value = self.typed.get(name, "").strip()
        if required and not value:
            self.complain(name, self._speech("Renseignez ce champ."))
        return value

    def number(self, name: str, *, required: bool = False) -> float | int | None:
        """The number, with a comma or a point; whole numbers stay whole."""
        value = self.text(name, required=required).replace(",", ".").replace(" ", "").replace("\u202f", "")
        if not value:
            return None
        try:
            number = float(value)
        except ValueError:
            self.complain(name, self._speech("Indiquez un nombre, par exemple 72,5."))
            return None
        if number != number or number in (float("inf"), float("-inf")):
            self.complain(name, self._speech("Indiquez un nombre, par exemple 72,5."))
            return None
        return int(number) if number.is_integer() else number

    def whole(self, name: str, *, required: bool = False) -> int | None:
        """The whole number."""
        number = self.number(name, required=required)
        if number is not None and not isinstance(number, int):
            self.complain(name, self._speech("Indiquez un nombre entier."))
            return None
        return number

    def day(self, name: str, *, required: bool = False) -> date | None:
        """The day, in the centre's zone."""
        value = self.text(name, required=required)
        if not value:
            return None
        try:
            return self._sensible(name, date.fromisoformat(value))
        except ValueError:
            self.complain(name, self._speech("Indiquez une date, par exemple 2027-03-16."))
            return None

    def instant(self, name: str, *, required: bool = False) -> datetime | None:
        """The instant (UTC) of a wall time in the centre's zone."""
        value = self.text(name, required=required)
        if not value:
            return None
        try:
            wall = datetime.fromisoformat(value)
        except ValueError:
            self.complain(name, self._speech("Indiquez une date et une heure, par exemple 2027-03-16T09:30."))
            return None
        if self._sensible(name, wall.date()) is None:
            return None
        calendar = self._speech.calendar
        return calendar.at(wall.date(), wall.time().replace(tzinfo=None))

    def _sensible(self, name: str, day: date) -> date | None:
        if not _YEARS[0] <= day.year <= _YEARS[1]:
            self.complain(name, self._speech("Vérifiez l’année."))
            return None
        return day

    def yes_no(self, name: str, *, required: bool = False) -> bool | None:
        """Yes or no; None when neither was chosen."""
        value = self.choice(name, ("yes", "no"), required=required)
        return None if not value else value == "yes"

    def choice(self, name: str, among: Sequence[str], *, required: bool = False) -> str:
        """One of these; empty when nothing was chosen."""
        value = self.text(name)
        if required and not value:
            self.complain(name, self._speech("Choisissez une réponse."))
        if value and value not in among:
            self.complain(name, self._speech("Choisissez une des réponses proposées."))
            return ""
        return value

    def ticked(self, name: str) -> bool:
        """Whether a box was ticked."""
        return bool(self.typed.get(name))


def typed_instant(moment: datetime | None, speech: Speech) -> str:
    """An instant as a ``datetime-local`` field holds it: wall time in the centre's zone."""
    return "" if moment is None else speech.calendar.local(moment).strftime("%Y-%m-%dT%H:%M")
