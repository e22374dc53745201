"""Blocks of work: why a step waits, is to be done, pauses or has ended; its window and its visit."""

from __future__ import annotations

from dataclasses import replace

from pathway.explaining.explanation import Explanation, Input, sourced
from pathway.explaining.facts import STATUS, is_true, state
from pathway.explaining.gates import gates_of
from pathway.explaining.moments import counted, deadline
from pathway.flags import misplaced
from pathway.ground import Ground
from pathway.lifecycle import LIVE, StepStatus, VisitStatus
from pathway.protocol import StepRule
from pathway.protocol_words import role, roles, step_title
from pathway.reasons import REASONS, reason
from pathway.refusal import Text
from pathway.state import Pathway, Step
from pathway.wording import fill, joined, same, sentence, when

_S = StepStatus


def explain_step(step: Step, pathway: Pathway, ground: Ground, *, brief: bool = False) -> Explanation:
    """Why this occurrence is where it is. Key ``review/1``. With ``brief`` the gates before it are left out."""
    rule = ground.protocol.step(step.key)
    after = () if brief and step.status is not _S.WAITING else rule.after
    asked = tuple(
        is_true(one, pathway, ground, key=f"{step.ref}/after/{number}", source=rule.source)
        for number, one in enumerate(after, start=1)
    )
    gates: tuple[Explanation, ...] = ()
    if step.status in LIVE and not brief:
        keys = (*rule.book_gates, *rule.start_gates, *(key for one in rule.outcomes for key in one.gates))
        gates = gates_of(keys, pathway, ground, brief=False)
    return Explanation(
        key=step.ref,
        kind="step",
        title=step_title(step.ref, ground.protocol),
        because=_because(step, rule, asked, pathway, ground),
        source=sourced(rule.source),
        at=step.settled or step.started or step.opened,
        rule=_rule(rule, ground),
        inputs=tuple(one for condition in asked for one in condition.inputs) + _window(step, ground),
        parts=(*asked, *gates),
    )


def _rule(rule: StepRule, ground: Ground) -> Text:
    said = fill("Fait par : {who}", "Done by: {who}", who=role(rule.performer, ground.protocol))
    if rule.signed_by:
        signers = roles(rule.signed_by, ground.protocol)
        said = fill("{said} ; signé par : {who}", "{said}; signed by: {who}", said=said, who=signers)
    return said


def _window(step: Step, ground: Ground) -> tuple[Input, ...]:
    """The due date that a settled step had."""
    if not step.is_settled or step.was_due is None:
        return ()
    what = Text(fr="Échéance qu'elle avait", en="The due date it had")
    return (Input(what, when(step.was_due, ground.calendar), step.was_due, source=f"{step.ref}/due"),)


def _because(
    step: Step, rule: StepRule, asked: tuple[Explanation, ...], pathway: Pathway, ground: Ground
) -> Text:
    if step.status is _S.WAITING:
        missing = joined((one.title for one in asked if not one.holds), " ; ")
        return sentence(fill("attend : {missing}", "waits for: {missing}", missing=missing))
    if step.is_settled:
        return _settled(step, ground)
    if step.status is _S.ON_HOLD:
        return sentence(fill("en pause : {why}", "on hold: {why}", why=reason(step.reason, ground.protocol)))
    if step.status is _S.IN_PROGRESS and step.started is not None:
        started = when(step.started, ground.calendar)
        return fill("En cours depuis le {when}.", "Under way since {when}.", when=started)
    if step.status is _S.MISSED:
        return Text(
            fr="Le patient n'est pas venu : l'étape reste à faire.",
            en="The patient did not come: the step stays to be done.",
        )
    return _open(step, rule, ground)


def _settled(step: Step, ground: Ground) -> Text:
    said = state(step, ground)
    if step.settled is not None:
        said = fill("{said}, {when}", "{said}, {when}", said=said, when=when(step.settled, ground.calendar))
    if step.by:
        said = fill("{said}, {by}", "{said}, {by}", said=said, by=step.by)
    if step.reason:
        why = reason(step.reason, ground.protocol)
        said = fill("{said} : {why}", "{said}: {why}", said=said, why=why)
    return sentence(said)


