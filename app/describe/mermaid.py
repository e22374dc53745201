"""The flow of the steps as a Mermaid flowchart: who waits for whom, by which outcome, and the ends."""

from __future__ import annotations

from collections.abc import Iterator

from app.describe.words import Said
from pathway.protocol import Protocol, StepRule


def mermaid(protocol: Protocol, language: str = "en") -> str:
    """The flowchart's source, in ``fr`` or ``en``."""
    said = Said(protocol, language)
    lines = ["flowchart TD"]
    for track, title in protocol.tracks.items():
        lines.append(f'  subgraph track_{track}["{_quoted(said.text(title))}"]')
        for step in protocol.steps:
            if step.track == track:
                left, right = ("([", "])") if step.kind == "visit" else ("[", "]")
                lines.append(f'    {step.key}{left}"{_quoted(said.text(step.title))}"{right}')
        lines.append("  end")
    for step in protocol.steps:
        lines += _arrows_to(step, said)
    for step in protocol.steps:
        lines += _arrows_from(step, said)
    used = {outcome.end for step in protocol.steps for outcome in step.outcomes if outcome.end}
    used |= {key for key, end in protocol.ends.items() if end.opens}
    lines += [f"  stop_{key} -. .-> {opened}" for key in protocol.ends for opened in protocol.ends[key].opens]
    lines += [
        f'  stop_{key}{{{{"{_quoted(said.text(end.title))}"}}}}'
        for key, end in protocol.ends.items()
        if key in used
    ]
    return "\n".join(lines) + "\n"


def _arrows_to(step: StepRule, said: Said) -> Iterator[str]:
    for asked in step.after:
        if asked.step is None:
            continue
        titles = [
            said.text(one.title)
            for one in said.protocol.step(asked.step).outcomes
            if one.key in asked.outcome
        ]
        label = f' -- "{_quoted(", ".join(titles))}" --> ' if titles else " --> "
        yield f"  {asked.step}{label}{step.key}"
    asked_by_gates = {
        need.when.step: key
        for key in (*step.book_gates, *step.start_gates)
        for need in said.protocol.gate(key).needs
        if need.when.step
    }
    yield from (f'  {source} == "{key}" ==> {step.key}' for source, key in asked_by_gates.items())


def _arrows_from(step: StepRule, said: Said) -> Iterator[str]:
    for outcome in step.outcomes:
        label = _quoted(said.text(outcome.title))
        if outcome.end:
            yield f'  {step.key} -. "{label}" .-> stop_{outcome.end}'
        for key in (*outcome.repeat, *outcome.opens):
            if key != step.key:
                yield f'  {step.key} -. "{label}" .-> {key}'


def _quoted(text: str) -> str:
    return text.replace('"', "#quot;")
