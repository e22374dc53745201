"""What a resource is found by, read once, when it is kept: a search then looks at rows and never into JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, cast

from fhir_mappings.read import Json, text_at
from fhir_mappings.search_parameters import PARAMETERS, Parameter

VERSION = 2
"""Counts the changes of what is read, and of the table it is read by: what was indexed by an older one is indexed
again at the next start."""

ENDLESS = datetime(9999, 1, 1, tzinfo=UTC)
LONG_AGO = datetime(1, 1, 2, tzinfo=UTC)
"""What a period without an end or a beginning is kept with."""


@dataclass(frozen=True, slots=True)
class Index:
    """``tokens`` as (parameter, system, value), ``spans`` as (parameter, start, end) in UTC; no doubles."""

    tokens: tuple[tuple[str, str, str], ...] = ()
    spans: tuple[tuple[str, datetime, datetime], ...] = ()


def index(resource: Json, *, base: str = "", zone: tzinfo = UTC) -> Index:
    """What a resource is found by. ``base`` is our own address, which its references may begin with.

    Whatever is not of the kind that R4 gives the element is passed over; a date without a zone is one of ``zone``.
    """
    tokens: dict[tuple[str, str, str], None] = {}
    spans: dict[tuple[str, datetime, datetime], None] = {}
    for parameter in PARAMETERS.get(resource.get("resourceType", ""), ()):
        for path in parameter.paths:
            for value in values_at(resource, path):
                if parameter.kind == "date":
                    if (span := _span(value, zone)) is not None:
                        spans[parameter.name, *span] = None
                elif parameter.kind == "reference":
                    for name, system, said in _referred(parameter, value, base):
                        tokens[name, system, said] = None
                elif parameter.kind == "uri":
                    for said in _uris(value):
                        tokens[parameter.name, "", said] = None
                else:
                    for system, said in _codes(value):
                        tokens[parameter.name, system, said] = None
    return Index(tuple(tokens), tuple(spans))


def values_at(value: Any, path: str) -> Iterator[Any]:
    """Every value found by following element names joined by dots."""
    name, _, rest = path.partition(".")
    if isinstance(value, list):
        for each in value:
            yield from values_at(each, path)
    elif isinstance(value, dict) and name in value:
        found = value[name]
        if rest:
            yield from values_at(found, rest)
        elif isinstance(found, list):
            yield from found
        else:
            yield found


def _uris(value: Any) -> Iterator[str]:
    """A URI; of a canonical with a version also the one without, which any version answers to."""
    if isinstance(value, str):
        yield value
        if "|" in value:
            yield value.partition("|")[0]


def _codes(value: Any) -> Iterator[tuple[str, str]]:
    """(system, code) of a code, a boolean, a Coding, a CodeableConcept, an Identifier or a canonical."""
    if isinstance(value, bool):
        yield "", "true" if value else "false"
    elif isinstance(value, str):
        yield "", value
    elif isinstance(value, dict):
        if "coding" in value:
            for each in values_at(value, "coding"):
                yield from _codes(each)
        elif code := text_at(value, "code") or text_at(value, "value"):
            yield text_at(value, "system") or "", code


_LOCAL = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?")


def place(reference: str, base: str = "") -> tuple[str, str]:
    """A literal reference as (type, id) where it is to something here, else as ('', the whole of it)."""
    local = reference.removeprefix(f"{base}/") if base else reference
    match = _LOCAL.fullmatch(local)
    return (match[1], match[2]) if match else ("", reference)


def _referred(parameter: Parameter, value: Any, base: str) -> Iterator[tuple[str, str, str]]:
    if literal := text_at(value, "reference"):
        type_, id_ = place(literal, base)
        # ``patient`` means a Patient only, whoever else stands in the same element.
        if not type_ or parameter.name != "patient" or type_ == "Patient":
            yield parameter.name, type_, id_
    elif isinstance(value, dict):
        for system, said in _codes(value.get("identifier")):
            yield f"{parameter.name}:identifier", system, said
    elif isinstance(value, str):
        yield parameter.name, *place(value, base)


# --- dates ------------------------------------------------------------------------------------------------

_SAID = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d{2})(?:-(?P<day>\d{2})"
    r"(?:T(?P<hour>\d{2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.(?P<fraction>\d{1,6})\d*)?)?"
    r"(?P<zone>Z|[+-]\d{2}:\d{2})?)?)?)?"
)


def _span(value: Any, zone: tzinfo) -> tuple[datetime, datetime] | None:
    """The time (UTC) that a date, dateTime, instant or Period covers; None for anything else."""
    if isinstance(value, str):
        return covered(value, zone)
    if not isinstance(value, dict):
        return None
    start, end = (covered(text_at(value, name) or "", zone) for name in ("start", "end"))
    if start is None and end is None:
        return None
    return start[0] if start else LONG_AGO, end[1] if end else ENDLESS


def covered(said: str, zone: tzinfo) -> tuple[datetime, datetime] | None:
    """The span (UTC, its end not in it) of a date or dateTime of any precision; None when it is no such date.

    Without an offset it is one in ``zone``. Years are 1900 to 2199: others are placeholders, and overflow.
    """
    match = _SAID.fullmatch(said)
    if match is None:
        return None
    try:
        start, end = _covered(match, zone)
    except (ValueError, OverflowError):
        return None
    return start.astimezone(UTC), end.astimezone(UTC)


def _covered(match: re.Match[str], zone: tzinfo) -> tuple[datetime, datetime]:
    year, month, day = (int(match[name] or 1) for name in ("year", "month", "day"))
    if not 1900 <= year < 2200:
        raise ValueError(year)
    if match["hour"] is None:
        start = datetime(year, month, day, tzinfo=zone)
        if match["day"]:
            following = datetime(year, month, day) + timedelta(days=1)  # noqa: DTZ001 - a wall date, zoned below
            return start, following.replace(tzinfo=zone)
        if match["month"]:
            return start, datetime(year + month // 12, month % 12 + 1, 1, tzinfo=zone)
        return start, datetime(year + 1, 1, 1, tzinfo=zone)
    fraction = match["fraction"] or ""
    hour, minute, second = (int(match[name] or 0) for name in ("hour", "minute", "second"))
    micro = int(fraction.ljust(6, "0")) if fraction else 0
    start = datetime(year, month, day, hour, minute, second, micro, tzinfo=_offset(match["zone"], zone))
    return start.astimezone(UTC), start.astimezone(UTC) + _precision(match["second"], fraction)


def _precision(second: str | None, fraction: str) -> timedelta:
    if second is None:
        return timedelta(minutes=1)
    return timedelta(seconds=1) if not fraction else timedelta(microseconds=10 ** (6 - len(fraction)))


def _offset(said: str | None, zone: tzinfo) -> tzinfo:
    return zone if said is None else cast(tzinfo, datetime.strptime(said, "%z").tzinfo)
