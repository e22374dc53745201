"""How the pages speak: French in the source, English from a catalogue, dates on the centre's wall clock.

A ``Speech`` is one reader's language and zone. ``say`` translates a sentence written in French and fills its
``{names}``; what it fills in is data, and the templates escape the result as they escape everything.
"""

from __future__ import annotations

import gettext
import io
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path

from babel.dates import format_date, format_skeleton
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from pathway.calendar import Calendar
from pathway.refusal import Text

LANGUAGES = {"fr": "Français", "en": "English"}
SOURCE = "fr"
CATALOGUES = Path(__file__).parent / "locale"


@cache
def catalogue(language: str) -> gettext.NullTranslations:
    """The translations into a language, compiled in memory from its ``.po`` file; none for French, the source."""
    path = CATALOGUES / language / "LC_MESSAGES" / "jalon.po"
    if language == SOURCE or not path.exists():
        return gettext.NullTranslations()
    with path.open("rb") as file:
        messages = read_po(file, locale=language)
    compiled = io.BytesIO()
    write_mo(compiled, messages)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


@dataclass(frozen=True)
class Speech:
    """One reader's language, and the centre's calendar whose wall clock every date is shown on."""

    language: str
    calendar: Calendar

    def __call__(self, sentence: str, **names: object) -> str:
        """The sentence in the reader's language, with its ``{names}`` filled in."""
        said = catalogue(self.language).gettext(sentence)
        return said.format(**names) if names else said

    def many(self, one: str, several: str, count: int, **names: object) -> str:
        """The sentence for this number of things; ``{count}`` is the number."""
        said = catalogue(self.language).ngettext(one, several, count)
        if self.language == SOURCE and count == 0:
            said = one  # French counts nought as one
        return said.format(count=count, **names)

    def text(self, text: Text) -> str:
        """The reader's side of a text that carries both languages."""
        return text.in_(self.language)

    def day(self, moment: datetime | date | None) -> str:
        """``lun. 16 mars 2027``; a dash when there is none."""
        if moment is None:
            return "–"
        day = self.calendar.day(moment) if isinstance(moment, datetime) else moment
        shape = "EEE d MMM y"
        return format_date(day, shape, locale=self.language)

    def birth(self, day: date) -> str:
        """``02/05/1944`` or ``02 May 1944``: as people check an identity aloud."""
        return format_date(day, "dd/MM/y" if self.language == "fr" else "dd MMM y", locale=self.language)

    def hour(self, moment: datetime) -> str:
        """``09:30``."""
        return self.calendar.local(moment).strftime("%H:%M")

    def when(self, moment: datetime | None) -> str:
        """``lun. 16 mars 2027, 09:30``; a dash when there is none."""
        return "–" if moment is None else f"{self.day(moment)}, {self.hour(moment)}"

    def short(self, moment: datetime | date) -> str:
        """``16 mars``: where the year goes without saying."""
        day = self.calendar.day(moment) if isinstance(moment, datetime) else moment
        return str(format_skeleton("MMMd", datetime(day.year, day.month, day.day), locale=self.language))  # noqa: DTZ001

    def late(self, due: datetime, now: datetime) -> str:
        """How long ago something was due, or how soon it is: ``en retard de 3 j``, ``dans 2 j``."""
        speech = self  # the name under which sentences are found for the catalogue
        days = (self.calendar.day(due) - self.calendar.day(now)).days
        if due <= now:
            hours = int((now - due).total_seconds() // 3600)
            if days < 0 and hours >= 24:
                return speech.many("en retard de {count} jour", "en retard de {count} jours", -days)
            if hours:
                return speech.many("en retard de {count} heure", "en retard de {count} heures", hours)
            return speech("en retard")
        if days == 0:
            return speech("aujourd’hui à {hour}", hour=speech.hour(due))
        if days == 1:
            return speech("demain")
        return speech.many("dans {count} jour", "dans {count} jours", days)
