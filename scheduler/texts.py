"""From a planned message to the words that leave: the pinned text, the centre's facts, the slot in wall time.

Nothing of the patient's health is within reach here: a text may use only the names in ``VARIABLES``. SMS are
kept in GSM-7, because one ``ê`` turns 160 characters into 70.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from babel.dates import format_date, format_time
from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from pathway.calendar import Calendar

_JINJA = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=False)

_GSM7 = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM7_TWICE = set("^{}\\[~]|€")
_PLAIN = {
    "’": "'",
    "‘": "'",
    "«": '"',
    "»": '"',
    "“": '"',
    "”": '"',
    "–": "-",
    "—": "-",
    "…": "...",
    "œ": "oe",
    "Œ": "OE",
}


@dataclass(frozen=True, slots=True)
class Words:
    """What a message says. ``subject`` for e-mail only."""

    text: str
    subject: str | None = None


class Unsayable(Exception):
    """A text is missing or uses a name it may not. The message is kept and a person told."""


def words(
    texts: Mapping[str, Any],
    centre: Mapping[str, Any],
    calendar: Calendar,
    *,
    template: str,
    channel: str,
    language: str,
    data: Mapping[str, Any],
    link: str,
) -> Words:
    """The words of one message by one channel. Raises Unsayable naming the template and what is wrong."""
    known = language if language in ("fr", "en") else "fr"
    try:
        said = texts[template][known][channel]
    except (KeyError, TypeError):
        raise Unsayable(f"there is no text {template}/{known}/{channel}") from None
    names = variables(centre, calendar, known, data, link, plain=channel == "sms")
    try:
        if channel == "sms":
            return Words(to_gsm7(_fill(said, names)))
        return Words(_fill(said["text"], names), " ".join(_fill(said["subject"], names).split()))
    except (TemplateError, KeyError, TypeError) as error:
        raise Unsayable(f"the text {template}/{known}/{channel} cannot be filled: {error}") from error


VARIABLES = (
    "establishment",
    "phone",
    "opt_out",
    "weekday",
    "date",
    "time",
    "place",
    "old_weekday",
    "old_date",
    "old_time",
    "link",
)


def variables(
    centre: Mapping[str, Any],
    calendar: Calendar,
    language: str,
    data: Mapping[str, Any],
    link: str,
    *,
    plain: bool,
) -> dict[str, str]:
    """The names a text may use. Dates are wall time in the centre's zone, in the reader's language."""
    spoken = {
        "establishment": centre["name"],
        "phone": centre["phone"],
        "opt_out": centre.get("opt_out", {}).get(language, "STOP"),
        "place": data.get("slot_place") or centre["place"],
        "link": link,
        **_when("", data.get("slot_start"), calendar, language, plain),
        **_when("old_", data.get("told_start"), calendar, language, plain),
    }
    return {name: str(value) for name, value in spoken.items()}


def _when(prefix: str, start: str | None, calendar: Calendar, language: str, plain: bool) -> dict[str, str]:
    if start is None:
        return {}
    local = calendar.local(datetime.fromisoformat(start))
    shape = "dd/MM" if plain else "d MMMM y"
    return {
        f"{prefix}weekday": format_date(local, "EEEE", locale=language),
        f"{prefix}date": format_date(local, shape, locale=language),
        f"{prefix}time": format_time(local, "HH:mm", locale=language),
    }


def _fill(template: str, names: Mapping[str, str]) -> str:
    return _JINJA.from_string(template).render(**names).strip()


def to_gsm7(text: str) -> str:
    """The same text in the alphabet that fits 160 characters into one SMS, accents it lacks left off."""
    return "".join(_gsm7(character) for character in unicodedata.normalize("NFC", text))


def _gsm7(character: str) -> str:
    if character in _GSM7 or character in _GSM7_TWICE:
        return character
    if character in _PLAIN:
        return _PLAIN[character]
    if character.isspace():
        return " "
    bare = "".join(c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c))
    return "".join(c if c in _GSM7 else "?" for c in bare)


def segments(text: str) -> int:
    """How many SMS a GSM-7 text takes: 160 characters alone, 153 in each part of several."""
    units = sum(2 if character in _GSM7_TWICE else 1 for character in text)
    return 1 if units <= 160 else -(-units // 153)
