"""Finding resources: by id, by identifier, and by what a search asks, page by page.

Pages hang on the last row seen, not on a count of rows, so that what is written meanwhile neither hides a row
nor shows one twice; a row whose own sort value changes on the way is met where it then stands. What is shown is
the text as it is kept, never read: ours as the column has it, others' as the bytes that came.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Row,
    SQLColumnExpression,
    Text,
    and_,
    bindparam,
    case,
    cast,
    literal,
    null,
    or_,
    tuple_,
)
from sqlmodel import Session, col, func, select

from store.asked import Ids, Key, Named, Place, Question, Tokens
from store.bound import bound
from store.resource_tables import ResourceRow, ResourceTokenRow
from store.search_conditions import conditions, sorted_by

# Where a bounded count stops; what has more is too much to be counted at every page.
COUNTED = 10_000
_ALWAYS = ("_id", "_lastUpdated")
"""Sort keys that no row lacks."""


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
class Said:
    """A resource as it is to be shown: its words as they are kept, ours as ``text`` and others' as ``body``."""

    type: str
    id: str
    version: int
    updated: datetime
    patient_id: str | None
    text: str | None
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page, and where the next begins; None after the last."""

    found: tuple[Said, ...]
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
    found = page(session, Question(type_, (Tokens("identifier", (named,)),), count=2)).found
    rows = [read(session, one.type, one.id) for one in found]
    return [row for row in rows if row is not None]


def said(session: Session, type_: str, id_: str) -> Said | None:
    """The words of one resource, as they are now."""
    row = session.connection().execute(_one(), {"type": type_, "id": id_}).one_or_none()
    return _said(row) if row is not None else None


def page(session: Session, question: Question) -> Page:
    """The resources that a search finds, in its order, from where it asks to go on."""
    keys = _keys(question)
    shape, values = bound(question)
    found: list[tuple[Said, tuple[Any, ...]]] = []
    narrow = any(isinstance(one, Ids | Tokens) for one in question.wanted)
    for without in _parts(keys, question.after, narrow=narrow):
        if (missing := question.count + 1 - len(found)) > 0:
            statement = _statement(shape, without)
            rows = session.connection().execute(statement, {**values, "limit": missing})
            found += [(_said(row), tuple(map(_utc, row[7:]))) for row in rows]
    kept = found[: question.count]
    if len(found) <= question.count or not kept:
        return Page(tuple(one for one, _ in kept))
    last, sorted_values = kept[-1]
    return Page(tuple(one for one, _ in kept), Place(sorted_values, last.id))


def total(session: Session, question: Question, *, most: int | None = None) -> int:
    """How many resources a search finds on all its pages; no more than ``most`` + 1 are counted."""
    shape, values = bound(replace(question, after=None))
    asked = select(literal(1)).select_from(ResourceRow).where(*conditions(shape))
    if most is not None:
        asked = asked.limit(most + 1)
    counted = select(func.count()).select_from(asked.subquery())
    return int(session.connection().execute(counted, values).scalar_one())


def pointed_at(session: Session, type_: str, param: str, ids: Sequence[str]) -> set[tuple[str, str]]:
    """(type, id) of what these resources refer to by this parameter; whatever is elsewhere is left out."""
    row = ResourceTokenRow
    query = select(row.system, row.value).where(
        row.type == type_, col(row.id).in_(ids), row.param == param, row.system != ""
    )
    return set(session.exec(query.distinct()))


def pointing_at(
    session: Session, type_: str, param: str, to: str, ids: Sequence[str], *, most: int
) -> set[tuple[str, str]]:
    """(type, id) of the resources of ``type_`` that refer by this parameter to these of type ``to``."""
    row = ResourceTokenRow
    query = select(row.type, row.id).where(
        row.type == type_, row.param == param, col(row.value).in_(ids), row.system == to
    )
    return set(session.exec(query.distinct().limit(most)))


def all_said(session: Session, places: Iterable[tuple[str, str]]) -> list[Said]:
    """The words of these resources, by type and id; what is not here is left out."""
    by_type: dict[str, list[str]] = {}
    for type_, id_ in places:
        by_type.setdefault(type_, []).append(id_)
    return [
        one
        for type_ in sorted(by_type)
        for one in _all_said(session, [ResourceRow.type == type_, col(ResourceRow.id).in_(by_type[type_])])
    ]


def as_text(content: Any, body: Any) -> ColumnElement[str | None]:
    """The text of a JSON column as it is kept, where no other's words are kept beside it."""
    return case((col(body).is_(None), cast(content, Text)), else_=null())


