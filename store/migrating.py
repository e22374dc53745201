"""Pathways under way, moved onto another version of their protocol: who they are, and what a move would change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from pathway import events as e
from pathway.moved import Compared, compared
from pathway.plan import Change
from pathway.refusal import Refused
from pathway.state import Actor, Pathway
from store.ledger import Ledger
from store.protocols import Published
from store.tables import PathwayRow, ProtocolRow

_UNDER_WAY = ("active", "on-hold")


@dataclass(frozen=True, slots=True)
class Move:
    """What moving one pathway would change: its plan, row by row, and the rest; or the ``refused`` that forbids it."""

    pathway: Pathway
    event: e.Migrated | e.MigrationUndone
    changes: tuple[Change, ...] = ()
    compared: Compared | None = None
    refused: Refused | None = None


def on_another_version(session: Session, onto: Published) -> list[str]:
    """The pathways of this protocol that are under way on another version, oldest first."""
    query = (
        select(PathwayRow.id)
        .join(ProtocolRow, col(ProtocolRow.digest) == col(PathwayRow.protocol_digest))
        .where(ProtocolRow.key == onto.key, PathwayRow.protocol_digest != onto.digest)
        .where(col(PathwayRow.status).in_(_UNDER_WAY))
    )
    return list(session.exec(query.order_by(col(PathwayRow.created), col(PathwayRow.id))))


def moved_onto(session: Session, ledger: Ledger[Any], onto: Published) -> list[str]:
    """The pathways under way on this version that were moved onto it from another, oldest first."""
    query = (
        select(PathwayRow.id)
        .where(PathwayRow.protocol_digest == onto.digest)
        .where(col(PathwayRow.status).in_(_UNDER_WAY))
        .order_by(col(PathwayRow.created), col(PathwayRow.id))
    )
    return [id_ for id_ in session.exec(query) if ledger.load(session, id_)[0].migrations]


def onto(pathway: Pathway, version: Published, *, by: Actor, reason: str) -> e.Migrated:
    """The event that moves this pathway onto that version."""
    return e.Migrated(
        by=by,
        from_digest=pathway.protocol_digest,
        to_digest=version.digest,
        reason=reason,
        from_version=pathway.protocol_version,
        to_version=version.version,
    )


def back(pathway: Pathway, *, by: Actor, reason: str) -> e.MigrationUndone:
    """The event that takes this pathway back to where it was moved from; one that is refused if it never was."""
    last = pathway.migrations[-1] if pathway.migrations else None
    return e.MigrationUndone(
        by=by,
        from_digest=pathway.protocol_digest,
        to_digest=last.from_digest if last else pathway.protocol_digest,
        reason=reason,
        from_version=pathway.protocol_version,
        to_version=last.from_version if last else pathway.protocol_version,
    )


def would_move(
    session: Session,
    ledger: Ledger[Any],
    pathway: Pathway,
    event: e.Migrated | e.MigrationUndone,
    *,
    at: datetime,
) -> Move:
    """What this event would change. Nothing is written."""
    before, ground = ledger.stands(session, pathway.id)
    try:
        found = ledger.preview(session, pathway.id, event, at=at)
    except Refused as refused:
        return Move(before, event, refused=refused)
    new = ledger.shelf.get(session, event.to_digest).ground
    return Move(before, event, found.changes, compared(before, found.pathway, ground, new))
