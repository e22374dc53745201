"""Plain SQL behind the same HTTP server: ``python -m benchmarks.facade.plain DATABASE_URL PORT``.

The same database, asked in turns with ours, uvicorn and FastAPI's thread pool as in ``jalon serve``, a
connection of the driver kept by each thread. Of a read it is the statement and the row of the trace, committed; of a
write every row that ours writes, committed. Nobody is signed in, nothing is judged, and the trace is not encrypted.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import sys
import threading
from typing import Any
from urllib.parse import parse_qsl

import psycopg
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fhir_mappings.searchable import index

_READ = "SELECT version, updated, patient_id, {text} FROM resource WHERE type = 'Task' AND id = ?"
_SEARCH = """SELECT r.id, r.version, r.updated, r.patient_id, {text} FROM resource r
    WHERE r.type = 'Task' AND r.status = ? AND r.id IN (SELECT t.id FROM resource_token t WHERE t.type = 'Task'
    AND t.param = 'patient' AND t.system = 'Patient' AND t.value = ?) ORDER BY r.due, r.id LIMIT 51"""
_TRACE = """INSERT INTO audit (id, at, actor, role, action, patient_id, key_owner, payload, mac)
    VALUES (?, CURRENT_TIMESTAMP, 'bench', 'system', 'read', ?, ?, ?, 'none')"""
_KEEP = """INSERT INTO resource (type, id, version, updated, status, due, source, indexed, content, body)
    VALUES ('Task', ?, 1, CURRENT_TIMESTAMP, ?, ?, 'bench', 2, ?, ?)"""
_REMEMBER = """INSERT INTO resource_version (type, id, version, updated, method, source, content, body, announced)
    VALUES ('Task', ?, 1, CURRENT_TIMESTAMP, 'POST', 'bench', ?, ?, false)"""
_TOKEN = "INSERT INTO resource_token (type, param, system, value, id) VALUES ('Task', ?, ?, ?, ?)"
_SPAN = "INSERT INTO resource_span (type, param, start, \"end\", id) VALUES ('Task', ?, ?, ?, ?)"


class Plain:
    """A connection for each thread, and the four things that are asked."""

    def __init__(self, url: str) -> None:
        self._url, self._own = url, threading.local()
        self.sqlite = url.startswith("sqlite")

    def read(self, id_: str) -> bytes:
        """One Task, and the trace of it."""
        cursor = self._begun()
        row = cursor.execute(self._said(_READ, "content"), (id_,)).fetchone()
        self._trace(cursor, [row[2]])
        return str(row[3]).encode()

    def search(self, patient: str, status: str) -> bytes:
        """A patient's Tasks of a status by due date, as a Bundle."""
        cursor = self._begun()
        rows = cursor.execute(self._said(_SEARCH, "r.content"), (status, patient)).fetchall()
        self._trace(cursor, {row[3] for row in rows})
        entries = ",".join(
            f'{{"fullUrl":"http://127.0.0.1/fhir/Task/{row[0]}","resource":{row[4]},"search":{{"mode":"match"}}}}'
            for row in rows
        )
        return (
            f'{{"resourceType":"Bundle","type":"searchset","total":{len(rows)},"entry":[{entries}]}}'.encode()
        )

    def keep(self, bodies: list[bytes]) -> bytes:
        """New Tasks, every row that ours writes for each."""
        cursor = self._begun()
        for body in bodies:
            said = json.loads(body)
            id_ = secrets.token_hex(16)
            found_by = index(said)
            due = next(start for param, start, _ in found_by.spans if param == "due")
            words = body.decode()
            self._run(cursor, _KEEP, [(id_, said["status"], self._at(due), words, body)])
            self._run(cursor, _REMEMBER, [(id_, words, body)])
            self._run(cursor, _TOKEN, [(*each, id_) for each in found_by.tokens])
            self._run(
                cursor,
                _SPAN,
                [(name, self._at(start), self._at(end), id_) for name, start, end in found_by.spans],
            )
        self._trace(cursor, [None] * len(bodies))
        return b"{}"

    def _begun(self) -> Any:
        if not hasattr(self._own, "cursor"):
            self._own.cursor = self._connected().cursor()
        self._own.cursor.execute("BEGIN IMMEDIATE" if self.sqlite else "BEGIN")
        return self._own.cursor

    def _connected(self) -> Any:
        if not self.sqlite:
            return psycopg.connect(self._url.replace("+psycopg", "", 1), autocommit=True)
        path = self._url.removeprefix("sqlite:///")
        connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    def _trace(self, cursor: Any, patients: Any) -> None:
        rows = [(secrets.token_hex(16), each, each or "", b"x" * 120) for each in patients]
        self._run(cursor, _TRACE, rows)
        cursor.execute("COMMIT")

    def _run(self, cursor: Any, statement: str, rows: list[tuple[Any, ...]]) -> None:
        cursor.executemany(statement if self.sqlite else statement.replace("?", "%s"), rows)

    def _said(self, statement: str, column: str) -> str:
        if self.sqlite:
            return statement.format(text=column)
        return statement.format(text=f"{column}::text").replace("?", "%s")

    def _at(self, at: Any) -> Any:
        return at.strftime("%Y-%m-%d %H:%M:%S.%f") if self.sqlite else at


def application(url: str) -> Starlette:
    """The four addresses that are measured."""
    plain = Plain(url)

    async def read(request: Request) -> Response:
        body = await run_in_threadpool(plain.read, request.path_params["id"])
        return Response(body, media_type="application/fhir+json")

    async def search(request: Request) -> Response:
        asked = dict(parse_qsl(request.url.query))
        patient = asked["patient"].removeprefix("Patient/")
        body = await run_in_threadpool(plain.search, patient, asked["status"])
        return Response(body, media_type="application/fhir+json")

    async def create(request: Request) -> Response:
        body = await run_in_threadpool(plain.keep, [await request.body()])
        return Response(body, status_code=201, media_type="application/fhir+json")

    async def transaction(request: Request) -> Response:
        entries = json.loads(await request.body())["entry"]
        body = await run_in_threadpool(
            plain.keep, [json.dumps(each["resource"]).encode() for each in entries]
        )
        return Response(body, media_type="application/fhir+json")

    return Starlette(
        routes=[
            Route("/fhir/Task/{id}", read),
            Route("/fhir/Task", search, methods=["GET"]),
            Route("/fhir/Task", create, methods=["POST"]),
            Route("/fhir", transaction, methods=["POST"]),
        ]
    )


if __name__ == "__main__":
    uvicorn.run(
        application(sys.argv[1]),
        host="127.0.0.1",
        port=int(sys.argv[2]),
        log_level="warning",
        access_log=False,
    )
