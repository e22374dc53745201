"""A protocol version as a PlanDefinition with its ActivityDefinitions: who does what, after what, by when.

One action a step, in the order of the protocol (``prefix``), grouped by track. What R4 can say is said in R4; what
it cannot stands exactly in extensions that ``plan_extensions`` declares; what has no place in either is refused. What
a PlanDefinition is not about (reminders, messages, alarms, hold profiles) is not in it, and it says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from fhir_mappings.activity_definition import (
    activity_definition,
    activity_url,
    computer_name,
    step_concept,
)
from fhir_mappings.plan_gates import gate_extensions, outcome_extensions, start_conditions
from fhir_mappings.plan_window import ACCEPTABLE, MILESTONES, related_actions, window_extension
from fhir_mappings.plan_words import both, expression, inexpressible, part, participants, quantity
from fhir_mappings.read import Json
from fhir_mappings.site import Site, fhir_id
from fhir_mappings.write import instant, pruned
from pathway.protocol import Protocol, StepRule
from pathway.protocol_watch import Round, Surveillance
from pathway.protocol_words import ANCHORS
from pathway.refusal import Text

TYPE = "http://terminology.hl7.org/CodeSystem/plan-definition-type"

_USAGE = (
    "Étapes, ordre, fenêtres, rôles, verrous et issues du protocole. Les rappels, messages, alarmes et référentiels"
    " d'arrêt n'y sont pas : le protocole publié, désigné par son empreinte, les contient. Le centre valide son"
    " protocole avant tout usage clinique."
)


def plan_id(protocol: Protocol) -> str:
    """The id of a version's PlanDefinition."""
    return fhir_id(protocol.protocol, protocol.version)


def definitions(protocol: Protocol, site: Site, *, status: str, date: datetime | None = None) -> list[Json]:
    """The PlanDefinition of this version, then an ActivityDefinition for each of its steps.

    ``status`` is draft, active or retired; ``date`` when it was published (UTC), None for what is not. Refused, naming
    the step and the element, when something can be said neither in R4 nor in our extensions.
    """
    activities = [
        activity_definition(rule, protocol, site, status=status, date=date) for rule in protocol.steps
    ]
    return [plan_definition(protocol, site, status=status, date=date), *activities]


def plan_definition(protocol: Protocol, site: Site, *, status: str, date: datetime | None = None) -> Json:
    """The PlanDefinition alone; see ``definitions``."""
    for name in ("url", "version"):
        said = getattr(protocol, name)
        if not said or "|" in said or any(each.isspace() for each in said):
            raise inexpressible(
                name,
                "une référence canonique est url|version, sans espace ni barre ; corrigez.",
                "a canonical reference is url|version, without spaces or bars in either; correct it.",
            )
    identifiers = [site.identifier("protocol", f"{protocol.protocol}|{protocol.version}")]
    if protocol.digest:
        identifiers.append(site.identifier("protocol-content", protocol.digest))
    return pruned(
        {
            "resourceType": "PlanDefinition",
            "id": plan_id(protocol),
            "language": "fr",
            "extension": gate_extensions(protocol, site),
            "url": protocol.url,
            "identifier": identifiers,
            "version": protocol.version,
            "name": computer_name(protocol.protocol),
            **both("title", protocol.title, "title"),
            "type": {"coding": [{"system": TYPE, "code": "clinical-protocol"}]},
            "status": status,
            "date": instant(date) if date else None,
            "publisher": site.name,
            "usage": _USAGE,
            "action": [*_milestones(protocol, site), *_tracks(protocol, site)],
        }
    )


def action_ids(protocol: Protocol) -> dict[str, str]:
    """The id of each step's action, and of each milestone's. Refused when two keys make the same id."""
    ids = {key: fhir_id("milestone", key) for key in MILESTONES}
    taken = {id_: f"the milestone {key}" for key, id_ in ids.items()}
    for rule in protocol.steps:
        id_ = fhir_id(rule.key)
        if id_ in taken:
            raise inexpressible(
                f"steps.{rule.key}.key",
                f"son identifiant FHIR ({id_}) est aussi celui de : {taken[id_]} ; renommez l'étape.",
                f"its id in FHIR ({id_}) is also that of {taken[id_]}; rename the step.",
            )
        ids[rule.key], taken[id_] = id_, f"the step {rule.key}"
    return ids


# --- what everything hangs on -----------------------------------------------------------------------------


def _milestones(protocol: Protocol, site: Site) -> Iterator[Json]:
    """What windows are counted from and is no step: it happens, and nobody does it."""
    ids = action_ids(protocol)
    yield {
        "id": "milestones",
        **both("title", Text(fr="Repères", en="Milestones"), "milestones"),
        "groupingBehavior": "logical-group",
        "action": [
            {
                "id": ids[key],
                **both("title", ANCHORS[key], key),
                "code": [{"coding": [site.coding("milestone", key, ANCHORS[key].en)]}],
                "trigger": [{"type": "named-event", "name": key}],
            }
            for key in MILESTONES
        ],
    }


