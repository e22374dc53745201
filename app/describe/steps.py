"""The tables of a protocol's steps: who does what when, what it asks, whom it reminds and what it says."""

from __future__ import annotations

from collections.abc import Iterator

from app.describe.words import Said
from pathway.protocol import Answer, Outcome, PatientMessage, Rung, StepRule

STEP_HEADS = ("Step", "Who", "Opens when", "Due", "Outcomes", "Source")
ANSWER_HEADS = ("Step", "Answer", "Kind", "Required for")
RUNG_HEADS = ("Step", "When", "Level", "To", "text")
MESSAGE_HEADS = ("Step", "Message", "When", "Channels", "Any day of the week")
NOTICE_HEADS = ("When", "By", "To", "text", "Source")


def step_row(step: StepRule, said: Said) -> tuple[str, ...]:
    """One step: who, when it opens, when it is due, how it may end."""
    gates = [*step.book_gates, *(key for key in step.start_gates if key not in step.book_gates)]
    first = said("on demand" if step.on_demand else "at once")
    opens = f" {said('and')} ".join(said.condition(one) for one in step.after) or first
    if gates:
        opens += f"; {said('gate')} {', '.join(gates)}"
    who = said.role(step.performer)
    if step.signed_by:
        who += f" ({said.roles(step.signed_by)})"
    outcomes = "<br>".join(outcome_line(outcome, said) for outcome in step.outcomes)
    return f"**{said.text(step.title)}** `{step.key}`", who, opens, window(step, said), outcomes, step.source


def window(step: StepRule, said: Said) -> str:
    """When a step is due, and not before."""
    given = step.window
    moments = [said.offset(one) for one in given.due]
    due = (
        moments[0]
        if len(moments) == 1
        else f"{said('earliest of')}: " + "; ".join(moments)
        if moments
        else ""
    )
    if given.otherwise:
        due += f"{'; ' if due else ''}{said('else')} {said.offset(given.otherwise)}"
    if given.earliest:
        due += f"; {said('not before')} {said.offset(given.earliest)}"
    return due


def outcome_line(outcome: Outcome, said: Said) -> str:
    """An outcome with all that it does."""
    notes = [f"{said('gate')} {key}" for key in outcome.gates]
    if outcome.end:
        notes.append(f"{said('ends')}: {said.end(outcome.end)}")
    for word, keys in (
        ("again", outcome.repeat),
        ("gives up the slot of", outcome.unbook),
        ("opens", outcome.opens),
    ):
        if keys:
            notes.append(f"{said(word)} {said.titles(keys)}")
    tracks = (said.text(said.protocol.tracks[track]) for track in outcome.suspend)
    notes += [f"{said('suspends')} {track}" for track in tracks]
    if outcome.tells:
        notes.append(f"{said('tells')} {said.roles(dict.fromkeys(one.to for one in outcome.tells))}")
    return said.text(outcome.title) + (f" ({'; '.join(notes)})" if notes else "")


def rung_row(step: StepRule, rung: Rung, said: Said) -> tuple[str, ...]:
    """One rung of a ladder."""
    heard = said.roles((rung.to, *rung.also))
    if rung.by != "page":
        heard += f" ({said.channel(rung.by)})"
    text = said.text(rung.text) if rung.text else ""
    return said.text(step.title), said.offset(rung.at), said.level(rung.level), heard, text


def message_row(step: StepRule, message: PatientMessage, said: Said) -> tuple[str, ...]:
    """One message to the patient."""
    any_day = {True: "yes", False: "no", "last": "last"}[message.any_day]
    return (
        said.text(step.title),
        f"`{message.template}`",
        "; ".join(said.offset(one) for one in message.at),
        ", ".join(said.channel(one) for one in message.channels),
        said(any_day),
    )


def answer_row(step: StepRule, answer: Answer, said: Said) -> tuple[str, ...]:
    """One thing that is asked when a step is completed."""
    needed = ", ".join(said.text(one.title) for one in step.outcomes if one.key in answer.required_for)
    asked = said.text(answer.title) + (f" ({said.condition(answer.when)})" if answer.when else "")
    return said.text(step.title), asked, kind_of(answer, said), needed


def kind_of(answer: Answer, said: Said) -> str:
    """What sort of value an answer is: its choices, bounds and unit, or its columns."""
    if answer.kind == "choice":
        return ", ".join(said.text(answer.choice_title(key)) for key in answer.choice_keys)
    if answer.kind == "table":
        return "; ".join(f"{said.text(one.title)} ({kind_of(one, said)})" for one in answer.columns)
    name = said(answer.kind)
    if answer.at_least is not None and answer.at_most is not None:
        name += f" {answer.at_least:g}–{answer.at_most:g}"
    unit = answer.unit.strip("{}")
    return f"{name} {unit}" if unit and not answer.unit.startswith("{") else name


def notice_rows(said: Said) -> Iterator[tuple[str, ...]]:
    """Every word that an outcome or an end owes to a professional."""
    for step in said.protocol.steps:
        for outcome in step.outcomes:
            for one in outcome.tells:
                when = f"{said.text(step.title)}: {said.text(outcome.title)}"
                yield (
                    when,
                    said.channel(one.by),
                    said.role(one.to),
                    said.text(one.text),
                    one.source or step.source,
                )
    for end in said.protocol.ends.values():
        for one in end.tells:
            when = f"{said('End')}: {said.text(end.title)}"
            yield when, said.channel(one.by), said.role(one.to), said.text(one.text), one.source
