"""Plays stories on the real engine: real referral, ledger, scheduler, texts and gateway; only the clock is ours.

Between two lines the clock goes from one due instant to the next and ticks there, so that every deadline and
message happens at its own moment although months pass in seconds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app import rights, service
from app.intake import receive_referral, start_again
from app.service import Service
from app.story.acts import actor, event_of
from app.story.cast import refer
from app.story.format import Line, ReferralSaid, Statement, Story, Told, verb_of
from app.story.gateway import StoryGateway
from app.story.judge import judge
from app.story.moments import Days
from app.story.reader import check_against
from app.story.scene import Finding, Scene
from app.story.timeline import Entry, timeline
from pathway.referral import Fracture
from pathway.refusal import Refused
from pathway.state import Actor, Pathway
from scheduler.tick import tick
from store import claims, owed, rota
from store.indicators import line_of
from store.ledger import history
from store.referrals import Received

_AGAIN = timedelta(minutes=10)
"""How long after a send without an answer the gateway is asked: about what a lease lasts."""
_ROUNDS = 50
"""More rounds at one instant than any plan asks for: a message that is tried for ever would show here."""


class VirtualClock:
    """Stands where it was put."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def __call__(self) -> datetime:
        return self._at

    def put(self, at: datetime) -> None:
        """Move on; it never goes back."""
        self._at = max(self._at, at)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one expectation. ``why`` is what was found."""

    id: str
    passed: bool
    at: datetime
    why: str
    place: str


@dataclass(frozen=True)
class Played:
    """A story with all that happened."""

    story: Story
    received: Received | None
    pathway: Pathway | None
    entries: tuple[Entry, ...]
    verdicts: tuple[Verdict, ...]

    @property
    def failed(self) -> tuple[Verdict, ...]:
        """The expectations that were not met."""
        return tuple(verdict for verdict in self.verdicts if not verdict.passed)

    @property
    def counts(self) -> dict[str, int]:
        """How many entries of each kind."""
        kinds = sorted({entry.kind for entry in self.entries})
        return {kind: sum(entry.kind == kind for entry in self.entries) for kind in kinds}


@dataclass
class _Play:
    """A story under way."""

    told: Told
    received: Received | None = None
    verdicts: list[Verdict] = field(default_factory=list)
    heard: list[Entry] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Cue:
    """Something of one story that happens at an instant. ``index`` is None for the referral itself."""

    at: datetime
    play: _Play
    index: int | None


class Stage:
    """A service by a virtual clock, on which stories are played side by side in the order of their instants."""

    def __init__(self, opened: Service, gateways: dict[str, StoryGateway], clock: VirtualClock) -> None:
        self.clock = clock
        self.service = service.at(opened, clock)
        self._gateways = gateways
        self.days = Days(opened.protocol.ground.calendar, opened.clock())

    def play(
        self,
        stories: Sequence[Told],
        *,
        until: datetime | None = None,
        progress: Callable[[str], None] = lambda title: None,
    ) -> tuple[Played, ...]:
        """Play them all, to the last end or to ``until`` exactly. Raises Unreadable before anything happens."""
        plays = [_Play(told) for told in stories]
        for told in stories:
            check_against(told, self.service.protocol.protocol, self.days)
        end = until or self._end(stories)
        for cue in sorted(self._cues(plays), key=lambda cue: cue.at):
            if cue.at > end:
                break
            self._advance(cue.at)
            self._happen(cue)
            self._work()
            progress(cue.play.told.story.title)
        self._advance(end)
        for play in plays:
            self._conclude(play)
        return tuple(self._played(play) for play in plays)

    def staff(self, stories: Iterable[Told], start: datetime, until: datetime) -> None:
        """Put somebody on call for every role that has nobody: the story's own people, else the role's title."""
        people = [who for told in stories for who in told.story.people.values()]
        with self.service.db.write() as session:
            for key, role in self.service.protocol.protocol.roles.items():
                if rota.on_call(session, key, start) is not None:
                    continue
                name = next((who.name for who in people if key in who.functions), role.title.fr)
                address = f"{key.replace('_', '-')}@example.org"
                rota.add_duty(session, role=key, starts=start, ends=until, name=name, email=address)

    def start_of(self, stories: Iterable[Told]) -> datetime:
        """The instant of the first referral."""
        return min(self.days.instant(told.story.referral.at) for told in stories)

    def _end(self, stories: Sequence[Told]) -> datetime:
        ends = [self.days.instant(told.story.until) for told in stories if told.story.until]
        lasts = [
            self.days.instant(told.story.lines[-1].at if told.story.lines else told.story.referral.at)
            for told in stories
        ]
        return max([*ends, *lasts])

    def _cues(self, plays: Sequence[_Play]) -> Iterable[_Cue]:
        for play in plays:
            story = play.told.story
            at = self.days.instant(story.referral.at)
            yield _Cue(at, play, None)
            for index, line in enumerate(story.lines):
                yield _Cue(self.days.instant(line.at), play, index)

    # --- the clock ----------------------------------------------------------------------------------------

    def _advance(self, to: datetime) -> None:
        """From due instant to due instant until ``to``, working at each."""
        while True:
            with self.service.db.read() as session:
                due = claims.next_due(session, after=self.clock())
                if claims.in_flight(session):
                    again = self.clock() + _AGAIN
                    due = min(due, again) if due else again
            if due is None or due > to:
                break
            self.clock.put(due)
            self._work()
        self.clock.put(to)
        self._work()

    def _work(self) -> None:
        """Tick until nothing is left to do at this instant."""
        with self.service.db.write() as session:
            # Leases run on the database's clock, which stands still while months pass here.
            claims.end_leases(session)
        for _ in range(_ROUNDS):
            done = tick(self.service.works, now=self.clock())
            with self.service.db.read() as session:
                waits = claims.waiting_since(session, self.clock())
            if not done.anything and waits is None:
                return

    # --- the lines ----------------------------------------------------------------------------------------

    def _happen(self, cue: _Cue) -> None:
        story = cue.play.told.story
        if cue.index is None:
            cue.play.received = self._receive(cue.play, story, story.referral)
            return
        line = story.lines[cue.index]
        place = cue.play.told.place(f"lines[{cue.index}]")
        if line.expect is not None:
            self._judge(cue.play, line.id, line.expect, line.control, place)
        elif line.gateway is not None:
            self._treat(line, story)
        elif line.new_fracture is not None:
            self._break_again(cue.play, line, place)
        elif line.refer_again is not None:
            self._receive(cue.play, story, line.refer_again)
        else:
            self._act(cue.play, line, place)

    def _act(self, play: _Play, line: Line, place: str) -> None:
        refusal = self._refusal(play, line)
        at, verb = self.clock(), verb_of(line)
        if refusal is not None:
            play.heard.append(Entry(at, "refused", f"{verb} {_object(line, verb)}: {refusal}"))
        if line.refused is not None:
            passed = refusal is not None and line.refused.casefold() in refusal.casefold()
            why = refusal or "it was not refused"
            play.verdicts.append(Verdict(line.id, passed, at, why, place))
        elif refusal is not None:
            play.verdicts.append(Verdict(line.id or place, False, at, f"refused: {refusal}", place))

    def _refusal(self, play: _Play, line: Line) -> str | None:
        """Let the line's event through the door; the sentence that refuses it, in both languages, or None."""
        received = play.received
        if received is None or received.pathway_id is None:
            return f"there is no pathway: the referral is {received.status if received else 'refused'}"
        try:
            with self.service.db.write() as session:
                pathway, ground = self.service.ledger.load(session, received.pathway_id)
                event = event_of(line, play.told.story, pathway, ground, self.days)
                rights.allow(actor(line, play.told.story, ground), type(event))
                self.service.ledger.record(session, received.pathway_id, event, at=self.clock())
        except Refused as refused:
            return f"{refused.text.en} ({refused.text.fr})"
        return None

    def _receive(self, play: _Play, story: Story, said: ReferralSaid) -> Received | None:
        """Send the referral as a hospital would: a Bundle, through the one way in."""
        bundle = refer(story, said, self.days)
        body = json.dumps(bundle, ensure_ascii=False).encode()
        answer = receive_referral(self.service, body, said.by, Actor(said.by, "system"))
        at = self.clock()
        if isinstance(answer, list):
            sentences = "; ".join(issue.diagnostics for issue in answer)
            play.heard.append(Entry(at, "refused", f"referral: {sentences}"))
            play.verdicts.append(Verdict("referral", False, at, sentences, play.told.place("referral")))
            return None
        lacks = f", to be asked: {', '.join(answer.missing)}" if answer.missing else ""
        play.heard.append(Entry(at, "referral", f"from {said.by}: {answer.status}{lacks}"))
        return answer

    def _break_again(self, play: _Play, line: Line, place: str) -> None:
        """Another fracture of the same patient: a pathway of its own that follows this one."""
        said, received = line.new_fracture, play.received
        if said is None or received is None or received.pathway_id is None:
            return
        by = actor(line, play.told.story, self.service.protocol.ground)
        fracture = Fracture(
            onset=self.days.day(said.onset) if said.onset else None,
            text=said.text or f"Fracture {said.level or ''}".strip(),
            level=said.level,
            cause=said.cause,
        )
        try:
            answer = start_again(self.service, received.pathway_id, fracture, by)
        except Refused as refused:
            play.verdicts.append(Verdict(line.id or place, False, self.clock(), refused.text.en, place))
            return
        play.heard.append(Entry(self.clock(), "referral", f"new fracture of {said.level}: {answer.status}"))

    def _treat(self, line: Line, story: Story) -> None:
        for channel, manner in (line.gateway or {}).items():
            address = {"sms": story.patient.mobile, "email": story.patient.email}[channel]
            if address is not None:
                self._gateways[channel].manners[address] = manner

    # --- the expectations ---------------------------------------------------------------------------------

    def _judge(self, play: _Play, id_: str, said: Statement, control: Statement | None, place: str) -> None:
        scene = self._scene(play)
        if scene is None:
            finding = Finding(False, "the referral was refused")
        else:
            finding = judge(said, scene)
            if finding.holds and control is not None:
                against = judge(control, scene)
                if against.holds:
                    finding = Finding(False, f"its control is so too ({against.found}): it proves nothing")
        play.verdicts.append(Verdict(id_, finding.holds, self.clock(), finding.found, place))

    def _scene(self, play: _Play) -> Scene | None:
        received = play.received
        if received is None:
            return None
        protocol = self.service.protocol.ground
        if received.pathway_id is None:
            return Scene(received, None, protocol, (), self.days, self.clock())
        with self.service.db.read() as session:
            pathway, ground = self.service.ledger.load(session, received.pathway_id)
            rows = owed.rows_of(session, received.pathway_id)
            stored = history(session, received.pathway_id)
            others = self.service.ledger.following(session, received.pathway_id)
        told = [(line.type, line.occurred) for line in stored]
        lines = [line_of(row) for row in stored]
        return Scene(received, pathway, ground, rows, self.days, self.clock(), told, others, lines)

    def _conclude(self, play: _Play) -> None:
        """The expectations of the end, and those whose moment the clock never reached."""
        told = play.told
        for index, line in enumerate(told.story.lines):
            if self.days.instant(line.at) > self.clock() and line.id:
                why = f"the clock stopped at {self.clock().isoformat()}, before it"
                play.verdicts.append(
                    Verdict(line.id, False, self.clock(), why, told.place(f"lines[{index}]"))
                )
        for index, one in enumerate(told.story.finally_):
            self._judge(play, one.id, one.expect, one.control, told.place(f"finally[{index}]"))

    def _played(self, play: _Play) -> Played:
        scene = self._scene(play)
        entries = list(play.heard)
        if scene is not None and scene.pathway is not None:
            with self.service.db.read() as session:
                entries += timeline(session, scene)
        entries.sort(key=lambda entry: entry.at)
        return Played(
            play.told.story,
            play.received,
            scene.pathway if scene else None,
            tuple(entries),
            tuple(play.verdicts),
        )


def _object(line: Line, verb: str) -> str:
    said = getattr(line, verb)
    return said.step if hasattr(said, "step") else str(said)
