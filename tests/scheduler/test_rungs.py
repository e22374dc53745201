"""Deadlines after an outage, and one that breaks."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, select

from pathway import events as e
from pathway.ladders import alerts
from scheduler.rungs import fire_due
from store.ledger import Ledger, Recorded
from store.tables import OwedRow
from tests.house import Clock, House, open_house, plain_settings

MONDAY = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)


@pytest.fixture
def house(sqlite_url: str, tmp_path: Path) -> Iterator[House]:
    house = open_house(plain_settings(sqlite_url, tmp_path), Clock(MONDAY))
    yield house
    house.close()


def test_a_worker_that_was_down_for_weeks_fires_the_highest_rung_and_passes_over_the_others(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    id_ = house.refer(1).pathway_id
    assert id_ is not None
    house.clock.wait(days=21)
    with caplog.at_level(logging.ERROR):
        house.tick()
    assert caplog.records == []
    with house.service.db.read() as session:
        rungs = {row.key: row.status for row in session.exec(select(OwedRow)) if "1/rung/" in row.key}
        pathway, ground = house.service.ledger.load(session, id_)
    assert {rungs[f"triage/1/rung/{key}"] for key in ("overdue", "lead")} == {"passed-over"}
    assert rungs["triage/1/rung/referrer"] == "fired"
    assert [alert.key for alert in alerts(pathway, ground)] == ["triage/1/rung/referrer"]


class Brittle(Ledger[Any]):
    """A door that breaks in a way nobody thought of, for one pathway."""

    broken = ""

    def record(
        self, session: Session, pathway_id: str, event: e.Event, *, at: datetime, seen: int | None = None
    ) -> Recorded:
        if pathway_id == self.broken:
            raise RuntimeError("something nobody thought of")
        return super().record(session, pathway_id, event, at=at, seen=seen)


def test_one_deadline_that_breaks_does_not_hold_up_the_others(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = house.refer(1).pathway_id, house.refer(2).pathway_id
    assert first is not None
    assert second is not None
    works = house.service.works
    ledger = Brittle(works.ledger.shelf, works.ledger._projector)
    ledger.broken = first
    house.clock.wait(days=2, hours=12)
    with caplog.at_level(logging.CRITICAL):
        fire_due(replace(works, ledger=ledger), now=house.clock.now + timedelta(hours=1))
    assert house.load(first)[0].fired == ()
    assert house.load(second)[0].fired != ()
