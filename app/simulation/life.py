"""One patient on the virtual clock: what the plan calls for and what people do, each at its instant, in order.

The plan is made once after every event, as the door does. Its rungs fire as events when they come due; its messages
leave and are remembered as said and told; its calls and letters are made by somebody and settled. What people do at a
step is in ``deeds``; when they come to it is decided here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from heapq import heappop, heappush

from app.simulation import deeds, fate, timing, visits
from app.simulation.dice import Dice
from app.simulation.measures import measure
from app.simulation.people import Patient
from app.simulation.tally import Tally
from app.simulation.watch import keep as keep_watch
from app.simulation.world import CLOCK, World
from pathway import events as e
from pathway.decide import decide
from pathway.enrolment import enrol
from pathway.indicators.course import HEARD, Line
from pathway.lifecycle import LIVE, SETTLED, StepStatus
from pathway.plan import Plan, plan
from pathway.planned import Item, Kind
from pathway.records import Told
from pathway.refusal import Refused
from pathway.state import Pathway, PathwayStatus, Step

_HORIZON = timedelta(days=1000)
"""Nobody's way takes longer: who is still waiting then waits for ever."""

_CALLS = (Kind.CALL, Kind.LETTER)
Ref = tuple[str, int]


@dataclass(slots=True)
class Intent:
    """What somebody will do at a step, and when, as it was due then.

    ``when`` None: nobody thinks of it until a rung says so.
    """

    what: tuple[str, datetime | None]
    when: datetime | None
    due: datetime | None = None


