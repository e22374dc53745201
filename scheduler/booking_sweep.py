"""What is left over of bookings: Slots that nobody wants any more, and those of which nobody knows whose they are.

A visit is moved, cancelled or ended in many ways; its Slot follows here. A process may stop between taking a Slot on
a hospital's server and writing that it is ours: our state then says whether it is kept or given back.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from fhir_mappings.read import Json
from fhir_mappings.site import Site
from fhir_mappings.slot import plain_appointment
from pathway import events as e
from pathway.ground import Ground
from pathway.lifecycle import VisitStatus
from pathway.refusal import Refused
from pathway.state import Actor, Pathway, Step
from scheduler import slots_here
from scheduler.slots_there import NobodyKnows, There
from store import slots
from store.database import Database
from store.inbound_tables import TakenSlotRow
from store.ledger import Ledger

log = logging.getLogger("jalon.booking")

EXPIRED = "the reservation of the slot has expired"
_PATIENCE = timedelta(seconds=90)
"""How long a booking elsewhere may take before somebody else looks at what became of it."""
_JALON = Actor("jalon")


class Sweeper:
    """Gives Slots back, here and on hospitals' servers. ``hold``: how long one is kept that nobody confirms."""

    def __init__(
        self, db: Database, ledger: Ledger[Any], site: Site, there: Sequence[There], *, hold: timedelta
    ) -> None:
        self._db = db
        self._ledger = ledger
        self._site = site
        self._there = tuple(there)
        self._hold = hold

    def sweep(self, *, now: datetime) -> int:
        """Give back what is no longer wanted, and settle what a process that stopped left open. How many Slots."""
        # Asked at every beat: nobody waits for a writer's lock while there is nothing to write.
        with self._db.read() as session:
            expired, moved_on = bool(slots.expired(session, now)), bool(slots.moved_on(session))
        done = self._expire(now) if expired else 0
        if expired or moved_on:
            done += self._let_go(now)
        with self._db.read() as session:
            open_ones = slots.unsettled(session, now, _PATIENCE)
            open_ones += [
                row for row in slots.unsettled(session, now, timedelta(0)) if row.status != "taking"
            ]
        for row in {(one.home, one.slot): one for one in open_ones}.values():
            home = next((one for one in self._there if one.name == row.home), None)
            if home is not None:
                self._settle(home, row, now)
                done += 1
        return done

    def _expire(self, now: datetime) -> int:
        with self._db.write() as session:
            rows = slots.expired(session, now)
            for each in rows:
                row, pathway = self._locked(session, each)
                if row is None or row.until is None or row.until > now:
                    continue
                row.until = None
                if not _stands_with(pathway, row, VisitStatus.PENDING):
                    continue
                event = e.VisitCancelled(by=_JALON, step=row.step, occurrence=row.occurrence, reason=EXPIRED)
                try:
                    with session.begin_nested():
                        self._ledger.record(session, row.pathway_id, event, at=now)
                except Refused:
                    log.warning("a reservation has expired and its visit stands", extra={"slot": row.slot})
            return len(rows)

    def _let_go(self, now: datetime) -> int:
        """Slots whose visit was moved, cancelled or ended by whatever way: they are free again."""
        freed = 0
        with self._db.write() as session:
            for each in slots.moved_on(session):
                row, pathway = self._locked(session, each)
                if row is None or row.status not in ("held", "booked"):
                    continue
                step = pathway.at(row.step, row.occurrence)
                if _stands_with(pathway, row) or (
                    step is not None and step.is_settled and _was_used(step, row)
                ):
                    row.seq = pathway.seq
                    if (
                        step is not None
                        and row.status == "held"
                        and _stands_with(pathway, row, VisitStatus.BOOKED)
                    ):
                        self._confirmed(session, row, pathway, step, now)
                elif row.home == slots_here.HOME:
                    slots_here.release(session, row, at=now)
                    freed += 1
                else:
                    row.status, row.since = "freeing", now
                    freed += 1
        return freed

    def _confirmed(
        self, session: Session, row: TakenSlotRow, pathway: Pathway, step: Step, now: datetime
    ) -> None:
        """Somebody has confirmed a visit whose Slot was only held, by whatever way: it is busy now."""
        if row.home == slots_here.HOME:
            slots_here.follow(session, self._site, pathway, step, by=row.by, at=now, hold=None)
        else:
            row.status, row.since, row.until = "confirming", now, None

    def _locked(self, session: Session, seen: TakenSlotRow) -> tuple[TakenSlotRow | None, Pathway]:
        """The pathway and the Slot as they are now, locked in that order: another worker may have been faster."""
        self._ledger.lock(session, seen.pathway_id)
        pathway, _ = self._ledger.load(session, seen.pathway_id)
        return slots.locked(session, seen.home, seen.slot), pathway

    def _settle(self, home: There, row: TakenSlotRow, now: datetime) -> None:
        """Keep the Slot where our visit stands with it, and give it back where it does not."""
        with self._db.write() as session:
            known = slots.locked(session, row.home, row.slot)
            if known is None:
                return
            pathway, _ = self._ledger.load(session, known.pathway_id)
            stands, confirming = _stands_with(pathway, known), known.status == "confirming"
            if stands and not confirming:
                self._keep(known, pathway, now)
        if not stands:
            self._free_there(home, row)
        elif confirming:
            self._confirm_there(home, row, now)

    def _keep(self, row: TakenSlotRow, pathway: Pathway, now: datetime) -> None:
        """The Slot is the visit's as that stands: a confirmation that failed leaves it held, and not for ever."""
        held = _stands_with(pathway, row, VisitStatus.PENDING)
        row.status, row.since, row.seq = "held" if held else "booked", now, pathway.seq
        row.until = now + self._hold if held else None

    def _confirm_there(self, home: There, row: TakenSlotRow, now: datetime) -> None:
        """A Slot that was held there becomes busy."""
        with self._db.read() as session:
            pathway, ground = self._ledger.load(session, row.pathway_id)
        step = pathway.at(row.step, row.occurrence)
        assert step is not None
        try:
            home.take(row.slot, "busy", appointment_on(self._site, pathway, ground, step, row.slot))
        except (NobodyKnows, Refused):
            log.warning("a slot could not be confirmed yet", extra={"destination": home.name})
            return
        with self._db.write() as session:
            known = slots.locked(session, row.home, row.slot)
            if known is not None and known.status == "confirming":
                known.status, known.since = "booked", now

    # --- giving back on a hospital's server ---------------------------------------------------------------

    def not_taken(self, home: str, slot: str, *, now: datetime) -> None:
        """The hospital did not let a Slot be taken: it is none of ours, unless the visit had it already."""
        with self._db.write() as session:
            row = slots.locked(session, home, slot)
            if row is None or row.status != "taking":
                return
            pathway, _ = self._ledger.load(session, row.pathway_id)
            if _stands_with(pathway, row):
                self._keep(row, pathway, now)
            else:
                slots.forget(session, row)

    def forget(self, home: str, slot: str) -> None:
        with self._db.write() as session:
            row = slots.locked(session, home, slot)
            if row is not None and row.status in ("taking", "freeing", "confirming"):
                slots.forget(session, row)

    def give_back(self, home: There, slot: str) -> None:
        """Free a Slot elsewhere that our door did not want after all; when that fails, the sweep does it."""
        with self._db.write() as session:
            row = slots.locked(session, home.name, slot)
            if row is None:
                return
            row.status = "freeing"
        self._free_there(home, row)

    def _free_there(self, home: There, row: TakenSlotRow) -> None:
        with self._db.read() as session:
            pathway, ground = self._ledger.load(session, row.pathway_id)
        step = pathway.at(row.step, row.occurrence)
        if step is None:
            return
        visit = step.visit
        stands = visit is not None and visit.stands and visit.slot != row.slot and home.has(visit.slot)
        try:
            home.free(
                row.slot,
                self._left(pathway, ground, step, row),
                certain=row.status != "taking",
                back=visit.slot if visit is not None and stands else "",
            )
        except (NobodyKnows, Refused):
            log.warning("a slot could not be freed yet", extra={"destination": home.name})
            return
        self.forget(home.name, row.slot)

    def _left(self, pathway: Pathway, ground: Ground, step: Step, row: TakenSlotRow) -> Json:
        """The Appointment once this Slot is given back: as the visit stands without it, else cancelled."""
        value = f"{pathway.id}/{step.ref}"
        visit = step.visit
        stands = visit is not None and visit.stands and visit.slot != row.slot
        return plain_appointment(
            self._site,
            value,
            status=visit.status.value if visit is not None and stands else "cancelled",
            title=ground.protocol.step(step.key).title.fr,
            start=visit.start if visit is not None and stands else row.start,
            end=visit.end if visit is not None and stands else row.end,
            slot=visit.slot if visit is not None and stands else "",
            patient=pathway.patient.identifiers,
            place=visit.place if visit is not None and stands else row.place,
            reason="" if stands else ((visit.reason if visit is not None else "") or "créneau rendu"),
        )


def appointment_on(site: Site, pathway: Pathway, ground: Ground, step: Step, slot: str) -> Json:
    """Our Appointment as it is booked on a Slot of a hospital's server."""
    visit = step.visit
    assert visit is not None
    return plain_appointment(
        site,
        f"{pathway.id}/{step.ref}",
        status=visit.status.value,
        title=ground.protocol.step(step.key).title.fr,
        start=visit.start,
        end=visit.end,
        slot=f"Slot/{slot.rpartition('/')[2]}",
        patient=pathway.patient.identifiers,
        place=visit.place,
    )


def _stands_with(pathway: Pathway, row: TakenSlotRow, *statuses: VisitStatus) -> bool:
    """Whether the visit stands on this Slot, in one of these statuses if any is given."""
    step = pathway.at(row.step, row.occurrence)
    visit = step.visit if step is not None else None
    if visit is None or not visit.stands or visit.slot != row.slot:
        return False
    return not statuses or visit.status in statuses


def _was_used(step: Step, row: TakenSlotRow) -> bool:
    """Whether the visit took place on this Slot: it stays busy."""
    visit = step.visit
    return visit is not None and visit.slot == row.slot and visit.status is VisitStatus.FULFILLED
