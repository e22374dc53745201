"""A person is one, on however many pathways; and a failed statement tells the log nothing about them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError
from sqlmodel import text

from pathway import events as e
from pathway.planned import Kind
from pathway.referral import Contact
from tests.house import COORDINATOR, RADIOLOGIST, Clock, House, open_house, patient, plain_settings

MONDAY = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
FRIDAY = MONDAY + timedelta(days=4)


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> Iterator[House]:
    house = open_house(plain_settings(database_url, tmp_path), Clock(MONDAY))
    yield house
    house.close()


def two_pathways(house: House) -> tuple[str, str]:
    """One patient, two fractures months apart, a visit booked on the second pathway."""
    first = house.refer(1, reference="R-first", onset=date(2026, 10, 3)).pathway_id
    second = house.visit_reminder_owed(1, at=MONDAY, start=FRIDAY)
    assert first is not None
    assert first != second
    return first, second


def messages(house: House, id_: str) -> list[str]:
    """The ways by which the patient is still to be written to on this pathway."""
    return [item.data["channel"] for item in house.load(id_)[1].items if item.kind is Kind.MESSAGE]


def test_nobody_writes_to_somebody_who_died_on_another_pathway(house: House) -> None:
    first, second = two_pathways(house)
    assert messages(house, second)
    house.record(first, e.PatientDied(by=RADIOLOGIST))
    assert messages(house, second) == []
    assert house.load(second)[0].end == "deceased"


def test_what_a_patient_refuses_on_one_pathway_is_refused_on_all_and_on_the_next(house: House) -> None:
    first, second = two_pathways(house)
    house.record(first, e.ChannelOptedOut(by=COORDINATOR, channel="sms"))
    assert set(messages(house, second)) == {"email"}
    third = house.refer(1, reference="R-third", onset=date(2026, 5, 3)).pathway_id
    assert third is not None
    assert house.load(third)[0].opted_out == ("sms",)


def test_a_new_number_is_new_on_every_pathway(house: House) -> None:
    first, second = two_pathways(house)
    house.record(first, e.ContactChanged(by=COORDINATOR, contact=Contact("fr", "+33639907777", None, None)))
    assert {item.data["to"] for item in house.load(second)[1].items if item.kind is Kind.MESSAGE} == {
        "+33639907777"
    }


def test_two_people_may_speak_of_one_patient_at_once(house: House) -> None:
    faults: list[BaseException] = []

    def speaks(id_: str) -> None:
        try:
            for turn in range(8):
                kind = e.ChannelOptedOut if turn % 2 else e.ChannelOptedIn
                house.record(id_, kind(by=COORDINATOR, channel="sms"))
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=speaks, args=(id_,)) for id_ in two_pathways(house)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []


def test_a_statement_that_fails_says_nothing_of_the_patient(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    person = patient(1)
    with (
        caplog.at_level(logging.DEBUG),
        pytest.raises(DBAPIError) as failed,
        house.service.db.write() as session,
    ):
        session.connection().execute(
            text("INSERT INTO nowhere (family) VALUES (:family)"), {"family": person.family}
        )
    assert person.family not in str(failed.value)
    assert person.family not in caplog.text