class Life:
    """A patient's way through the protocol, from the referral until nothing is left to happen."""

    def __init__(self, patient: Patient, world: World, dice: Dice, tally: Tally) -> None:
        self.patient = patient
        self.world = world
        self.dice = dice
        self.tally = tally
        self.now = patient.referred
        self.pathway: Pathway = enrol(
            f"p{patient.number}", str(patient.number), patient.referral, world.ground, at=self.now
        )
        self.plan: Plan = plan(self.pathway, world.ground)
        self.tasks: dict[str, Item] = {}
        self.moves = 0
        self.misses: dict[str, int] = {}
        self.tries: dict[Ref, int] = {}
        self.violated: list[str] = []
        self._told: set[Told] = set()
        self._said: set[str] = set()
        self._spoke = False
        self._agenda: list[tuple[datetime, int, Callable[[], None]]] = []
        self._tickets = 0
        self._intents: dict[Ref, Intent] = {}
        self._looked_at: dict[int, Step] = {}
        self._come_from: Ref | None = None
        self._due: list[Item] = []
        self._next = 0
        self._paused: date | None = None
        self._watched = False
        self.lines: list[Line] = []
        self._slots: dict[str, Item] = {}
        self._expected: set[str] = set()

    def live(self) -> Pathway:
        """Let everything happen until nothing is left to."""
        fate.events_of_life(self)
        self._look_round()
        end = self.patient.referred + _HORIZON
        while True:
            item = self._due[self._next] if self._next < len(self._due) else None
            act = self._agenda[0] if self._agenda else None
            if item is None and act is None:
                break
            if item is not None and (act is None or max(_instant(item), self.now) <= act[0]):
                self._next += 1
                self.now = max(self.now, _instant(item))
                self._carry_out(item)
            elif act is not None:
                heappop(self._agenda)
                self.now = max(self.now, act[0])
                try:
                    act[2]()
                except Refused as refused:
                    self.surprised(refused, "something that happens")
            if self.now > end:
                break
        waiting = [step for step in self.pathway.unsettled() if self.pathway.runs or step.status in LIVE]
        if waiting or self.pathway.runs:
            named = ", ".join(f"{step.ref} ({step.status.value})" for step in waiting)
            self.tally.fault("waits for ever", self.patient.number, f"still waits for {named}")
        measure(self)
        self._agenda.clear()  # its members refer to this life, which refers to them
        self._intents.clear()
        return self.pathway

    # --- events ---

    def does(self, event: e.Event) -> None:
        """Something happens now: through ``decide``, then planned. Raises Refused as the door would."""
        before = self.pathway
        if self._spoke:
            told = tuple(
                sorted(self._told, key=lambda one: (one.step, one.occurrence, one.revision, one.standing))
            )
            before, self._spoke = before.but(told=told, said=tuple(sorted(self._said))), False
        self.pathway = decide(before, event, self.world.ground, at=self.now)
        self.tally.add("events")
        if self.world.definitions is not None and type(event).__name__ in HEARD:
            self.lines.append(Line(self.now, event.occurred or self.now, e.to_data(event)))
        self.plan = plan(self.pathway, self.world.ground)
        fate.day_cancelled(self, before)
        self._look_round()

    def surprised(self, refused: Refused, doing: str) -> None:
        """A refusal that nobody reckoned with: a fault of the protocol, or of the simulation."""
        self.tally.fault(
            "unexpected refusal", self.patient.number, f"{doing} at {self.now:%Y-%m-%d %H:%M}: {refused}"
        )

    # --- the agenda ---

    def at(self, when: datetime, act: Callable[[], None]) -> None:
        """Put something on the agenda. What falls on one instant happens in the order in which it was put there."""
        self._tickets += 1
        heappush(self._agenda, (when, self._tickets, act))

    def again(self, step: Step, when: datetime) -> None:
        """Somebody comes back to this step then."""
        ref = (step.key, step.occurrence)
        self._intend(ref, timing.what_next(step, self.world), when)

    def leaves(self, step: Step) -> None:
        """Nobody comes back to this step, but for its ladder."""
        self._intend((step.key, step.occurrence), timing.what_next(step, self.world), None)

    def _intend(self, ref: Ref, what: tuple[str, datetime | None], when: datetime | None) -> None:
        intent = self._intents[ref] = Intent(what, when, self._due_of(ref))
        if when is not None:
            self.at(when, lambda: self._come_to(ref, intent))

    def _come_to(self, ref: Ref, intent: Intent) -> None:
        if self._intents.get(ref) is not intent:
            return  # something else was intended meanwhile
        del self._intents[ref]
        step = self.pathway.at(*ref)
        if step is None or step.status in SETTLED or step.status is StepStatus.WAITING:
            return
        self._come_from = ref
        before = self.plan
        try:
            _DEEDS[intent.what[0]](self, step)
        except Refused as refused:
            self.surprised(refused, f"{intent.what[0]} {step.ref}")
            self.leaves(step)
        if self.plan is before:
            self._look_round()  # nothing has happened, and somebody may have to come back
        self._come_from = None

    # --- after every event ---

    def _look_round(self) -> None:
        """See what there is to do now: new steps, other slots, calls to make, what the plan will do by itself.

        A step is another value when anything said of it has changed, the day it is due included; only those are
        looked at, and the one that somebody has just come from.
        """
        self._follow_plan()
        if self.on_hold and self._paused is not self.pathway.revisit:
            self._paused = self.pathway.revisit
            fate.resumption(self)
        steps = self.pathway.steps
        known, self._looked_at = self._looked_at, {id(step): step for step in steps}
        for step in steps:
            if id(step) not in known or (step.key, step.occurrence) == self._come_from:
                self._look_at(step)

    def _look_at(self, step: Step) -> None:
        if step.status is StepStatus.WAITING:
            return
        if step.status in SETTLED:
            self._watch_after(step)
            return
        ref = (step.key, step.occurrence)
        intent, what = self._intents.get(ref), timing.what_next(step, self.world)
        if intent is None or intent.what != what:
            self._intend(ref, what, timing.when_next(self, step, what[0]))
        elif what[0] == "do" and intent.when is not None and self._due_of(ref) != intent.due:
            # The procedure has moved, and the check before it with it.
            self._intend(ref, what, timing.done_at(self, step))

    def _watch_after(self, step: Step) -> None:
        """Once the procedure is done the watch begins, where the protocol has one."""
        protocol = self.world.ground.protocol
        if protocol.surveillance is None or self._watched or step.key != protocol.procedure_step:
            return
        if step.status is StepStatus.DONE:
            self._watched = True
            keep_watch(self)

    def _due_of(self, ref: Ref) -> datetime | None:
        task = self.tasks.get(f"{ref[0]}/{ref[1]}")
        return task.at if task is not None else None

    def _follow_plan(self) -> None:
        due, tasks = [], {}
        expected = self._expected
        for item in self.plan.items:
            kind = item.kind
            if kind is Kind.TASK:
                tasks[item.step] = item
            elif kind is Kind.RUNG:
                due.append(item)
            elif kind is Kind.MESSAGE:
                if item.key not in expected:
                    due.append(item)
            elif (kind is Kind.CALL or kind is Kind.LETTER) and item.key not in expected:
                expected.add(item.key)
                self.at(timing.call(self, item), lambda key=item.key: self._call(key))  # type: ignore[misc]
        self.tasks, self._due, self._next = tasks, due, 0

    # --- what the plan calls for ---

    def _carry_out(self, item: Item) -> None:
        if item.kind is Kind.RUNG:
            self._fire(item)
        elif item.until is None or self.now < item.until:
            self._send(item)

    def _fire(self, item: Item) -> None:
        level = str(item.data.get("level", ""))
        head, _, name = item.key.partition("@")[0].partition("/rung/")
        key = head.rpartition("/")[0]
        rung = self.world.rungs.get((key, name))  # None for alarms, findings and missing sets
        self.tally.add("rung", level, f"{key}: {name}")
        if level != "reminder":
            for role in dict.fromkeys((item.role, *(rung.also if rung else ()))):
                self.works(role, "alerts")
        try:
            self.does(e.RungFired(by=CLOCK, key=item.key, person=f"somebody of {item.role}"))
        except Refused as refused:
            self.surprised(refused, f"firing {item.key}")
            return
        if level != "reminder":
            fate.acknowledgement(self, item)
        if rung is not None:
            self._nudge(item, level)

    def _nudge(self, item: Item, level: str) -> None:
        """Whoever forgot is reminded; whoever is late hurries."""
        key, _, occurrence = item.step.partition("/")
        ref = (key, int(occurrence or 0))
        intent = self._intents.get(ref)
        if intent is None or intent.what[0] not in ("do", "book"):
            return
        soon = timing.nudged(self, ref)
        if intent.when is None or (level != "reminder" and soon < intent.when):
            self._intend(ref, intent.what, soon)

    def _send(self, item: Item) -> None:
        channel = str(item.data["channel"])
        self._check(item)
        self._expected.add(item.key)
        self._slots[item.key] = item
        if self.dice.happens(
            self.world.cohort.rates[f"{channel}_undelivered"].value, f"undelivered/{item.key}"
        ):
            self.tally.add("undelivered", channel)
            self.does(
                e.MessageUndelivered(by=CLOCK, key=item.key, how="failed", reason="no such number or address")
            )
            return
        self.tally.add("sent", channel, str(item.data["template"]))
        self._said.add(item.key)
        self._tell(item)

    def _check(self, item: Item) -> None:
        """No message to the dead, none about a hold that nobody signed."""
        if self.pathway.patient.deceased:
            self.tally.fault("message to the dead", self.patient.number, item.key)
        if item.data.get("about") == "hold" and self.pathway.hold.status.value not in ("signed", "modified"):
            self.tally.fault("message about an unsigned hold", self.patient.number, item.key)

    def _call(self, key: str) -> None:
        item = next((one for one in self.plan.items if one.key == key and one.kind in _CALLS), None)
        if item is None:
            self._expected.discard(key)  # nobody needs it any more; if it comes back, it is made
            return
        if item.until is not None and item.until <= self.now:
            self.tally.add("count", "calls that came too late")
            return
        try:
            self.does(e.CallSettled(by=self.world.actor(item.role), key=key, note="said"))
        except Refused as refused:
            if refused.kind == "not-found":  # seen on the list of this morning; the next word says it now
                self.tally.add("count", "calls overtaken by a later word")
            else:
                self.surprised(refused, f"settling {key}")
            return
        self.works(item.role, "letters" if item.kind is Kind.LETTER else "calls")
        self._tell(item)

    def _tell(self, item: Item) -> None:
        """The patient now knows of the slot that this spoke of."""
        self._spoke = True
        about = self._slots.get(str(item.data.get("about", "")))
        slot = item.data if "slot_step" in item.data or about is None else about.data
        if "slot_step" in slot:
            self._told.add(
                Told(
                    step=slot["slot_step"],
                    occurrence=slot["slot_occurrence"],
                    revision=slot["slot_revision"],
                    start=datetime.fromisoformat(slot["slot_start"]),
                    place=slot["slot_place"],
                    standing=slot.get("slot_standing", True),
                )
            )

    # --- counting ---

    def works(self, role: str, kind: str) -> None:
        """A piece of work of this role, in the week it is now."""
        self.tally.add("work", role, self.world.hours.week(self.now), kind)

    @property
    def on_hold(self) -> bool:
        """Whether the pathway is paused."""
        return self.pathway.status is PathwayStatus.ON_HOLD


def _instant(item: Item) -> datetime:
    """When a rung fires or a message leaves."""
    assert item.at is not None
    return item.at


_DEEDS: dict[str, Callable[[Life, Step], None]] = {
    "book": visits.book,
    "confirm": visits.confirm,
    "attend": visits.attend,
    "finish": deeds.complete,
    "do": deeds.complete,
    "take_up": deeds.take_up,
}