@cache
def _one() -> Any:
    """One resource by type and id: made once, for nothing is asked more often."""
    row = ResourceRow
    return select(*_columns()).where(col(row.type) == bindparam("type"), col(row.id) == bindparam("id"))


def _columns() -> tuple[Any, ...]:
    row = ResourceRow
    shown = as_text(row.content, row.body).label("text")
    return row.type, row.id, row.version, row.updated, row.patient_id, shown, row.body


def _all_said(session: Session, where: Sequence[Any]) -> list[Said]:
    rows = session.connection().execute(select(*_columns()).where(*where).order_by(ResourceRow.id))
    return [_said(row) for row in rows]


def _said(row: Row[Any]) -> Said:
    return Said(
        row.type, row.id, row.version, row.updated.astimezone(UTC), row.patient_id, row.text, row.body
    )


# --- one page --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Sorted:
    """A sort key with the expression that it sorts by, and whether a row may lack it."""

    key: Key
    by: SQLColumnExpression[Any]
    nullable: bool


def _keys(question: Question) -> list[_Sorted]:
    keys: list[_Sorted] = []
    for key in question.sort:
        keys.append(_Sorted(key, sorted_by(question.type, key), key.by not in _ALWAYS))
        if key.by == "_id":
            return keys
    descending = question.sort[-1].descending if question.sort else False
    # In the direction of the last key, so that an index holds both.
    return [*keys, _Sorted(Key("_id", descending), col(ResourceRow.id), False)]


def _parts(keys: Sequence[_Sorted], after: Place | None, *, narrow: bool) -> list[bool | None]:
    """What lacks the first key comes last, as a part of its own: an index then has each part in order.

    The little that a ``narrow`` search finds is sorted as well in one go.
    """
    if not keys[0].nullable or (after is None and narrow):
        return [None]
    return [True] if after is not None and after.values[0] is None else [False, True]


@lru_cache(maxsize=256)
def _statement(shape: Question, without: bool | None) -> Any:
    """The statement of one part of a page, for every question of this shape."""
    order = _keys(shape)
    query = select(*_columns(), *(one.by for one in order[:-1])).where(*conditions(shape))
    if without is not None:
        first = order[0]
        query = query.where(first.by.is_(None) if without else first.by.is_not(None))
        order[0] = replace(first, nullable=False)
    after = shape.after
    if after is not None and not (without and after.values[0] is not None):
        query = query.where(_beyond(order, after))
    if without:
        order = order[1:]
    return query.order_by(*map(_directed, order)).limit(bindparam("limit", type_=Integer))


def _directed(one: _Sorted) -> Any:
    directed = one.by.desc() if one.key.descending else one.by.asc()
    return directed.nulls_last() if one.nullable else directed


def _beyond(keys: Sequence[_Sorted], after: Place) -> ColumnElement[bool]:
    """What comes after that row: further by a key, and equal by all before it."""
    names = (*after.values, after.id)
    values = [
        None if name is None else bindparam(str(name), type_=_type(one))
        for one, name in zip(keys, names, strict=True)
    ]
    if None not in names and len({one.key.descending for one in keys}) == 1 and not _any_nullable(keys):
        row, there = tuple_(*(one.by for one in keys)), tuple_(*values)
        return row < there if keys[0].key.descending else row > there
    further: list[ColumnElement[bool]] = []
    equal: list[ColumnElement[bool]] = []
    for one, value in zip(keys, values, strict=True):
        if value is None:
            equal.append(one.by.is_(None))
            continue
        beyond = one.by < value if one.key.descending else one.by > value
        further.append(and_(*equal, or_(beyond, one.by.is_(None)) if one.nullable else beyond))
        equal.append(one.by == value)
    return or_(*further)


def _type(one: _Sorted) -> Any:
    return one.by.type  # type: ignore[attr-defined] # columns and scalar subqueries alike have one


def _any_nullable(keys: Sequence[_Sorted]) -> bool:
    return any(one.nullable for one in keys)


def _utc(value: Any) -> Any:
    return value.astimezone(UTC) if isinstance(value, datetime) else value


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
