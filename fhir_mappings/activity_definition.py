"""What one step is, apart from when it happens: an ActivityDefinition that its action in the plan points to."""

from __future__ import annotations

from datetime import datetime

from fhir_mappings.plan_words import both, code, inexpressible, part, participants, quantity
from fhir_mappings.read import Json
from fhir_mappings.service_request import is_ordered
from fhir_mappings.site import Site, fhir_id
from fhir_mappings.write import instant, pruned
from pathway.protocol import Protocol, StepRule


def activity_id(protocol: Protocol, rule: StepRule) -> str:
    """The id of a step's ActivityDefinition, the same for the same version."""
    return fhir_id(protocol.protocol, protocol.version, rule.key)


def activity_url(protocol: Protocol, rule: StepRule, site: Site) -> str:
    """Its canonical address, without the version."""
    return f"{site.system}/ActivityDefinition/{fhir_id(protocol.protocol, rule.key)}"


def activity_definition(
    rule: StepRule, protocol: Protocol, site: Site, *, status: str, date: datetime | None
) -> Json:
    """The step as something to ask for: a ServiceRequest where somebody performs it on the patient, else a Task.

    Refused when something of it has no place in FHIR, and none in our extension.
    """
    place = f"steps.{rule.key}"
    return pruned(
        {
            "resourceType": "ActivityDefinition",
            "id": activity_id(protocol, rule),
            "language": "fr",
            "extension": [_step(rule, site)],
            "url": activity_url(protocol, rule, site),
            "identifier": [site.identifier("step", f"{protocol.protocol}|{protocol.version}|{rule.key}")],
            "version": protocol.version,
            "name": computer_name(f"{protocol.protocol}_{rule.key}"),
            **both("title", rule.title, f"{place}.title"),
            "status": status,
            "date": instant(date) if date else None,
            "publisher": site.name,
            "kind": "ServiceRequest" if is_ordered(rule) else "Task",
            "code": step_concept(rule, site),
            "intent": "order",
            "participant": participants(rule.performer, rule.signed_by, protocol, site),
        }
    )


def step_concept(rule: StepRule, site: Site) -> Json:
    """Our code of the step and the one that the protocol gives it. Refused when that one has no system."""
    place = f"steps.{rule.key}"
    code(rule.key, f"{place}.key")
    codings = [site.coding("step", rule.key, rule.title.en)]
    if rule.code:
        system, bar, given = rule.code.rpartition("|")
        if not bar or not system or not given:
            raise inexpressible(
                f"{place}.code",
                "un code FHIR a un système ; écrivez « système|code ».",
                "a code of FHIR has a system; write system|code.",
            )
        codings.append({"system": system, "code": code(given, f"{place}.code")})
    return {"coding": codings, "text": rule.title.fr}


def computer_name(said: str) -> str:
    """A name for machines (pdf-0): a capital first, then letters, digits and underscores."""
    plain = "".join(each if each.isascii() and each.isalnum() else "_" for each in said)
    return plain[:1].upper() + plain[1:] if plain[:1].isalpha() else f"P{plain}"


def _step(rule: StepRule, site: Site) -> Json:
    """What FHIR has no element for: the kind of step, whether its work is assigned, who alone may sign it, how long."""
    parts = [part("kind", "Code", rule.kind), part("assigned", "Boolean", rule.assigned)]
    parts += [part("signed-by", "Code", key) for key in rule.signed_by]
    if rule.kind == "visit":
        parts.append(part("length", "Duration", quantity(rule.minutes, "min")))
    return {"url": f"{site.system}/StructureDefinition/step", "extension": parts}
