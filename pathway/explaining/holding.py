"""The hold plan: where it stands and why, and for each drug the day of its last intake."""

from __future__ import annotations

from datetime import timedelta

from pathway.explaining.computed import answer_for, proposed, reasoned_from, sign_by
from pathway.explaining.explanation import Explanation, sourced
from pathway.explaining.facts import fact, hold, procedure
from pathway.ground import Ground, procedure_start
from pathway.hold_plan import HeldDrug, HoldStatus
from pathway.protocol_words import HOLD
from pathway.reasons import reason
from pathway.refusal import Text
from pathway.state import Pathway
from pathway.wording import day, fill, same, sentence, when

_WHY = {
    HoldStatus.UNKNOWN: Text(
        fr="Rien n'est proposé ni signé : jusque-là le délai le plus long est supposé.",
        en="Nothing is proposed or signed: until then the longest delay is assumed.",
    ),
    HoldStatus.PROPOSED: Text(
        fr="Proposé, pas signé : rien n'en est dit au patient.",
        en="Proposed, not signed: nothing of it is said to the patient.",
    ),
    HoldStatus.NOT_REQUIRED: Text(
        fr="Un signataire a dit qu'il n'y a rien à arrêter.",
        en="A signer has said that nothing is to be held.",
    ),
}


def explain_hold(pathway: Pathway, ground: Ground) -> Explanation:
    """Why the hold plan is as it is; each drug's last intake in ``parts``."""
    plan, rule = pathway.hold, ground.protocol.hold
    step = ground.protocol.step(rule.step)
    inputs = [hold(pathway, ground), procedure(pathway, ground), fact("antithrombotics", pathway, ground)]
    inputs += [
        fact(key, pathway, ground)
        for key in ("creatinine_umol_l", "weight_kg")
        if pathway.fact(key) is not None
    ]
    return Explanation(
        key="hold",
        kind="hold",
        title=step.title,
        because=_because(pathway, ground),
        source=sourced(step.source, rule.source),
        at=plan.signed,
        rule=sign_by(plan.answer)
        or fill(
            "Sans plan : J-{n} (le délai le plus long)",
            "Without a plan: D-{n} (the longest delay)",
            n=rule.assumed_max_offset_days,
        ),
        inputs=(*inputs, *reasoned_from(plan, ground)),
        parts=(
            *(_drug(drug, number, pathway, ground) for number, drug in enumerate(plan.drugs, start=1)),
            *proposed(plan.answer, ground),
        ),
    )


def _because(pathway: Pathway, ground: Ground) -> Text:
    plan = pathway.hold
    if plan.status in _WHY:
        said = _WHY[plan.status]
        if plan.signed is not None and plan.signer:
            return fill(
                "{said} ({name}, {when})",
                "{said} ({name}, {when})",
                said=said,
                name=plan.signer,
                when=when(plan.signed, ground.calendar),
            )
        return said
    status = HOLD.get(plan.status.value, same(plan.status.value))
    why = reason(plan.reason, ground.protocol)
    if plan.signed is not None and plan.stands and plan.procedure_start is not None:
        return sentence(
            fill(
                "signé par {name} le {when}, pour l'intervention du {start}",
                "signed by {name}, {when}, for the procedure of {start}",
                name=plan.signer,
                when=when(plan.signed, ground.calendar),
                start=when(plan.procedure_start, ground.calendar),
            )
        )
    return sentence(fill("{status} : {why}", "{status}: {why}", status=status, why=why) if why.fr else status)


def _drug(drug: HeldDrug, number: int, pathway: Pathway, ground: Ground) -> Explanation:
    start = procedure_start(pathway, ground.protocol) or pathway.hold.procedure_start
    days = drug.last_intake_offset_days
    plan = pathway.hold
    title = same(f"{drug.text} ({drug.atc})" if drug.atc else drug.text)
    if start is None:
        because = Text(fr="L'intervention n'a pas de date.", en="The procedure has no date.")
        at = None
    else:
        last = ground.calendar.day(start) - timedelta(days=days)
        at = ground.calendar.end_of(last)
        because = fill(
            "Dernière prise le {last} au plus tard : J-{n}, compté en jours avant l'intervention du {start}.",
            "Last intake on {last} at the latest: D-{n}, counted in days before the procedure of {start}.",
            last=day(last),
            n=days,
            start=when(start, ground.calendar),
        )
    by = Text(fr="délai signé", en="signed delay")
    if not plan.stands:
        by = Text(fr="délai proposé, pas signé", en="delay proposed, not signed")
    computed = answer_for(drug, plan)
    if computed is not None and computed.last_intake is not None:
        found = computed.last_intake.offset_days
        if found != days:
            by = fill(
                "{by}, autrement que calculé (J-{n})", "{by}, other than computed (D-{n})", by=by, n=found
            )
    return Explanation(
        key=f"hold/{number}",
        kind="last-intake",
        title=title,
        because=because,
        source=sourced(
            computed.source if computed else "", ground.protocol.step(ground.protocol.hold.step).source
        ),
        at=drug.not_after or at,
        rule=fill("{by} : J-{n}", "{by}: D-{n}", by=by, n=days),
        inputs=(procedure(pathway, ground), hold(pathway, ground)),
    )
