"""A database that ends a transaction because of others is told from one that was given nonsense."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from app.fhir.errors import refusal
from store.locks import Busy, gave_up


def test_a_file_that_another_writes_to_is_busy_and_the_caller_may_send_again(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'one.sqlite'}", connect_args={"timeout": 0})
    with engine.connect() as mine, engine.connect() as theirs:
        mine.exec_driver_sql("BEGIN IMMEDIATE")
        with pytest.raises(DBAPIError) as busy:
            theirs.exec_driver_sql("BEGIN IMMEDIATE")
        mine.rollback()
    engine.dispose()
    assert gave_up(busy.value)
    said = refusal(busy.value)
    assert said is not None
    assert (said.status, said.headers["Retry-After"]) == (503, "1")


def test_nonsense_is_our_own_fault(sqlite_url: str) -> None:
    engine = create_engine(sqlite_url)
    with engine.connect() as connection, pytest.raises(DBAPIError) as wrong:
        connection.execute(text("SELECT nothing FROM nowhere"))
    engine.dispose()
    assert not gave_up(wrong.value)
    assert refusal(wrong.value) is None


def test_a_circle_of_waiting_that_was_broken_too_often_is_busy() -> None:
    assert gave_up(Busy())
    assert not gave_up(ValueError())
