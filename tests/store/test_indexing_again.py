"""Resources that were indexed by an older table of search parameters are found by the new one after a start."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from sqlmodel import Session, col, delete, select, update

from fhir_mappings.searchable import VERSION
from store.asked import Key, Named, Question, Tokens
from store.resource_tables import ResourceRow, ResourceSpanRow, ResourceTokenRow, ResourceVersionRow
from store.search import page
from tests.house import Clock, open_house, plain_settings

MONDAY = datetime(2027, 3, 1, 9, 30, tzinfo=UTC)


def test_what_was_indexed_by_an_older_version_is_found_after_the_next_start(
    database_url: str, tmp_path: Path
) -> None:
    """As migration 0004 leaves them: ``indexed`` is 0, and only identifiers are there."""
    settings = plain_settings(database_url, tmp_path)
    house = open_house(settings, Clock(MONDAY))
    house.refer()
    with house.service.db.write() as session:
        before = _indexed(session)
        session.exec(update(ResourceRow).values(indexed=0, status=None, due=None))
        session.exec(delete(ResourceTokenRow).where(col(ResourceTokenRow.param) != "identifier"))
        session.exec(delete(ResourceSpanRow))
        versions = _versions(session)
    house.close()

    again = open_house(settings, Clock(MONDAY))
    with again.service.db.read() as session:
        assert _indexed(session) == before
        assert _versions(session) == versions
        assert set(session.exec(select(ResourceRow.indexed))) == {VERSION}
        intended = Tokens("intent", (Named(None, "order"),))
        found = page(session, Question("Task", (intended,), sort=(Key("due"),), count=500)).found
        assert len(found) > 5
        assert {one.version for one in found} == {1}
    again.close()


def _indexed(session: Session) -> list[set[tuple[object, ...]]]:
    """Everything that resources are found by."""
    tokens = session.exec(select(ResourceTokenRow)).all()
    spans = session.exec(select(ResourceSpanRow)).all()
    rows = session.exec(select(ResourceRow)).all()
    return [
        {(row.type, row.id, row.param, row.system, row.value) for row in tokens},
        {(row.type, row.id, row.param, row.start, row.end) for row in spans},
        {(row.type, row.id, row.version, row.updated, row.status, row.due, row.not_before) for row in rows},
    ]


def _versions(session: Session) -> int:
    return len(session.exec(select(ResourceVersionRow.version)).all())
