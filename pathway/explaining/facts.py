"""Is this true of the patient, and who says so: a condition with its answer and everything it was answered from."""

from __future__ import annotations

from collections.abc import Iterator

from pathway.explaining.explanation import Explanation, Input, of_fact, sourced
from pathway.gates import holds
from pathway.ground import Ground, hold_start, procedure_start
from pathway.lifecycle import StepStatus
from pathway.protocol import Condition
from pathway.protocol_words import (
    CAUSES,
    HOLD,
    answered,
    condition,
    fact_answer,
    fact_title,
    outcome_title,
    step_title,
)
from pathway.refusal import Text
from pathway.state import Pathway, Step
from pathway.wording import day, fill, joined, same, sentence, when

STATUS = {
    StepStatus.WAITING: Text(fr="en attente", en="waiting"),
    StepStatus.OPEN: Text(fr="à faire", en="to do"),
    StepStatus.SCHEDULED: Text(fr="planifiée", en="booked"),
    StepStatus.IN_PROGRESS: Text(fr="en cours", en="under way"),
    StepStatus.ON_HOLD: Text(fr="en pause", en="on hold"),
    StepStatus.MISSED: Text(fr="manquée", en="missed"),
    StepStatus.DONE: Text(fr="faite", en="done"),
    StepStatus.WAIVED: Text(fr="non faite (dispense)", en="waived"),
    StepStatus.CANCELLED: Text(fr="annulée", en="cancelled"),
    StepStatus.REJECTED: Text(fr="refusée", en="rejected"),
    StepStatus.FAILED: Text(fr="échouée", en="failed"),
}
_NOT_YET = Text(fr="pas encore", en="not yet")


def is_true(
    asked: Condition, pathway: Pathway, ground: Ground, *, key: str = "", source: str = ""
) -> Explanation:
    """Whether a condition holds now, what it asks, and each thing it was answered from."""
    true = holds(asked, pathway, ground)
    inputs = tuple(_inputs(asked, pathway, ground))
    said = condition(asked, ground.protocol)
    told = listed(inputs)
    verdict = Text(fr="vrai", en="true") if true else Text(fr="pas vrai", en="not true")
    because = (
        fill("{verdict} ({told})", "{verdict} ({told})", verdict=verdict, told=told) if told.fr else verdict
    )
    parts = tuple(
        is_true(one, pathway, ground, key=f"{key}/{number}", source=source)
        for number, one in enumerate((*asked.any_of, *asked.none_of), start=1)
    )
    return Explanation(
        key=key,
        kind="condition",
        title=said,
        because=sentence(because),
        source=sourced(source),
        inputs=inputs,
        holds=true,
        parts=parts,
    )


def listed(inputs: tuple[Input, ...]) -> Text:
    """What a rule was told, in a row; empty when nothing was."""
    return joined((_told(one) for one in inputs), " ; ")


def _told(given: Input) -> Text:
    known = given.value if given.value is not None else Text(fr="inconnu", en="unknown")
    return fill("{what} : {known}", "{what}: {known}", what=given.what, known=known)


def _inputs(asked: Condition, pathway: Pathway, ground: Ground) -> Iterator[Input]:
    if asked.fact:
        yield fact(asked.fact, pathway, ground)
    if asked.step:
        yield step(asked.step, pathway, ground)
    if asked.hold or asked.held:
        yield hold(pathway, ground)
    if asked.taken:
        yield fact("antithrombotics", pathway, ground)
    if asked.cause:
        yield cause(pathway)
    if asked.rule is not None:
        yield from _of_rule(asked, pathway, ground)
    if (
        asked.max_age_days is not None
        or asked.older_than_days is not None
        or asked.older_than_months is not None
    ):
        yield seen_from(pathway, ground)


def fact(key: str, pathway: Pathway, ground: Ground) -> Input:
    """What is known last under a key, with who said it and when; its value None when nobody has."""
    title, known = fact_title(key, ground.protocol), pathway.fact(key)
    if known is None:
        return Input(title)
    asked = fact_answer(key, ground.protocol)
    return of_fact(known, title, answered(asked, known.value, ground.calendar))


def step(key: str, pathway: Pathway, ground: Ground) -> Input:
    """How far a step is: its status, or the outcome it ended with."""
    title, found = step_title(key, ground.protocol), pathway.last(key)
    if found is None:
        return Input(title, _NOT_YET)
    return Input(title, state(found, ground), found.settled, found.by, f"step/{found.ref}")


