"""Every version of a resource: one of them, or the latest first, of one, of a type or of all, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, literal, select, tuple_, union_all
from sqlmodel import Session, col, func

from store.resource_tables import ResourceVersionRow
from store.search import as_text


@dataclass(frozen=True, slots=True)
class Version:
    """One version: its words, ours as ``text`` and others' as ``body``, and the ``method`` that made it."""

    type: str
    id: str
    version: int
    updated: datetime
    method: str
    patient_id: str | None
    text: str | None
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Since:
    """What of a history is asked for: versions of these types, at or after ``since``, from ``after`` on.

    ``id`` names one resource; None: all of the types. ``after`` is the last version that was seen.
    """

    types: tuple[str, ...]
    id: str | None = None
    since: datetime | None = None
    after: tuple[datetime, str, str, int] | None = None
    count: int = 50


def version(session: Session, type_: str, id_: str, number: int) -> Version | None:
    """One version of a resource; None where there is none."""
    row = ResourceVersionRow
    query = select(*_columns()).where(col(row.type) == type_, col(row.id) == id_, col(row.version) == number)
    found = session.connection().execute(query).one_or_none()
    return _version(found) if found is not None else None


def history(session: Session, asked: Since) -> tuple[list[Version], bool]:
    """The versions of one page, the latest first, and whether more follow."""
    parts = [_of_type(type_, asked).subquery() for type_ in asked.types]
    # Each type from its own index, and only then together: the history of all is no slower for being long.
    every = union_all(*(select(part) for part in parts)).subquery()
    order = [every.c[name].desc() for name in ("updated", "type", "id", "version")]
    rows = session.connection().execute(select(every).order_by(*order).limit(asked.count + 1))
    found = [_version(row) for row in rows]
    return found[: asked.count], len(found) > asked.count


def versions(session: Session, asked: Since) -> int:
    """How many versions one resource has, of those asked for."""
    counted = select(func.count()).select_from(ResourceVersionRow)
    rows = session.connection().execute(counted.where(*_asked(asked.types[0], asked)))
    return int(rows.scalar_one())


def _of_type(type_: str, asked: Since) -> Select[Any]:
    row = ResourceVersionRow
    query = select(*_columns()).where(*_asked(type_, asked))
    if asked.after is not None:
        there = tuple_(*map(literal, asked.after))
        query = query.where(tuple_(row.updated, row.type, row.id, row.version) < there)
        query = query.where(col(row.updated) <= asked.after[0])
    return query.order_by(col(row.updated).desc(), col(row.id).desc(), col(row.version).desc()).limit(
        asked.count + 1
    )


def _asked(type_: str, asked: Since) -> Sequence[Any]:
    row = ResourceVersionRow
    where = [col(row.type) == type_]
    if asked.id is not None:
        where.append(col(row.id) == asked.id)
    if asked.since is not None:
        where.append(col(row.updated) >= asked.since)
    return where


def _columns() -> tuple[Any, ...]:
    row = ResourceVersionRow
    shown = as_text(row.content, row.body).label("text")
    return row.type, row.id, row.version, row.updated, row.method, row.patient_id, shown, row.body


def _version(row: Any) -> Version:
    return Version(
        type=row.type,
        id=row.id,
        version=row.version,
        updated=row.updated.astimezone(UTC),
        method=row.method,
        patient_id=row.patient_id,
        text=row.text,
        body=row.body,
    )