def _tracks(protocol: Protocol, site: Site) -> Iterator[Json]:
    """The steps by track, each with its place in the whole as ``prefix``."""
    ids = action_ids(protocol)
    repeated = {key for rule in protocol.steps for one in rule.outcomes for key in one.repeat}
    places = {rule.key: place for place, rule in enumerate(protocol.steps, start=1)}
    for track in dict.fromkeys(rule.track for rule in protocol.steps):
        id_ = fhir_id("track", track)
        if id_ in ids.values():
            raise inexpressible(
                f"tracks.{track}",
                f"son identifiant FHIR ({id_}) est celui d'une étape.",
                f"its id in FHIR ({id_}) is that of a step.",
            )
        title = protocol.tracks.get(track) or Text(fr=track, en=track)
        yield {
            "id": id_,
            **both("title", title, f"tracks.{track}"),
            "code": [{"coding": [site.coding("track", track, title.en)]}],
            "groupingBehavior": "logical-group",
            "action": [
                _action(rule, protocol, site, ids, place=places[rule.key], repeated=rule.key in repeated)
                for rule in protocol.steps
                if rule.track == track
            ],
        }


# --- one step ---------------------------------------------------------------------------------------------


def _action(
    rule: StepRule, protocol: Protocol, site: Site, ids: dict[str, str], *, place: int, repeated: bool
) -> Json:
    return {
        "id": ids[rule.key],
        "extension": [window_extension(rule, protocol, site), *outcome_extensions(rule, protocol, site)],
        "prefix": str(place),
        **both("title", rule.title, f"steps.{rule.key}.title"),
        "code": [step_concept(rule, site)],
        "documentation": [{"type": "justification", "citation": rule.source}],
        "condition": [
            *(
                {"kind": "applicability", "expression": expression(asked, protocol, "after")}
                for asked in rule.after
            ),
            *start_conditions(rule, protocol),
        ],
        "relatedAction": related_actions(rule, protocol, ids),
        "participant": participants(rule.performer, rule.signed_by, protocol, site),
        "requiredBehavior": _required(rule),
        "cardinalityBehavior": "multiple" if rule.on_demand or repeated else "single",
        "definitionCanonical": f"{activity_url(protocol, rule, site)}|{protocol.version}",
        **_watch(rule, protocol, site, ids),
    }


def _required(rule: StepRule) -> str:
    """On demand: it is done when somebody asks. Else it must be, unless it may be waived with a reason."""
    if rule.on_demand:
        return "could"
    return "must-unless-documented" if rule.waivable else "must"


# --- the watch after the procedure ------------------------------------------------------------------------


def _watch(rule: StepRule, protocol: Protocol, site: Site, ids: dict[str, str]) -> Json:
    """The rounds of observations, as actions within the step that watches."""
    watch = protocol.surveillance
    if watch is None or watch.step != rule.key:
        return {}
    return {
        "groupingBehavior": "logical-group",
        "selectionBehavior": "all",
        "action": [_round(one, watch, protocol, site, ids) for one in watch.rounds],
    }


def _round(one: Round, watch: Surveillance, protocol: Protocol, site: Site, ids: dict[str, str]) -> Json:
    """Sets at equal distances, counted from the end of the procedure; acceptable until the ward is told of a lack."""
    place = f"surveillance.rounds.{one.key}"
    id_ = fhir_id("round", one.key)
    if id_ in ids.values():
        raise inexpressible(
            place,
            f"son identifiant FHIR ({id_}) est celui d'une étape.",
            f"its id in FHIR ({id_}) is that of a step.",
        )
    acceptable = {"low": quantity(one.start, "min"), "high": quantity(one.start + one.amber, "min")}
    said = {
        "url": f"{site.system}/StructureDefinition/round",
        "extension": [
            part("key", "String", one.key),
            part("amber", "Duration", quantity(one.amber, "min")),
            part("red", "Duration", quantity(one.red, "min")),
            *(part("needed", "Code", key) for key in one.needed),
        ],
    }
    return {
        "id": id_,
        "extension": [said],
        **both("title", one.title, f"{place}.title"),
        "code": [_observation(key, watch, site) for key in one.items],
        "documentation": [{"type": "justification", "citation": one.source}],
        "relatedAction": [
            {
                "extension": [{"url": ACCEPTABLE, "valueRange": acceptable}],
                "actionId": ids[protocol.procedure_step],
                "relationship": "after-end",
                "offsetDuration": quantity(one.start, "min"),
            }
        ],
        "timingTiming": {"repeat": {"count": one.count, "period": one.every, "periodUnit": "min"}},
        "participant": participants(watch.charge, (), protocol, site),
        "requiredBehavior": "must",
    }


def _observation(key: str, watch: Surveillance, site: Site) -> Json:
    """One thing that is looked at: our code, and the one of LOINC where it is known."""
    item = watch.item(key)
    assert item is not None, "a protocol is read only when its rounds name items that there are"
    loinc = [{"system": "http://loinc.org", "code": item.code}] if item.code else []
    return {"coding": [site.coding("observation", key, item.title.en), *loinc], "text": item.title.fr}
