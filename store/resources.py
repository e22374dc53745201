"""FHIR resources: ours, written with the state and owed to every destination; and others', kept as they came.

Whatever changes a resource adds a version to its history in the same transaction, which is also the outbox of
those who subscribed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert
from sqlmodel import Session, col, select

from store.locks import hold
from store.projection import Projected
from store.resource_tables import ResourceRow, ResourceSpanRow, ResourceTokenRow, ResourceVersionRow
from store.tables import DeliveryRow

_ASKED = 600
"""Characters of a system and value together. Longer ones are kept and not found by: no index page takes them all."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A resource that was written, and the version it is at now."""

    type: str
    id: str
    version: int


def put(
    session: Session,
    projected: Iterable[Projected],
    *,
    pathway_id: str | None,
    patient_id: str | None,
    now: datetime,
) -> list[Changed]:
    """Write what differs from what stands; unchanged resources keep their version. Returns what changed."""
    wanted = {(one.type, one.id): one for one in projected}
    standing = {
        (row.type, row.id): row
        for row in session.exec(
            select(ResourceRow).where(col(ResourceRow.id).in_({id_ for _, id_ in wanted}))
        )
    }
    different = [
        one
        for key, one in wanted.items()
        if (row := standing.get(key)) is None or row.content != one.content or row.due != one.due
    ]
    rows = []
    for one in different:
        row = standing.get((one.type, one.id))
        method = "PUT"
        if row is None:
            row = ResourceRow(type=one.type, id=one.id, version=0, updated=now, content={})
            method = "POST"
            session.add(row)
        row.pathway_id = pathway_id
        _write(row, one, patient_id=patient_id, now=now)
        rows.append((row, method))
    session.flush()
    _remember(session, rows)
    _find_by(session, different, known=set(standing))
    return [Changed(row.type, row.id, row.version) for row, _ in rows]


def keep(
    session: Session,
    one: Projected,
    *,
    body: bytes,
    source: str,
    patient_id: str | None,
    now: datetime,
    method: str = "PUT",
) -> Changed:
    """Write what a system says: a new resource, or a new version of one that is not ours.

    ``body`` is kept byte for byte; ``patient_id`` is the id of the Patient here whom it speaks of, if any. Writers
    of the same resource wait for each other here; who decides by what stands has held its name before
    (``locks.hold`` of ``name(type, id)``). A ``POST`` has an id that was made for it, which nobody else knows:
    transactions that make many at once would only end up waiting for each other in a circle.
    """
    if method != "POST":
        hold(session, [name(one.type, one.id)])
    row = session.get(ResourceRow, (one.type, one.id), with_for_update=True, populate_existing=True)
    fresh = row is None
    if row is None:
        row = ResourceRow(type=one.type, id=one.id, version=0, updated=now, content={})
        session.add(row)
    row.source, row.body = source, body
    _write(row, one, patient_id=patient_id, now=now)
    session.flush()
    _remember(session, [(row, method)])
    _find_by(session, [one], known=set() if fresh else {(one.type, one.id)})
    return Changed(row.type, row.id, row.version)


def index_again(
    session: Session, projected: Callable[[dict[str, Any]], Projected], version: int, *, limit: int = 500
) -> int:
    """Index up to ``limit`` resources whose parameters are older than ``version``. How many: again while it is not 0.

    Neither their version nor their date changes, and nobody is told: what they say is what they said.
    """
    query = select(ResourceRow).where(col(ResourceRow.indexed) < version).limit(limit)
    rows = session.exec(query.with_for_update(skip_locked=True)).all()
    found = []
    for row in rows:
        one = projected(row.content)
        row.status, row.due, row.not_before, row.indexed = one.status, one.due, one.not_before, version
        found.append(one)
    session.flush()
    _find_by(session, found, known={(row.type, row.id) for row in rows})
    return len(rows)


