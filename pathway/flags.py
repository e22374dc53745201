"""What a person must look at because the dates do not fit together: the impossible, said in a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pathway.courses import course
from pathway.gates import unmet
from pathway.ground import Ground, hold_start, procedure_start
from pathway.hold_plan import HoldStatus
from pathway.ladders import not_ready
from pathway.lifecycle import StepStatus, VisitStatus
from pathway.refusal import Text
from pathway.state import Pathway, Step


@dataclass(frozen=True, slots=True)
class Flag:
    """``blocking`` when the plan as it stands cannot be carried out; else something to know."""

    key: str
    step: str
    text: Text
    blocking: bool = False


def flags(pathway: Pathway, ground: Ground) -> tuple[Flag, ...]:
    """Everything that does not fit in this state; empty once the pathway has stopped."""
    of_visits = [flag for step in pathway.unsettled() for flag in visit_flags(step, pathway, ground)]
    return (*flags_of_the_whole(pathway, ground), *of_visits)


def flags_of_the_whole(pathway: Pathway, ground: Ground) -> tuple[Flag, ...]:
    """The red flags that are there, and what stands against the procedure."""
    if not pathway.runs:
        return ()
    return (
        *_findings(pathway, ground),
        *_procedure_flags(pathway, ground),
        *_reports(pathway, ground),
    )


_REPORTED = {
    "result": Text(
        fr="un résultat est arrivé, à lire et à noter", en="a result has come, to be read and noted"
    ),
    "done": Text(
        fr="l'hôpital la dit faite, à compléter", en="the hospital says it is done, to be completed"
    ),
    "discharged": Text(fr="l'hôpital dit le patient sorti", en="the hospital says that the patient has left"),
    "abort": Text(fr="l'hôpital demande d'arrêter", en="the hospital asks to stop"),
}


def _reports(pathway: Pathway, ground: Ground) -> Iterator[Flag]:
    """What a hospital's system said of steps that nobody has settled since."""
    for one in pathway.reported:
        step = pathway.named(one.step)
        if step is None or step.is_settled:
            continue
        title, what = ground.protocol.step(step.key).title, _REPORTED[one.what]
        yield Flag(
            f"reported/{step.ref}/{one.what}",
            step.ref,
            Text(fr=f"{title.fr} : {what.fr}.", en=f"{title.en}: {what.en}."),
        )


def _findings(pathway: Pathway, ground: Ground) -> Iterator[Flag]:
    """The red flags that are there; those that stop something block."""
    for one in pathway.flagged:
        if flag := ground.protocol.red_flag(one.key):
            yield Flag(f"finding/{flag.key}", "", flag.refusal, blocking=bool(flag.stops))


def misplaced(step: Step, pathway: Pathway, ground: Ground) -> bool:
    """Whether a standing visit lies before its window opens, or after the procedure it must precede.

    Nobody is reminded of such a visit: it has to be moved first.
    """
    visit = step.visit
    if visit is None or not visit.stands or step.is_settled:
        return False
    rule = ground.protocol.step(step.key)
    earliest = course(step, pathway, ground).earliest if rule.window.earliest else None
    if earliest is not None and ground.calendar.day(visit.start) < ground.calendar.day(earliest.instant):
        return True
    start = procedure_start(pathway, ground.protocol)
    return start is not None and visit.start >= start and step.key in ground.protocol.before_procedure


def visit_flags(step: Step, pathway: Pathway, ground: Ground) -> tuple[Flag, ...]:
    """What does not fit about the slot of a step."""
    visit = step.visit
    if visit is None or not visit.stands or step.is_settled or not pathway.runs:
        return ()
    found: list[Flag] = []
    calendar, title = ground.calendar, ground.protocol.step(step.key).title
    shown = calendar.local(visit.start).strftime("%Y-%m-%d %H:%M")
    if misplaced(step, pathway, ground):
        found.append(
            Flag(
                f"{step.ref}/misplaced",
                step.ref,
                Text(
                    fr=f"{title.fr} du {shown} : hors de sa fenêtre depuis le changement, à replacer.",
                    en=f"{title.en} of {shown}: outside its window since the change; give it another date.",
                ),
                blocking=True,
            )
        )
    elif (limit := course(step, pathway, ground).due) and visit.start > limit.instant:
        last = calendar.local(limit.instant).strftime("%Y-%m-%d")
        found.append(
            Flag(
                f"{step.ref}/late",
                step.ref,
                Text(
                    fr=f"{title.fr} du {shown} : après la date limite du {last}.",
                    en=f"{title.en} of {shown}: after its limit of {last}.",
                ),
            )
        )
    if not calendar.is_working(calendar.day(visit.start)):
        found.append(
            Flag(
                f"{step.ref}/not-a-working-day",
                step.ref,
                Text(
                    fr=f"{title.fr} du {shown} : un week-end ou un jour férié.",
                    en=f"{title.en} of {shown}: a weekend or a public holiday.",
                ),
            )
        )
    return tuple(found)