def _open(step: Step, rule: StepRule, ground: Ground) -> Text:
    since = when(step.opened, ground.calendar) if step.opened else same("?")
    if rule.on_demand:
        why = reason(step.reason, ground.protocol)
        asked = fill("demandée le {when} : {why}", "asked for, {when}: {why}", when=since, why=why)
        return sentence(asked)
    if rule.after:
        said = fill(
            "{status} depuis le {when} : ce qu'elle attendait est là",
            "{status} since {when}: what it waited for is there",
            status=STATUS[step.status],
            when=since,
        )
    else:
        said = fill(
            "{status} depuis le {when} : elle s'ouvre d'emblée",
            "{status} since {when}: it opens at once",
            status=STATUS[step.status],
            when=since,
        )
    return sentence(said)


# --- its window and its visit -----------------------------------------------------------------------------


def explain_task(step: Step, pathway: Pathway, ground: Ground) -> Explanation:
    """Why a step is due when it is. Key ``review/1/task``; in ``parts`` every limit that was weighed."""
    return replace(deadline(step, pathway, ground), key=f"{step.ref}/task")


def explain_earliest(step: Step, pathway: Pathway, ground: Ground) -> Explanation | None:
    """Why a step is not to be done before a date. Key ``review/1/earliest``; None where nothing says so."""
    opening = ground.protocol.step(step.key).window.earliest
    if opening is None:
        return None
    title = step_title(step.ref, ground.protocol)
    return counted(
        opening,
        step,
        pathway,
        ground,
        key=f"{step.ref}/earliest",
        kind="earliest",
        title=fill("Pas avant : {step}", "Not before: {step}", step=title),
    )


def explain_visit(step: Step, pathway: Pathway, ground: Ground, *, brief: bool = False) -> Explanation | None:
    """Why a visit stands as it does. Key ``review/1/visit@2``; None while none stands."""
    visit = step.visit
    if visit is None or not visit.stands:
        return None
    rule = ground.protocol.step(step.key)
    gates = gates_of(rule.book_gates, pathway, ground, brief=brief)
    shown = when(visit.start, ground.calendar)
    status = REASONS[visit.status.value]
    if visit.status is VisitStatus.PENDING:
        closed = [one for one in gates if not one.holds]
        if closed:
            names = joined(one.title for one in closed)
            because = fill(
                "{when}, non confirmé : {gates}", "{when}, not confirmed: {gates}", when=shown, gates=names
            )
        else:
            because = fill(
                "{when}, non confirmé : personne ne l'a encore confirmé",
                "{when}, not confirmed: nobody has confirmed it yet",
                when=shown,
            )
    else:
        because = fill("{when}, {status}", "{when}, {status}", when=shown, status=status)
    if misplaced(step, pathway, ground):
        because = fill(
            "{said} ; hors de sa fenêtre, à replacer",
            "{said}; outside its window, to be given another date",
            said=because,
        )
    what = fill("Rendez-vous n° {n}", "Visit, revision {n}", n=visit.revision)
    told = fill("{when} {place}", "{when} {place}", when=shown, place=visit.place)
    window = [
        one for one in (explain_earliest(step, pathway, ground), deadline(step, pathway, ground)) if one
    ]
    return Explanation(
        key=f"{step.ref}/visit@{visit.revision}",
        kind="visit",
        title=fill("Rendez-vous : {step}", "Visit: {step}", step=step_title(step.ref, ground.protocol)),
        because=sentence(because),
        source=sourced(rule.source),
        at=visit.start,
        rule=fill("{n} minutes", "{n} minutes", n=rule.minutes),
        inputs=(Input(what, told, visit.since, source="visit"),),
        parts=(*gates, *window),
    )
