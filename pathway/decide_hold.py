"""The rules of the anticoagulant hold: proposed, signed, not required, rejected. Nobody stops a drug but a signer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from pathway import events as e
from pathway.completeness import unanswered
from pathway.decide_steps import follow
from pathway.ground import Ground, hold_start, procedure_start
from pathway.hold_asked import computed, may_go_on, offered, proposed
from pathway.hold_plan import Dose, HeldDrug, HoldPlan, HoldStatus
from pathway.lifecycle import LIVE, StepStatus
from pathway.moves import need_reason, open_on_demand, pass_gates
from pathway.referral import Fact
from pathway.refusal import Refused, Text
from pathway.state import Pathway, Step


def _proposed(pathway: Pathway, event: e.HoldProposed, ground: Ground) -> Pathway:
    """What is on the table: what somebody proposes, or what the calculator answers by the profile that is named."""
    _hold_step(pathway, ground)
    answer, drugs = None, event.drugs
    if event.profile is not None:
        if event.drugs:
            raise Refused(
                Text(
                    fr="Proposez des médicaments, ou un référentiel qui les calcule ; pas les deux.",
                    en="Propose drugs, or a profile that computes them; not both.",
                ),
                kind="invalid",
                field="drugs",
            )
        if ground.protocol.hold.profile is None:
            raise Refused(
                Text(
                    fr="Ce centre se passe du calcul : saisissez les médicaments et les jours.",
                    en="This centre does without the calculator: enter the drugs and the days.",
                ),
                kind="invalid",
                field="profile",
            )
        answer = computed(pathway, ground, event.profile)
        drugs = proposed(answer, pathway)
    plan = HoldPlan(
        status=HoldStatus.PROPOSED,
        drugs=_checked(drugs, ground),
        procedure_start=procedure_start(pathway, ground.protocol),
        revision=pathway.hold.revision + 1,
        ended=pathway.hold.ended,
        since=pathway.as_of,
        answer=answer,
        earlier=_earlier(pathway.hold),
    )
    pathway = pathway.but(hold=plan)
    if answer is not None and answer.status == "refused":
        opens = ground.protocol.hold.refused_opens
        pathway = open_on_demand(pathway, opens, ground, "no delay can be proposed")
    return pathway


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
    before = pathway.hold
    drugs = tuple(_with_its_hour(drug, before) for drug in _checked(event.drugs, ground))
    otherwise = before.status is HoldStatus.PROPOSED and not _is_as_proposed(drugs, before)
    plan = HoldPlan(
        status=HoldStatus.MODIFIED if otherwise else HoldStatus.SIGNED,
        drugs=drugs,
        text=event.text.strip(),
        signer=event.by.name,
        signed=pathway.as_of,
        procedure_start=start,
        revision=before.revision + 1,
        since=before.since,
        answer=before.answer if before.status is HoldStatus.PROPOSED else None,
        proposed=before.drugs if otherwise else (),
        earlier=_earlier(before),
    )
    candidate = pathway.but(hold=replace(plan, status=HoldStatus.PROPOSED, answer=None))
    first = hold_start(candidate, ground)
    if first is not None and first < ground.calendar.day(pathway.as_of):
        raise Refused(
            Text(
                fr=f"La dernière prise serait le {first.isoformat()}, déjà passé : déplacez l'intervention.",
                en=f"The last intake would be on {first.isoformat()}, which is past: move the procedure.",
            ),
            field="drugs",
        )
    return _settle(pathway.but(hold=plan), "signed", event, ground)


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
        earlier=_earlier(pathway.hold),
    )
    return _settle(pathway.but(hold=plan), "not_required", event, ground)


def _rejected(pathway: Pathway, event: e.HoldRejected, ground: Ground) -> Pathway:
    _signer(event, ground)
    plan = replace(
        pathway.hold,
        status=HoldStatus.REJECTED,
        drugs=(),
        text="",
        proposed=pathway.hold.drugs if pathway.hold.status is HoldStatus.PROPOSED else (),
        doses=(),
        breached=None,
        earlier=_earlier(pathway.hold),
        reason=need_reason(event.reason),
        signer=event.by.name,
        signed=pathway.as_of,
        revisit=event.revisit,
        revision=pathway.hold.revision + 1,
    )
    return _settle(pathway.but(hold=plan), "rejected", event, ground)


def _dose_declared(pathway: Pathway, event: e.LastDoseDeclared, ground: Ground) -> Pathway:
    """When the last dose was really taken. One inside the window breaches the plan, and only a signer takes that back.

    With every drug of the plan declared in time, ``last_dose_respected`` is known.
    """
    hold = pathway.hold
    if not hold.stands and hold.status is not HoldStatus.BREACHED:
        raise Refused(
            Text(
                fr="Aucun plan d'arrêt signé n'est en cours : il n'y a pas de dernière prise à déclarer.",
                en="No signed hold plan stands: there is no last dose to declare.",
            )
        )
    if event.taken > pathway.as_of:
        raise Refused(
            Text(fr="La prise déclarée est dans le futur.", en="The dose declared lies in the future."),
            kind="invalid",
            field="taken",
        )
    drug = next((one for one in hold.drugs if one.is_called(event.drug)), None)
    if drug is None:
        known = ", ".join(one.text for one in hold.drugs)
        raise Refused(
            Text(
                fr=f"« {event.drug} » n'est pas dans le plan signé ; il y a : {known}.",
                en=f"{event.drug!r} is not in the signed plan; there are: {known}.",
            ),
            kind="invalid",
            field="drug",
        )
    earlier = hold.dose(drug)
    if earlier is not None and not earlier.in_time:
        _signer(event, ground)
    in_time = _is_in_time(drug, event.taken, hold, ground)
    said = Dose(drug.atc or drug.text, event.taken, in_time, event.by.name, pathway.as_of)
    hold = replace(hold, doses=(*hold.doses, said))
    last = [hold.dose(one) for one in hold.drugs]
    if any(one is not None and not one.in_time for one in last):
        hold = replace(hold, status=HoldStatus.BREACHED, breached=pathway.as_of, revision=hold.revision + 1)
    elif hold.status is HoldStatus.BREACHED:
        as_signed = HoldStatus.MODIFIED if hold.proposed else HoldStatus.SIGNED
        hold = replace(hold, status=as_signed, breached=None, revision=hold.revision + 1)
    pathway = pathway.but(hold=hold)
    if hold.status is HoldStatus.BREACHED or all(one is not None for one in last):
        respected = hold.status is not HoldStatus.BREACHED
        known_now = Fact("last_dose_respected", respected, pathway.as_of, event.by.name, "hold")
        pathway = pathway.but(facts=(*pathway.facts, known_now))
    return pathway


def _is_in_time(drug: HeldDrug, taken: datetime, hold: HoldPlan, ground: Ground) -> bool:
    """Whether a dose was taken by the signed limit: its instant where hours count, else the end of its day."""
    if drug.not_after is not None:
        return taken <= drug.not_after
    assert hold.procedure_start is not None
    last = ground.calendar.day(hold.procedure_start) - timedelta(days=drug.last_intake_offset_days)
    return ground.calendar.day(taken) <= last


def _with_its_hour(drug: HeldDrug, before: HoldPlan) -> HeldDrug:
    """The drug with the hour it was proposed with, when it is signed for the same day."""
    for one in before.drugs:
        same = one.is_called(drug.atc) or one.is_called(drug.text)
        if same and one.last_intake_offset_days == drug.last_intake_offset_days and drug.not_after is None:
            return replace(drug, not_after=one.not_after)
    return drug


def _is_as_proposed(drugs: tuple[HeldDrug, ...], before: HoldPlan) -> bool:
    """Whether what is signed is what was on the table; to choose one of several answers offered changes nothing."""
    if before.answer is None or before.answer.status in ("refused", "defer"):
        days = {(one.atc or one.text.casefold(), one.last_intake_offset_days) for one in drugs}
        return days == {(one.atc or one.text.casefold(), one.last_intake_offset_days) for one in before.drugs}
    signed = {one.atc: one for one in drugs}
    said = {one.atc: one for one in before.answer.drugs}
    if len(signed) < len(drugs) or not set(signed) <= set(said):
        return False
    return all(
        signed[atc].last_intake_offset_days in offered(one) if atc in signed else may_go_on(one)
        for atc, one in said.items()
    )


def _earlier(hold: HoldPlan) -> tuple[HoldPlan, ...]:
    """The signed plans before the one that now takes the place of ``hold``."""
    signed = hold.signed is not None and hold.drugs and hold.status is not HoldStatus.PROPOSED
    if not signed:
        return hold.earlier
    old = replace(hold, status=HoldStatus.SUPERSEDED, answer=None, earlier=())
    return (*hold.earlier, old)


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
    e.LastDoseDeclared: _dose_declared,
}
