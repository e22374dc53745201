"""Public holidays of a place, or a sentence that says which places are known."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

import holidays

from pathway.codec import Malformed


def public_holidays(
    country: str, subdivision: str | None, years: Collection[int], *, field: str = ""
) -> set[date]:
    """The public holidays of a country (ISO 3166, two letters) or a part of it, in these years.

    Malformed names the setting that is wrong (under ``field`` where given) and what may stand there.
    """
    try:
        return set(holidays.country_holidays(country, subdiv=subdivision, years=years))
    except NotImplementedError:
        place = f"{country} {subdivision or ''}".strip()
        known = holidays.list_supported_countries().get(country)
    if known is None:
        raise Malformed(f"{field}country", f"no holidays are known for {place}; write a code like FR")
    listed = ", ".join(known) or "none"
    raise Malformed(f"{field}subdivision", f"no holidays are known for {place}; known subdivisions: {listed}")
