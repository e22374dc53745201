"""What hospitals ask again and again is read from indexes, on SQLite and on PostgreSQL, first page and next."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event
from sqlmodel import Session

from benchmarks.facade.tasks import FIRST, fill, settle
from store.asked import Dates, Key, Named, Place, Question, Span, Statuses, Tokens, Updated, Wanted
from store.database import Database
from store.resource_history import Since, history
from store.search import page
from tests.peers.databases import Postgres

TASKS = 4_000


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, postgres_server: Postgres
) -> Iterator[Engine]:
    """A database with a few thousand Tasks, which knows what it has."""
    url = f"sqlite:///{tmp_path_factory.mktemp('plans') / 'jalon.sqlite'}"
    if request.param == "postgresql":
        url = postgres_server.create_database()
    database = Database(url)
    database.upgrade()
    database.close()
    engine = create_engine(url)
    with engine.connect() as connection:
        fill(connection, 0, TASKS)
        settle(connection)
    yield engine
    engine.dispose()
    if request.param == "postgresql":
        postgres_server.drop_database(url)


def of(param: str, system: str, value: str) -> Wanted:
    return Tokens(param, (Named(system, value),))


REQUESTED = Statuses(("requested",))
SINCE = Updated((Span("ge", FIRST + timedelta(days=20), FIRST + timedelta(days=21)),))
STARTS = Dates("start", (Span("ge", FIRST, FIRST + timedelta(days=1)),))
ASKED = {
    "a patient's open Tasks by due date": Question(
        "Task", (of("patient", "Patient", "p7"), REQUESTED), (Key("due"),)
    ),
    "an owner's Tasks of a status": Question("Task", (of("owner", "Organization", "radiology"), REQUESTED)),
    "the free slots of a schedule": Question(
        "Slot", (of("schedule", "Schedule", "s1"), Statuses(("free",)), STARTS), (Key("start"),)
    ),
    "what has changed since": Question("Task", (SINCE,), (Key("_lastUpdated"),)),
    "everything by due date": Question("Task", (), (Key("due"),)),
    "everything, the last due first": Question("Task", (), (Key("due", descending=True),)),
    "by identifier": Question(
        "Task", (of("identifier", "https://jalon.example/fhir/id/task", "bench/17/1"),)
    ),
}


@pytest.mark.parametrize("what", ASKED)
def test_no_search_that_is_polled_reads_every_row(engine: Engine, what: str) -> None:
    question = ASKED[what]
    for plan in plans(engine, question):
        assert_by_index(plan)
    values: dict[str, Any] = {"due": FIRST + timedelta(days=2), "_lastUpdated": FIRST, "start": FIRST}
    place = Place(tuple(values[key.by] for key in question.sort), "bench-2000")
    for plan in plans(engine, Question(question.type, question.wanted, question.sort, place)):
        assert_by_index(plan)


def test_the_history_of_a_type_is_read_from_its_end(engine: Engine) -> None:
    with Session(engine) as session:
        for asked in (
            Since(("Task",)),
            Since(("Task", "Slot"), after=(FIRST, "Task", "bench-3", 1)),
            Since(("Task",), id="bench-3"),
        ):
            for plan in explained(session, lambda asked=asked: history(session, asked)):
                assert_by_index(plan)


def plans(engine: Engine, question: Question) -> list[str]:
    with Session(engine) as session:
        return explained(session, lambda: page(session, question))


def explained(session: Session, work: Any) -> list[str]:
    """How the database goes about every statement of this work."""
    said: list[tuple[str, Any]] = []
    bind = session.get_bind()

    def note(_c: Any, _cur: Any, statement: str, parameters: Any, _ctx: Any, _many: bool) -> None:
        said.append((statement, parameters))

    event.listen(bind, "before_cursor_execute", note)
    try:
        work()
    finally:
        event.remove(bind, "before_cursor_execute", note)
    words = "EXPLAIN QUERY PLAN" if bind.dialect.name == "sqlite" else "EXPLAIN"
    found = []
    for statement, parameters in said:
        rows = session.connection().exec_driver_sql(f"{words} {statement}", parameters)
        found.append("\n".join(str(row[-1]) for row in rows))
    assert found
    return found


def assert_by_index(plan: str) -> None:
    """No table is gone through from its beginning to its end."""
    for line in plan.splitlines():
        table = "resource" in line or "resource_" in line
        assert not (table and "Seq Scan on resource" in line), plan
        assert not (line.strip().startswith("SCAN resource") and "USING" not in line), plan