def state(found: Step, ground: Ground) -> Text:
    """The status of a step, with the outcome it ended with."""
    said = STATUS[found.status]
    if not found.outcome:
        return said
    outcome = outcome_title(found.key, found.outcome, ground.protocol)
    return fill("{said}, {outcome}", "{said}, {outcome}", said=said, outcome=outcome)


def hold(pathway: Pathway, ground: Ground) -> Input:
    """Where the hold plan stands, and who signed it."""
    plan, status = pathway.hold, pathway.hold.status.value
    what = ground.protocol.step(ground.protocol.hold.step).title
    said = HOLD.get(status, same(status))
    if plan.drugs:
        drugs = ", ".join(f"{drug.text} J-{drug.last_intake_offset_days}" for drug in plan.drugs)
        said = fill("{said} ({drugs})", "{said} ({drugs})", said=said, drugs=drugs)
    return Input(what, said, plan.signed, plan.signer, "hold")


def cause(pathway: Pathway) -> Input:
    """The cause of the fracture."""
    known = pathway.fracture.cause
    what = Text(fr="Cause de la fracture", en="Cause of the fracture")
    return Input(what, CAUSES.get(known, same(known)), pathway.referred, pathway.referrer.name, "referral")


def onset(pathway: Pathway) -> Input:
    """The day of the fracture."""
    known = pathway.fracture.onset
    what = Text(fr="Date de la fracture", en="Day of the fracture")
    if known is None:
        return Input(what)
    return Input(what, day(known), pathway.referred, pathway.referrer.name, "referral")


def procedure(pathway: Pathway, ground: Ground) -> Input:
    """When the procedure began or stands to begin."""
    start = procedure_start(pathway, ground.protocol)
    last = pathway.last(ground.protocol.procedure_step)
    what = ground.protocol.step(ground.protocol.procedure_step).title
    if start is None:
        return Input(what, Text(fr="sans date", en="no date"))
    since = last.visit.since if last and last.visit else None
    return Input(what, when(start, ground.calendar), since, last.by if last else "", "visit")


def seen_from(pathway: Pathway, ground: Ground) -> Input:
    """The day from which an age is counted: the procedure's, or that of the last event."""
    if procedure_start(pathway, ground.protocol) is not None:
        return procedure(pathway, ground)
    what = Text(fr="Compté à ce jour", en="Counted to")
    return Input(what, when(pathway.as_of, ground.calendar), pathway.as_of)


def _of_rule(asked: Condition, pathway: Pathway, ground: Ground) -> Iterator[Input]:
    """What the checks that a comparison cannot say are told."""
    if asked.rule == "antithrombotics-answered":
        yield fact("antithrombotics", pathway, ground)
    elif asked.rule in ("fracture-recent", "fracture-older"):
        yield onset(pathway)
        yield Input(
            Text(fr="Demande", en="Referral"),
            when(pathway.referred, ground.calendar),
            pathway.referred,
            pathway.referrer.name,
            "referral",
        )
    elif asked.rule in ("days-before-procedure", "procedure-slot-stands", "drawn-for-procedure"):
        yield procedure(pathway, ground)
    elif asked.rule == "hold-time-left":
        yield from _of_hold_time(pathway, ground)
    elif asked.rule == "held-drugs-have-resumption":
        yield hold(pathway, ground)
    elif asked.rule == "observed-since-procedure":
        yield step(ground.protocol.procedure_step, pathway, ground)
        yield Input(Text(fr="Maintenant", en="Now"), when(pathway.as_of, ground.calendar), pathway.as_of)


def _of_hold_time(pathway: Pathway, ground: Ground) -> Iterator[Input]:
    first = hold_start(pathway, ground)
    what = Text(fr="Première dernière prise", en="First last intake")
    yield Input(what, day(first) if first else NOTHING_TO_HOLD)
    yield hold(pathway, ground)
    if not pathway.hold.stands:
        yield Input(Text(fr="Maintenant", en="Now"), when(pathway.as_of, ground.calendar), pathway.as_of)


NOTHING_TO_HOLD = Text(fr="rien à arrêter, ou pas de date", en="nothing to hold, or no date")
