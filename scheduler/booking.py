"""Booking a visit on a hospital's Slot: find a free one, hold it, book it, move it, give it back.

Two homes of Slots, one desk. A Slot that is kept here is taken in the door's own transaction. One on a hospital's
server is taken there first, together with the Appointment; if our door then refuses, it is freed again, and if this
process dies in between, the sweep (``booking_sweep``) frees or keeps it by what our state says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from fhir_mappings.read import Json
from fhir_mappings.site import Site
from fhir_mappings.slot import read_slot
from pathway import events as e
from pathway.anchors import due, resolve
from pathway.ground import Ground
from pathway.refusal import Refused, Text
from pathway.state import Actor, Pathway, Step
from scheduler import slots_here
from scheduler.booking_sweep import Sweeper, appointment_on
from scheduler.slots_there import NO_ANSWER, NobodyKnows, There
from store import slots
from store.database import Database
from store.inbound_tables import TakenSlotRow
from store.ledger import Ledger, Recorded

LONGEST_SEARCH = timedelta(days=92)
"""No step is looked for further ahead, whatever its window."""

Trace = Callable[[Session, Recorded], object]
"""What else belongs into the transaction: the audit entry of whoever books."""


@dataclass(frozen=True, slots=True)
class FreeSlot:
    """A Slot that may be taken. ``slot`` is ``Slot/1`` where it is kept here, else its whole URL. Instants are UTC."""

    slot: str
    start: datetime
    end: datetime
    place: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when a Slot is looked for: the window of the step, from now on."""

    start: datetime
    end: datetime


