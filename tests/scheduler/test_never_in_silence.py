"""No message is lost in silence, said twice, or sent where it no longer belongs."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from gateways.ports import DeliveryFailed, InDoubt, Outgoing, Receipt
from pathway import events as e
from pathway.planned import Item, Kind
from pathway.referral import Contact, Fact
from scheduler.engine import Engine
from scheduler.messages import send_due
from store.tables import OwedRow
from tests.house import COORDINATOR, RADIOLOGIST, House
from tests.scheduler.table import a_patient_with_a_date, signs
from tests.scheduler.wires import Wires, a_wired_house

# A Monday; the consult is on the Friday, so that reminders leave on Tuesday and Thursday at ten in Paris.
MONDAY = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
FRIDAY = datetime(2027, 3, 5, 9, 0, tzinfo=UTC)
CONSULT = "radiologist_consult"


@pytest.fixture
def house(sqlite_url: str, tmp_path: Path, sms: Wires, email: Wires) -> Iterator[House]:
    yield from a_wired_house(sqlite_url, tmp_path, sms, email)


def calls(house: House, id_: str) -> list[Item]:
    """The calls that somebody is asked to make."""
    return [item for item in house.load(id_)[1].items if item.kind is Kind.CALL]


def statuses(house: House, template: str) -> list[str]:
    """What became of the messages with this text, in the order they were to leave."""
    with house.service.db.read() as session:
        found = [row for row in session.exec(select(OwedRow)) if row.data.get("template") == template]
    return [row.status for row in sorted(found, key=lambda row: (row.at or MONDAY, row.id or 0))]


def moved(house: House, id_: str, start: datetime, *, booked: bool = True) -> None:
    """The consult is given this hour."""
    house.record(id_, e.VisitBooked(by=COORDINATOR, step=CONSULT, start=start, confirmed=booked))


# --- a gateway that is down, or asks for patience ---------------------------------------------------------


def test_a_reminder_that_no_gateway_takes_until_the_visit_becomes_a_call_before_it(
    house: House, sms: Wires
) -> None:
    id_ = house.visit_reminder_owed(1, at=MONDAY, start=FRIDAY)
    sms.next = [DeliveryFailed("down", permanent=False)] * 1000
    house.until(FRIDAY - timedelta(minutes=1), hours=0.1)
    assert calls(house, id_), "the gateway was down for days and nobody is asked to call"


def test_a_gateway_that_asks_for_a_years_patience_does_not_get_it(house: House, sms: Wires) -> None:
    house.visit_reminder_owed(1, at=MONDAY, start=FRIDAY)
    sms.next = [DeliveryFailed("later", permanent=False, retry_after=365 * 86400.0)]
    house.until(FRIDAY - timedelta(days=2))
    assert len(sms.taken) == 1


def test_a_number_that_changes_while_a_message_fails_is_not_written_to_again(
    house: House, sms: Wires
) -> None:
    id_ = house.visit_reminder_owed(1, at=MONDAY, start=FRIDAY)

    class Busy(Wires):
        def send(self, message: Outgoing, *, fence: Callable[[], None]) -> Receipt:
            contact = Contact("fr", "+33639905555", None, None)
            house.record(id_, e.ContactChanged(by=COORDINATOR, contact=contact))
            raise DeliveryFailed("busy", permanent=False)

    works = house.service.works
    house.clock.now = FRIDAY - timedelta(days=3) + timedelta(minutes=5)
    busy = replace(works, gateways={**works.gateways, "sms": Busy("sms")})
    send_due(busy, now=house.clock.now, channel="sms")
    house.clock.wait(minutes=5)
    send_due(works, now=house.clock.now, channel="sms")
    assert [message.to for message in sms.taken] == ["+33639905555"]


def test_a_channel_refused_while_a_message_fails_by_it_is_not_used_again(house: House, sms: Wires) -> None:
    id_ = house.visit_reminder_owed(1, at=MONDAY, start=FRIDAY)

    class Busy(Wires):
        def send(self, message: Outgoing, *, fence: Callable[[], None]) -> Receipt:
            house.record(id_, e.ChannelOptedOut(by=COORDINATOR, channel="sms"))
            raise DeliveryFailed("busy", permanent=False)

    works = house.service.works
    house.clock.now = FRIDAY - timedelta(days=3) + timedelta(minutes=5)
    busy = replace(works, gateways={**works.gateways, "sms": Busy("sms")})
    send_due(busy, now=house.clock.now, channel="sms")
    house.until(FRIDAY)
    assert sms.taken == []


def test_a_connection_too_slow_for_the_lease_is_no_doubt_for_nothing_has_left(
    house: House, email: Wires
) -> None:
    house.visit_reminder_owed(1, at=MONDAY, start=FRIDAY)

    class Slow(Wires):
        def send(self, message: Outgoing, *, fence: Callable[[], None]) -> Receipt:
            time.sleep(0.4)
            return super().send(message, fence=fence)

    works = house.service.works
    slow = replace(works, gateways={**works.gateways, "email": Slow("email", searchable=False)})
    send_due(slow, now=house.clock.now, channel="email")
    time.sleep(1.5)
    house.until(MONDAY + timedelta(hours=2), hours=0.1)
    assert statuses(house, "documents") == ["sent"]
    assert len(email.taken) == 1


def test_a_gateway_that_never_answers_what_it_took_leaves_it_to_a_person(house: House, sms: Wires) -> None:
    class Mute(Wires):
        def send(self, message: Outgoing, *, fence: Callable[[], None]) -> Receipt:
            raise InDoubt("no answer")

        def find(self, tag: str) -> Receipt | None:
            raise DeliveryFailed("cannot be asked", permanent=False)

    id_ = house.visit_reminder_owed(1, at=MONDAY, start=FRIDAY)
    works = house.service.works
    house.service = replace(
        house.service, works=replace(works, gateways={**works.gateways, "sms": Mute("sms")})
    )
    house.clock.now = FRIDAY - timedelta(days=1) + timedelta(hours=1)
    house.tick()
    assert statuses(house, "appointment")[-1] == "sending"
    house.clock.now = FRIDAY + timedelta(days=1)
    time.sleep(1.3)
    house.tick()
    assert statuses(house, "appointment")[-1] == "uncertain"
    assert calls(house, id_)


# --- one that cannot be worked on ------------------------------------------------------------------------


class Poisoned(Wires):
    """A gateway that breaks in a way nobody thought of, for one number."""

    def send(self, message: Outgoing, *, fence: Callable[[], None]) -> Receipt:
        if message.to.endswith("1"):
            raise RuntimeError("something nobody thought of")
        return super().send(message, fence=fence)


def test_one_message_that_breaks_does_not_hold_up_the_others(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    for number in (1, 2, 3):
        house.visit_reminder_owed(number, at=MONDAY, start=FRIDAY)
    works = house.service.works
    poisoned = Poisoned("sms")
    house.clock.now = FRIDAY - timedelta(days=3) + timedelta(hours=1)
    with caplog.at_level(logging.CRITICAL):
        send_due(replace(works, gateways={"sms": poisoned}), now=house.clock.now, channel="sms")
    assert len(poisoned.taken) == 2


def test_a_worker_told_to_stop_begins_nothing_more_and_holds_nothing(house: House) -> None:
    for number in range(6):
        house.visit_reminder_owed(number, at=MONDAY, start=FRIDAY)
    house.clock.now = FRIDAY - timedelta(days=3) + timedelta(hours=1)
    works = house.service.works
    slow = Wires("sms")
    engine = Engine(replace(works, gateways={"sms": slow}), beat=timedelta(milliseconds=20))
    slow.next = [lambda: time.sleep(0.5)] * 20
    engine.start()
    while not slow.taken:
        time.sleep(0.01)
    engine.stop()
    assert len(slow.taken) <= 2, "it went on through the whole backlog"
    with house.service.db.read() as session:
        held = [
            row for row in session.exec(select(OwedRow)) if row.lease_until > 0 and row.status == "planned"
        ]
    assert held == []


# --- what the plan lets go of -----------------------------------------------------------------------------


def test_a_hold_instruction_that_an_outage_made_stale_becomes_a_call_whoever_notices_first(
    house: House, sms: Wires
) -> None:
    start = MONDAY + timedelta(days=9)
    id_ = a_patient_with_a_date(house, start, drug=True)
    signs(house, id_)
    house.clock.now = MONDAY + timedelta(
        days=6, hours=13
    )  # the day of the last intake, after the message's life
    house.record(id_, e.ChannelOptedIn(by=COORDINATOR, channel="sms"))
    house.tick()
    (call,) = [item for item in calls(house, id_) if item.key.startswith("procedure/1/message/hold/")]
    house.record(id_, e.CallSettled(by=COORDINATOR, key=call.key, note="jointe"))
    assert calls(house, id_) == []


def test_an_instruction_that_was_signed_again_is_announced_again(house: House, sms: Wires) -> None:
    start = MONDAY + timedelta(days=9)
    id_ = a_patient_with_a_date(house, start, drug=True)
    signs(house, id_)
    house.until(MONDAY + timedelta(days=5, hours=2))
    assert statuses(house, "instruction").count("sent") == 1
    fact = Fact("creatinine_umol_l", 140, house.clock.now, "Dr Rey", "1")
    house.record(id_, e.FactsRecorded(by=RADIOLOGIST, facts=(fact,)))
    signs(house, id_, text="Autre consigne.")
    house.tick()
    assert statuses(house, "instruction").count("sent") == 2


# --- said once, by one way --------------------------------------------------------------------------------


@pytest.mark.parametrize("back", [False, True])
def test_a_reminder_that_was_sent_is_not_said_again_when_the_ways_of_contact_change(
    house: House, sms: Wires, email: Wires, back: bool
) -> None:
    id_ = house.visit_reminder_owed(1, at=MONDAY, start=FRIDAY)
    if back:
        house.record(id_, e.ChannelOptedOut(by=COORDINATOR, channel="sms"))
    house.until(FRIDAY - timedelta(days=2))
    assert statuses(house, "appointment").count("sent") == 1
    before = len(sms.taken) + len(email.taken)
    house.record(
        id_,
        e.ChannelOptedIn(by=COORDINATOR, channel="sms")
        if back
        else e.ChannelOptedOut(by=COORDINATOR, channel="sms"),
    )
    house.until(house.clock.now + timedelta(hours=6))
    assert len(sms.taken) + len(email.taken) == before, "the same reminder went out again by another way"


# --- corrections ------------------------------------------------------------------------------------------


def told_of_friday(house: House) -> str:
    id_ = house.visit_reminder_owed(1, at=MONDAY, start=FRIDAY)
    house.until(FRIDAY - timedelta(hours=14))
    assert statuses(house, "appointment") == ["sent", "sent"]
    return id_


def test_a_visit_brought_forward_at_night_to_an_hour_no_message_can_precede_is_told_by_telephone(
    house: House,
) -> None:
    id_ = told_of_friday(house)
    moved(house, id_, FRIDAY - timedelta(hours=2, minutes=30))
    assert calls(house, id_)


def test_a_visit_called_off_at_night_before_any_message_can_say_so_is_told_by_telephone(house: House) -> None:
    house.clock.now = MONDAY
    early = FRIDAY - timedelta(hours=2, minutes=30)
    id_ = house.visit_reminder_owed(1, at=MONDAY, start=early)
    house.until(FRIDAY - timedelta(hours=12))
    house.record(id_, e.VisitCancelled(by=COORDINATOR, step=CONSULT, reason="test"))
    assert calls(house, id_)


def test_a_visit_booked_in_the_evening_for_the_early_morning_is_told_by_telephone(house: House) -> None:
    id_ = house.visit_reminder_owed(
        1, at=FRIDAY - timedelta(hours=12), start=FRIDAY - timedelta(hours=2, minutes=30)
    )
    assert calls(house, id_)


def test_a_patient_told_by_telephone_is_told_by_telephone_that_the_visit_is_called_off(house: House) -> None:
    id_ = house.visit_reminder_owed(1, at=MONDAY, start=FRIDAY)
    house.record(id_, e.ContactChanged(by=COORDINATOR, contact=Contact("fr", None, "+33199000011", None)))
    house.clock.now = FRIDAY - timedelta(days=3)
    (first, *_) = [call for call in calls(house, id_) if call.data["template"] == "appointment"]
    house.record(id_, e.CallSettled(by=COORDINATOR, key=first.key, note="jointe"))
    house.record(id_, e.VisitCancelled(by=COORDINATOR, step=CONSULT, reason="test"))
    assert [call for call in calls(house, id_) if call.data["template"] == "cancelled"]


def test_a_slot_told_as_called_off_and_then_confirmed_after_all_is_told_again(
    house: House, sms: Wires
) -> None:
    id_ = house.visit_reminder_owed(1, at=MONDAY, start=FRIDAY)
    wednesday, thursday = MONDAY + timedelta(days=2), MONDAY + timedelta(days=2, hours=23)
    house.until(wednesday + timedelta(hours=2))
    moved(house, id_, thursday, booked=False)
    house.until(wednesday + timedelta(hours=3))
    assert statuses(house, "cancelled") == ["sent"]
    moved(house, id_, thursday)
    house.until(thursday)
    assert statuses(house, "moved") == ["sent"]
    assert "04/03" in sms.taken[-1].text


def test_a_hold_signed_in_the_last_evening_for_somebody_without_mobile_or_mail_is_one_call(
    house: House,
) -> None:
    house.clock.now = MONDAY + timedelta(hours=11)
    start = MONDAY + timedelta(days=3)
    nobody = Contact("fr", None, "+33199000011", None)
    id_ = a_patient_with_a_date(house, start, drug=True, contact=nobody)
    signs(house, id_)
    house.tick()
    assert [call.data["template"] for call in calls(house, id_)].count("instruction") == 1
