"""What a hospital's systems report: of a step, that a person must take it further; of a person, who they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pathway import events as e
from pathway.ground import Ground
from pathway.moves import find, repeat, when
from pathway.records import Reported
from pathway.refusal import Refused, Text
from pathway.state import Pathway, Step

KINDS = ("result", "done", "discharged", "abort")


def _reported(pathway: Pathway, event: e.HospitalReported, ground: Ground) -> Pathway:
    """Keep what was said beside the step. A result that comes or changes once the step is done is read again.

    The step and whoever acknowledges it are then to be done once more: a result that changed unread is a danger.
    """
    if event.what not in KINDS:
        known = ", ".join(KINDS)
        raise Refused(
            Text(fr=f"Ce qui est rapporté est : {known}.", en=f"What is reported is one of: {known}."),
            kind="invalid",
            field="what",
        )
    step = find(pathway, event)
    others = tuple(one for one in pathway.reported if one.document != event.document)
    was = next((one for one in pathway.reported if one.document == event.document), None)
    if event.withdrawn and was is None:
        return pathway
    if event.what == "result" and step.is_settled:
        pathway = repeat(pathway, _read_again(step, ground))
        step = pathway.last(step.key) or step
    if event.withdrawn:
        return pathway.but(reported=others)
    said = Reported(
        step.ref, event.what, event.document, when(event, pathway), event.status, event.said, event.by.name
    )
    return pathway.but(reported=(*others, said))


def _read_again(step: Step, ground: Ground) -> tuple[str, ...]:
    """The step, and those that a named person signs right after it."""
    signed = (
        rule.key
        for rule in ground.protocol.steps
        if rule.signed_by and any(condition.step == step.key for condition in rule.after)
    )
    return (step.key, *signed)


def _identified(pathway: Pathway, event: e.IdentityJoined | e.IdentityParted, _: Ground) -> Pathway:
    """Who the patient is, from now on. Nothing else of the pathway follows from it."""
    return pathway.but(patient_id=event.patient_id, patient=event.patient)


REPORT_RULES: dict[type[e.Event], Callable[[Pathway, Any, Ground], Pathway]] = {
    e.HospitalReported: _reported,
    e.IdentityJoined: _identified,
    e.IdentityParted: _identified,
}
