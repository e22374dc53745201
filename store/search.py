"""Finding the resources we say: by id, by identifier, and by what a search asks, page by page.

Pages hang on the last row seen, not on a count of rows, so that what is written meanwhile neither hides a row
nor shows one twice; by ``_lastUpdated``, what changes on the way is simply met again at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, SQLColumnExpression, and_, false, not_, or_, true
from sqlalchemy.orm import Mapped
from sqlmodel import Session, col, func, select

from store.resource_tables import ResourceRow, ResourceTokenRow

Column = Literal["updated", "due", "not_before"]
Prefix = Literal["eq", "ne", "gt", "ge", "lt", "le"]


@dataclass(frozen=True, slots=True)
class Span:
    """A comparison with a span of time, ``start`` included and ``end`` not (UTC): a date is a whole day."""

    prefix: Prefix
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Named:
    """An identifier asked for. ``system`` None: in any system; empty: in none. ``value`` None: any value."""

    system: str | None
    value: str | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ended: the sort value of its last row (None where that has none) and its id."""

    value: datetime | None
    id: str


@dataclass(frozen=True, slots=True)
class Question:
    """What a search asks. Every tuple is *and*, every tuple within it *or*; an empty one asks nothing."""

    type: str
    ids: tuple[tuple[str, ...], ...] = ()
    identifiers: tuple[tuple[Named, ...], ...] = ()
    patients: tuple[tuple[str, ...], ...] = ()
    statuses: tuple[tuple[str, ...], ...] = ()
    times: tuple[tuple[Column, tuple[Span, ...]], ...] = ()
    sort: Column | None = None
    descending: bool = False
    after: Place | None = None
    count: int = 50


@dataclass(frozen=True, slots=True)
class Found:
    """A resource as it stands, with what only we know of it. ``updated`` is UTC.

    ``source`` is None for what is ours; else the system that wrote it, and ``body`` its words, byte for byte.
    """

    type: str
    id: str
    version: int
    updated: datetime
    content: dict[str, Any]
    pathway_id: str | None
    patient_id: str | None
    source: str | None = None
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page, and where the next begins; None after the last."""

    found: tuple[Found, ...]
    next: Place | None = None


def read(session: Session, type_: str, id_: str, *, lock: bool = False) -> Found | None:
    """The resource of that type and id as it is now, whatever this session remembers of it.

    With ``lock`` nobody else writes it before this transaction ends.
    """
    query = select(ResourceRow).where(ResourceRow.type == type_, ResourceRow.id == id_)
    if lock:
        query = query.with_for_update()
    row = session.exec(query.execution_options(populate_existing=True)).one_or_none()
    return _found(row) if row is not None else None


def identified(session: Session, type_: str, named: Named) -> list[Found]:
    """The resources of a type that an identifier names: at most two, for the second is one too many."""
    return list(page(session, Question(type_, identifiers=((named,),), count=2)).found)


def page(session: Session, question: Question) -> Page:
    """The resources that a search finds, in its order, from where it asks to go on."""
    query = select(ResourceRow).where(*_conditions(question))
    if question.after is not None:
        query = query.where(_beyond(question, question.after))
    query = query.order_by(*_order(question)).limit(question.count + 1)
    rows = [_found(row) for row in session.exec(query.execution_options(populate_existing=True))]
    kept = tuple(rows[: question.count])
    if len(rows) <= question.count or not kept:
        return Page(kept)
    return Page(kept, _place(session, question, kept[-1]))


def total(session: Session, question: Question) -> int:
    """How many resources a search finds on all its pages."""
    counted = select(func.count()).select_from(ResourceRow)
    return session.exec(counted.where(*_conditions(replace(question, after=None)))).one()


def _conditions(question: Question) -> list[ColumnElement[bool]]:
    asked: list[ColumnElement[bool]] = [col(ResourceRow.type) == question.type]
    asked += [col(ResourceRow.id).in_(ids) for ids in question.ids]
    asked += [_is_named(question.type, either) for either in question.identifiers]
    asked += [col(ResourceRow.patient_id).in_(ids) for ids in question.patients]
    asked += [col(ResourceRow.status).in_(statuses) for statuses in question.statuses]
    asked += [or_(*(_in_span(_column(name), span) for span in spans)) for name, spans in question.times]
    return asked


def _is_named(type_: str, either: Sequence[Named]) -> ColumnElement[bool]:
    row = ResourceTokenRow
    names = [
        and_(
            col(row.system) == one.system if one.system is not None else true(),
            col(row.value) == one.value if one.value is not None else true(),
        )
        for one in either
    ]
    named = select(row.id).where(row.type == type_, row.param == "identifier", or_(false(), *names))
    return col(ResourceRow.id).in_(named)


def _in_span(column: Mapped[Any], span: Span) -> ColumnElement[bool]:
    within = and_(column >= span.start, column < span.end)
    return {
        "eq": within,
        "ne": not_(within),
        "gt": column >= span.end,
        "ge": column >= span.start,
        "lt": column < span.start,
        "le": column < span.end,
    }[span.prefix]


def _column(name: Column) -> Mapped[Any]:
    columns: dict[str, Mapped[Any]] = {
        "updated": col(ResourceRow.updated),
        "due": col(ResourceRow.due),
        "not_before": col(ResourceRow.not_before),
    }
    return columns[name]


def _order(question: Question) -> list[SQLColumnExpression[Any]]:
    """By the value asked for, rows without one last in either direction, and then by id."""
    if question.sort is None:
        return [col(ResourceRow.id).desc() if question.descending else col(ResourceRow.id)]
    column = _column(question.sort)
    directed = column.desc() if question.descending else column.asc()
    return [directed.nulls_last(), col(ResourceRow.id)]


def _beyond(question: Question, place: Place) -> ColumnElement[bool]:
    if question.sort is None:
        id_ = col(ResourceRow.id)
        return id_ < place.id if question.descending else id_ > place.id
    column, later = _column(question.sort), col(ResourceRow.id) > place.id
    if place.value is None:
        return and_(column.is_(None), later)
    further = column < place.value if question.descending else column > place.value
    return or_(further, and_(column == place.value, later), column.is_(None))


def _place(session: Session, question: Question, last: Found) -> Place:
    if question.sort is None:
        return Place(None, last.id)
    row = session.get(ResourceRow, (last.type, last.id))
    value: datetime | None = getattr(row, question.sort)
    return Place(value.astimezone(UTC) if value is not None else None, last.id)


def _found(row: ResourceRow) -> Found:
    return Found(
        type=row.type,
        id=row.id,
        version=row.version,
        updated=row.updated.astimezone(UTC),
        content=row.content,
        pathway_id=row.pathway_id,
        patient_id=row.patient_id,
        source=row.source,
        body=row.body,
    )
