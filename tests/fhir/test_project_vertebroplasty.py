"""The protocol we ship, walked at random: whatever happens, what we say of it is R4 and says every change."""

import random
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class

from app.protocols import load
from fhir_mappings.outbound import local_ref, transaction
from fhir_mappings.project import project
from fhir_mappings.validate import check
from pathway import events as e
from pathway.decide import decide
from pathway.enrolment import enrol
from pathway.ground import Ground
from pathway.lifecycle import LIVE
from pathway.plan import plan
from pathway.protocol import Answer
from pathway.referral import Fact
from pathway.refusal import Refused
from pathway.state import Actor, Pathway
from tests.fhir.pathway_cast import APIXABAN, REFERRAL, REFERRED, SITE

Json = dict[str, Any]


@cache
def ground() -> Ground:
    return load().ground


def everybody() -> Actor:
    return Actor("Dr Touche-à-tout", "clinician", tuple(ground().protocol.roles))


@cache
def wanted() -> dict[str, Any]:
    """The facts that the gates ask for, with a value that passes them."""
    needs = [need.when for gate in ground().protocol.gates for need in gate.needs if need.when.fact]
    values = {each.fact or "": (each.is_, each.at_least, each.at_most) for each in needs}
    return {key: next((one for one in given if one is not None), 1) for key, given in values.items()}


def answered(answer: Answer, pathway: Pathway) -> Any:
    if answer.key in wanted() and answer.kind in ("number", "yes-no"):
        return wanted()[answer.key]
    if answer.kind == "table":
        return [{column.key: answered(column, pathway) for column in answer.columns}]
    later = pathway.as_of + timedelta(days=1)
    return {
        "number": answer.at_least if answer.at_least is not None else 7,
        "yes-no": True,
        "date": later.date().isoformat(),
        "instant": later.isoformat(),
        "choice": next(iter(answer.choice_keys), ""),
        "text": "texte",
    }[answer.kind]


def something(dice: random.Random, pathway: Pathway) -> e.Event:
    """An event that could happen to one of the steps now."""
    by = everybody()
    live = [step for step in pathway.steps if step.status in LIVE] or list(pathway.steps)
    step = dice.choice(live)
    rule = ground().protocol.step(step.key)
    start = pathway.as_of + timedelta(days=dice.randint(1, 25), minutes=15 * dice.randint(0, 20))
    # An outcome that ends the pathway ends the walk too: seldom.
    onward = [one.key for one in rule.outcomes if one.end is None]
    outcome = dice.choice(onward if onward and dice.random() < 0.98 else [one.key for one in rule.outcomes])
    data = {one.key: answered(one, pathway) for one in rule.answers}
    choices: list[e.Event] = [
        e.StepAccepted(by=by, step=step.key, owner="Dr Roux <Practitioner/r7>"),
        e.StepStarted(by=by, step=step.key),
        *[e.StepCompleted(by=by, step=step.key, outcome=outcome, data=data)] * 12,
        e.StepFailed(by=by, step=step.key, reason="matériel"),
        e.StepRejected(by=by, step=step.key, reason="complet"),
        e.StepWaived(by=by, step=step.key, reason="inutile"),
        e.StepHeld(by=by, step=step.key, reason="avis"),
        *[e.VisitBooked(by=by, step=step.key, start=start, place="Salle 2")] * 6,
        e.VisitCancelled(by=by, step=step.key, reason="panne"),
        e.VisitArrived(by=by, step=step.key),
        e.VisitMissed(by=by, step=step.key),
        *[e.HoldSigned(by=by, drugs=(APIXABAN,), text="Arrêt à J-3.")] * 4,
        *[e.HoldNotRequired(by=by)] * (dice.random() < 0.05),
        e.PathwayHeld(by=by, reason="fièvre", revisit=start.date()),
        e.PathwayResumed(by=by),
    ]
    gates = [gate.key for gate in ground().protocol.gates]
    choices += [e.GateOverridden(by=by, gate=dice.choice(gates), reason="urgence")] * 2
    facts = tuple(Fact(key, value, pathway.as_of, "lab", "test") for key, value in wanted().items())
    choices.append(e.FactsRecorded(by=by, facts=facts))
    held = [each for each in pathway.steps if each.came_from]
    choices += [e.StepReleased(by=by, step=each.key) for each in held]
    return dice.choice(choices)


def said(pathway: Pathway) -> dict[str, Json]:
    return {local_ref(each): each for each in project(pathway, ground(), plan(pathway, ground()), SITE)}


@pytest.mark.parametrize("seed", range(12))
def test_a_walk_through_the_protocol_is_always_r4_and_dates_each_change(seed: int) -> None:
    dice = random.Random(seed)
    pathway = enrol(f"walk-{seed}", "p1", REFERRAL, ground(), at=REFERRED)
    before = said(pathway)
    happened = 0
    for _ in range(250):
        at = pathway.as_of + timedelta(minutes=dice.randint(1, 4000))
        try:
            pathway = decide(pathway, something(dice, pathway), ground(), at=at)
        except Refused:
            continue
        happened += 1
        now = said(pathway)
        changed = [each for ref, each in now.items() if before.get(ref) != each]
        for each in changed:
            assert check(each) == []
            get_fhir_model_class(each["resourceType"]).model_validate(each)
            old = before.get(local_ref(each))
            if old is not None and each["resourceType"] == "Task":
                assert old["lastModified"] < each["lastModified"], (old, each)
                assert old["authoredOn"] == each["authoredOn"]
        # What has been said of a drug is never left standing unsaid.
        gone = [each for ref, each in before.items() if ref not in now]
        assert all(each["status"] in ("cancelled", "completed") for each in gone)
        before = now
    assert happened > 5
    assert check(transaction(list(before.values()), {})) == []


def test_every_step_of_the_protocol_is_a_task_from_the_first_day() -> None:
    pathway = enrol("p", "p1", REFERRAL, ground(), at=REFERRED)
    tasks = [each for each in said(pathway).values() if each["resourceType"] == "Task"]
    wanted_now = [rule for rule in ground().protocol.steps if not rule.on_demand]
    assert len(tasks) == len(wanted_now), "work on demand is a Task once it is asked for"
    assert {due(each) for each in tasks if each["status"] in ("ready", "requested")} - {None}


def due(task: Json) -> str | None:
    end: str | None = task.get("restriction", {}).get("period", {}).get("end")
    return end


def test_an_id_of_every_step_fits_and_differs() -> None:
    pathway = enrol("0190b7a2-0000-7000-8000-000000000001", "p1", REFERRAL, ground(), at=REFERRED)
    assert len(said(pathway)) == len({ref.casefold() for ref in said(pathway)})
