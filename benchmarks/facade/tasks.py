"""Very many Tasks in the tables as the facade keeps them: written by SQL in chunks, fifty to a patient."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Column, Connection, DateTime, Integer, MetaData, String, Table, text
from sqlmodel.sql.sqltypes import UTCDateTime

from fhir_mappings.searchable import VERSION, index

OF_A_PATIENT = 50
STATUSES = ("requested", "accepted", "in-progress", "completed", "cancelled")
"""One in five is requested: ten to a patient, as many as a search finds."""
FIRST = datetime(2027, 1, 4, 8, 0, tzinfo=UTC)
_KINDS = 1000
_AT_ONCE = 20_000
_SYSTEM = "https://jalon.example/fhir"


def task(number: str, patient: str, status: str, due: datetime) -> dict[str, Any]:
    """A Task such as the pathway makes. Its references are to nothing that is stored here."""
    said = due.isoformat().replace("+00:00", "Z")
    authored = (due - timedelta(days=9)).isoformat().replace("+00:00", "Z")
    return {
        "resourceType": "Task",
        "id": f"bench-{number}",
        "identifier": [{"system": f"{_SYSTEM}/id/task", "value": f"bench/{number}/1"}],
        "groupIdentifier": {"system": f"{_SYSTEM}/id/pathway", "value": f"bench-{patient}"},
        "status": status,
        "businessStatus": {
            "coding": [{"system": f"{_SYSTEM}/CodeSystem/stage", "code": "open", "display": "Ouverte"}]
        },
        "intent": "order",
        "priority": "routine",
        "code": {
            "coding": [
                {"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"},
                {
                    "system": f"{_SYSTEM}/CodeSystem/step",
                    "code": "review",
                    "display": "Consultation de suivi",
                },
            ],
            "text": "Consultation de suivi à trois semaines",
        },
        "focus": {"reference": f"ServiceRequest/bench-{patient}-review"},
        "for": {"reference": f"Patient/p{patient}"},
        "authoredOn": authored,
        "lastModified": authored,
        "requester": {"type": "Organization", "display": "Centre de vertébroplastie"},
        "performerType": [{"coding": [{"system": f"{_SYSTEM}/CodeSystem/role", "code": "radiologist"}]}],
        "owner": {"reference": "Organization/radiology"},
        "restriction": {"period": {"end": said}},
    }


def fill(connection: Connection, first: int, beyond: int) -> None:
    """Tasks numbered from ``first`` up to ``beyond``, with their history and what each is found by."""
    _kinds(connection)
    for start in range(first, beyond, _AT_ONCE):
        for statement, values in _statements(connection, start, min(beyond, start + _AT_ONCE)):
            connection.execute(text(statement), values)
        connection.commit()


def settle(connection: Connection) -> None:
    """Let the database know what it has, as it does by itself in service."""
    connection.commit()
    if connection.dialect.name == "postgresql":
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(text("VACUUM ANALYZE"))
    else:
        connection.execute(text("ANALYZE"))
        connection.commit()


def _kinds(connection: Connection) -> None:
    """A thousand due dates with a status each, and the words of a Task that has them."""
    moment = DateTime() if connection.dialect.name == "sqlite" else UTCDateTime()
    table = Table(
        "bench_kind",
        MetaData(),
        Column("k", Integer, primary_key=True),
        Column("status", String),
        Column("due", moment),
        Column("past", moment),
        Column("authored", moment),
        Column("noted", moment),
        Column("content", String),
    )
    table.drop(connection, checkfirst=True)
    table.create(connection)
    rows = []
    for kind in range(_KINDS):
        due = FIRST + timedelta(minutes=37 * kind)
        status = STATUSES[kind // 7 % len(STATUSES)]
        authored = due - timedelta(days=9)
        moments = {
            "due": due,
            "past": due + timedelta(seconds=1),
            "authored": authored,
            "noted": authored + timedelta(seconds=1),
        }
        if connection.dialect.name == "sqlite":
            moments = {name: at.replace(tzinfo=None) for name, at in moments.items()}
        rows.append(
            {
                "k": kind,
                "status": status,
                **moments,
                "content": json.dumps(task("NNNN", "PPPP", status, due)),
            }
        )
    connection.execute(table.insert(), rows)
    connection.commit()


def _statements(connection: Connection, start: int, beyond: int) -> Iterator[tuple[str, dict[str, Any]]]:
    if connection.dialect.name == "sqlite":
        series = "WITH RECURSIVE turn(n) AS (SELECT :a UNION ALL SELECT n + 1 FROM turn WHERE n < :b - 1)"
        source = "turn JOIN bench_kind k ON k.k = turn.n % 1000"
        cast_json = "{}"
    else:
        series = (
            "WITH turn AS (SELECT n FROM generate_series(CAST(:a AS bigint), CAST(:b AS bigint) - 1) AS n)"
        )
        source = "turn JOIN bench_kind k ON k.k = turn.n % 1000"
        cast_json = "CAST({} AS json)"
    number, patient = "CAST(turn.n AS TEXT)", f"CAST(turn.n / {OF_A_PATIENT} AS TEXT)"

    def said(words: str) -> str:
        return f"replace(replace({words}, 'NNNN', {number}), 'PPPP', {patient})"

    bounds = {"a": start, "b": beyond}
    content = cast_json.format(said("k.content"))
    yield (
        f"""INSERT INTO resource (type, id, version, updated, patient_id, status, due, indexed, content)
        {series} SELECT 'Task', 'bench-' || {number}, 1, k.authored, 'p' || {patient}, k.status, k.due, {VERSION},
        {content} FROM {source} ORDER BY turn.n""",
        bounds,
    )
    yield (
        f"""INSERT INTO resource_version
        (type, id, version, updated, method, patient_id, content, announced)
        {series} SELECT 'Task', 'bench-' || {number}, 1, k.authored, 'POST', 'p' || {patient}, {content}, true
        FROM {source} ORDER BY turn.n""",
        bounds,
    )
    found_by = index(task("NNNN", "PPPP", "SSSS", FIRST))
    for param, system, value in found_by.tokens:
        words = "k.status" if value == "SSSS" else said("CAST(:value AS TEXT)")
        yield (
            f"""INSERT INTO resource_token (type, param, value, system, id)
            {series} SELECT 'Task', CAST(:param AS TEXT), {words}, CAST(:system AS TEXT), 'bench-' || {number}
            FROM {source} ORDER BY turn.n""",
            {**bounds, "param": param, "system": system} | ({} if value == "SSSS" else {"value": value}),
        )
    for param, _, _ in found_by.spans:
        begin, end = ("due", "past") if param == "due" else ("authored", "noted")
        yield (
            f"""INSERT INTO resource_span (type, id, param, start, "end")
            {series} SELECT 'Task', 'bench-' || {number}, CAST(:param AS TEXT), k.{begin}, k.{end}
            FROM {source} ORDER BY turn.n""",
            {**bounds, "param": param},
        )
