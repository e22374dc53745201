"""explain(pathway) → why everything is as it is: each date, block and message that this state calls for. Pure.

It reads the state and the protocol with the same functions as the plan and says what they used. It is asked when
somebody wants to know, never on the way from an event to the plan.
"""

from __future__ import annotations

from collections.abc import Iterator

from pathway.explaining.explanation import Explanation
from pathway.explaining.flags import explain_finding, explain_flag, explain_pathway
from pathway.explaining.gates import explain_gate
from pathway.explaining.holding import explain_hold
from pathway.explaining.messages import explain_messages
from pathway.explaining.past import explain_past
from pathway.explaining.rungs import explain_rungs
from pathway.explaining.steps import explain_earliest, explain_step, explain_task, explain_visit
from pathway.flags import flags
from pathway.ground import Ground
from pathway.state import Pathway


def explain(pathway: Pathway, ground: Ground) -> tuple[Explanation, ...]:
    """Everything that can be asked about, each under its own key, in the order of the page.

    Every key of the plan is among them, with the plan's date.
    """
    found: dict[str, Explanation] = {}
    for one in _everything(pathway, ground):
        found.setdefault(one.key, one)
    return tuple(found.values())


def explain_briefly(pathway: Pathway, ground: Ground) -> dict[str, Explanation]:
    """The same by key, in a fraction of the time: gates without their needs, steps without their gates."""
    found: dict[str, Explanation] = {}
    for one in _everything(pathway, ground, brief=True):
        found.setdefault(one.key, one)
    return found


def explain_one(what: str, pathway: Pathway, ground: Ground) -> Explanation | None:
    """The explanation of one key; of a thing that is planned no longer, the rule that asked for it. Else None."""
    for one in _everything(pathway, ground):
        for part in one.walk():
            if part.key == what:
                return part
    return explain_past(what, pathway, ground)


def _everything(pathway: Pathway, ground: Ground, *, brief: bool = False) -> Iterator[Explanation]:
    yield explain_pathway(pathway, ground)
    for flagged in pathway.flagged:
        flag = ground.protocol.red_flag(flagged.key)
        if flag is not None:
            yield explain_finding(flag, pathway, ground)
    for one in flags(pathway, ground):
        yield explain_flag(one, pathway, ground)
    plan = explain_hold(pathway, ground)
    yield plan
    yield from plan.parts
    for gate in ground.protocol.gates:
        yield explain_gate(ground.protocol.gate(gate.key), pathway, ground, brief=brief)
    for step in pathway.steps:
        yield explain_step(step, pathway, ground, brief=brief)
        if not step.is_settled:
            yield explain_task(step, pathway, ground)
            if (opening := explain_earliest(step, pathway, ground)) is not None:
                yield opening
            if (visit := explain_visit(step, pathway, ground, brief=brief)) is not None:
                yield visit
    yield from explain_rungs(pathway, ground)
    yield from explain_messages(pathway, ground)
