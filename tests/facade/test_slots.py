"""Slots that a hospital keeps on our facade: whoever books one over it takes it, once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier
from typing import Any

from app.projector import projected
from pathway.codec import encode
from pathway.lifecycle import VisitStatus
from pathway.plan import PLANNER
from store import resources, search
from store.tables import PathwayRow
from tests.facade.conftest import MONDAY, Facade

Json = dict[str, Any]
AT_ONCE = 200
CONSULT = "radiologist_consult"


def keeps_a_slot(facade: Facade, id_: str = "s1") -> None:
    """The hospital's agenda writes a free Slot."""
    start = MONDAY + timedelta(days=2)
    slot = {
        "resourceType": "Slot",
        "id": id_,
        "schedule": {"reference": "Schedule/bloc-1"},
        "status": "free",
        "start": start.isoformat(),
        "end": (start + timedelta(minutes=30)).isoformat(),
    }
    with facade.house.service.db.write() as session:
        resources.keep(
            session, projected(slot), body=b"{}", source="RIS", patient_id=None, now=facade.house.clock.now
        )


def booking(pathway_id: str, slot: str = "Slot/s1", status: str = "booked") -> tuple[str, Json]:
    """A hospital's system books the consult of this pathway on that Slot: the address and the Appointment."""
    start = MONDAY + timedelta(days=2)
    identifier = {
        "system": "https://jalon.example/fhir/id/appointment",
        "value": f"{pathway_id}/{CONSULT}/1",
    }
    appointment = {
        "resourceType": "Appointment",
        "identifier": [identifier],
        "status": status,
        "start": start.isoformat(),
        "end": (start + timedelta(minutes=30)).isoformat(),
        "slot": [{"reference": slot}],
        "participant": [
            {"actor": {"type": "Location", "display": "Salle 3"}, "status": "accepted"},
        ],
    }
    return f"/Appointment?identifier={identifier['system']}|{identifier['value']}", appointment


def slot_status(facade: Facade, id_: str = "s1") -> str:
    with facade.house.service.db.read() as session:
        found = search.read(session, "Slot", id_)
    assert found is not None
    return str(found.content["status"])


def test_a_booking_takes_its_slot_and_a_cancellation_gives_it_back(facade: Facade) -> None:
    keeps_a_slot(facade)
    pathway_id = facade.triaged()
    address, appointment = booking(pathway_id)
    made = facade.ask("PUT", address, resource=appointment)
    assert (made.status_code, slot_status(facade)) == (201, "busy")
    assert made.json()["slot"] == [{"reference": "Slot/s1"}]
    cancelled = {**made.json(), "status": "cancelled", "cancelationReason": {"text": "Panne"}}
    assert facade.put(cancelled).status_code == 200
    assert slot_status(facade) == "free"


def test_a_slot_of_another_visit_is_a_conflict_that_changes_nothing(facade: Facade) -> None:
    keeps_a_slot(facade)
    keeps_a_slot(facade, "s2")
    one, other = facade.triaged(1), facade.triaged(2)
    for pathway_id, slot in ((one, "Slot/s1"), (other, "Slot/s2")):
        address, appointment = booking(pathway_id, slot)
        made = facade.ask("PUT", address, resource=appointment)
        assert made.status_code == 201
    moved = {**made.json(), "slot": [{"reference": "Slot/s1"}]}
    refused = facade.put(moved)
    assert (refused.status_code, refused.json()["issue"][0]["code"]) == (409, "business-rule")
    assert [slot_status(facade, id_) for id_ in ("s1", "s2")] == ["busy", "busy"]
    step = facade.house.load(other)[0].last(CONSULT)
    assert step is not None
    assert step.visit is not None
    assert step.visit.slot == "Slot/s2"


def test_two_hundred_who_want_one_slot_are_one_success_and_clean_conflicts(facade_anywhere: Facade) -> None:
    facade = facade_anywhere
    keeps_a_slot(facade)
    pathways = many_to_be_booked(facade, AT_ONCE)
    start = Barrier(AT_ONCE)

    def wants(pathway_id: str) -> tuple[int, str]:
        address, appointment = booking(pathway_id)
        start.wait()
        answer = facade.ask("PUT", address, resource=appointment)
        said = answer.json()
        return answer.status_code, said["issue"][0]["code"] if "issue" in said else ""

    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = list(threads.map(wants, pathways))
    assert sorted(answers)[0] == (201, "")
    assert sorted(answers)[1:] == [(409, "business-rule")] * (AT_ONCE - 1)
    stand = [
        step.visit.status
        for pathway_id in pathways
        if (step := facade.house.load(pathway_id)[0].last(CONSULT)) is not None and step.visit is not None
    ]
    assert stand == [VisitStatus.BOOKED]
    assert slot_status(facade) == "busy"


def many_to_be_booked(facade: Facade, how_many: int) -> list[str]:
    """So many pathways whose consult waits for a slot: one is lived, the others stand where it does."""
    house = facade.house
    model = facade.triaged()
    pathway, _ = house.load(model)
    more = [f"{model[:-4]}{number:04d}" for number in range(how_many - 1)]
    with house.service.db.write() as session:
        session.add_all(
            PathwayRow(
                id=one,
                patient_id=pathway.patient_id,
                protocol_digest=pathway.protocol_digest,
                planner=PLANNER,
                seq=pathway.seq,
                status=pathway.status.value,
                stage="",
                as_of=pathway.as_of,
                created=pathway.referred,
                state=encode(replace(pathway, id=one)),
            )
            for one in more
        )
    return [model, *more]
