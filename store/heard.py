"""What was heard of hospitals' resources, whom of ours they concern, and what they call ours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlmodel import Session, col, select

from store.inbound_tables import WordRow
from store.resource_tables import ResourceRow
from store.tables import DeliveredRow, PathwayRow
from store.upsert import insert_if_absent

RUNNING = ("active", "on-hold")


@dataclass(frozen=True, slots=True)
class Word:
    """A resource as a system says it: its version and instant are the system's own, ``digest`` is of its content."""

    source: str
    type: str
    id: str
    digest: str
    version: str = ""
    updated: datetime | None = None


def is_news(session: Session, word: Word, *, at: datetime) -> bool:
    """Note this word, unless the same or a later one was heard; whether it is new. The first of two at once wins.

    Older is what its system dates earlier, or numbers lower where both numbers are numbers.
    """
    row = WordRow(
        source=word.source,
        type=word.type,
        id=word.id,
        version=word.version,
        updated=word.updated,
        digest=word.digest,
        at=at,
    )
    if insert_if_absent(session, row):
        return True
    query = select(WordRow).where(
        WordRow.source == word.source, WordRow.type == word.type, WordRow.id == word.id
    )
    known = session.exec(query.with_for_update().execution_options(populate_existing=True)).one()
    if known.digest == word.digest or _is_older(word, known):
        return False
    known.version, known.updated, known.digest, known.at = word.version, word.updated, word.digest, at
    session.flush()
    return True


def _is_older(word: Word, known: WordRow) -> bool:
    if word.updated is not None and known.updated is not None:
        return word.updated < known.updated.astimezone(UTC)
    both = word.version.isdecimal() and known.version.isdecimal()
    return both and int(word.version) < int(known.version)


def running(session: Session, patient_id: str) -> list[str]:
    """The pathways of this patient on which something may still happen, in the order in which they are locked."""
    query = select(PathwayRow.id).where(
        PathwayRow.patient_id == patient_id, col(PathwayRow.status).in_(RUNNING)
    )
    return list(session.exec(query.order_by(col(PathwayRow.id))))


def every(session: Session, patient_id: str) -> list[str]:
    """All pathways of this patient, oldest first."""
    query = select(PathwayRow.id).where(PathwayRow.patient_id == patient_id)
    return list(session.exec(query.order_by(col(PathwayRow.created), col(PathwayRow.id))))


def ours_behind(session: Session, destination: str, reference: str) -> tuple[str, str] | None:
    """What of ours a destination means by this name of its own (``Task/77``), as (type, id); None for nothing."""
    query = select(DeliveredRow).where(
        DeliveredRow.destination == destination, DeliveredRow.remote == reference
    )
    row = session.exec(query.limit(1)).one_or_none()
    return (row.type, row.id) if row is not None else None


def words_of(session: Session, source: str, type_: str, id_: str) -> bytes | None:
    """The bytes in which this system wrote the resource here; None where it did not."""
    row = session.get(ResourceRow, (type_, id_))
    return row.body if row is not None and row.source == source else None
