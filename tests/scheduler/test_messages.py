"""Messages meet a gateway that refuses, loses its answer or is down, and a state that changes under them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from gateways.ports import DeliveryFailed, InDoubt, Outgoing, Receipt
from pathway import events as e
from pathway.planned import Kind
from pathway.referral import Contact
from pathway.state import Pathway
from store import owed
from store.tables import OwedRow
from tests.house import COORDINATOR, RADIOLOGIST, House
from tests.scheduler.wires import Wires, a_wired_house

# A Monday; the consult is on the Friday, so that reminders leave on Tuesday and Thursday at ten in Paris.
MONDAY = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
FRIDAY = datetime(2027, 3, 5, 9, 0, tzinfo=UTC)


@pytest.fixture
def house(database_url: str, tmp_path: Path, sms: Wires, email: Wires) -> Iterator[House]:
    yield from a_wired_house(database_url, tmp_path, sms, email)


def a_patient(house: House, contact: Contact | None = None, number: int = 1) -> str:
    """Somebody with a consult on Friday, told of it by SMS on Tuesday and Thursday."""
    house.clock.now = MONDAY
    received = house.refer(number, contact=contact)
    assert received.pathway_id
    house.record(received.pathway_id, e.StepCompleted(by=RADIOLOGIST, step="triage", outcome="accepted"))
    house.record(
        received.pathway_id,
        e.VisitBooked(by=COORDINATOR, step="radiologist_consult", start=FRIDAY, place="Salle 2"),
    )
    return received.pathway_id


def rows(house: House, id_: str, template: str) -> list[OwedRow]:
    """The rows of one text, in the order they were to leave."""
    with house.service.db.read() as session:
        found = [row for row in owed.rows_of(session, id_) if row.data.get("template") == template]
    return sorted(found, key=lambda row: (row.at or MONDAY, row.key))


def state(house: House, id_: str) -> Pathway:
    return house.load(id_)[0]


def test_reminders_leave_once_at_their_hour_and_say_only_when_and_where(house: House, sms: Wires) -> None:
    a_patient(house)
    house.until(FRIDAY)
    assert [message.to for message in sms.taken] == ["+33639900001"] * 2
    text = sms.taken[0].text
    assert "vendredi 05/03" in text
    assert "10:00" in text
    assert "Salle 2" in text
    assert len({message.tag for message in sms.taken}) == 2


def test_a_refused_number_gives_way_to_the_next_channel_and_then_to_a_call(
    house: House, sms: Wires, email: Wires
) -> None:
    id_ = a_patient(house)
    house.until(MONDAY + timedelta(hours=20))
    documents = len(email.taken)
    sms.next = [DeliveryFailed("no such number", permanent=True)] * 4
    house.until(MONDAY + timedelta(days=1, hours=2))
    assert [each.how for each in state(house, id_).undelivered] == ["failed"]
    assert len(email.taken) == documents + 1, "the reminder did not go by e-mail instead"
    email.next = [DeliveryFailed("no such address", permanent=True)] * 4
    house.until(FRIDAY)
    calls = [item for item in house.load(id_)[1].items if item.kind is Kind.CALL]
    assert calls, "nobody is asked to call"
    house.record(id_, e.CallSettled(by=COORDINATOR, key=calls[0].key, note="jointe par téléphone"))
    assert calls[0].key not in house.load(id_)[1].by_key()


def test_a_lost_answer_is_asked_after_and_never_repeated(house: House, sms: Wires) -> None:
    id_ = a_patient(house)
    sms.next = [InDoubt("connection lost")]
    house.until(FRIDAY - timedelta(days=2))
    house.service.works.db.engine.dispose()
    wait_for_leases(house)
    assert len(sms.taken) == 1
    assert [row.status for row in rows(house, id_, "appointment")][:1] == ["sent"]


def test_a_lost_answer_of_a_gateway_that_cannot_be_asked_is_a_persons_business(
    house: House, email: Wires
) -> None:
    id_ = a_patient(house, Contact("fr", None, None, "odile@example.org"))
    email.next = [InDoubt("connection lost after the end of DATA")]
    house.until(MONDAY + timedelta(days=1))
    assert [each.how for each in state(house, id_).undelivered] == ["uncertain"]
    (doubtful,) = [row for row in rows(house, id_, "documents") if row.status == "uncertain"]
    assert any(item.kind is Kind.CALL for item in house.load(id_)[1].items)
    house.until(MONDAY + timedelta(days=1, hours=20))
    assert [message.tag for message in email.taken].count(doubtful.tag) == 1, "it was sent again by itself"


def test_a_gateway_that_is_down_is_tried_again_and_then_says_it_once(house: House, sms: Wires) -> None:
    a_patient(house)
    sms.next = [DeliveryFailed("busy", permanent=False)] * 3
    house.until(FRIDAY, hours=0.25)
    assert len(sms.taken) == 2


def test_after_an_outage_the_later_reminder_swallows_the_earlier(house: House, sms: Wires) -> None:
    id_ = a_patient(house)
    house.clock.now = FRIDAY - timedelta(hours=20)
    house.until(FRIDAY, hours=0.5)
    assert len(sms.taken) == 1
    assert [row.status for row in rows(house, id_, "appointment")] == ["too-late", "sent"]


def test_a_message_whose_visit_moves_while_it_is_sent_is_corrected(house: House, sms: Wires) -> None:
    id_ = a_patient(house)
    moved = FRIDAY + timedelta(days=4)

    def the_visit_moves() -> None:
        house.record(
            id_, e.VisitBooked(by=COORDINATOR, step="radiologist_consult", start=moved, place="Salle 2")
        )

    sms.next = [the_visit_moves]
    house.until(MONDAY + timedelta(days=2))
    assert [row.status for row in rows(house, id_, "appointment")].count("sent") == 1
    (correction,) = rows(house, id_, "moved")
    assert correction.status == "sent"
    assert "09/03" in sms.taken[-1].text
    house.until(moved)
    assert len(sms.taken) == 2 + 2, "the new date's own reminders"


def test_a_message_overtaken_while_it_failed_is_not_tried_again_nor_corrected(
    house: House, sms: Wires, email: Wires
) -> None:
    id_ = a_patient(house)

    class Busy(Wires):
        def send(self, message: Outgoing, *, fence: Callable[[], None]) -> Receipt:
            house.record(id_, e.VisitCancelled(by=COORDINATOR, step="radiologist_consult", reason="test"))
            raise DeliveryFailed("busy", permanent=False)

    works = house.service.works
    house.service = replace(
        house.service, works=replace(works, gateways={**works.gateways, "email": Busy("email")})
    )
    house.tick()
    house.service = replace(house.service, works=works)
    (documents,) = rows(house, id_, "documents")
    assert documents.status == "withdrawn"
    house.until(FRIDAY)
    assert [*sms.taken, *email.taken] == [], "what nobody was told of is called off"


def test_nobody_is_written_to_at_night_or_on_a_sunday_but_for_the_eve(
    house: House, sms: Wires, email: Wires
) -> None:
    for number in range(6):
        a_patient(house, number=number)
    house.clock.now = MONDAY + timedelta(hours=11, minutes=30)
    house.until(FRIDAY, hours=0.5)
    zone = house.service.protocol.calendar
    with house.service.db.read() as session:
        begun = [row.begun for row in session.exec(select(OwedRow)) if row.begun and row.kind == "message"]
    assert begun
    assert all(8 <= zone.local(each).hour < 20 for each in begun)


def test_the_dead_and_those_who_opted_out_are_left_in_peace(house: House, sms: Wires, email: Wires) -> None:
    dead, out = a_patient(house, number=1), a_patient(house, number=2)
    house.record(dead, e.PatientDied(by=RADIOLOGIST))
    for channel in ("sms", "email"):
        house.record(out, e.ChannelOptedOut(by=COORDINATOR, channel=channel))
    house.until(FRIDAY)
    assert sms.taken == []
    assert email.taken == []
    assert {row.status for row in rows(house, dead, "appointment")} == {"withdrawn"}
    assert any(item.kind is Kind.CALL for item in house.load(out)[1].items), "a silent nothing"


def test_a_day_has_no_more_messages_than_its_budget(house: House, sms: Wires, email: Wires) -> None:
    id_ = a_patient(house)
    second = house.refer(1, onset=datetime(2026, 9, 1, tzinfo=UTC).date())
    assert second.status in ("duplicate", "started")
    house.until(FRIDAY, hours=0.5)
    zone = house.service.protocol.calendar
    with house.service.db.read() as session:
        days = [
            zone.day(row.begun) for row in owed.rows_of(session, id_) if row.begun and row.kind == "message"
        ]
    budget = house.service.protocol.protocol.messaging.daily_budget
    assert days
    assert max(days.count(day) for day in days) <= budget


def wait_for_leases(house: House) -> None:
    """Leases run on the database's own clock: real time passes here."""
    for _ in range(60):
        time.sleep(0.1)
        house.tick()
