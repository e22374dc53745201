"""How each primitive type of FHIR R4 is written: one question for each, answered in about a microsecond.

The patterns are those of https://hl7.org/fhir/R4/datatypes.html; a pattern takes 31 February, so days are looked
up in the calendar as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}", re.ASCII)
_ELEMENT_ID = re.compile(r"\S+")
_CODE = re.compile(r"\S+(?: \S+)*", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", re.ASCII)
_DATE = re.compile(
    r"([1-9]\d{3}|0\d{2}[1-9]|0\d[1-9]\d|0[1-9]\d{2})(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?", re.ASCII
)
_CLOCK = r"([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?"
_ZONED = re.compile(rf"(\d{{4}}-\d{{2}}-\d{{2}})T{_CLOCK}(Z|[+-]((0\d|1[0-3]):[0-5]\d|14:00))", re.ASCII)
_TIME = re.compile(_CLOCK, re.ASCII)
_URI = re.compile(r"\S+", re.ASCII)
_UUID = re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)
_OID = re.compile(r"urn:oid:[0-2](\.(0|[1-9]\d*))+", re.ASCII)
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", re.ASCII)
_SPACES = re.compile(r"\s+", re.ASCII)

_LONGEST = 1024 * 1024
_INT32 = 2**31


def _boolean(value: Any) -> bool:
    return value is True or value is False


def _integer(value: Any) -> bool:
    return type(value) is int and -_INT32 <= value < _INT32


def _positive(value: Any) -> bool:
    return type(value) is int and 0 < value < _INT32


def _unsigned(value: Any) -> bool:
    return type(value) is int and 0 <= value < _INT32


def _decimal(value: Any) -> bool:
    return type(value) in (int, float, Decimal)


def is_text(value: Any) -> bool:
    """A string with something in it, none of it a control character, of at most one megabyte."""
    return (
        type(value) is str
        and value != ""
        and len(value) <= _LONGEST
        and (value.isprintable() or _CONTROL.search(value) is None)
    )


def _day_exists(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def is_date(value: Any) -> bool:
    """A year, a month or a day that exists."""
    return (
        type(value) is str and _DATE.fullmatch(value) is not None and (len(value) < 10 or _day_exists(value))
    )


def is_instant(value: Any) -> bool:
    """A day, a time to the second at least, and an offset."""
    return type(value) is str and _ZONED.fullmatch(value) is not None and _day_exists(value[:10])


def is_date_time(value: Any) -> bool:
    """A date, or an instant: as soon as there is a time, R4 wants its offset."""
    return is_instant(value) if type(value) is str and len(value) > 10 else is_date(value)


def _matches(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    def fits(value: Any) -> bool:
        return type(value) is str and pattern.fullmatch(value) is not None

    return fits


def is_uri(value: Any) -> bool:
    """Anything without blanks; a `urn:uuid:` or `urn:oid:` must be one."""
    if type(value) is not str or _URI.fullmatch(value) is None:
        return False
    if value.startswith("urn:"):
        if value.startswith("urn:uuid:"):
            return _UUID.fullmatch(value) is not None
        if value.startswith("urn:oid:"):
            return _OID.fullmatch(value) is not None
    return True


def _base64(value: Any) -> bool:
    return type(value) is str and value != "" and _BASE64.fullmatch(_SPACES.sub("", value)) is not None


FORMATS: dict[str, Callable[[Any], bool]] = {
    "boolean": _boolean,
    "integer": _integer,
    "positiveInt": _positive,
    "unsignedInt": _unsigned,
    "decimal": _decimal,
    "string": is_text,
    "markdown": is_text,
    "xhtml": is_text,
    "code": _matches(_CODE),
    "id": _matches(_ID),
    "elementId": _matches(_ELEMENT_ID),
    "uri": is_uri,
    "canonical": is_uri,
    "url": is_uri,
    "uuid": _matches(_UUID),
    "oid": _matches(_OID),
    "date": is_date,
    "dateTime": is_date_time,
    "instant": is_instant,
    "time": _matches(_TIME),
    "base64Binary": _base64,
}
"""By primitive type: whether a JSON value is one."""

REMEDIES: dict[str, str] = {
    "boolean": "write true or false, without quotes",
    "integer": "write a whole number, without quotes",
    "positiveInt": "write a whole number from 1, without quotes",
    "unsignedInt": "write a whole number from 0, without quotes",
    "decimal": "write a number, without quotes",
    "string": "write a string that is not empty and has no control characters",
    "markdown": "write a string that is not empty and has no control characters",
    "xhtml": "write the narrative as one string of XHTML",
    "code": "write a code without blanks at its ends or two in a row",
    "id": "write at most 64 letters, digits, dots and hyphens",
    "elementId": "write an id without blanks",
    "uri": "write a URI without blanks, a urn:uuid: in lower case",
    "canonical": "write the canonical URL, with |version where there is one",
    "url": "write a URL without blanks",
    "uuid": "write urn:uuid: and a UUID in lower case",
    "oid": "write urn:oid: and an OID",
    "date": "write it as YYYY-MM-DD, YYYY-MM or YYYY, of a day that exists",
    "dateTime": "write it as YYYY-MM-DD, with time and offset where there is a time",
    "instant": "write it as YYYY-MM-DDThh:mm:ss with an offset",
    "time": "write it as hh:mm:ss",
    "base64Binary": "write it in base64",
}
"""By primitive type: how it is written, to put it right."""