def _procedure_flags(pathway: Pathway, ground: Ground) -> list[Flag]:
    step = pathway.last(ground.protocol.procedure_step)
    if step is None or step.is_settled or step.status is StepStatus.IN_PROGRESS:
        return []
    found = []
    first, today = hold_start(pathway, ground), ground.calendar.day(pathway.as_of)
    hold = pathway.hold
    respected = hold.stands
    if first is not None and first < today and not respected:
        assumed = hold.max_offset_days is None
        found.append(
            Flag(
                "hold/impossible",
                step.ref,
                Text(
                    fr=f"La dernière prise aurait dû être le {first.isoformat()}"
                    f"{' (délai le plus long, rien n’étant proposé)' if assumed else ''} : "
                    "le délai d'arrêt ne peut plus être respecté à cette date.",
                    en=f"The last intake would have been on {first.isoformat()}"
                    f"{' (longest delay, as nothing is proposed)' if assumed else ''}: "
                    "the hold can no longer be carried out for this date.",
                ),
                blocking=not assumed,
            )
        )
    found += _hold_flags(step, pathway)
    if hold.status is HoldStatus.EXPIRED:
        found.append(
            Flag(
                "hold/expired",
                step.ref,
                Text(
                    fr=f"Le plan d'arrêt a expiré ({_because(hold.reason, ground).fr}) : il doit être signé à nouveau.",
                    en=f"The hold plan has expired ({_because(hold.reason, ground).en}): it must be signed again.",
                ),
                blocking=True,
            )
        )
    if not_ready(pathway, ground):
        found.append(
            Flag(
                "procedure/not-ready",
                step.ref,
                Text(
                    fr="Intervention NON PRÊTE : le plan d'arrêt n'est pas signé à temps.",
                    en="Procedure NOT READY: the hold plan is not signed in time.",
                ),
                blocking=True,
            )
        )
    if step.visit is not None and step.visit.status is VisitStatus.PENDING:
        found += _unconfirmed(step, pathway, ground)
    return found


def _hold_flags(step: Step, pathway: Pathway) -> list[Flag]:
    """A plan that cannot be followed any more, or that no text answers: a person decides."""
    hold = pathway.hold
    if hold.status is HoldStatus.BREACHED:
        late = ", ".join(one.text for one in hold.drugs if (dose := hold.dose(one)) and not dose.in_time)
        text = Text(
            fr=f"Dose prise après la limite signée ({late}) : l'arrêt n'est pas respecté.",
            en=f"A dose was taken after the signed limit ({late}): the hold is breached.",
        )
        return [Flag("hold/breached", step.ref, text, blocking=True)]
    answer = hold.answer
    if hold.status is not HoldStatus.PROPOSED or answer is None or answer.status not in ("refused", "defer"):
        return []
    reasons = [one.reason for one in answer.drugs if one.status == answer.status]
    fr, en = " ".join(one.fr for one in reasons), " ".join(one.en for one in reasons)
    if answer.status == "refused":
        text = Text(
            fr=f"Aucun délai d'arrêt ne peut être proposé. {fr}", en=f"No delay can be proposed. {en}"
        )
        return [Flag("hold/refused", step.ref, text, blocking=True)]
    text = Text(fr=f"L'intervention doit attendre. {fr}", en=f"The procedure has to wait. {en}")
    return [Flag("hold/deferred", step.ref, text, blocking=True)]


_EXPIRED = {
    "the procedure has moved": "l'intervention a été déplacée",
    "the procedure's slot was given up": "le créneau de l'intervention a été abandonné",
    "the procedure was not done": "l'intervention n'a pas été faite",
}


def _because(reason: str, ground: Ground) -> Text:
    """Why a hold plan expired, for people: an event, or the facts that have changed, by their titles."""
    if not reason.startswith("changed: "):
        return Text(fr=_EXPIRED.get(reason, reason), en=reason)
    titles = {answer.key: answer.title for step in ground.protocol.steps for answer in step.answers}
    titles |= ground.protocol.facts
    changed = [titles.get(key, Text(fr=key, en=key)) for key in reason.removeprefix("changed: ").split(", ")]
    return Text(
        fr="a changé : " + ", ".join(title.fr for title in changed),
        en="changed: " + ", ".join(title.en for title in changed),
    )


def _unconfirmed(step: Step, pathway: Pathway, ground: Ground) -> list[Flag]:
    return [
        Flag(f"{key}/{one.index}", step.ref, one.need.reason, blocking=True)
        for key in ground.protocol.step(step.key).book_gates
        for one in unmet(ground.protocol.gate(key), pathway, ground)
    ]
