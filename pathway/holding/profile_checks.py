"""What no hold profile may say: a gap between bands, a number without a source, a delay where none exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from pathway.codec import Malformed

if TYPE_CHECKING:
    from pathway.holding.profile import Band, DrugRule, Profile, Rule, Rules

REFUSED_BELOW = {"B01AE07": 30.0, "B01AF": 15.0}
"""mL/min below which no text gives a delay: dabigatran 30, any anti-Xa DOAC 15 (protocol reference §2.9)."""

ATC = re.compile(r"^[A-Z][0-9]{2}([A-Z]([A-Z]([0-9]{2})?)?)?$")
"""An ATC code or the beginning of one, cut at one of its levels."""

LONGEST_OFFSET = 60
"""Days; more is taken for a slip of the hand."""


def complaints(profile: Profile) -> Iterator[Malformed]:
    """Every complaint, each naming its place by path (``drugs.B01AF02.bands[1]``)."""
    for atc, drug in profile.drugs.items():
        yield from _drug(profile, atc, drug)
    for prefix in profile.resume:
        if not ATC.match(prefix):
            yield Malformed(f"resume.{prefix}", "is no ATC code; write one like B01AF02, or its beginning")
    for key, lab in profile.labs.items():
        if lab.threshold and lab.threshold not in profile.thresholds:
            known = ", ".join(sorted(profile.thresholds)) or "none"
            yield Malformed(
                f"labs.{key}.threshold", f"there is no threshold {lab.threshold!r}; known: {known}"
            )
    for index, event in enumerate(profile.recent):
        if (event.days is None) == (event.months is None):
            yield Malformed(f"recent[{index}]", "says exactly one of days and months")
    for index, bridge in enumerate(profile.bridging):
        if bridge.propose != "propose" and bridge.first_offset is not None:
            yield Malformed(f"bridging[{index}].first_offset", "goes with propose: propose, and only with it")
    if not profile.renal_metric:
        yield Malformed("renal_metric", "names at least one of cockcroft_gault and ckd_epi")


def _drug(profile: Profile, atc: str, drug: DrugRule) -> Iterator[Malformed]:
    path = f"drugs.{atc}"
    if not ATC.match(atc):
        yield Malformed(path, "is no ATC code; write one like B01AF02, or its beginning")
    parts: list[tuple[str, Rules]] = [(path, drug)]
    for family in ("doses", "routes", "by_indication"):
        parts += [(f"{path}.{family}.{key}", rules) for key, rules in getattr(drug, family).items()]
    if len(parts) > 1 and (drug.last or drug.bands):
        yield Malformed(path, "has both its own last intake and one by dose, route or indication; keep one")
    if len(parts) == 1 and not (drug.last or drug.bands):
        yield Malformed(path, "says nothing; give last, bands, doses, routes or by_indication")
    for where, rules in parts:
        yield from _rules(where, rules, drug.source)
        named = [(f"{where}.lab", rules.lab)]
        named += [(f"{where}.bands[{index}].lab", band.lab) for index, band in enumerate(rules.bands)]
        for place, lab in named:
            if lab and lab not in profile.labs:
                known = ", ".join(sorted(profile.labs)) or "none"
                yield Malformed(place, f"there is no lab {lab!r}; known: {known}")
        yield from _refused_below(where, atc, rules)


def _rules(path: str, rules: Rules, source: str) -> Iterator[Malformed]:
    if rules.last and rules.bands:
        yield Malformed(path, "has both last and bands; keep one")
    known = rules.source or source
    if rules.last:
        yield from _rule(f"{path}.last", rules.last, known)
    if rules.if_unknown:
        yield from _rule(f"{path}.if_unknown", rules.if_unknown, known)
    for index, band in enumerate(rules.bands):
        yield from _rule(f"{path}.bands[{index}]", band, known)
    yield from _bands(path, rules.bands)


def _rule(path: str, rule: Rule, source: str) -> Iterator[Malformed]:
    said = [name for name in ("offset", "hours", "action") if getattr(rule, name) is not None]
    if len(said) != 1:
        yield Malformed(
            path, f"says exactly one of offset, hours and action, not {', '.join(said) or 'none'}"
        )
        return
    if rule.offset is not None and not 0 <= rule.offset <= LONGEST_OFFSET:
        yield Malformed(
            f"{path}.offset", f"is a number of days from 0 to {LONGEST_OFFSET}, not {rule.offset}"
        )
    if rule.hours is not None and not 0 < rule.hours <= 24 * LONGEST_OFFSET:
        yield Malformed(f"{path}.hours", f"is a number of hours above 0, not {rule.hours:g}")
    for name, top in (("offset", "max_offset"), ("hours", "max_hours")):
        low, high = getattr(rule, name), getattr(rule, top)
        if high is not None and (low is None or high <= low):
            yield Malformed(f"{path}.{top}", f"is the far end of a range and above {name}")
    if rule.options and rule.action != "ask":
        yield Malformed(f"{path}.options", "go with action: ask, and only with it")
    if not (rule.source or source):
        yield Malformed(f"{path}.source", "is missing: every number says where it comes from")
    if any(
        option.hours is None and option.offset is None and option.action != "continue"
        for option in rule.options
    ):
        yield Malformed(f"{path}.options", "are each a delay, or action: continue")
    for index, option in enumerate(rule.options):
        yield from _rule(f"{path}.options[{index}]", option, rule.source or source)


def _bands(path: str, bands: tuple[Band, ...]) -> Iterator[Malformed]:
    """Bands run from the top down and leave no clearance without an answer."""
    if not bands:
        return
    if bands[0].max is not None:
        yield Malformed(f"{path}.bands[0].max", "is not given: the first band is open upwards")
    if bands[-1].min is not None:
        yield Malformed(
            f"{path}.bands[{len(bands) - 1}].min", "is not given: the last band is open downwards"
        )
    for index, (above, below) in enumerate(pairwise(bands), start=1):
        if above.min is None or below.max != above.min:
            edge = "none" if above.min is None else f"{above.min:g}"
            yield Malformed(f"{path}.bands[{index}].max", f"must be the min of the band above it ({edge})")
        elif below.min is not None and below.min >= above.min:
            yield Malformed(f"{path}.bands[{index}].min", "must be below its max")


def _refused_below(path: str, atc: str, rules: Rules) -> Iterator[Malformed]:
    """Where no text gives a delay, no profile may invent one."""
    meant = [limit for one, limit in REFUSED_BELOW.items() if atc.startswith(one) or one.startswith(atc)]
    if not meant or not (rules.last or rules.bands):
        return
    floor = max(meant)
    if rules.last and rules.last.action != "refuse":
        yield Malformed(f"{path}.last", f"must be bands: below {floor:g} mL/min no text gives a delay")
    for index, band in enumerate(rules.bands):
        if (band.min is None or band.min < floor) and band.action != "refuse":
            yield Malformed(
                f"{path}.bands[{index}]",
                f"must be action: refuse below {floor:g} mL/min: no text gives a delay",
            )
    if rules.if_unknown and rules.if_unknown.action != "refuse":
        yield Malformed(f"{path}.if_unknown", "cannot be given: without a clearance this drug is refused")
