"""The rule behind a thing that is planned no longer: what once asked for it, found again from its name."""

from __future__ import annotations

from pathway.explaining.explanation import Explanation, Input, Kind, sourced
from pathway.explaining.facts import state
from pathway.ground import Ground
from pathway.protocol import Offset
from pathway.protocol_words import offset, step_title
from pathway.reasons import REASONS
from pathway.refusal import Text
from pathway.state import Pathway, Step
from pathway.wording import fill, same, sentence, when

_KINDS: tuple[Kind, ...] = ("message", "rung", "visit")


def explain_past(what: str, pathway: Pathway, ground: Ground) -> Explanation | None:
    """What a key of the history stood for, and what became of it. None for a key that this pathway never had."""
    key, _, rest = what.partition("/")
    occurrence, _, tail = rest.partition("/")
    step = pathway.at(key, int(occurrence)) if occurrence.isdigit() else None
    if step is None or not ground.protocol.has_step(key):
        return None
    kind, _, name = tail.partition("/")
    given = _offset(kind, name, step, ground)
    title = step_title(step.ref, ground.protocol)
    source = ground.protocol.step(key).source
    return Explanation(
        key=what,
        kind=next((one for one in _KINDS if kind.startswith(one)), "due"),
        title=title,
        because=_fate(what, step, pathway, ground),
        source=sourced(given.source if given else "", source),
        at=step.was_due if kind == "task" else None,
        rule=offset(given, ground.protocol) if given is not None else None,
        inputs=(Input(title, state(step, ground), step.settled, step.by, f"step/{step.ref}"),),
    )


def _offset(kind: str, name: str, step: Step, ground: Ground) -> Offset | None:
    """The offset of the protocol that asked for it: of a message's rung, or of a ladder's."""
    rule = ground.protocol.step(step.key)
    first, _, rest = name.partition("/")
    first = first.partition("@")[0]
    if kind == "rung":
        return next((one.at for one in rule.ladder if one.key == first), None)
    message = next((one for one in rule.messages if one.key == first), None)
    number = rest.partition("/")[0].partition("@")[0].partition(".")[0]
    if kind != "message" or message is None or not number.isdigit():
        return None
    return message.at[int(number) - 1] if 0 < int(number) <= len(message.at) else None


def _fate(what: str, step: Step, pathway: Pathway, ground: Ground) -> Text:
    calendar = ground.calendar
    for fired in pathway.fired:
        if fired.key == what:
            said = (
                Text(fr="passé sous silence", en="passed over")
                if fired.passed_over
                else Text(fr="déclenché", en="fired")
            )
            return sentence(fill("{said} le {at}", "{said}, {at}", said=said, at=when(fired.at, calendar)))
    for called in pathway.called:
        if called.key == what:
            return sentence(
                fill(
                    "fait par {by} le {at}", "done by {by}, {at}", by=called.by, at=when(called.at, calendar)
                )
            )
    for lost in pathway.undelivered:
        if lost.key == what:
            how = REASONS.get(lost.how, same(lost.how))
            return sentence(fill("{how} : {why}", "{how}: {why}", how=how, why=lost.reason))
    if what in pathway.said:
        return Text(fr="Envoyé ; il n'y a plus rien à en dire.", en="Sent; nothing more is to be said of it.")
    if step.is_settled:
        return fill(
            "Plus prévu : l'étape est réglée ({state}).",
            "No longer planned: the step is settled ({state}).",
            state=state(step, ground),
        )
    return Text(
        fr="Plus prévu : ce dont il parlait ne tient plus, ou est passé.",
        en="No longer planned: what it spoke of stands no longer, or is past.",
    )
