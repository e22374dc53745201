"""Hold profiles as people read them: what each text says of each drug, every number with its source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from app.describe.grid import grid
from app.describe.words import Said
from pathway.holding.profile import DrugRule, Profile, Rules
from pathway.holding.words import METRIC, band_name, by_rule, label
from pathway.protocol import Protocol
from pathway.refusal import Text
from pathway.wording import unit_of

_DRUG_HEADS = ("ATC", "Drug", "Which", "Clearance (mL/min)", "Last intake", "Check", "Source")
_LIMIT_HEADS = ("Limit", "Value", "Source")
_RESUME_HEADS = ("ATC", "Resumption", "Source")
_BRIDGE_HEADS = ("ATC", "Which", "Bridging", "Source")
_EVENT_HEADS = ("Event", "ATC", "Within", "Effect", "text", "Source")
_INTERACTION_HEADS = ("Interacting drugs", "ATC", "text", "Source")


def page(profiles: Iterable[Profile], protocol: Protocol, language: str = "en") -> str:
    """Every profile with its tables, in ``fr`` or ``en``. In English it is ``docs/hold-profiles.md``."""
    said = Said(protocol, language)
    parts = [f"# {said('Hold profiles')}", said("printed from files")]
    for one in profiles:
        parts += _profile(one, said)
    return "\n\n".join(parts) + "\n"


def _profile(one: Profile, said: Said) -> Iterator[str]:
    yield f"## {one.profile} {one.version}"
    metric = ", ".join(said.text(METRIC[key]) for key in one.renal_metric)
    yield f"{said.text(one.title)}. {said('Source')}{said.colon}{one.source}. {said('Renal function by')} {metric}."
    rows = [row for atc, drug in one.drugs.items() for row in _drug(atc, drug, one, said)]
    yield from _table("Last intake", _DRUG_HEADS, rows, said)
    limits = [
        (key, f"{each.value:g} {unit_of(each.unit)}".strip(), each.source)
        for key, each in one.thresholds.items()
    ]
    yield from _table("Limits", _LIMIT_HEADS, limits, said)
    again = [(atc, said.text(each.text), each.source) for atc, each in one.resume.items()]
    yield from _table("Resumption", _RESUME_HEADS, again, said)
    bridges = [
        (
            ", ".join(each.drugs),
            ", ".join(said.text(label(key)) for key in each.indications),
            said.text(each.text),
            each.source,
        )
        for each in one.bridging
    ]
    yield from _table("Bridging", _BRIDGE_HEADS, bridges, said)
    events = [
        (
            said(each.event),
            ", ".join(each.drugs),
            f"{each.days} {said('days')}" if each.days is not None else f"{each.months} {said('months')}",
            said(each.effect),
            said.text(each.text),
            each.source,
        )
        for each in one.recent
    ]
    yield from _table("Recent events", _EVENT_HEADS, events, said)
    mixed = [
        (", ".join((*each.names, *each.atc)), ", ".join(each.drugs), said.text(each.text), each.source)
        for each in one.interactions
    ]
    yield from _table("Interactions", _INTERACTION_HEADS, mixed, said)


def _table(title: str, heads: tuple[str, ...], rows: Sequence[tuple[str, ...]], said: Said) -> Iterator[str]:
    if rows:
        yield f"### {said(title)}"
        yield grid(said, heads, rows)


def _drug(atc: str, drug: DrugRule, profile: Profile, said: Said) -> Iterator[tuple[str, ...]]:
    """One row for each rule: of the drug itself, of a dose, a route or an indication; one a renal band."""
    named: list[tuple[str, Rules]] = [("", drug)]
    named += [(said.text(label(key)), rules) for key, rules in drug.choices.items()]
    for which, rules in named:
        check = profile.labs.get(rules.lab or drug.lab or "")
        shown = said.text(check.text) if check else ""
        source = rules.source or drug.source or profile.source
        for clearance, rule in _rules(rules):
            where = said("unknown") if clearance == "?" else clearance
            yield f"`{atc}`", said.text(drug.name), which, where, rule.in_(said.language), shown, source


def _rules(rules: Rules) -> Iterator[tuple[str, Text]]:
    if rules.last is not None:
        yield "", by_rule(rules.last)
    for band in rules.bands:
        yield band_name(band), by_rule(band)
    if rules.if_unknown is not None:
        yield "?", by_rule(rules.if_unknown)
