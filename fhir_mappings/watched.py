"""The watch after the procedure: what the ward saw, the alarms it raised, and who had to answer them.

An Observation for each set, a Flag for each alarm and beside it a Task, ``priority`` stat, for the role on call,
which is done when somebody has taken the alarm. A complication that was written down is an AdverseEvent.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from fhir_mappings.codes import LOINC, MEASURE_FOR
from fhir_mappings.patient import patient_reference
from fhir_mappings.read import Json
from fhir_mappings.site import Site, fhir_id
from fhir_mappings.task import TASK_CODE, UCUM
from fhir_mappings.write import concept, instant, period, pruned, reference
from pathway.ground import Ground
from pathway.protocol_watch import AlarmRule, Observation
from pathway.records import Acknowledgement, Observed, Raised
from pathway.state import Pathway, Step

CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
FLAG_CATEGORY = "http://terminology.hl7.org/CodeSystem/flag-category"
ON_OUR_SCREENS = "web"
"""The source of a fact that was typed here; what a hospital told is its own to say."""
ADVERSE_EVENT = "adverse_event"
"""The step that writes a complication down."""


def watched(pathway: Pathway, ground: Ground, site: Site) -> Iterator[Json]:
    """Everything the watch says, each resource before those that refer to it."""
    for number, seen in enumerate(pathway.observed, start=1):
        yield _observation_set(pathway, seen, number, ground, site)
    yield from _measured(pathway, site)
    for raised in pathway.alarms:
        yield from _alarm(pathway, raised, ground, site)
    for step in pathway.every(ADVERSE_EVENT):
        if step.settled is not None and step.outcome:
            yield _adverse_event(pathway, step, site)


# --- what was seen ----------------------------------------------------------------------------------------


def _observation_set(pathway: Pathway, seen: Observed, number: int, ground: Ground, site: Site) -> Json:
    """One set with a component for each thing looked at; a set that could not be taken says why."""
    watch = ground.protocol.surveillance
    items = {one.key: one for one in watch.items} if watch is not None else {}
    key = seen.round.partition("/")[0]
    title = next((one.title.fr for one in watch.rounds if one.key == key), "") if watch is not None else ""
    return pruned(
        _observation(pathway, fhir_id(pathway.id, "watch", number), f"watch/{number}", seen.taken, site)
        | {
            "status": "final" if seen.values else "cancelled",
            "code": concept(title or "Surveillance", site.coding("round", key or "between")),
            "issued": instant(seen.recorded),
            "performer": [{"display": seen.by}] if seen.by else None,
            "note": [{"text": seen.reason}],
            "component": [
                {"code": _item_code(items[name], site), **_value(items[name].unit, value)}
                for name, value in seen.values.items()
                if name in items
            ],
        }
    )


def _measured(pathway: Pathway, site: Site) -> Iterator[Json]:
    """A number that was typed on our screens: pain, INR, weight…, with the LOINC code that its measure has."""
    for fact in pathway.facts:
        measure = MEASURE_FOR.get(fact.key)
        if measure is None or fact.source != ON_OUR_SCREENS or not isinstance(fact.value, int | float):
            continue
        stamp = f"{fact.at:%Y%m%dT%H%M%S%f}"
        yield pruned(
            _observation(pathway, fhir_id(pathway.id, fact.key, stamp), f"{fact.key}/{stamp}", fact.at, site)
            | {
                "status": "final",
                "code": {"coding": [{"system": LOINC, "code": measure.loinc[0]}]},
                "performer": [{"display": fact.by}],
                **_value(measure.unit, fact.value),
            }
        )


def _observation(pathway: Pathway, id_: str, named: str, at: datetime, site: Site) -> Json:
    return {
        "resourceType": "Observation",
        "id": id_,
        "identifier": [site.identifier("observation", f"{pathway.id}/{named}")],
        "category": [concept("", {"system": CATEGORY, "code": "exam"})],
        "subject": patient_reference(pathway),
        "effectiveDateTime": instant(at),
    }


def _item_code(item: Observation, site: Site) -> Json:
    known = [{"system": LOINC, "code": item.code}] if item.code else []
    return concept(item.title.fr, *known, site.coding("observation", item.key))


def _value(unit: str, value: Any) -> Json:
    if isinstance(value, bool):
        return {"valueBoolean": value}
    if isinstance(value, int | float):
        return {"valueQuantity": {"value": value, "unit": unit, "system": UCUM, "code": unit}}
    return {"valueString": str(value)}


# --- alarms -----------------------------------------------------------------------------------------------


def _alarm(pathway: Pathway, raised: Raised, ground: Ground, site: Site) -> Iterator[Json]:
    watch = ground.protocol.surveillance
    rule = watch.alarm(raised.alarm) if watch is not None else None
    if rule is None:
        return  # the version in use has no such alarm any more: what was said of it stays as it was
    taken = _answer(pathway, raised)
    flag_id = fhir_id(pathway.id, "alarm", raised.alarm, raised.number)
    named = f"{pathway.id}/{raised.ref}"
    yield pruned(
        {
            "resourceType": "Flag",
            "id": flag_id,
            "identifier": [site.identifier("flag", named)],
            "status": "active" if taken is None else "inactive",
            "category": [concept("", {"system": FLAG_CATEGORY, "code": "clinical"})],
            "code": concept(rule.title.fr, site.coding("alarm", raised.alarm)),
            "subject": patient_reference(pathway),
            "period": period(raised.taken, taken.at if taken else None),
            "author": site.reference(),
        }
    )
    yield _alarm_task(pathway, raised, rule, taken, reference("Flag", flag_id), site)


def _answer(pathway: Pathway, raised: Raised) -> Acknowledgement | None:
    """Who took the alarm first, and when."""
    mine = (one for one in pathway.acknowledged if one.key.startswith(raised.ref + "/"))
    return min(mine, key=lambda one: one.at, default=None)


def _alarm_task(
    pathway: Pathway,
    raised: Raised,
    rule: AlarmRule,
    taken: Acknowledgement | None,
    flag: Json,
    site: Site,
) -> Json:
    due = raised.at + timedelta(minutes=rule.acknowledge_minutes)
    gone = taken is None and not pathway.runs
    said: Json = {
        "resourceType": "Task",
        "id": fhir_id(pathway.id, "alarm", raised.alarm, raised.number),
        "identifier": [site.identifier("task", f"{pathway.id}/{raised.ref}")],
        "groupIdentifier": site.identifier("pathway", pathway.id),
        "status": "completed" if taken else "cancelled" if gone else "ready",
        "statusReason": {"text": "le parcours est terminé"} if gone else None,
        "intent": "order",
        "priority": "stat",
        "code": concept(
            f"Répondre à l'alarme : {rule.title.fr}",
            {"system": TASK_CODE, "code": "fulfill"},
            site.coding("alarm", raised.alarm),
        ),
        "focus": flag,
        "for": patient_reference(pathway),
        "authoredOn": instant(raised.at),
        "lastModified": instant(taken.at if taken else raised.at),
        "requester": site.reference(),
        "performerType": [concept(role, site.coding("role", role)) for role in rule.to],
        "restriction": {"period": period(raised.at, due)},
        "executionPeriod": period(taken.at, taken.at) if taken else None,
    }
    if taken is not None:
        by = concept("Prise en charge par", site.coding("output", "acknowledged-by"))
        said["output"] = [{"type": by, "valueString": taken.by}]
    return pruned(said)


# --- complications ----------------------------------------------------------------------------------------


def _adverse_event(pathway: Pathway, step: Step, site: Site) -> Json:
    """A complication as it was written down. R4 finds it by no identifier, so it is served and never pushed."""
    return pruned(
        {
            "resourceType": "AdverseEvent",
            "id": fhir_id(pathway.id, step.key, step.occurrence),
            "identifier": site.identifier("adverse-event", f"{pathway.id}/{step.ref}"),
            "actuality": "actual",
            "event": concept(str(step.data.get("event_summary", ""))),
            "subject": patient_reference(pathway),
            "date": instant(step.created or pathway.referred),
            "recordedDate": instant(step.settled) if step.settled else None,
            "recorder": {"display": step.by} if step.by else None,
        }
    )
