"""Transactions that the database ends to break a circle of waiting are begun again, and not for ever."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from app.fhir.errors import refusal
from store.database import Database
from store.locks import Busy, write


class Ended(Exception):
    """What the driver raises for a deadlock."""

    sqlstate = "40P01"


def test_a_transaction_that_was_ended_is_begun_again(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path / 'jalon.sqlite'}")
    tries = []

    def work(_: Session) -> str:
        tries.append(1)
        if len(tries) < 3:
            raise DBAPIError("", {}, Ended())
        return "done"

    assert write(db, work) == "done"
    assert len(tries) == 3
    db.close()


def test_one_that_is_ended_every_time_is_said_to_be_sent_again(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path / 'jalon.sqlite'}")

    def work(_: Session) -> None:
        raise DBAPIError("", {}, Ended())

    with pytest.raises(Busy) as busy:
        write(db, work)
    said = refusal(busy.value)
    assert said is not None
    assert (said.status, said.issues[0].code) == (409, "lock-error")
    db.close()
