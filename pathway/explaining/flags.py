"""What does not fit and what was found: each flag and red flag with the dates, needs and answers behind it."""

from __future__ import annotations

from collections.abc import Iterator

from pathway.explaining.anchored import held_from
from pathway.explaining.explanation import Explanation, Input, sourced
from pathway.explaining.facts import is_true
from pathway.explaining.gates import explain_need
from pathway.explaining.holding import explain_hold
from pathway.explaining.moments import counted
from pathway.explaining.steps import explain_earliest, explain_task
from pathway.flags import Flag
from pathway.ground import Ground
from pathway.ladders import ladders
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
    """Why a flag is there: what it rests on (dates, a gate, a plan), in ``parts``, the nearest first."""
    parts = tuple(_behind(flag, pathway, ground))
    level = Text(fr="Bloquant", en="Blocking") if flag.blocking else Text(fr="À savoir", en="To be known")
    return Explanation(
        key=flag_key(flag.key),
        kind="flag",
        title=fill("{level} : {text}", "{level}: {text}", level=level, text=flag.text),
        because=parts[0].because if parts else flag.text,
        source=parts[0].source if parts else sourced(),
        rule=parts[0].rule if parts else None,
        inputs=parts[0].inputs if parts else (),
        parts=parts,
    )


def _behind(flag: Flag, pathway: Pathway, ground: Ground) -> Iterator[Explanation]:
    """What a flag rests on, by what it is about."""
    protocol = ground.protocol
    head, _, tail = flag.key.partition("/")
    if head == "finding" and (found := protocol.red_flag(tail)) is not None:
        yield explain_finding(found, pathway, ground)
    elif head == "hold":
        if tail == "impossible":
            yield _told(flag, held_from(pathway, ground), protocol.hold.source)
        yield explain_hold(pathway, ground)
    elif head == "procedure":
        yield from _not_ready(flag, pathway, ground)
        yield explain_hold(pathway, ground)
    elif head == "reported":
        yield from _what_was_reported(flag, pathway, ground)
    elif protocol.has_gate(head):
        yield explain_need(protocol.gate(head), int(tail), pathway, ground)
    else:
        yield from _of_a_visit(flag, pathway, ground)


def _told(flag: Flag, given: Input, source: str) -> Explanation:
    """One thing that is known, and that a flag follows from."""
    known = given.value if given.value is not None else Text(fr="inconnu", en="unknown")
    because = sentence(fill("{what} : {known}", "{what}: {known}", what=given.what, known=known))
    return Explanation(
        f"{flag_key(flag.key)}/from", "condition", given.what, because, sourced(source), inputs=(given,)
    )


def _what_was_reported(flag: Flag, pathway: Pathway, ground: Ground) -> Iterator[Explanation]:
    """The documents of a hospital's system that the flag speaks of."""
    title = ground.protocol.step(flag.step.partition("/")[0]).title
    for one in pathway.reported:
        if flag.key == f"reported/{one.step}/{one.what}":
            given = Input(title, when(one.at, ground.calendar), one.at, one.by, source=one.document)
            yield _told(flag, given, "")


def _not_ready(flag: Flag, pathway: Pathway, ground: Ground) -> Iterator[Explanation]:
    """The rungs that say so and have fired."""
    fired = {one.key for one in pathway.fired if not one.passed_over}
    for rungs in ladders(pathway, ground):
        for one in rungs:
            step = pathway.named(one.step)
            if one.rung.effect == "not-ready" and one.key in fired and step is not None:
                key = f"{flag_key(flag.key)}/{one.rung.key}"
                yield counted(one.rung.at, step, pathway, ground, key=key, kind="rung", title=one.rung.text)


def _of_a_visit(flag: Flag, pathway: Pathway, ground: Ground) -> Iterator[Explanation]:
    key, _, occurrence = flag.step.partition("/")
    step = pathway.at(key, int(occurrence)) if occurrence.isdigit() else None
    if step is None or step.visit is None:
        return
    what = fill("Rendez-vous n° {n}", "Visit, revision {n}", n=step.visit.revision)
    visit = Input(what, when(step.visit.start, ground.calendar), step.visit.since, source="visit")
    if flag.key.endswith("not-a-working-day"):
        yield _told(flag, visit, ground.protocol.hours.source)
        return
    earliest = explain_earliest(step, pathway, ground)
    if earliest is not None and flag.key.endswith("misplaced"):
        yield earliest
    yield explain_task(step, pathway, ground)
    yield _told(flag, visit, ground.protocol.step(key).source)


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