class Desk:
    """Where visits are booked on Slots. ``hold``: how long one is kept for a visit that is not confirmed."""

    def __init__(
        self, db: Database, ledger: Ledger[Any], site: Site, there: Sequence[There], *, hold: timedelta
    ) -> None:
        self._db = db
        self._ledger = ledger
        self._site = site
        self._there = tuple(there)
        self._hold = hold
        self._sweeper = Sweeper(db, ledger, site, self._there, hold=hold)

    # --- finding ------------------------------------------------------------------------------------------

    def window(self, pathway: Pathway, ground: Ground, step: Step, *, now: datetime) -> Span:
        """The window of the step as far as it is still to come; past its limit, the weeks after it."""
        rule = ground.protocol.step(step.key)
        opening = resolve(rule.window.earliest, step, pathway, ground) if rule.window.earliest else None
        limit = due(step, pathway, ground)
        start = max(now, opening.instant) if opening else now
        end = limit.instant if limit and limit.instant > start else start + timedelta(days=28)
        return Span(start, min(end, start + LONGEST_SEARCH))

    def find(self, pathway_id: str, step: str, occurrence: int, *, now: datetime) -> list[FreeSlot]:
        """The free Slots in the window of this step, earliest first. Refused when there is no such visit to book."""
        with self._db.read() as session:
            pathway, ground = self._ledger.load(session, pathway_id)
            one = _visit_step(pathway, ground, step, occurrence)
            span = self.window(pathway, ground, one, now=now)
            found = [
                FreeSlot(f"Slot/{said.id}", said.start, said.end, place, said.note)
                for said, place in slots_here.find(session, self._site, span.start, span.end)
                if not said.steps or step in said.steps
            ]
        for home in self._there:
            found += [
                FreeSlot(home.url(said.id), said.start, said.end, place, said.note)
                for said, place in home.find(span.start, span.end)
                if not said.steps or step in said.steps
            ]
        return sorted(found, key=lambda one: (one.start, one.slot))

    # --- booking ------------------------------------------------------------------------------------------

    def book(
        self,
        pathway_id: str,
        step: str,
        occurrence: int,
        slot: str,
        *,
        by: Actor,
        at: datetime,
        confirmed: bool = True,
        seen: int | None = None,
        trace: Trace | None = None,
    ) -> Recorded:
        """Take a Slot for this visit, or move the visit there; not ``confirmed``: hold it until somebody confirms.

        Refused (conflict) when the Slot has been taken meanwhile or the hospital does not answer, and whenever the
        door refuses; then nothing is taken. Raises Stale when ``seen`` is not the last event.
        """
        home = next((one for one in self._there if one.has(slot)), None)
        if home is None:
            return self._book_here(
                pathway_id, step, occurrence, slot, by=by, at=at, confirmed=confirmed, seen=seen, trace=trace
            )
        event, appointment, leaving = self._announce(
            home, pathway_id, step, occurrence, slot, by=by, at=at, confirmed=confirmed
        )
        try:
            home.take(slot, "busy" if confirmed else "busy-tentative", appointment, leaving)
        except NobodyKnows as doubt:
            # Whether it is ours is found out by the sweep: until then nobody else here takes it.
            raise Refused(NO_ANSWER, field="slot") from doubt
        except Refused:
            self._sweeper.not_taken(home.name, slot, now=at)
            raise
        try:
            with self._db.write() as session:
                recorded = self._ledger.record(session, pathway_id, event, at=at, seen=seen)
                self._now_ours(session, home.name, slot, recorded, confirmed=confirmed, at=at)
                for each in leaving:
                    row = slots.locked(session, home.name, each)
                    if row is not None:
                        slots.forget(session, row)
                if trace is not None:
                    trace(session, recorded)
        except BaseException:
            self._sweeper.give_back(home, slot)
            raise
        return recorded

    def hold(self, pathway_id: str, step: str, occurrence: int, slot: str, **more: Any) -> Recorded:
        """Keep a Slot for a visit that is proposed: it is given back when nobody confirms in time."""
        return self.book(pathway_id, step, occurrence, slot, confirmed=False, **more)

    def cancel(
        self,
        pathway_id: str,
        step: str,
        occurrence: int,
        reason: str,
        *,
        by: Actor,
        at: datetime,
        trace: Trace | None = None,
    ) -> Recorded:
        """Give the visit up, and its Slot back. Refused when the door does."""
        with self._db.write() as session:
            event = e.VisitCancelled(by=by, step=step, occurrence=occurrence, reason=reason)
            recorded = self._ledger.record(session, pathway_id, event, at=at)
            self._follow(session, recorded.pathway, step, occurrence, by=by, at=at)
            if trace is not None:
                trace(session, recorded)
        self.sweep(now=at)
        return recorded

    def sweep(self, *, now: datetime) -> int:
        """Give back what is no longer wanted, and settle what a process that stopped left open. How many Slots."""
        return self._sweeper.sweep(now=now)

    def _book_here(
        self,
        pathway_id: str,
        step: str,
        occurrence: int,
        slot: str,
        *,
        by: Actor,
        at: datetime,
        confirmed: bool,
        seen: int | None,
        trace: Trace | None,
    ) -> Recorded:
        with self._db.write() as session:
            said = slots_here.kept(session, self._site, slot)
            if said is None:
                raise Refused(slots.GONE, kind="not-found", field="slot")
            slots.need_untaken(session, slots_here.HOME, slot, (pathway_id, step, occurrence))
            places = slots_here.place(session, said)
            event = e.VisitBooked(
                by=by,
                step=step,
                occurrence=occurrence,
                start=said.start,
                end=said.end,
                place=places,
                confirmed=confirmed,
                slot=slot,
            )
            recorded = self._ledger.record(session, pathway_id, event, at=at, seen=seen)
            self._follow(session, recorded.pathway, step, occurrence, by=by, at=at)
            if trace is not None:
                trace(session, recorded)
        return recorded

    def _follow(
        self, session: Session, pathway: Pathway, step: str, occurrence: int, *, by: Actor, at: datetime
    ) -> None:
        one = pathway.at(step, occurrence)
        assert one is not None
        slots_here.follow(session, self._site, pathway, one, by=by.name, at=at, hold=self._hold)

    # --- on a hospital's server ---------------------------------------------------------------------------

    def _announce(
        self,
        home: There,
        pathway_id: str,
        step: str,
        occurrence: int,
        slot: str,
        *,
        by: Actor,
        at: datetime,
        confirmed: bool,
    ) -> tuple[e.VisitBooked, Json, list[str]]:
        """Ask our door first whether it would let this through, and note that the Slot is being taken."""
        resource, _ = home.read(slot)
        said = read_slot(resource, self._site)
        if said is None:
            raise Refused(slots.GONE, field="slot")
        with self._db.write() as session:
            event = e.VisitBooked(
                by=by,
                step=step,
                occurrence=occurrence,
                start=said.start,
                end=said.end,
                place=home.place(said.schedule),
                confirmed=confirmed,
                slot=slot,
            )
            self._ledger.lock(session, pathway_id)
            after = self._ledger.preview(session, pathway_id, event, at=at).pathway
            ground = self._ledger.load(session, pathway_id)[1]
            leaving = [
                row.slot
                for row in slots.of_visit(session, pathway_id, step, occurrence)
                if row.home == home.name
                and row.slot != slot
                and row.status in ("held", "booked", "confirming")
            ]
            slots.take(
                session,
                TakenSlotRow(
                    home=home.name,
                    slot=slot,
                    pathway_id=pathway_id,
                    step=step,
                    occurrence=occurrence,
                    status="taking",
                    start=said.start,
                    end=said.end,
                    place=event.place,
                    by=by.name,
                    since=at,
                ),
            )
            one = _visit_step(after, ground, step, occurrence)
        return event, appointment_on(self._site, after, ground, one, slot), leaving

    def _now_ours(
        self, session: Session, home: str, slot: str, recorded: Recorded, *, confirmed: bool, at: datetime
    ) -> None:
        row = slots.locked(session, home, slot)
        if row is None:
            raise Refused(slots.GONE, field="slot")
        row.status, row.since, row.seq = ("booked" if confirmed else "held"), at, recorded.pathway.seq
        row.until = None if confirmed else at + self._hold
        session.flush()


def _visit_step(pathway: Pathway, ground: Ground, step: str, occurrence: int) -> Step:
    one = pathway.at(step, occurrence)
    if one is None or ground.protocol.step(step).kind != "visit":
        raise Refused(
            Text(fr="Il n'y a pas de tel rendez-vous à prendre.", en="There is no such visit to book."),
            kind="not-found",
            field="step",
        )
    return one