def name(type_: str, id_: str) -> str:
    """What a resource is locked by, whether it exists or not."""
    return f"{type_}/{id_}"


def _write(row: ResourceRow, one: Projected, *, patient_id: str | None, now: datetime) -> None:
    row.version += 1
    row.updated = now
    row.patient_id = patient_id
    row.status, row.due, row.not_before = one.status, one.due, one.not_before
    row.content, row.indexed = one.content, one.indexed


def _remember(session: Session, rows: Sequence[tuple[ResourceRow, str]]) -> None:
    """The version that stands, as a line of the resource's history that nobody has been told of yet."""
    lines: list[dict[str, Any]] = [
        {
            "type": row.type,
            "id": row.id,
            "version": row.version,
            "updated": row.updated,
            "method": method,
            "pathway_id": row.pathway_id,
            "patient_id": row.patient_id,
            "source": row.source,
            "content": row.content,
            "body": row.body,
            "announced": False,
        }
        for row, method in rows
    ]
    if lines:
        session.connection().execute(insert(ResourceVersionRow), lines)


def _find_by(session: Session, resources: Sequence[Projected], *, known: set[tuple[str, str]]) -> None:
    """What these resources are found by from now on; only what differs from before is written."""
    again = [one.id for one in resources if (one.type, one.id) in known]
    had: set[tuple[str, ...]] = set()
    dated: set[tuple[Any, ...]] = set()
    if again:
        token, span = ResourceTokenRow, ResourceSpanRow
        tokens = select(token).where(col(token.id).in_(again))
        had = {(row.type, row.id, row.param, row.system, row.value) for row in session.exec(tokens)}
        spans = select(span).where(col(span.id).in_(again))
        dated = {(row.type, row.id, row.param, row.start, row.end) for row in session.exec(spans)}
    want = {
        (one.type, one.id, *each)
        for one in resources
        for each in one.tokens
        if len(each[1]) + len(each[2]) <= _ASKED
    }
    when = {(one.type, one.id, *each) for one in resources for each in one.spans}
    ours = {(one.type, one.id) for one in resources}
    for gone in had - want:
        if (gone[0], gone[1]) in ours:
            _forget(session, ResourceTokenRow, ("type", "id", "param", "system", "value"), gone)
    for late in dated - when:
        if (late[0], late[1]) in ours:
            _forget(session, ResourceSpanRow, ("type", "id", "param", "start", "end"), late)
    connection = session.connection()
    if named := [
        dict(zip(("type", "id", "param", "system", "value"), each, strict=True)) for each in want - had
    ]:
        connection.execute(insert(ResourceTokenRow), named)
    if timed := [
        dict(zip(("type", "id", "param", "start", "end"), each, strict=True)) for each in when - dated
    ]:
        connection.execute(insert(ResourceSpanRow), timed)


def _forget(session: Session, table: Any, names: Sequence[str], values: Sequence[Any]) -> None:
    where = [getattr(table, name) == value for name, value in zip(names, values, strict=True)]
    session.connection().execute(delete(table).where(*where))


def plan_of(session: Session, pathway_id: str) -> list[Changed]:
    """The CarePlan of a pathway, at the version that stands."""
    query = select(ResourceRow).where(ResourceRow.pathway_id == pathway_id, ResourceRow.type == "CarePlan")
    return [Changed(row.type, row.id, row.version) for row in session.exec(query)]


def owe(session: Session, destinations: Sequence[str], pathway_id: str, *, now: datetime) -> None:
    """Every destination has something to hear of this pathway, from now."""
    for name in destinations:
        row = session.get(DeliveryRow, (name, pathway_id), with_for_update=True)
        if row is None:
            session.add(DeliveryRow(destination=name, pathway_id=pathway_id, next_at=now))
            continue
        row.wanted += 1
        if not row.owes:
            # A destination that is failing keeps its back-off; one that was up to date is served at once.
            row.owes, row.next_at = True, now
