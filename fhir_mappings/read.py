"""Reading plain FHIR JSON without ever stumbling: each reader answers for any value, however wrong, or says
None.

What is read has been judged by `fhir_mappings.structure` first where it matters; these readers make sure that
what has not been judged (other people's resources in the same Bundle) does no harm.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, tzinfo
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

_DAY = re.compile(r"(?:19|20|21)\d{2}-\d{2}-\d{2}")
_INSTANT = re.compile(r"(?:19|20|21)\d{2}-\d{2}-\d{2}T.+(?:Z|[+-]\d{2}:\d{2})")
"""Three centuries: the year 1 and the year 9999 are placeholders, and overflow as soon as a zone is
applied."""


def object_at(value: Any, *path: str) -> Json:
    """The object found by following `path`, or an empty one."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def objects_at(value: Any, *path: str) -> list[Json]:
    """The objects of the list found by following `path`; anything else in it is passed over."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def text_at(value: Any, *path: str) -> str | None:
    """The string found by following `path`, without outer spaces; None when empty or not a string."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value.strip() or None if isinstance(value, str) else None


def codings(concept: Any) -> Iterator[tuple[str, str, str]]:
    """`(system, code, display)` of each coding of a CodeableConcept; what is not given is empty."""
    for coding in objects_at(concept, "coding"):
        yield text_at(coding, "system") or "", text_at(coding, "code") or "", text_at(coding, "display") or ""


def words(concept: Any) -> list[str]:
    """What a CodeableConcept says in words: its text first, then the displays."""
    said = [text_at(concept, "text"), *(display for _, _, display in codings(concept))]
    return [each for each in said if each]


def has_code(concept: Any, *codes: str) -> bool:
    """Whether one of these codes is there, whatever the system."""
    return any(code in codes for _, code, _ in codings(concept))


def day(value: Any, zone: tzinfo) -> date | None:
    """The calendar day in `zone` of a FHIR date, dateTime or instant; None for a month, a year or
    nonsense."""
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            return None
    at = instant(value, zone)
    return at.astimezone(zone).date() if at else None


def instant(value: Any, zone: tzinfo) -> datetime | None:
    """The instant (UTC) of a FHIR dateTime; a bare date is its first moment in `zone`; None when not exact.

    FHIR demands an offset as soon as there is a time, so a time without one is nonsense too.
    """
    if not isinstance(value, str):
        return None
    try:
        if _DAY.fullmatch(value):
            return datetime.combine(date.fromisoformat(value), time.min, zone).astimezone(UTC)
        if _INSTANT.fullmatch(value):
            return datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return None


def first_instant(zone: tzinfo, *values: Any) -> datetime | None:
    """The first of these values that is an exact instant."""
    return next((at for at in (instant(value, zone) for value in values) if at), None)


def number(value: Any) -> float | int | None:
    """A JSON number; a true or a string of digits is none."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
