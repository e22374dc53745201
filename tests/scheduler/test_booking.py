"""Visits on a hospital's Slots, kept here or on its own server: found, held, booked, moved, given back, never twice."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import httpx
import pytest

from app.projector import projected
from pathway import events as e
from pathway.lifecycle import VisitStatus
from pathway.refusal import Refused, Text
from pathway.state import Visit
from scheduler.booking import Desk
from store import resources, search, slots
from tests.house import COORDINATOR, RADIOLOGIST, Clock, House, open_house, plain_settings
from tests.peers.hospital import Hospital

MONDAY = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
CONSULT = "radiologist_consult"
Json = dict[str, Any]


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> Iterator[House]:
    """On both databases."""
    found = open_house(plain_settings(database_url, tmp_path), Clock(MONDAY))
    yield found
    found.close()


def a_slot(number: int, start: datetime, **more: Any) -> Json:
    return {
        "resourceType": "Slot",
        "id": f"s{number}",
        "schedule": {"reference": "Schedule/bloc-1"},
        "status": "free",
        "start": start.isoformat(),
        "end": (start + timedelta(minutes=30)).isoformat(),
        **more,
    }


SCHEDULE: Json = {
    "resourceType": "Schedule",
    "id": "bloc-1",
    "actor": [{"reference": "Location/1", "type": "Location", "display": "Salle 3"}],
}


def kept_here(house: House, *slots: Json) -> None:
    """A hospital writes these to our facade."""
    with house.service.db.write() as session:
        for each in (SCHEDULE, *slots):
            resources.keep(
                session, projected(each), body=b"{}", source="agenda", patient_id=None, now=house.clock.now
            )


def triaged(house: House, number: int = 0) -> str:
    pathway_id = house.refer(number).pathway_id
    assert pathway_id is not None
    house.record(pathway_id, e.StepCompleted(by=RADIOLOGIST, step="triage", outcome="accepted"))
    return pathway_id


def visit(house: House, pathway_id: str) -> Visit:
    step = house.load(pathway_id)[0].last(CONSULT)
    assert step is not None
    assert step.visit is not None
    return step.visit


def status(house: House, number: int) -> str | None:
    with house.service.db.read() as session:
        found = search.read(session, "Slot", f"s{number}")
    return found.content["status"] if found else None


def book(desk: Desk, house: House, pathway_id: str, slot: str, **more: Any) -> None:
    desk.book(pathway_id, CONSULT, 1, slot, by=COORDINATOR, at=house.clock.now, **more)


# --- kept here --------------------------------------------------------------------------------------------


def test_the_free_slots_of_the_window_are_found_with_their_place(house: House) -> None:
    pathway_id = triaged(house)
    code = {"system": "https://jalon.example/fhir/CodeSystem/step", "code": "procedure"}
    kept_here(
        house,
        a_slot(1, MONDAY + timedelta(days=2)),
        a_slot(2, MONDAY + timedelta(days=1)),
        a_slot(3, MONDAY + timedelta(days=1), status="busy"),
        a_slot(4, MONDAY + timedelta(days=60)),
        a_slot(5, MONDAY + timedelta(days=1), serviceType=[{"coding": [code]}]),
        a_slot(6, MONDAY - timedelta(days=1)),
    )
    found = house.service.desk.find(pathway_id, CONSULT, 1, now=house.clock.now)
    assert [(one.slot, one.place) for one in found] == [("Slot/s2", "Salle 3"), ("Slot/s1", "Salle 3")]


def test_a_slot_is_held_booked_moved_and_given_back(house: House) -> None:
    pathway_id, desk = triaged(house), house.service.desk
    first, second = MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)
    kept_here(house, a_slot(1, first), a_slot(2, second))
    desk.hold(pathway_id, CONSULT, 1, "Slot/s1", by=COORDINATOR, at=house.clock.now)
    assert (visit(house, pathway_id).status, status(house, 1)) == (VisitStatus.PENDING, "busy-tentative")
    book(desk, house, pathway_id, "Slot/s1")
    assert (visit(house, pathway_id).status, status(house, 1)) == (VisitStatus.BOOKED, "busy")
    with house.service.db.read() as session:
        (said,) = [
            row
            for row in (search.read(session, "Appointment", f"{pathway_id}-radiologist-consult-1"),)
            if row is not None
        ]
    assert said.content["slot"] == [{"reference": "Slot/s1"}]
    book(desk, house, pathway_id, "Slot/s2")
    assert (visit(house, pathway_id).start, status(house, 1), status(house, 2)) == (second, "free", "busy")
    desk.cancel(pathway_id, CONSULT, 1, "indisponible", by=COORDINATOR, at=house.clock.now)
    assert (visit(house, pathway_id).status, status(house, 2)) == (VisitStatus.CANCELLED, "free")


def test_a_slot_that_another_visit_has_is_a_clean_conflict(house: House) -> None:
    one, other, desk = triaged(house, 1), triaged(house, 2), house.service.desk
    kept_here(house, a_slot(1, MONDAY + timedelta(days=1)))
    book(desk, house, one, "Slot/s1")
    with pytest.raises(Refused, match="just been taken"):
        book(desk, house, other, "Slot/s1")
    with pytest.raises(Refused, match="just been taken"):
        book(desk, house, other, "Slot/nowhere")
    step = house.load(other)[0].last(CONSULT)
    assert step is not None
    assert step.visit is None


def test_a_reservation_that_nobody_confirms_is_given_back(house: House) -> None:
    pathway_id, desk = triaged(house), house.service.desk
    kept_here(house, a_slot(1, MONDAY + timedelta(days=1)))
    desk.hold(pathway_id, CONSULT, 1, "Slot/s1", by=COORDINATOR, at=house.clock.now)
    desk.sweep(now=house.clock.wait(minutes=29))
    assert status(house, 1) == "busy-tentative"
    desk.sweep(now=house.clock.wait(minutes=2))
    assert (status(house, 1), visit(house, pathway_id).status) == ("free", VisitStatus.CANCELLED)


def test_a_slot_that_is_removed_there_keeps_no_visit_from_moving_on(
    away: House, fhir_server: Hospital
) -> None:
    pathway_id, desk = triaged(away), away.service.desk
    days = [MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)]
    one, two = offered(fhir_server, a_slot(1, days[0]), a_slot(2, days[1]))
    book(desk, away, pathway_id, one)
    assert httpx.delete(f"{fhir_server.base_url}/Slot/s1").is_success
    book(desk, away, pathway_id, two)
    assert there(fhir_server, 2) == "busy"
    with away.service.db.read() as session:
        assert [each.slot for each in slots.of_visit(session, pathway_id, CONSULT, 1)] == [two]


def test_a_visit_confirmed_by_hand_makes_its_held_slot_busy(house: House) -> None:
    pathway_id, desk = triaged(house), house.service.desk
    start = MONDAY + timedelta(days=1)
    kept_here(house, a_slot(1, start))
    desk.hold(pathway_id, CONSULT, 1, "Slot/s1", by=COORDINATOR, at=house.clock.now)
    house.record(pathway_id, e.VisitBooked(by=COORDINATOR, step=CONSULT, start=start, place="Salle 3"))
    desk.sweep(now=house.clock.now)
    assert (status(house, 1), visit(house, pathway_id).slot) == ("busy", "Slot/s1")
    desk.sweep(now=house.clock.wait(hours=2))
    assert visit(house, pathway_id).status is VisitStatus.BOOKED


def test_a_slot_follows_its_visit_by_whatever_way_that_ends(house: House) -> None:
    pathway_id, desk = triaged(house), house.service.desk
    kept_here(house, a_slot(1, MONDAY + timedelta(days=1)))
    book(desk, house, pathway_id, "Slot/s1")
    desk.sweep(now=house.clock.now)
    assert status(house, 1) == "busy"
    house.record(pathway_id, e.PathwayEnded(by=RADIOLOGIST, end="declined", reason="refus"))
    assert desk.sweep(now=house.clock.now) == 1
    assert status(house, 1) == "free"


@pytest.mark.parametrize("said", ["busy-unavailable", "entered-in-error"])
def test_a_slot_that_the_hospital_has_closed_meanwhile_stays_closed(house: House, said: str) -> None:
    pathway_id, desk = triaged(house), house.service.desk
    start = MONDAY + timedelta(days=1)
    kept_here(house, a_slot(1, start))
    book(desk, house, pathway_id, "Slot/s1")
    kept_here(house, a_slot(1, start, status=said))
    desk.cancel(pathway_id, CONSULT, 1, "indisponible", by=COORDINATOR, at=house.clock.now)
    assert (visit(house, pathway_id).status, status(house, 1)) == (VisitStatus.CANCELLED, said)
    with house.service.db.read() as session:
        assert slots.of_visit(session, pathway_id, CONSULT, 1) == []


# --- on the hospital's own server -------------------------------------------------------------------------


@pytest.fixture
def away(sqlite_url: str, tmp_path: Path, fhir_server: Hospital) -> Iterator[House]:
    """A house whose hospital keeps its Slots at home."""
    fhir_server.put(SCHEDULE)
    hospital = {"name": "chu", "url": fhir_server.base_url, "schedules": ["Schedule/bloc-1"]}
    found = open_house(plain_settings(sqlite_url, tmp_path, fhir_destinations=[hospital]), Clock(MONDAY))
    yield found
    found.close()


def offered(hospital: Hospital, *slots: Json) -> list[str]:
    """The hospital offers these; their URLs."""
    return [f"{hospital.base_url}/Slot/{hospital.put(each)['id']}" for each in slots]


def there(hospital: Hospital, number: int) -> str:
    found: str = hospital.get(f"Slot/s{number}")["status"]
    return found


def appointments(hospital: Hospital) -> list[tuple[str, str]]:
    return [
        (each["status"], each.get("slot", [{"reference": ""}])[0]["reference"].rpartition("/")[2])
        for each in hospital.search("Appointment")
    ]


def test_a_slot_of_the_hospitals_server_is_booked_moved_and_given_back_there(
    away: House, fhir_server: Hospital
) -> None:
    pathway_id, desk = triaged(away), away.service.desk
    one, two = offered(
        fhir_server, a_slot(1, MONDAY + timedelta(days=1)), a_slot(2, MONDAY + timedelta(days=2))
    )
    found = desk.find(pathway_id, CONSULT, 1, now=away.clock.now)
    assert [(each.slot, each.place) for each in found] == [(one, "Salle 3"), (two, "Salle 3")]
    desk.hold(pathway_id, CONSULT, 1, one, by=COORDINATOR, at=away.clock.now)
    assert (there(fhir_server, 1), appointments(fhir_server)) == ("busy-tentative", [("pending", "s1")])
    book(desk, away, pathway_id, one)
    away.tick()
    assert (there(fhir_server, 1), appointments(fhir_server)) == ("busy", [("booked", "s1")])
    book(desk, away, pathway_id, two)
    away.tick()
    assert [there(fhir_server, number) for number in (1, 2)] == ["free", "busy"]
    assert appointments(fhir_server) == [("booked", "s2")]
    desk.cancel(pathway_id, CONSULT, 1, "indisponible", by=COORDINATOR, at=away.clock.now)
    away.tick()
    assert [there(fhir_server, number) for number in (1, 2)] == ["free", "free"]
    assert [each for each, _ in appointments(fhir_server)] == ["cancelled"]


def test_a_slot_that_is_closed_there_stays_closed_when_the_visit_moves_and_when_it_is_cancelled(
    away: House, fhir_server: Hospital
) -> None:
    pathway_id, desk = triaged(away), away.service.desk
    days = [MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)]
    one, two = offered(fhir_server, a_slot(1, days[0]), a_slot(2, days[1]))
    book(desk, away, pathway_id, one)
    fhir_server.put(a_slot(1, days[0], status="busy-unavailable"))
    book(desk, away, pathway_id, two)
    assert [there(fhir_server, number) for number in (1, 2)] == ["busy-unavailable", "busy"]
    fhir_server.put(a_slot(2, days[1], status="entered-in-error"))
    desk.cancel(pathway_id, CONSULT, 1, "indisponible", by=COORDINATOR, at=away.clock.now)
    away.tick()
    assert [there(fhir_server, number) for number in (1, 2)] == ["busy-unavailable", "entered-in-error"]
    assert [each for each, _ in appointments(fhir_server)] == ["cancelled"]
    with away.service.db.read() as session:
        assert slots.of_visit(session, pathway_id, CONSULT, 1) == []


def test_a_visit_confirmed_by_hand_makes_the_slot_that_is_held_there_busy(
    away: House, fhir_server: Hospital
) -> None:
    pathway_id, desk = triaged(away), away.service.desk
    start = MONDAY + timedelta(days=1)
    (one,) = offered(fhir_server, a_slot(1, start))
    desk.hold(pathway_id, CONSULT, 1, one, by=COORDINATOR, at=away.clock.now)
    away.record(pathway_id, e.VisitBooked(by=COORDINATOR, step=CONSULT, start=start, place="Salle 3"))
    fhir_server.fail_next(1)
    desk.sweep(now=away.clock.now)
    assert there(fhir_server, 1) == "busy-tentative"
    desk.sweep(now=away.clock.now)
    assert (there(fhir_server, 1), appointments(fhir_server)) == ("busy", [("booked", "s1")])


def test_a_slot_that_has_gone_meanwhile_is_offered_no_more_and_nothing_is_booked(
    away: House, fhir_server: Hospital
) -> None:
    pathway_id, desk = triaged(away), away.service.desk
    (one,) = offered(fhir_server, a_slot(1, MONDAY + timedelta(days=1)))
    fhir_server.put(a_slot(1, MONDAY + timedelta(days=1), status="busy"))
    with pytest.raises(Refused, match="just been taken"):
        book(desk, away, pathway_id, one)
    assert appointments(fhir_server) == []
    assert desk.find(pathway_id, CONSULT, 1, now=away.clock.now) == []


def test_a_door_that_refuses_after_all_gives_the_slot_back(away: House, fhir_server: Hospital) -> None:
    pathway_id, desk = triaged(away), away.service.desk
    (one,) = offered(fhir_server, a_slot(1, MONDAY + timedelta(days=1)))

    def somebody_is_faster(*_: object) -> None:
        raise Refused(_REFUSAL)

    with pytest.raises(Refused):
        book(desk, away, pathway_id, one, trace=somebody_is_faster)
    assert (there(fhir_server, 1), appointments(fhir_server)) == ("free", [("cancelled", "")])
    book(desk, away, pathway_id, one)
    assert there(fhir_server, 1) == "busy"


@pytest.mark.parametrize("moving", [False, True])
def test_a_process_that_dies_between_the_hospital_and_our_door_leaves_nothing_behind(
    away: House, fhir_server: Hospital, monkeypatch: pytest.MonkeyPatch, moving: bool
) -> None:
    pathway_id, desk = triaged(away), away.service.desk
    one, two = offered(
        fhir_server, a_slot(1, MONDAY + timedelta(days=1)), a_slot(2, MONDAY + timedelta(days=2))
    )
    if moving:
        book(desk, away, pathway_id, two)
    monkeypatch.setattr(away.service.ledger, "record", _killed)
    monkeypatch.setattr(desk._sweeper, "give_back", _killed)
    with pytest.raises(Killed):
        book(desk, away, pathway_id, one)
    monkeypatch.undo()
    assert there(fhir_server, 1) == "busy"
    away.service.desk.sweep(now=away.clock.now)
    assert there(fhir_server, 1) == "busy"
    away.service.desk.sweep(now=away.clock.wait(minutes=5))
    assert there(fhir_server, 1) == "free"
    assert there(fhir_server, 2) == ("busy" if moving else "free")
    assert appointments(fhir_server) == [("booked", "s2") if moving else ("cancelled", "")]


def test_a_confirmation_that_died_half_way_is_a_reservation_that_still_expires(
    away: House, fhir_server: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    pathway_id, desk = triaged(away), away.service.desk
    (one,) = offered(fhir_server, a_slot(1, MONDAY + timedelta(days=1)))
    desk.hold(pathway_id, CONSULT, 1, one, by=COORDINATOR, at=away.clock.now)
    monkeypatch.setattr(away.service.ledger, "record", _killed)
    monkeypatch.setattr(desk._sweeper, "give_back", _killed)
    with pytest.raises(Killed):
        book(desk, away, pathway_id, one)
    monkeypatch.undo()
    desk.sweep(now=away.clock.wait(minutes=5))
    assert visit(away, pathway_id).status is VisitStatus.PENDING
    desk.sweep(now=away.clock.wait(minutes=31))
    assert (visit(away, pathway_id).status, there(fhir_server, 1)) == (VisitStatus.CANCELLED, "free")


def test_a_confirmation_that_the_hospital_refuses_leaves_the_reservation_to_expire(
    away: House, fhir_server: Hospital
) -> None:
    pathway_id, desk = triaged(away), away.service.desk
    start = MONDAY + timedelta(days=1)
    (one,) = offered(fhir_server, a_slot(1, start))
    desk.hold(pathway_id, CONSULT, 1, one, by=COORDINATOR, at=away.clock.now)
    fhir_server.put(a_slot(1, start, status="busy-unavailable"))
    with pytest.raises(Refused, match="just been taken"):
        book(desk, away, pathway_id, one)
    desk.sweep(now=away.clock.wait(minutes=31))
    assert visit(away, pathway_id).status is VisitStatus.CANCELLED
    assert there(fhir_server, 1) == "busy-unavailable"


@pytest.mark.parametrize("fault", ["drop", "lose_answer"])
def test_an_answer_that_is_lost_is_settled_by_what_the_hospital_then_says(
    away: House, fhir_server: Hospital, fault: Any
) -> None:
    pathway_id, desk = triaged(away), away.service.desk
    (one,) = offered(fhir_server, a_slot(1, MONDAY + timedelta(days=1)))
    take = desk._there[0].client.transaction

    def unlucky(bundle: Json) -> Json:
        fhir_server.fail_next(1, fault)
        return take(bundle)

    desk._there[0].client.transaction = unlucky  # type: ignore[method-assign]
    with pytest.raises(Refused, match="does not answer"):
        book(desk, away, pathway_id, one)
    desk._there[0].client.transaction = take  # type: ignore[method-assign]
    desk.sweep(now=away.clock.wait(minutes=5))
    assert there(fhir_server, 1) == "free"
    book(desk, away, pathway_id, one)
    assert there(fhir_server, 1) == "busy"


def test_two_installations_that_want_one_slot_at_once_are_one_success(
    away: House, fhir_server: Hospital, tmp_path: Path
) -> None:
    hospital = {"name": "chu", "url": fhir_server.base_url, "schedules": ["Schedule/bloc-1"]}
    other = open_house(
        plain_settings(f"sqlite:///{tmp_path / 'other.sqlite'}", tmp_path, fhir_destinations=[hospital]),
        Clock(MONDAY),
    )
    (one,) = offered(fhir_server, a_slot(1, MONDAY + timedelta(days=1)))
    numbers = ((away, range(4)), (other, range(10, 14)))
    wanting = [(house, triaged(house, number)) for house, some in numbers for number in some]
    start = Barrier(len(wanting))

    def wants(who: tuple[House, str]) -> str:
        house, pathway_id = who
        start.wait()
        try:
            book(house.service.desk, house, pathway_id, one)
        except Refused as refused:
            return refused.kind
        return "booked"

    with ThreadPoolExecutor(len(wanting)) as threads:
        came_of_it = sorted(threads.map(wants, wanting))
    other.close()
    assert came_of_it == ["booked", *["conflict"] * (len(wanting) - 1)]
    assert there(fhir_server, 1) == "busy"
    assert [status for status, _ in appointments(fhir_server)] == ["booked"]


class Killed(BaseException):
    """The process is gone."""


def _killed(*_: object, **__: object) -> None:
    raise Killed


_REFUSAL = Text(fr="Trop tard.", en="Too late.")
