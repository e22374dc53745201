"""What does not fit and what was found: each flag and red flag with the dates, needs and answers behind it."""

from __future__ import annotations

from pathway.explaining.explanation import Explanation, Input, sourced
from pathway.explaining.facts import hold, is_true, procedure
from pathway.explaining.gates import explain_need
from pathway.explaining.holding import explain_hold
from pathway.explaining.steps import explain_earliest, explain_task
from pathway.flags import Flag
from pathway.ground import Ground
from pathway.protocol import RedFlag
from pathway.protocol_words import condition, role, roles
from pathway.reasons import reason
from pathway.refusal import Text
from pathway.state import Pathway
from pathway.wording import fill, joined, sentence, when

_EFFECTS = {
    "stop": Text(fr="arrête tout", en="stops everything"),
    "divert": Text(fr="réoriente le patient", en="diverts the patient"),
    "defer": Text(fr="diffère", en="defers"),
    "decide": Text(fr="demande une décision", en="asks for a decision"),
    "warn": Text(fr="à savoir", en="to be known"),
}


def flag_key(key: str) -> str:
    """The key under which a flag is explained."""
    return f"flag/{key}"


def explain_flag(flag: Flag, pathway: Pathway, ground: Ground) -> Explanation:
    """Why a flag is there: the dates, the gate or the plan that it rests on."""
    source, inputs, parts = _behind(flag, pathway, ground)
    level = Text(fr="Bloquant", en="Blocking") if flag.blocking else Text(fr="À savoir", en="To be known")
    return Explanation(
        key=flag_key(flag.key),
        kind="flag",
        title=fill("{level} : {text}", "{level}: {text}", level=level, text=flag.text),
        because=flag.text,
        source=source,
        inputs=inputs,
        parts=parts,
    )


def _behind(
    flag: Flag, pathway: Pathway, ground: Ground
) -> tuple[str, tuple[Input, ...], tuple[Explanation, ...]]:
    """Source, inputs and parts of a flag, by what it is about."""
    protocol = ground.protocol
    head, _, tail = flag.key.partition("/")
    if head == "finding" and (found := protocol.red_flag(tail)) is not None:
        one = explain_finding(found, pathway, ground)
        return one.source, one.inputs, (one,)
    if head == "hold":
        plan = explain_hold(pathway, ground)
        return sourced(protocol.hold.source), plan.inputs, (plan,)
    if head == "procedure":
        step = protocol.step(protocol.hold.step)
        return sourced(step.source), (hold(pathway, ground), procedure(pathway, ground)), ()
    if protocol.has_gate(head):
        need = explain_need(protocol.gate(head), int(tail), pathway, ground)
        return need.source, need.inputs, (need,)
    return _of_a_visit(flag, pathway, ground)


def _of_a_visit(
    flag: Flag, pathway: Pathway, ground: Ground
) -> tuple[str, tuple[Input, ...], tuple[Explanation, ...]]:
    key, _, occurrence = flag.step.partition("/")
    step = pathway.at(key, int(occurrence)) if occurrence.isdigit() else None
    if step is None:
        return sourced(), (), ()
    inputs: tuple[Input, ...] = ()
    if step.visit is not None:
        what = fill("Rendez-vous n° {n}", "Visit, revision {n}", n=step.visit.revision)
        inputs = (Input(what, when(step.visit.start, ground.calendar), step.visit.since, source="visit"),)
    source = sourced(ground.protocol.step(key).source)
    if flag.key.endswith("not-a-working-day"):
        return sourced(ground.protocol.hours.source), inputs, ()
    window = (explain_earliest(step, pathway, ground), explain_task(step, pathway, ground))
    return source, inputs, tuple(one for one in window if one is not None)


def explain_finding(flag: RedFlag, pathway: Pathway, ground: Ground) -> Explanation:
    """Why a red flag is there: what it asks, what was answered, and what it does. Key ``finding/C1``."""
    asked = is_true(flag.when, pathway, ground, key=f"finding/{flag.key}/if", source=flag.source)
    since = next((one.since for one in pathway.flagged if one.key == flag.key), None)
    effect = _EFFECTS[flag.effect]
    said = [effect]
    if flag.stops:
        said.append(fill("ferme {gates}", "closes {gates}", gates=", ".join(flag.stops)))
    if flag.never_override:
        said.append(Text(fr="sans dérogation possible", en="nobody may override it"))
    if flag.end and flag.decided_by:
        end = ground.protocol.ends[flag.end].title
        who = roles(flag.decided_by, ground.protocol)
        said.append(fill("{end}, si {who} le note", "{end}, when recorded by {who}", end=end, who=who))
    if flag.to:
        said.append(fill("dit à : {who}", "told to: {who}", who=role(flag.to, ground.protocol)))
    return Explanation(
        key=f"finding/{flag.key}",
        kind="flag",
        title=fill("{key} : {title}", "{key}: {title}", key=flag.key, title=flag.title),
        because=asked.because,
        source=sourced(flag.source),
        at=since,
        rule=fill(
            "{asked} → {effects}",
            "{asked} → {effects}",
            asked=condition(flag.when, ground.protocol),
            effects=joined(said, " ; "),
        ),
        inputs=asked.inputs,
        holds=asked.holds,
        parts=asked.parts,
    )


def explain_pathway(pathway: Pathway, ground: Ground) -> Explanation:
    """Why the pathway runs, pauses or has stopped. Key ``pathway``."""
    status = {
        "active": Text(fr="en cours", en="under way"),
        "on-hold": Text(fr="en pause", en="on hold"),
        "completed": Text(fr="terminé : plus rien n'est à faire", en="complete: nothing is left to do"),
        "ended": Text(fr="arrêté", en="ended"),
    }[pathway.status.value]
    end = ground.protocol.ends.get(pathway.end or "")
    if end is not None:
        status = fill("{status} : {end}", "{status}: {end}", status=status, end=end.title)
    if pathway.reason:
        why = reason(pathway.reason, ground.protocol)
        status = fill("{status} ({why})", "{status} ({why})", status=status, why=why)
    if pathway.revisit is not None:
        at = ground.calendar.at(pathway.revisit, ground.calendar.decent_from)
        status = fill(
            "{status} ; à revoir {day}",
            "{status}; to be looked at again {day}",
            status=status,
            day=when(at, ground.calendar),
        )
    return Explanation(
        key="pathway",
        kind="pathway",
        title=Text(fr="Parcours", en="Pathway"),
        because=sentence(status),
        source=f"{pathway.protocol} {pathway.protocol_version}",
        at=pathway.as_of,
        inputs=(
            Input(
                Text(fr="Demande", en="Referral"),
                when(pathway.referred, ground.calendar),
                pathway.referred,
                pathway.referrer.name,
                "referral",
            ),
        ),
    )
