"""The whole page of a protocol: what it is, the diagram, the tables. In English it is ``docs/protocol.md``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from app.describe import rules, steps
from app.describe.grid import grid, section
from app.describe.mermaid import mermaid
from app.describe.words import Said
from app.variants import Chosen, Setting
from pathway.protocol import Protocol

SETTING_HEADS = ("Setting", "Choices", "Default", "Source")


def page(
    protocol: Protocol,
    language: str = "en",
    settings: Sequence[Chosen] = (),
    offered: Sequence[Setting] = (),
) -> str:
    """Note, diagram and tables, in ``fr`` or ``en``.

    ``settings`` are those that the file was read with, ``offered`` what it leaves a centre to choose.
    """
    said = Said(protocol, language)
    title, tables = table(protocol, language, settings, offered).split("\n\n", 1)
    return f"{title}\n\n{said.note}\n\n```mermaid\n{mermaid(protocol, language)}```\n\n{tables}"


def table(
    protocol: Protocol,
    language: str = "en",
    settings: Sequence[Chosen] = (),
    offered: Sequence[Setting] = (),
) -> str:
    """Settings, steps, ladders, messages, gates, red flags, the watch, roles and ends as Markdown tables."""
    said = Said(protocol, language)
    parts = [f"# {said.text(protocol.title)} {protocol.version}", f"`{protocol.url}`"]
    chosen = [(said.text(one.title), said.text(one.says)) for one in settings]
    parts += section(said, "Settings of this variant", ("Setting", "Value"), chosen)
    parts += section(
        said, "What a centre may choose", SETTING_HEADS, (_setting(one, said) for one in offered)
    )
    parts += [f"## {said('Steps')}"]
    for track, title in protocol.tracks.items():
        rows = [steps.step_row(step, said) for step in protocol.steps if step.track == track]
        if rows:
            parts += [f"### {said.text(title)}", grid(said, steps.STEP_HEADS, rows)]
    parts += _of_steps(said)
    parts += _of_rules(said)
    return "\n\n".join(parts) + "\n"


def _setting(one: Setting, said: Said) -> tuple[str, ...]:
    """What may be chosen, the default, and where that comes from."""
    if one.choices is not None:
        values = ", ".join(f"{said.text(title)} (`{key}`)" for key, title in one.choices.items())
        default = said.text(one.choices[one.default]) if one.default in one.choices else one.default
    else:
        unit = said.text(one.unit) if one.unit else ""
        values = f"{one.at_least}–{one.at_most} {unit}".strip()
        default = f"{one.default} {unit}".strip()
    return f"{said.text(one.title)} `{one.key}`", values, default, one.source


def _of_steps(said: Said) -> Iterator[str]:
    every = said.protocol.steps
    rungs = [steps.rung_row(step, rung, said) for step in every for rung in step.ladder]
    yield from section(said, "Reminders and escalations", steps.RUNG_HEADS, rungs)
    messages = [steps.message_row(step, one, said) for step in every for one in step.messages]
    yield from section(said, "Messages to the patient", steps.MESSAGE_HEADS, messages)
    yield from section(said, "Words owed to professionals", steps.NOTICE_HEADS, steps.notice_rows(said))
    asked = [steps.answer_row(step, one, said) for step in every for one in step.answers]
    yield from section(said, "What is asked", steps.ANSWER_HEADS, asked)


def _of_rules(said: Said) -> Iterator[str]:
    protocol = said.protocol
    gates = [row for gate in protocol.gates for row in rules.gate_rows(gate, said)]
    yield from section(said, "Gates", rules.GATE_HEADS, gates)
    flags = [rules.flag_row(flag, said) for flag in protocol.red_flags]
    yield from section(said, "Red flags", rules.FLAG_HEADS, flags)
    if (watch := protocol.surveillance) is not None:
        rounds = [rules.round_row(one, watch, said) for one in watch.rounds]
        yield from section(said, "The watch after the procedure", rules.ROUND_HEADS, rounds)
        alarms = [rules.alarm_row(one, watch, said) for one in watch.alarms]
        yield from section(said, "Alarms of the watch", rules.ALARM_HEADS, alarms)
    kept = [rules.obligation_row(one, said) for one in protocol.safety.obligations]
    yield from section(said, "What may never be lost", rules.OBLIGATION_HEADS, kept)
    yield from section(said, "Roles", rules.ROLE_HEADS, [rules.role_row(key, said) for key in protocol.roles])
    yield from section(said, "Ends", rules.END_HEADS, [rules.end_row(key, said) for key in protocol.ends])
