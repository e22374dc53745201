"""What a search asks as SQL: every condition on the rows of resources, and what they are sorted by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, and_, exists, false, func, not_, or_, select, true
from sqlmodel import col

from store.asked import Dates, Ids, Key, Missing, Named, Question, Span, Statuses, Tokens, Updated, Wanted
from store.resource_tables import ResourceRow, ResourceSpanRow, ResourceTokenRow


def conditions(question: Question) -> list[ColumnElement[bool]]:
    """Everything that must hold of a row."""
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
            return col(row.id).in_(either)
        case Statuses(either, negated):
            has = col(row.status).in_(either)
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
        in_system = col(row.system) == system if system is not None else true()
        any_value = true() if None in values else col(row.value).in_([one for one in values if one])
        found.append(and_(in_system, any_value))
    return found


def _spans(type_: str, param: str, which: ColumnElement[bool]) -> Any:
    row = ResourceSpanRow
    return select(col(row.id)).where(col(row.type) == type_, col(row.param) == param, which)


def _in_span(asked: Span) -> ColumnElement[bool]:
    """How a span that a resource has compares with the one asked for (R4, search: prefixes)."""
    start, end = col(ResourceSpanRow.start), col(ResourceSpanRow.end)
    within = and_(start >= asked.start, end <= asked.end)
    match asked.prefix:
        case "eq":
            # The second bound says nothing new; it is what an index is read by.
            return and_(within, start < asked.end)
        case "ne":
            return not_(within)
        case "gt":
            return end > asked.end
        case "lt":
            return start < asked.start
        case "ge":
            return and_(end > asked.start, or_(end > asked.end, start >= asked.start))
        case "le":
            return and_(start < asked.end, or_(start < asked.start, end <= asked.end))
        case "sa":
            return start >= asked.end
        case "eb":
            return end <= asked.start


def _changed(asked: Span) -> ColumnElement[bool]:
    """The same of an instant."""
    at = col(ResourceRow.updated)
    within = and_(at >= asked.start, at < asked.end)
    return {
        "eq": within,
        "ne": not_(within),
        "gt": at >= asked.end,
        "ge": at >= asked.start,
        "lt": at < asked.start,
        "le": at < asked.end,
        "sa": at >= asked.end,
        "eb": at < asked.start,
    }[asked.prefix]
