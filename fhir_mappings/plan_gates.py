"""Gates and outcomes in a PlanDefinition: what must be true before a step, and how a step may end.

R4 knows a condition to start an action, and nothing to book a visit or to record a result. So the start is a condition
that names its gates, what a gate asks is an extension of the plan, and the rest are extensions of the action.
"""

from __future__ import annotations

from collections.abc import Iterator

from fhir_mappings.plan_words import LANGUAGE, canonical, code, expression, in_both, part
from fhir_mappings.read import Json
from fhir_mappings.site import Site, fhir_id
from pathway.protocol import Gate, Outcome, Protocol, StepRule


def gate_extensions(protocol: Protocol, site: Site) -> list[Json]:
    """Every gate of the protocol with its needs, those that findings add included, in their order."""
    return [_gate(protocol.gate(gate.key), protocol, site) for gate in protocol.gates]


def _gate(gate: Gate, protocol: Protocol, site: Site) -> Json:
    place = f"gates.{gate.key}"
    parts = [part("key", "Code", code(gate.key, f"{place}.key"))]
    parts.append(in_both("title", gate.title, f"{place}.title"))
    for index, need in enumerate(gate.needs):
        said = [
            part("when", "Expression", expression(need.when, protocol)),
            in_both("reason", need.reason, f"{place}.needs[{index}].reason"),
        ]
        if need.never_override:
            said.append(part("never-override", "Boolean", True))
        if need.source:
            said.append(part("source", "String", need.source))
        parts.append({"url": "need", "extension": said})
    parts += [part("override", "Code", key) for key in gate.override]
    for group in gate.both:
        parts.append({"url": "both", "extension": [part("role", "Code", key) for key in group]})
    return {"url": f"{site.system}/StructureDefinition/gate", "extension": parts}


def start_conditions(rule: StepRule, protocol: Protocol) -> Iterator[Json]:
    """The gates without which the step does not start, each a condition that names it."""
    for key in rule.start_gates:
        yield {
            "kind": "start",
            "expression": {
                "name": fhir_id(key),
                "description": protocol.gate(key).title.fr,
                "language": LANGUAGE,
                "expression": canonical({"gate": key}),
            },
        }


def outcome_extensions(rule: StepRule, protocol: Protocol, site: Site) -> Iterator[Json]:
    """The gates to book the visit, and every outcome with what it asks and does."""
    for key in rule.book_gates:
        yield {"url": f"{site.system}/StructureDefinition/book-gate", "valueCode": key}
    for outcome in rule.outcomes:
        yield {
            "url": f"{site.system}/StructureDefinition/outcome",
            "extension": list(_outcome(outcome, f"steps.{rule.key}.outcomes.{outcome.key}")),
        }


def _outcome(outcome: Outcome, place: str) -> Iterator[Json]:
    yield part("key", "Code", code(outcome.key, f"{place}.key"))
    yield in_both("title", outcome.title, f"{place}.title")
    if outcome.end is not None:
        yield part("end", "Code", code(outcome.end, f"{place}.end"))
    for name in ("gates", "repeat", "unbook", "suspend", "opens"):
        for key in getattr(outcome, name):
            yield part(name.removesuffix("s") if name in ("gates", "opens") else name, "Code", key)
