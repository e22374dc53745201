"""The one door. Whatever changes a pathway goes through ``record``, in one transaction, or does not happen.

``record`` locks the pathway, tells the state what has been said to the patient meanwhile, decides, plans, and
writes state, history line, the difference of the plans and the resources that say it. The caller commits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlmodel import Session, select

from pathway import events as e
from pathway.codec import decode, encode
from pathway.decide import decide
from pathway.enrolment import enrol
from pathway.flags import Flag
from pathway.ground import Ground
from pathway.ladders import alerts
from pathway.migrating import leaving, migrate, undo
from pathway.plan import PLANNER, Change, Plan, diff, plan
from pathway.planned import Item, Kind
from pathway.referral import Referral
from pathway.refusal import Refused, Text
from pathway.stage import stage
from pathway.state import Actor, Pathway
from store import owed, resources
from store.projection import Projected, Projector
from store.protocols import Pinned, Shelf
from store.tables import HistoryRow, OwedRow, PathwayRow, PatientRow

P = TypeVar("P", bound=Pinned)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What an event made of a pathway: its state, its plan, and what changed in the plan."""

    pathway: Pathway
    plan: Plan
    changes: tuple[Change, ...]

    @property
    def flags(self) -> tuple[Flag, ...]:
        """What a person must look at now."""
        return self.plan.flags


class Stale(Exception):
    """Somebody else changed the pathway since the caller looked: look again, then decide."""


