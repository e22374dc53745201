"""Heparin between the last dose and the procedure: proposed only where the text says so, never where it says none."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from pathway.holding.answer import Bridge, LastIntake
from pathway.holding.asked import Drug
from pathway.holding.judge import Case
from pathway.holding.profile import BridgeRule, Clock, Profile, Remark
from pathway.holding.recent import months_after
from pathway.refusal import Text

RECENT_VTE_MONTHS = 3
"""A clot younger than this is asked about as ``vte-recent`` (RFE GIHP/SFAR 2026, Q7)."""


def bridge(drug: Drug, profile: Profile, case: Case) -> Bridge | None:
    """What the profile says of a bridge for this drug; None when it says nothing of it."""
    indication = _indication(drug, case)
    for rule in profile.bridging:
        if drug.atc.startswith(rule.drugs) and (not rule.indications or indication in rule.indications):
            return _said(rule, profile, case)
    return None


def _indication(drug: Drug, case: Case) -> str | None:
    day = case.calendar.day(case.procedure)
    vte = case.inputs.vte
    if drug.indication in ("vte", None) and vte is not None and day < months_after(vte, RECENT_VTE_MONTHS):
        return "vte-recent"
    return drug.indication


def _said(rule: BridgeRule, profile: Profile, case: Case) -> Bridge:
    if rule.propose != "propose":
        return Bridge(rule.propose, rule.text, rule.source)
    weight = case.inputs.weight_kg
    remarks = [
        *_met(profile.bridging_by_clearance, case.clearances(profile).values()),
        *_met(profile.bridging_by_weight, () if weight is None else (weight,)),
    ]
    text = Text(
        fr=" ".join([rule.text.fr, *(remark.fr for remark in remarks)]),
        en=" ".join([rule.text.en, *(remark.en for remark in remarks)]),
    )
    return Bridge(
        "propose",
        text,
        rule.source,
        _dose(rule.first_offset, rule.first_clock, case),
        _dose(rule.last_offset, rule.last_clock, case),
    )


def _met(remarks: tuple[Remark, ...], values: Iterable[float]) -> list[Text]:
    """The sentences of the remarks that one of these values calls for."""
    known = tuple(values)
    return [
        remark.text
        for remark in remarks
        if any(remark.below is not None and value < remark.below for value in known)
        or any(remark.at_least is not None and value >= remark.at_least for value in known)
    ]


def _dose(offset: int | None, clock: Clock, case: Case) -> LastIntake | None:
    if offset is None:
        return None
    return LastIntake(case.calendar.day(case.procedure) - timedelta(days=offset), offset, clock=clock)
