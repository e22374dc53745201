"""What the ward sees of a patient who is well, and what it would see of one who is not: read from the alarms."""

from __future__ import annotations

from typing import Any

from pathway.protocol_watch import Observation, Sign, Surveillance


def quiet_values(watch: Surveillance | None) -> dict[str, Any]:
    """A value of everything looked at, at which no alarm of the watch is raised."""
    return {item.key: _quiet(watch, item) for item in watch.items} if watch is not None else {}


def _quiet(watch: Surveillance, item: Observation) -> Any:
    signs = [sign for rule in watch.alarms for sign in rule.any_of if sign.item == item.key]
    if item.kind == "yes-no":
        fixed = [sign.is_ for sign in signs if sign.is_ is not None]
        return (
            not fixed[0] if fixed else not signs
        )  # what is new is no; what nobody fears (walked, sat up) is yes
    above = [sign.at_least for sign in signs if sign.at_least is not None]
    below = [sign.at_most for sign in signs if sign.at_most is not None]
    low = max(below, default=item.at_least if item.at_least is not None else 0.0)
    high = min(above, default=item.at_most if item.at_most is not None else low + 2)
    falls = any(sign.falls_by is not None for sign in signs)
    if not above and falls:
        return high  # full strength, full saturation: it can only fall
    return round((low + high) / 2, 1)


def showing(sign: Sign, quiet: Any, item: Observation) -> Any:
    """A value that shows this sign, counted from the quiet one, within what is possible."""
    if sign.is_new or sign.is_ is not None:
        return True if sign.is_new else sign.is_
    if sign.falls_by is not None:
        value = quiet - sign.falls_by
    elif sign.rises_by is not None:
        value = quiet + sign.rises_by
    elif sign.at_least is not None:
        value = sign.at_least
    else:
        value = sign.at_most if sign.at_most is not None else quiet
    low, high = item.at_least, item.at_most
    return min(max(value, low if low is not None else value), high if high is not None else value)
