"""What a search asks as SQL: every condition on the rows of resources, and what they are sorted by."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    SQLColumnExpression,
    String,
    and_,
    bindparam,
    exists,
    false,
    func,
    not_,
    or_,
    select,
    true,
)
from sqlmodel import col
from sqlmodel.sql.sqltypes import UTCDateTime

from store.asked import Dates, Ids, Key, Missing, Named, Question, Span, Statuses, Tokens, Updated, Wanted
from store.resource_tables import ResourceRow, ResourceSpanRow, ResourceTokenRow


def conditions(question: Question) -> list[ColumnElement[bool]]:
    """Everything that must hold of a row. The values of the question are the names of bound parameters."""
    return [
        col(ResourceRow.type) == question.type,
        *(_condition(question.type, one) for one in question.wanted),
    ]


def sorted_by(type_: str, key: Key) -> SQLColumnExpression[Any]:
    """The value a row is sorted by. A date that has no column of its own is looked up for each row found."""
    row, span = ResourceRow, ResourceSpanRow
    columns: dict[str, Any] = {
        "_id": row.id,
        "_lastUpdated": row.updated,
        "status": row.status,
        "due": row.due,
        "not-before": row.not_before,
    }
    if key.by in columns:
        return col(columns[key.by])
    start = func.max(col(span.start)) if key.descending else func.min(col(span.start))
    dated = select(start).where(
        col(span.type) == type_, col(span.id) == col(row.id), col(span.param) == key.by
    )
    return dated.correlate(row).scalar_subquery()


def _condition(type_: str, one: Wanted) -> ColumnElement[bool]:
    row = ResourceRow
    match one:
        case Ids(either):
            return col(row.id).in_(_texts(either))
        case Statuses(either, negated):
            has = col(row.status).in_(_texts(either))
            return or_(not_(has), col(row.status).is_(None)) if negated else has
        case Tokens(param, either, negated):
            named = _tokens(type_, [param], or_(false(), *_named(either)))
            return (
                not_(exists(named.where(_same_row(ResourceTokenRow)))) if negated else col(row.id).in_(named)
            )
        case Dates(param, spans):
            return col(row.id).in_(_spans(type_, param, or_(false(), *map(_in_span, spans))))
        case Updated(spans):
            return or_(false(), *map(_changed, spans))
        case Missing(_, "status", missing):
            return col(row.status).is_(None) if missing else col(row.status).is_not(None)
        case Missing(param, "dates", missing):
            there = exists(_spans(type_, param, true()).where(_same_row(ResourceSpanRow)))
            return not_(there) if missing else there
        case Missing(param, among, missing):
            params = [param, f"{param}:identifier"] if among == "references" else [param]
            there = exists(_tokens(type_, params, true()).where(_same_row(ResourceTokenRow)))
            return not_(there) if missing else there


def _same_row(table: Any) -> ColumnElement[bool]:
    return col(table.id) == col(ResourceRow.id)


def _tokens(type_: str, params: Sequence[str], which: ColumnElement[bool]) -> Any:
    row = ResourceTokenRow
    return select(col(row.id)).where(col(row.type) == type_, col(row.param).in_(params), which)


def _named(either: Sequence[Named]) -> list[ColumnElement[bool]]:
    """The values asked for in each system together: one range of the index each."""
    by_system: dict[str | None, list[str | None]] = {}
    for one in either:
        by_system.setdefault(one.system, []).append(one.value)
    row = ResourceTokenRow
    found = []
    for system, values in by_system.items():
        in_system = col(row.system) == bindparam(system, type_=String) if system is not None else true()
        said = [one for one in values if one is not None]
        any_value = true() if None in values else col(row.value).in_(_texts(said))
        found.append(and_(in_system, any_value))
    return found


def _texts(names: Sequence[str]) -> list[BindParameter[str]]:
    return [bindparam(name, type_=String) for name in names]


def _moments(asked: Span) -> tuple[BindParameter[datetime], BindParameter[datetime]]:
    """The start and the end, each by its name."""
    start, end = str(asked.start), str(asked.end)
    return bindparam(start, type_=UTCDateTime), bindparam(end, type_=UTCDateTime)


def _spans(type_: str, param: str, which: ColumnElement[bool]) -> Any:
    row = ResourceSpanRow
    return select(col(row.id)).where(col(row.type) == type_, col(row.param) == param, which)


def _in_span(asked: Span) -> ColumnElement[bool]:
    """How a span that a resource has compares with the one asked for (R4, search: prefixes)."""
    start, end = col(ResourceSpanRow.start), col(ResourceSpanRow.end)
    first, beyond = _moments(asked)
    within = and_(start >= first, end <= beyond)
    match asked.prefix:
        case "eq":
            # The second bound says nothing new; it is what an index is read by.
            return and_(within, start < beyond)
        case "ne":
            return not_(within)
        case "gt":
            return end > beyond
        case "lt":
            return start < first
        case "ge":
            return and_(end > first, or_(end > beyond, start >= first))
        case "le":
            return and_(start < beyond, or_(start < first, end <= beyond))
        case "sa":
            return start >= beyond
        case "eb":
            return end <= first


def _changed(asked: Span) -> ColumnElement[bool]:
    """The same of an instant."""
    at = col(ResourceRow.updated)
    first, beyond = _moments(asked)
    within = and_(at >= first, at < beyond)
    return {
        "eq": within,
        "ne": not_(within),
        "gt": at >= beyond,
        "ge": at >= first,
        "lt": at < first,
        "le": at < beyond,
        "sa": at >= beyond,
        "eb": at < first,
    }[asked.prefix]
