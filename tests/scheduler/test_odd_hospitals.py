"""Hospitals' servers that answer oddly: too little, never the same, for somebody else, or not at all any more."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from gateways.fhir_client import FhirClient
from gateways.ports import DeliveryFailed
from pathway import events as e
from scheduler.destination import Destination
from store import deliveries
from store.tables import DeliveredRow, DeliveryRow
from tests.house import COORDINATOR, Clock, House, open_house, plain_settings

MONDAY = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
FRIDAY = MONDAY + timedelta(days=4)


class Odd(FhirClient):
    """A server in hand: it takes everything, unless ``oddity`` says or does something else first."""

    def __init__(self) -> None:
        super().__init__("http://hospital.invalid/fhir")
        self.kept: dict[str, tuple[str, int, dict[str, Any]]] = {}
        self.heard: list[dict[str, Any]] = []
        self.oddity: Callable[[dict[str, Any]], dict[str, Any] | None] = lambda _: None

    def transaction(self, bundle: dict[str, Any]) -> dict[str, Any]:
        self.heard.append(bundle)
        answer = self.oddity(bundle)
        return answer if answer is not None else self.takes(bundle)

    def takes(self, bundle: dict[str, Any]) -> dict[str, Any]:
        """Every entry, or 412 for the whole when one is of another version."""
        for entry in bundle["entry"]:
            known = self.kept.get(name_of(entry))
            wanted = entry["request"].get("ifMatch")
            if wanted is not None and (known is None or wanted != f'W/"{known[1]}"'):
                raise DeliveryFailed("another version", permanent=True, status=412)
        entries = []
        for entry in bundle["entry"]:
            kind, name = entry["resource"]["resourceType"], name_of(entry)
            place, version, _ = self.kept.get(name, (f"{kind}/h{len(self.kept)}", 0, {}))
            if not (kind == "Patient" and version):
                version += 1
                self.kept[name] = (place, version, {**entry["resource"], "id": place.partition("/")[2]})
            entries.append({"response": {"status": "200", "location": place, "etag": f'W/"{version}"'}})
        return {"resourceType": "Bundle", "type": "transaction-response", "entry": entries}

    def read(self, type: str, id: str) -> tuple[dict[str, Any], str | None]:
        for place, version, resource in self.kept.values():
            if place == f"{type}/{id}":
                return resource, f'W/"{version}"'
        raise DeliveryFailed("gone", permanent=True, status=410)


def name_of(entry: dict[str, Any]) -> str:
    """What our identifier calls the resource of an entry."""
    resource = entry["resource"]
    return f"{resource['resourceType']}|{resource['identifier'][0]['value']}"


@pytest.fixture
def hospital() -> Odd:
    return Odd()


@pytest.fixture
def house(sqlite_url: str, tmp_path: Path, hospital: Odd) -> Iterator[House]:
    settings = plain_settings(
        sqlite_url, tmp_path, fhir_destinations=[{"name": "chu", "url": hospital.base_url}]
    )
    house = open_house(settings, Clock(MONDAY))
    (there,) = house.service.destinations
    there.client.close()
    house.service = replace(house.service, destinations=(Destination("chu", hospital, there.hear),))
    yield house
    house.close()


def delivers(house: House, times: int, *, every: timedelta = timedelta(minutes=11)) -> None:
    """The worker works so often, with time between."""
    for _ in range(times):
        house.clock.now += every
        house.tick()


def owing(house: House) -> int:
    with house.service.db.read() as session:
        return deliveries.owing(session)


def refused(house: House) -> list[str]:
    with house.service.db.read() as session:
        return [row.type for row in deliveries.refusals(session)]


def whole(house: House, hospital: Odd) -> None:
    """Everything that we say is there, under the place we know it by."""
    with house.service.db.read() as session:
        rows = list(session.exec(select(DeliveredRow)))
    places = Counter(place for place, _, _ in hospital.kept.values())
    assert {row.remote for row in rows} == set(places)
    assert set(places.values()) == {1}
    assert owing(house) == 0


def test_an_answer_with_fewer_entries_is_not_read_as_if_they_were_all_there(
    house: House, hospital: Odd
) -> None:
    def drops_the_first(bundle: dict[str, Any]) -> dict[str, Any]:
        answer = hospital.takes(bundle)
        return {**answer, "entry": answer["entry"][1:]}

    hospital.oddity = drops_the_first
    house.visit_reminder_owed(1, at=MONDAY, start=FRIDAY)
    house.tick()
    hospital.oddity = lambda _: None
    delivers(house, 4)
    assert refused(house) == []
    whole(house, hospital)


def test_a_server_that_answers_nothing_for_a_day_has_refused_nothing(house: House, hospital: Odd) -> None:
    hospital.oddity = lambda _: {"resourceType": "Bundle", "type": "transaction-response"}
    house.visit_reminder_owed(1, at=MONDAY, start=FRIDAY)
    delivers(house, 5)
    assert refused(house) == []
    assert owing(house) == 1
    hospital.oddity = lambda _: None
    delivers(house, 3)
    whole(house, hospital)


def test_a_task_that_was_deleted_there_is_said_again_and_holds_up_nobody(house: House, hospital: Odd) -> None:
    first = house.visit_reminder_owed(1, at=MONDAY, start=FRIDAY)
    house.tick()
    (gone,) = [name for name in hospital.kept if name == f"Appointment|{first}/radiologist_consult/1"]
    del hospital.kept[gone]
    house.record(
        first, e.VisitBooked(by=COORDINATOR, step="radiologist_consult", start=FRIDAY + timedelta(hours=1))
    )
    second = house.visit_reminder_owed(2, at=house.clock.now, start=FRIDAY)
    house.tick()
    assert any(second in name for name in hospital.kept), (
        "a resource that is gone keeps another patient waiting"
    )
    delivers(house, 4)
    assert gone in hospital.kept
    whole(house, hospital)


def test_a_conflict_that_never_ends_is_met_less_and_less_and_then_by_a_person(
    house: House, hospital: Odd
) -> None:
    id_ = house.visit_reminder_owed(1, at=MONDAY, start=FRIDAY)
    house.tick()

    def two_of_that_name(bundle: dict[str, Any]) -> dict[str, Any] | None:
        if any(entry["resource"]["resourceType"] == "Appointment" for entry in bundle["entry"]):
            raise DeliveryFailed("more than one matches", permanent=True, status=412)
        return None

    hospital.oddity = two_of_that_name
    house.record(
        id_, e.VisitBooked(by=COORDINATOR, step="radiologist_consult", start=FRIDAY + timedelta(hours=1))
    )
    hospital.heard.clear()
    delivers(house, 300, every=timedelta(seconds=1))
    assert len(hospital.heard) < 40, "the hospital is asked the same every second"
    assert refused(house) == ["Appointment"]
    assert owing(house) == 0


def test_a_patient_who_was_refused_and_then_taken_frees_every_pathway_of_hers(
    house: House, hospital: Odd
) -> None:
    def no_patients(bundle: dict[str, Any]) -> dict[str, Any] | None:
        if any(entry["resource"]["resourceType"] == "Patient" for entry in bundle["entry"]):
            raise DeliveryFailed("not this patient", permanent=True, status=422)
        return None

    hospital.oddity = no_patients
    first = house.refer(1)
    second = house.refer(1, reference="R-other", onset=date(2026, 11, 3))
    assert second.pathway_id not in (None, first.pathway_id)
    delivers(house, 3)
    assert refused(house) == ["Patient"]
    hospital.oddity = lambda _: None
    with house.service.db.write() as session:
        deliveries.replay(session, "chu", "Patient", first.patient_id, now=house.clock.now)
    delivers(house, 3)
    for pathway_id in (first.pathway_id, second.pathway_id):
        assert any(f"Task|{pathway_id}" in name for name in hospital.kept)
    whole(house, hospital)


def test_a_server_that_asks_for_a_years_patience_does_not_get_it(house: House, hospital: Odd) -> None:
    def busy(_: dict[str, Any]) -> dict[str, Any] | None:
        raise DeliveryFailed("busy", permanent=False, status=503, retry_after=365 * 86400.0)

    hospital.oddity = busy
    house.visit_reminder_owed(1, at=MONDAY, start=FRIDAY)
    house.tick()
    hospital.oddity = lambda _: None
    delivers(house, 8)
    whole(house, hospital)


def test_one_pathway_that_cannot_be_said_does_not_hold_up_the_others(
    house: House, hospital: Odd, caplog: pytest.LogCaptureFixture
) -> None:
    bad = house.visit_reminder_owed(1, at=MONDAY, start=FRIDAY)
    good = house.visit_reminder_owed(2, at=MONDAY, start=FRIDAY)

    def breaks(bundle: dict[str, Any]) -> dict[str, Any] | None:
        if any(bad in name_of(entry) for entry in bundle["entry"]):
            raise RuntimeError("something nobody thought of")
        return None

    hospital.oddity = breaks
    with caplog.at_level(logging.CRITICAL):
        house.tick()
    assert any(good in name for name in hospital.kept)


def test_a_writer_whose_lease_has_ended_in_the_middle_says_no_more(house: House, hospital: Odd) -> None:
    house.visit_reminder_owed(1, at=MONDAY, start=FRIDAY)
    spoken: list[int] = []

    def slow(bundle: dict[str, Any]) -> dict[str, Any] | None:
        spoken.append(len(bundle["entry"]))
        if len(bundle["entry"]) > 1:
            with house.service.db.write() as session:
                (row,) = session.exec(select(DeliveryRow))
                row.lease_owner = "another worker"
            raise DeliveryFailed("one of these", permanent=True, status=422)
        return None

    hospital.oddity = slow
    house.tick()
    assert len(spoken) == 1, "two writers speak of one pathway"