class Ledger(Generic[P]):
    """The door with what it needs: the pinned protocols, the projection to FHIR, and who is to hear."""

    def __init__(self, shelf: Shelf[P], projector: Projector, destinations: Sequence[str] = ()) -> None:
        self.shelf = shelf
        self._projector = projector
        self._destinations = tuple(destinations)

    def begin(
        self,
        session: Session,
        pathway_id: str,
        patient_id: str,
        referral: Referral,
        *,
        digest: str,
        by: Actor,
        at: datetime,
        previous: str | None = None,
    ) -> Recorded:
        """Start a pathway on the pinned protocol ``digest``. The caller has made sure that it is the first."""
        ground = self.shelf.get(session, digest).ground
        pathway = enrol(pathway_id, patient_id, referral, ground, at=at, previous=previous)
        pathway = replace(pathway, opted_out=self._opted_out(session, patient_id))
        row = PathwayRow(
            id=pathway_id,
            patient_id=patient_id,
            protocol_digest=digest,
            planner=PLANNER,
            seq=0,
            status="",
            stage="",
            as_of=at,
            created=at,
            state={},
        )
        session.add(row)
        session.flush()
        event = e.Enrolled(by=by, referral=referral.key)
        return self._write(session, row, Plan(()), pathway, ground, event, [], at)

    def record(
        self, session: Session, pathway_id: str, event: e.Event, *, at: datetime, seen: int | None = None
    ) -> Recorded:
        """Let an event through, or raise Refused. ``seen`` is the ``seq`` the author looked at: Stale if it moved.

        What is said of the person is written on every pathway of theirs.
        """
        others = self._of_same_person(session, pathway_id) if isinstance(event, e.OF_THE_PERSON) else []
        recorded = self._record(session, pathway_id, event, at=at, seen=seen)
        for other in others:
            self._record(session, other, event, at=at, seen=None)
        return recorded

    def _record(
        self, session: Session, pathway_id: str, event: e.Event, *, at: datetime, seen: int | None
    ) -> Recorded:
        row = self._locked(session, pathway_id)
        if seen is not None and row.seq != seen:
            raise Stale(f"pathway {pathway_id} is at {row.seq}, not {seen}")
        ground = self.shelf.get(session, row.protocol_digest).ground
        rows = owed.rows_of(session, pathway_id)
        before = self._with_told(row, rows)
        if row.planner != PLANNER and not isinstance(event, e.Replanned):
            self._write(
                session,
                row,
                _standing(rows),
                *self._decided(session, before, _replanned(), ground, at),
                rows,
                at,
            )
            rows = owed.rows_of(session, pathway_id)
            before = self._with_told(row, rows)
        stood = _standing(rows) if isinstance(event, e.Replanned) else plan(before, ground)
        after, onto, _ = self._decided(session, before, event, ground, at)
        gone = self._leaving(before, ground, after, at) if onto is not ground else ()
        return self._write(session, row, stood, after, onto, event, rows, at, gone)

    def preview(self, session: Session, pathway_id: str, event: e.Event, *, at: datetime) -> Recorded:
        """What ``record`` would make of this event. Nothing is written."""
        before, ground = self.stands(session, pathway_id)
        after, onto, _ = self._decided(session, before, event, ground, at)
        wanted = plan(after, onto)
        return Recorded(after, wanted, diff(plan(before, ground), wanted, after))

    def stands(self, session: Session, pathway_id: str) -> tuple[Pathway, Ground]:
        """Like ``load``, with what has been said to the patient meanwhile: the state that the next event finds."""
        row = _found(session.get(PathwayRow, pathway_id), pathway_id)
        pathway = self._with_told(row, owed.rows_of(session, pathway_id))
        return pathway, self.shelf.get(session, row.protocol_digest).ground

    def load(self, session: Session, pathway_id: str) -> tuple[Pathway, Ground]:
        """The state of a pathway and the ground it stands on. Refused when there is none of that id."""
        row = _found(session.get(PathwayRow, pathway_id), pathway_id)
        return decode(Pathway, row.state), self.shelf.get(session, row.protocol_digest).ground

    def following(self, session: Session, pathway_id: str) -> list[Pathway]:
        """The pathways of the same patient that come right after this one, for another fracture."""
        patient = select(PathwayRow.patient_id).where(PathwayRow.id == pathway_id).scalar_subquery()
        rows = session.exec(select(PathwayRow).where(PathwayRow.patient_id == patient)).all()
        return [one for row in rows if (one := decode(Pathway, row.state)).previous == pathway_id]

    def lock(self, session: Session, pathway_id: str) -> None:
        """Take the pathway's lock before any other row of it, so that everybody takes locks in one order."""
        self._locked(session, pathway_id)

    def wants(self, session: Session, pathway_id: str, key: str) -> Item | None:
        """What the plan of the state as it is now, under lock, says of a message that has not left after all."""
        row = self._locked(session, pathway_id)
        ground = self.shelf.get(session, row.protocol_digest).ground
        others = [
            one for one in owed.rows_of(session, pathway_id) if (one.key, one.status) != (key, "sending")
        ]
        return plan(self._with_told(row, others), ground).by_key().get(key)

    def says(self, session: Session, rows: Sequence[OwedRow], *, now: datetime) -> None:
        """Let the resources follow what has become of these message rows, and owe them to every destination."""
        messages = [row for row in rows if row.kind == Kind.MESSAGE]
        for row in messages:
            said = self._projector.message(owed.view(row))
            if resources.put(session, said, pathway_id=row.pathway_id, patient_id=row.patient_id, now=now):
                resources.owe(session, self._destinations, row.pathway_id, now=now)

    def _of_same_person(self, session: Session, pathway_id: str) -> list[str]:
        """The other pathways of this pathway's patient; all are locked, always in one order."""
        patient = select(PathwayRow.patient_id).where(PathwayRow.id == pathway_id).scalar_subquery()
        person = select(PatientRow.id).where(PatientRow.id == patient)
        session.exec(person.with_for_update(key_share=True)).one_or_none()
        theirs = select(PathwayRow.id).where(PathwayRow.patient_id == patient).order_by(PathwayRow.id)
        ids = session.exec(theirs.with_for_update(key_share=True)).all()
        return [id_ for id_ in ids if id_ != pathway_id]

    def _opted_out(self, session: Session, patient_id: str) -> tuple[str, ...]:
        """The channels that the patient has refused on the pathway that was spoken of last."""
        rows = session.exec(select(PathwayRow).where(PathwayRow.patient_id == patient_id)).all()
        latest = max(rows, key=lambda row: row.as_of, default=None)
        return decode(Pathway, latest.state).opted_out if latest is not None else ()

    def _decided(
        self, session: Session, before: Pathway, event: e.Event, ground: Ground, at: datetime
    ) -> tuple[Pathway, Ground, e.Event]:
        """The state after the event, and the ground it stands on then: another one after a migration."""
        if isinstance(event, e.Migrated | e.MigrationUndone):
            onto = self._published(session, event.to_digest)
            if isinstance(event, e.Migrated):
                return migrate(before, event, ground, onto, at=at), onto, event
            return undo(before, event, ground, onto, at=at), onto, event
        return decide(before, event, ground, at=at), ground, event

    def _published(self, session: Session, digest: str) -> Ground:
        try:
            return self.shelf.get(session, digest).ground
        except LookupError as error:
            raise Refused(
                Text(
                    fr=f"Aucun protocole {digest[:12]} n'est publié dans cette base.",
                    en=f"No protocol {digest[:12]} is published in this database.",
                ),
                kind="not-found",
                field="to_digest",
            ) from error

    def _leaving(self, before: Pathway, ground: Ground, after: Pathway, at: datetime) -> Sequence[Projected]:
        """The last words about what the new version does not have, in the words of the version it leaves."""
        last = leaving(before, after, at)
        return self._projector.pathway(last, ground, plan(last, ground))

    def _locked(self, session: Session, pathway_id: str) -> PathwayRow:
        query = select(PathwayRow).where(PathwayRow.id == pathway_id).with_for_update(key_share=True)
        return _found(session.exec(query.execution_options(populate_existing=True)).one_or_none(), pathway_id)

    def _with_told(self, row: PathwayRow, rows: list[OwedRow]) -> Pathway:
        return replace(decode(Pathway, row.state), told=owed.told(rows), said=owed.said(rows))

    def _write(
        self,
        session: Session,
        row: PathwayRow,
        stood: Plan,
        pathway: Pathway,
        ground: Ground,
        event: e.Event,
        rows: list[OwedRow],
        at: datetime,
        gone: Sequence[Projected] = (),
    ) -> Recorded:
        wanted = plan(pathway, ground)
        changes = diff(stood, wanted, pathway)
        changed = owed.apply(session, rows, pathway, wanted, now=at)
        row.seq, row.planner, row.status, row.as_of = (
            pathway.seq,
            PLANNER,
            pathway.status.value,
            pathway.as_of,
        )
        row.state = encode(pathway)
        row.patient_id = pathway.patient_id
        row.protocol_digest = pathway.protocol_digest
        row.stage = stage(pathway, ground)
        row.alerts = sum(alert.waits for alert in alerts(pathway, ground))
        row.blocked = sum(flag.blocking for flag in wanted.flags)
        row.flags = [encode(flag) for flag in wanted.flags]
        session.add(_line(pathway, event, changes, at))
        session.flush()
        said = [*self._projector.pathway(pathway, ground, wanted), *self._messages(changed)]
        speaking = {(one.type, one.id) for one in said}
        said += [one for one in gone if (one.type, one.id) not in speaking]
        made = resources.put(session, said, pathway_id=row.id, patient_id=row.patient_id, now=at)
        # What changes nothing that we say is still said of the pathway.
        made = made or resources.plan_of(session, row.id)
        versions = [(one.type, one.id, one.version) for one in made]
        evidence = self._projector.transition(pathway, ground, event, versions, at=at)
        resources.put(session, [evidence], pathway_id=row.id, patient_id=row.patient_id, now=at)
        resources.owe(session, self._destinations, row.id, now=at)
        return Recorded(pathway, wanted, changes)

    def _messages(self, changed: Sequence[OwedRow]) -> list[Projected]:
        return [
            resource
            for row in changed
            if row.kind == Kind.MESSAGE
            for resource in self._projector.message(owed.view(row))
        ]


