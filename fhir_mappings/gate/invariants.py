"""All the rules, by what they are asked of: importing a family is what brings its rules in."""

from __future__ import annotations

from fhir_mappings.gate import (
    rules_of_bundles,
    rules_of_definitions,
    rules_of_parties,
    rules_of_types,
    rules_of_work,
)
from fhir_mappings.gate.rules import RULES, Rule

FAMILIES = (rules_of_bundles, rules_of_definitions, rules_of_parties, rules_of_types, rules_of_work)


def rules_of(path: str) -> tuple[Rule, ...]:
    """The rules asked of a shape, such as `Task` or `Appointment.participant`."""
    return RULES.get(path, ())


def all_rules() -> dict[str, tuple[Rule, ...]]:
    """Every rule by the path of what it is asked of."""
    return dict(RULES)
