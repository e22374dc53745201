"""Moves that several events share: find a step, repeat it, give up its slot, expire the hold, end the pathway."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

from pathway import events as e
from pathway.copying import changed
from pathway.gates import unmet
from pathway.ground import Ground
from pathway.hold_asked import ANTITHROMBOTICS, INPUTS, INTERACTING, MEDICATIONS, interactions
from pathway.hold_plan import HoldStatus
from pathway.lifecycle import VISIT_MOVES, Assignment, StepStatus, VisitStatus
from pathway.protocol import End
from pathway.referral import Fact
from pathway.refusal import Refused, Text
from pathway.state import Pathway, PathwayStatus, Step, Visit


def find(pathway: Pathway, event: e.StepEvent) -> Step:
    """The occurrence an event speaks of. Refused when the pathway has no such step."""
    step = pathway.last(event.step) if event.occurrence is None else pathway.at(event.step, event.occurrence)
    if step is None:
        known = ", ".join(sorted({step.key for step in pathway.steps}))
        raise Refused(
            Text(
                fr=f"Il n'y a pas d'étape « {event.step} » ; il y a : {known}.",
                en=f"There is no step {event.step!r}; there are: {known}.",
            ),
            kind="not-found",
            field="step",
        )
    return step


def when(event: e.Event, pathway: Pathway) -> datetime:
    """When it really happened; never later than it was told."""
    if event.occurred is None:
        return pathway.as_of
    if event.occurred > pathway.as_of:
        raise Refused(
            Text(
                fr="L'heure indiquée est dans le futur.",
                en="The time given is in the future.",
            ),
            kind="invalid",
            field="occurred",
        )
    return event.occurred


def need_reason(reason: str) -> str:
    """The reason, trimmed. Refused when it is empty."""
    if not reason.strip():
        raise Refused(Text(fr="Indiquez le motif.", en="Give the reason."), kind="invalid", field="reason")
    return reason.strip()


def pass_gates(keys: tuple[str, ...], pathway: Pathway, ground: Ground) -> None:
    """Refused with the first sentence of the first gate that is not met."""
    for key in keys:
        gate = ground.protocol.gate(key)
        missing = unmet(gate, pathway, ground)
        if missing:
            raise Refused(
                Text(
                    fr=f"{key} : " + " ".join(one.need.reason.fr for one in missing),
                    en=f"{key}: " + " ".join(one.need.reason.en for one in missing),
                ),
                gate=key,
            )


def repeat(pathway: Pathway, keys: tuple[str, ...]) -> Pathway:
    """A new occurrence of each of these steps that is settled; an unsettled one is simply still to do."""
    for key in keys:
        step = pathway.last(key)
        if step is not None and step.is_settled:
            pathway = pathway.with_step(Step(key=key, occurrence=step.occurrence + 1))
    return pathway


def ask(pathway: Pathway, key: str, ground: Ground, reason: str, *, due: date | None = None) -> Pathway:
    """One more occurrence of work on demand, open from now on."""
    last = pathway.last(key)
    assigned = ground.protocol.step(key).assigned
    step = Step(
        key=key,
        occurrence=last.occurrence + 1 if last else 1,
        status=StepStatus.OPEN,
        assignment=Assignment.GIVEN if assigned else Assignment.REQUESTED,
        opened=pathway.as_of,
        reason=reason,
        asked_for=due,
    )
    return pathway.with_step(step)


def open_on_demand(pathway: Pathway, keys: tuple[str, ...], ground: Ground, reason: str) -> Pathway:
    """Ask for this work, unless it is asked for already."""
    for key in keys:
        last = pathway.last(key)
        if last is None or last.is_settled:
            pathway = ask(pathway, key, ground, reason)
    return pathway


def move_visit(visit: Visit, to: VisitStatus, *, reason: str = "", since: datetime | None = None) -> Visit:
    """The slot in another status. Refused when the table of visits says no.

    ``since`` (now) counts a revision: the slot no longer stands as it was told.
    """
    if to not in VISIT_MOVES[visit.status]:
        raise Refused(
            Text(
                fr=f"Le rendez-vous est « {visit.status} » et ne peut pas devenir « {to} ».",
                en=f"The visit is {visit.status} and cannot become {to}.",
            )
        )
    if since is not None:
        return changed(visit, status=to, reason=reason, revision=visit.revision + 1, since=since)
    return changed(visit, status=to, reason=reason)


def unbook(pathway: Pathway, key: str, reason: str, ground: Ground) -> Pathway:
    """Give up the slot of a step, if one stands, and let it wait for another.

    With the procedure's slot goes the hold plan that was signed for it.
    """
    step = pathway.last(key)
    if step is None or step.visit is None or not step.visit.stands or step.is_settled:
        return pathway
    visit = move_visit(step.visit, VisitStatus.CANCELLED, reason=reason, since=pathway.as_of)
    if step.status in (StepStatus.SCHEDULED, StepStatus.MISSED):
        step = step.moved(StepStatus.OPEN)
    if step.came_from in (StepStatus.SCHEDULED, StepStatus.MISSED):
        step = changed(step, came_from=StepStatus.OPEN)
    pathway = pathway.with_step(changed(step, visit=visit))
    if key == ground.protocol.procedure_step:
        pathway = procedure_moved(pathway, ground, "the procedure's slot was given up")
    return pathway


def procedure_moved(pathway: Pathway, ground: Ground, reason: str) -> Pathway:
    """What was done for one slot of the procedure is done again for another.

    A plan to stop a drug is signed for one slot, and so are the checks that the start of the procedure asks for.
    """
    if is_under_way(pathway, ground):
        return pathway
    hold = pathway.hold
    was_signed = hold.stands or hold.status is HoldStatus.BREACHED
    if was_signed or (hold.status is HoldStatus.PROPOSED and hold.answer is not None):
        pathway = expire_hold(pathway, ground, reason)
    rule = ground.protocol.step(ground.protocol.procedure_step)
    needs = [need for key in rule.start_gates for need in ground.protocol.gate(key).needs]
    booked = {need.when.step for key in rule.book_gates for need in ground.protocol.gate(key).needs}
    checks = {need.when.step for need in needs if need.when.step} - booked
    return repeat(pathway, tuple(sorted(checks)))


def is_under_way(pathway: Pathway, ground: Ground) -> bool:
    """Whether the procedure has begun or is over, so that its hold is a fact and no longer a plan."""
    step = pathway.last(ground.protocol.procedure_step)
    return step is not None and (step.started is not None or step.status is StepStatus.DONE)


def _is_heard(fact: Fact, pathway: Pathway) -> bool:
    """Whether this very fact is known already."""
    if pathway.fact(fact.key) is None:
        return False
    return any(fact == one for one in pathway.facts if one.key == fact.key)


def learn(
    pathway: Pathway, facts: tuple[Fact, ...], ground: Ground, *, instead_of: tuple[str, ...] = ()
) -> Pathway:
    """Add what is new. When something that a hold plan was reasoned from has changed, the plan expires.

    What the sources of ``instead_of`` said before is forgotten: it was corrected, or is taken back.

    Refused when a fact is dated more than a day after now: it would stay the latest for ever.
    """
    for fact in facts:
        if fact.at > pathway.as_of + timedelta(days=1):
            raise Refused(
                Text(
                    fr=f"« {fact.key} » est daté du futur.",
                    en=f"{fact.key!r} is dated in the future.",
                ),
                kind="invalid",
                field=f"facts.{fact.key}",
            )
    before = pathway
    taken_back = tuple(fact for fact in pathway.facts if fact.source in instead_of)
    if taken_back:
        pathway = pathway.but(facts=tuple(fact for fact in pathway.facts if fact.source not in instead_of))
    new = tuple(fact for fact in facts if not _is_heard(fact, pathway))
    if not new and not taken_back:
        return pathway
    keys = {fact.key for fact in (*taken_back, *new)}
    pathway = pathway.with_facts(new)
    relied_on = _NO_HOLD_INPUTS if pathway.hold.status is HoldStatus.NOT_REQUIRED else INPUTS
    moved = [key for key in relied_on if key in keys and _value(before, key) != _value(pathway, key)]
    if _interact_otherwise(before, pathway, ground):
        said = _value(before, INTERACTING) != _value(pathway, INTERACTING)
        moved.append(INTERACTING if said else MEDICATIONS)
    return expire_hold(pathway, ground, f"changed: {', '.join(moved)}") if moved else pathway


_NO_HOLD_INPUTS = (ANTITHROMBOTICS,)


def _interact_otherwise(before: Pathway, pathway: Pathway, ground: Ground) -> bool:
    """Whether a computed plan was reasoned without a drug that interacts, or with one that is gone."""
    answer = pathway.hold.answer
    profile = ground.profiles.get(answer.profile) if answer else None
    return profile is not None and interactions(before, profile) != interactions(pathway, profile)


def _value(pathway: Pathway, key: str) -> object:
    fact = pathway.fact(key)
    return fact.value if fact else None


_MAY_EXPIRE = (
    HoldStatus.PROPOSED,
    HoldStatus.SIGNED,
    HoldStatus.MODIFIED,
    HoldStatus.NOT_REQUIRED,
    HoldStatus.BREACHED,
)


def expire_hold(pathway: Pathway, ground: Ground, reason: str) -> Pathway:
    """A hold plan whose ground has moved stands no longer: it is signed again or not at all.

    Its step is done again, and so is the check that relied on it. Messages about it vanish with the next plan,
    because they exist only for a signed plan. On a pathway that has stopped nothing is done again: what is learned
    later of its patient is known, and asks for no work.
    """
    if pathway.hold.status not in _MAY_EXPIRE or not pathway.runs:
        return pathway
    if is_under_way(pathway, ground):
        return pathway
    hold = replace(
        pathway.hold,
        status=HoldStatus.EXPIRED,
        reason=reason,
        ended=pathway.as_of if pathway.hold.drugs and pathway.hold.signed else pathway.hold.ended,
        revision=pathway.hold.revision + 1,
    )
    pathway = repeat(pathway.but(hold=hold), (ground.protocol.hold.step,))
    relying = tuple(
        rule.key
        for rule in ground.protocol.steps
        if any(condition.step == ground.protocol.hold.step for condition in rule.after)
        and rule.key != ground.protocol.procedure_step
    )
    return repeat(pathway, relying)


def need_revisit(end: End, revisit: date | None) -> None:
    """Refused when this end is looked at again and nobody says when."""
    if end.looks_again and revisit is None:
        raise Refused(
            Text(fr="Indiquez quand revoir ce parcours.", en="Say when to look at this pathway again."),
            kind="invalid",
            field="revisit",
        )


def end_pathway(
    pathway: Pathway, end: str, reason: str, by: str, ground: Ground, *, revisit: date | None = None
) -> Pathway:
    """Stop: every unsettled step is cancelled with its slot, and the reason kept.

    What such an end leaves to do opens.
    """
    for step in tuple(pathway.unsettled()):
        if step.visit is not None and step.visit.stands:
            cancelled = move_visit(step.visit, VisitStatus.CANCELLED, reason=end, since=pathway.as_of)
            step = changed(step, visit=cancelled)
        pathway = pathway.with_step(
            step.moved(StepStatus.CANCELLED, settled=pathway.as_of, reason=f"pathway ended: {end}", by=by)
        )
    pathway = pathway.but(
        status=PathwayStatus.ENDED,
        end=end,
        ended=pathway.as_of,
        reason=reason,
        revisit=revisit,
    )
    rule = ground.protocol.ends.get(end)
    return open_on_demand(pathway, rule.opens, ground, end) if rule else pathway