def history(session: Session, pathway_id: str) -> list[HistoryRow]:
    """The lines of a pathway's history, oldest first."""
    query = select(HistoryRow).where(HistoryRow.pathway_id == pathway_id).order_by(HistoryRow.seq)  # type: ignore[arg-type]
    return list(session.exec(query))


def _line(pathway: Pathway, event: e.Event, changes: tuple[Change, ...], at: datetime) -> HistoryRow:
    return HistoryRow(
        pathway_id=pathway.id,
        seq=pathway.seq,
        recorded=at,
        occurred=event.occurred or at,
        type=type(event).__name__,
        by=event.by.name,
        event=e.to_data(event),
        changes=[_change(change) for change in changes],
    )


def _change(change: Change) -> dict[str, Any]:
    data: dict[str, Any] = encode(change)
    return data


def _standing(rows: list[OwedRow]) -> Plan:
    """The plan that the live rows are, whatever code planned them."""
    return Plan(tuple(owed.planned_item(row) for row in rows if row.status == "planned"))


def _replanned() -> e.Replanned:
    return e.Replanned(by=Actor("jalon"), planner=PLANNER)


def _found(row: PathwayRow | None, pathway_id: str) -> PathwayRow:
    if row is None:
        raise Refused(
            Text(fr=f"Il n'y a pas de parcours {pathway_id}.", en=f"There is no pathway {pathway_id}."),
            kind="not-found",
            field="pathway",
        )
    return row
