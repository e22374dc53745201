"""The peer SpiffWorkflow: a specification of task specs, a Workflow a patient; engine tasks run after every act."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from SpiffWorkflow.operators import Operator
from SpiffWorkflow.specs.Join import Join
from SpiffWorkflow.specs.MultiChoice import MultiChoice
from SpiffWorkflow.specs.Simple import Simple
from SpiffWorkflow.specs.WorkflowSpec import WorkflowSpec
from SpiffWorkflow.util.task import TaskState
from SpiffWorkflow.workflow import Workflow

from benchmarks.peers.wards import Act, Guard, Refusal, Ward, completing, gates, on_the_way, opening
from pathway.protocol import Protocol


def line(states: int, count: int) -> list[Any]:
    """So many patients in the first of these states; running the task that is ready moves them to the next."""
    spec = WorkflowSpec(name="line", addstart=True)
    before: Any = spec.start
    for number in range(states):
        task = Simple(spec, f"s{number}", manual=True)
        before.connect(task)
        before = task
    return [_begun(spec, None) for _ in range(count)]


def drive_line(patients: Sequence[Any], moves: int) -> None:
    """Every patient through all moves."""
    for patient in patients:
        for _ in range(moves):
            patient.run_next(halt_on_manual=False)


class Asked(Operator):  # type: ignore[misc]
    """A guard of the protocol as a condition of a choice."""

    def __init__(self, guard: Guard) -> None:
        super().__init__(guard)
        self.guard = guard

    def _matches(self, task: Any) -> bool:
        return self.guard(task.workflow.data["ward"])


class Guarded(Simple):  # type: ignore[misc]
    """A manual task that is completed only when its gates are met."""

    def __init__(self, spec: WorkflowSpec, name: str, guards: dict[str, Guard]) -> None:
        super().__init__(spec, name, manual=True)
        self.guards = guards

    def ask(self, act: Act, ward: Ward) -> None:
        """Refused when a gate of the act is not met."""
        if not self.guards[act.verb](ward):
            raise Refusal(act.trigger)


def lives(protocol: Protocol, wards: Sequence[Ward]) -> list[Any]:
    """A patient for every ward book, on one specification: a manual task a step, joined by what it awaits."""
    spec = WorkflowSpec(name="protocol", addstart=True)
    rules = on_the_way(protocol)
    tasks, entries, exits = {}, {}, {}
    for rule in rules:
        guards = {
            "complete": completing(protocol, rule.key),
            "book": gates(protocol, rule.book_gates),
            "propose": gates(protocol, ()),
            "start": gates(protocol, rule.start_gates),
        }
        tasks[rule.key] = entries[rule.key] = Guarded(spec, rule.key, guards)
        if len([one for one in rule.after if one.step]) > 1:
            entries[rule.key] = Join(spec, f"before {rule.key}")
            entries[rule.key].connect(tasks[rule.key])
    for rule in rules:
        awaited = [one.step for one in rule.after if one.step in tasks]
        if not awaited:
            spec.start.connect(entries[rule.key])
        for key in awaited:
            if key not in exits:
                exits[key] = MultiChoice(spec, f"after {key}")
                tasks[key].connect(exits[key])
            conditional = len(awaited) == 1
            asked = Asked(opening(protocol, rule.key)) if conditional else None
            exits[key].connect_if(asked, entries[rule.key])
    return [_begun(spec, ward) for ward in wards]


def _begun(spec: WorkflowSpec, ward: Ward | None) -> Any:
    workflow = Workflow(spec)
    workflow.data["ward"] = ward
    workflow.run_all()
    return workflow


def drive(patients: Sequence[Any], acts: Sequence[Act]) -> None:
    """Every act to every patient, and after each the engine's own tasks: choices, joins and what waits."""
    for patient in patients:
        ward = patient.data["ward"]
        for act in acts:
            act.tell(ward)
            if act.step:
                task = patient.get_next_task(state=TaskState.READY, spec_name=act.step)
                if task is None:
                    raise Refusal(act.trigger)
                task.task_spec.ask(act, ward)
                if act.verb == "complete":
                    task.run()
            patient.run_all()


def done(patient: Any) -> set[str]:
    """The steps that this patient has done."""
    finished = patient.get_tasks(state=TaskState.COMPLETED)
    return {task.task_spec.name for task in finished if isinstance(task.task_spec, Guarded)}
