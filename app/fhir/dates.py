"""Dates as a search says them: a year, a month, a day or an instant, each a span of time to compare with."""

from __future__ import annotations

import re
from datetime import tzinfo
from typing import cast, get_args

from fhir_mappings.searchable import covered
from store.asked import Prefix, Span

PREFIXES: tuple[str, ...] = get_args(Prefix)


def span(said: str, zone: tzinfo) -> Span:
    """What ``ge2027-03`` compares with: the prefix (``eq`` when none) and the span that the date covers.

    A date without an offset is one in ``zone``, the centre's. ValueError with a sentence when it is no date.
    """
    match = re.fullmatch(r"([a-z]{2})?(\d.*)", said)
    if match is None:
        raise ValueError("it is no date; write it like 2027-03, ge2027-03-09 or lt2027-03-09T08:30:00Z")
    prefix = match[1] or "eq"
    if prefix not in PREFIXES:
        raise ValueError(f"its prefix must be one of {', '.join(PREFIXES)}")
    # A plus sign in a URL is a space to whoever forgets to escape it.
    found = covered(match[2].replace(" ", "+"), zone)
    if found is None:
        raise ValueError(
            "there is no such date; write it like 2027-03, ge2027-03-09 or lt2027-03-09T08:30:00Z"
        )
    return Span(cast(Prefix, prefix), *found)
