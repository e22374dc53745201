"""The rules of the anticoagulant hold: proposed, signed, not required, rejected. Nobody stops a drug but a signer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pathway import events as e
from pathway.completeness import unanswered
from pathway.decide_steps import follow
from pathway.ground import Ground, hold_start, procedure_start
from pathway.lifecycle import LIVE, StepStatus
from pathway.moves import need_reason, pass_gates
from pathway.refusal import Refused, Text
from pathway.state import HeldDrug, HoldPlan, HoldStatus, Pathway, Step


def _proposed(pathway: Pathway, event: e.HoldProposed, ground: Ground) -> Pathway:
    _hold_step(pathway, ground)
    plan = HoldPlan(
        status=HoldStatus.PROPOSED,
        drugs=_checked(event.drugs, ground),
        procedure_start=procedure_start(pathway, ground.protocol),
        revision=pathway.hold.revision + 1,
        ended=pathway.hold.ended,
    )
    return replace(pathway, hold=plan)


def _signed(pathway: Pathway, event: e.HoldSigned, ground: Ground) -> Pathway:
    _signer(event, ground)
    start = procedure_start(pathway, ground.protocol)
    if start is None:
        raise Refused(
            Text(
                fr="Fixez d'abord la date de l'intervention : la consigne se compte à partir d'elle.",
                en="Set the procedure's date first: the instruction counts from it.",
            )
        )
    if not event.drugs:
        raise Refused(
            Text(
                fr="Aucun médicament n'est listé. S'il n'y a rien à arrêter, enregistrez « non nécessaire ».",
                en="No drug is listed. If nothing has to be stopped, record “not required”.",
            ),
            kind="invalid",
            field="drugs",
        )
    if not event.text.strip():
        raise Refused(
            Text(fr="Écrivez la consigne signée.", en="Write the instruction that is signed."),
            kind="invalid",
            field="text",
        )
    plan = HoldPlan(
        status=HoldStatus.SIGNED,
        drugs=_checked(event.drugs, ground),
        text=event.text.strip(),
        signer=event.by.name,
        signed=pathway.as_of,
        procedure_start=start,
        revision=pathway.hold.revision + 1,
    )
    candidate = replace(pathway, hold=replace(plan, status=HoldStatus.PROPOSED))
    first = hold_start(candidate, ground)
    if first is not None and first < ground.calendar.day(pathway.as_of):
        raise Refused(
            Text(
                fr=f"La dernière prise serait le {first.isoformat()}, déjà passé : déplacez l'intervention.",
                en=f"The last intake would be on {first.isoformat()}, which is past: move the procedure.",
            ),
            field="drugs",
        )
    return _settle(replace(pathway, hold=plan), "signed", event, ground)


def _not_required(pathway: Pathway, event: e.HoldNotRequired, ground: Ground) -> Pathway:
    _signer(event, ground)
    if unanswered(pathway.fact("antithrombotics")):
        raise Refused(
            Text(
                fr="Notez d'abord la réponse explicite sur les antithrombotiques : une absence n'est pas un non.",
                en="Record the explicit answer about antithrombotics first: silence is not a no.",
            ),
            field="antithrombotics",
        )
    plan = HoldPlan(
        status=HoldStatus.NOT_REQUIRED,
        signer=event.by.name,
        signed=pathway.as_of,
        procedure_start=procedure_start(pathway, ground.protocol),
        revision=pathway.hold.revision + 1,
        ended=pathway.hold.ended,
    )
    return _settle(replace(pathway, hold=plan), "not_required", event, ground)


def _rejected(pathway: Pathway, event: e.HoldRejected, ground: Ground) -> Pathway:
    _signer(event, ground)
    plan = replace(
        pathway.hold,
        status=HoldStatus.REJECTED,
        drugs=(),
        reason=need_reason(event.reason),
        signer=event.by.name,
        signed=pathway.as_of,
        revisit=event.revisit,
        revision=pathway.hold.revision + 1,
    )
    return _settle(replace(pathway, hold=plan), "rejected", event, ground)


def _settle(pathway: Pathway, outcome_key: str, event: e.Event, ground: Ground) -> Pathway:
    """Settle the hold's step with the outcome of that name, through its gates."""
    step = _hold_step(pathway, ground)
    outcome = ground.protocol.step(step.key).outcome(outcome_key)
    if outcome is None:
        raise Refused(
            Text(
                fr=f"Le protocole ne connaît pas l'issue « {outcome_key} ».",
                en=f"The protocol knows no outcome {outcome_key!r}.",
            )
        )
    pass_gates(outcome.gates, pathway, ground)
    done = step.moved(StepStatus.DONE, outcome=outcome.key, settled=pathway.as_of, by=event.by.name)
    return follow(pathway.with_step(done), outcome, event.by.name, ground, revisit=pathway.hold.revisit)


def _hold_step(pathway: Pathway, ground: Ground) -> Step:
    step = pathway.last(ground.protocol.hold.step)
    assert step is not None
    if step.status not in LIVE:
        raise Refused(
            Text(
                fr=f"Le plan d'arrêt n'est pas attendu maintenant (étape « {step.status} »).",
                en=f"No hold plan is awaited now (the step is {step.status}).",
            )
        )
    return step


def _signer(event: e.Event, ground: Ground) -> None:
    signers = ground.protocol.hold.signers
    if not event.by.acts_as(signers):
        raise Refused(
            Text(
                fr=f"Seul un signataire ({', '.join(signers)}) peut se prononcer sur l'arrêt d'un médicament.",
                en=f"Only a signer ({', '.join(signers)}) may decide on stopping a drug.",
            ),
            kind="forbidden",
        )


def _checked(drugs: tuple[HeldDrug, ...], ground: Ground) -> tuple[HeldDrug, ...]:
    longest = ground.protocol.hold.longest_offset_days
    for index, drug in enumerate(drugs):
        if drug.last_intake_offset_days < 0:
            raise Refused(
                Text(
                    fr="Le nombre de jours avant l'intervention ne peut pas être négatif.",
                    en="The number of days before the procedure cannot be negative.",
                ),
                kind="invalid",
                field=f"drugs[{index}].last_intake_offset_days",
            )
        if drug.last_intake_offset_days > longest:
            raise Refused(
                Text(
                    fr=f"Plus de {longest} jours avant l'intervention : vérifiez le nombre.",
                    en=f"More than {longest} days before the procedure: check the number.",
                ),
                kind="invalid",
                field=f"drugs[{index}].last_intake_offset_days",
            )
    return drugs


HOLD_RULES: dict[type[e.Event], Callable[[Pathway, Any, Ground], Pathway]] = {
    e.HoldProposed: _proposed,
    e.HoldSigned: _signed,
    e.HoldNotRequired: _not_required,
    e.HoldRejected: _rejected,
}
