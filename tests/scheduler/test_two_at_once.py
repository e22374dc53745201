"""Two of everything at once: a person at the door while the worker works, two letters about one patient."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pathway import events as e
from scheduler import messages
from scheduler.rungs import fire_due
from tests.house import COORDINATOR, RADIOLOGIST, Clock, House, open_house, plain_settings
from tests.scheduler.table import CHECKED, WARD, a_patient_with_a_date, confirmed
from tests.scheduler.wires import Wires

MONDAY = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
FRIDAY = datetime(2027, 3, 5, 9, 0, tzinfo=UTC)


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> Iterator[House]:
    house = open_house(
        plain_settings(database_url, tmp_path), Clock(MONDAY), {"sms": Wires("sms"), "email": Wires("email")}
    )
    yield house
    house.close()


def together(*acts: Callable[[], object]) -> None:
    """All of these at once, each in a thread of its own; what one of them raises is raised here."""
    faults: list[BaseException] = []
    start = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> None:
        start.wait()
        try:
            act()
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]


def acknowledges(house: House, id_: str, times: int) -> Callable[[], None]:
    """Somebody who changes the patient's ways of contact again and again, and so every message that is owed."""

    def act() -> None:
        for turn in range(times):
            kind: Any = e.ChannelOptedOut if turn % 2 else e.ChannelOptedIn
            house.record(id_, kind(by=COORDINATOR, channel="sms"))

    return act


def test_deadlines_fire_while_somebody_works_on_the_same_pathways(house: House) -> None:
    ids = [house.visit_reminder_owed(number, at=MONDAY, start=FRIDAY) for number in range(4)]
    house.clock.now = FRIDAY + timedelta(days=40)
    works = house.service.works

    def fires() -> None:
        for _ in range(5):
            fire_due(works, now=house.clock.now)

    together(fires, fires, *(acknowledges(house, id_, 8) for id_ in ids))


def test_stale_messages_are_dropped_while_somebody_works_on_the_same_pathways(house: House) -> None:
    ids = [house.visit_reminder_owed(number, at=MONDAY, start=FRIDAY) for number in range(4)]
    house.clock.now = FRIDAY + timedelta(hours=1)

    def sends() -> None:
        for _ in range(5):
            for channel in ("sms", "email"):
                messages.send_due(house.service.works, now=house.clock.now, channel=channel)

    together(sends, sends, *(acknowledges(house, id_, 8) for id_ in ids))


def test_two_senders_refer_one_known_patient_at_the_same_moment(house: House) -> None:
    for turn in range(6):
        house.refer(100 + turn)

        def another(fracture: int, turn: int = turn) -> Callable[[], object]:
            return lambda: house.refer(
                100 + turn, onset=date(2026, 1 + fracture, 3), reference=f"X-{turn}-{fracture}"
            )

        together(*(another(each) for each in range(4)))


class Centre(dict[str, Any]):
    """The centre's names, and something that happens the first time somebody reads them: while a text is filled."""

    def __init__(self, names: Any, happens: Callable[[], object]) -> None:
        super().__init__(names)
        self._happens: Callable[[], object] | None = happens

    def __getitem__(self, name: str) -> Any:
        if self._happens is not None:
            happens, self._happens = self._happens, None
            happens()
        return super().__getitem__(name)


def test_a_procedure_that_starts_while_a_text_is_being_filled_keeps_it_back(house: House) -> None:
    start = MONDAY + timedelta(days=10)
    id_ = a_patient_with_a_date(house, start, onset=(start - timedelta(days=60)).date())
    confirmed(house, id_, start)
    house.clock.now = start - timedelta(minutes=45)
    house.record(id_, e.StepCompleted(by=WARD, step="preop_check", outcome="go", data=CHECKED))
    house.clock.now = start + timedelta(minutes=5)
    sms = house.service.works.gateways["sms"]
    assert isinstance(sms, Wires)
    before = len(sms.taken)

    def begins() -> None:
        house.clock.wait(minutes=1)
        house.record(id_, e.StepStarted(by=RADIOLOGIST, step="procedure"))

    works = replace(house.service.works, centre=Centre(house.service.centre, begins))
    messages.send_due(works, now=house.clock.now, channel="sms")
    step = house.load(id_)[0].last("procedure")
    assert step is not None
    assert step.started is not None, "no text was being filled"
    assert len(sms.taken) == before, "a patient on the table is written to"
