"""What a hospital hears of a pathway, on a real FHIR server that is not ours, in good days and bad."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from sqlmodel import select

from gateways.fhir_client import FhirClient
from gateways.ports import DeliveryFailed
from pathway import events as e
from pathway.lifecycle import StepStatus
from store import deliveries
from store.resource_tables import ResourceRow
from store.tables import DeliveryRow
from tests.house import COORDINATOR, RADIOLOGIST, Clock, House, open_house, patient, plain_settings
from tests.peers.hospital import Hospital

MONDAY = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
TASK = "https://jalon.example/fhir/id/task"


@pytest.fixture
def house(sqlite_url: str, tmp_path: Path, fhir_server: Hospital) -> Iterator[House]:
    """A Jalon with one hospital to tell."""
    hospitals = [{"name": "chu", "url": fhir_server.base_url}]
    house = open_house(plain_settings(sqlite_url, tmp_path, fhir_destinations=hospitals), Clock(MONDAY))
    yield house
    house.close()


def said(house: House) -> dict[str, dict[str, Any]]:
    """Everything we say now, by type and id."""
    with house.service.db.read() as session:
        return {f"{row.type}/{row.id}": row.content for row in session.exec(select(ResourceRow))}


def has_heard(hospital: Hospital, house: House) -> None:
    """The hospital has each resource once, with the status we say."""
    ours = said(house)
    for kind in (
        "CarePlan",
        "Task",
        "ServiceRequest",
        "Appointment",
        "CommunicationRequest",
        "Communication",
    ):
        wanted = sorted(
            (each["identifier"][0]["value"], each["status"])
            for ref, each in ours.items()
            if ref.startswith(f"{kind}/")
        )
        found = sorted(
            (each["identifier"][0]["value"], each["status"]) for each in hospital.search(kind, _count="200")
        )
        assert found == wanted, kind


def owing(house: House) -> int:
    """Deliveries still owed."""
    with house.service.db.read() as session:
        return deliveries.owing(session)


def a_booked_consult(house: House) -> str:
    """A patient with a radiologist's consult booked for Friday."""
    return house.visit_reminder_owed(1, at=house.clock.now, start=MONDAY + timedelta(days=4))


def test_a_pathway_is_told_whole_and_everything_told_is_r4(house: House, fhir_server: Hospital) -> None:
    a_booked_consult(house)
    house.tick()
    has_heard(fhir_server, house)
    assert owing(house) == 0
    for resource in said(house).values():
        get_fhir_model_class(resource["resourceType"]).model_validate_json(json.dumps(resource))


def test_a_change_is_told_under_the_same_name_and_nothing_is_deleted(
    house: House, fhir_server: Hospital
) -> None:
    id_ = a_booked_consult(house)
    house.tick()
    before = {each["id"] for each in fhir_server.search("Appointment")}
    house.record(
        id_, e.VisitBooked(by=COORDINATOR, step="radiologist_consult", start=MONDAY + timedelta(days=3))
    )
    house.tick()
    has_heard(fhir_server, house)
    assert {each["id"] for each in fhir_server.search("Appointment")} == before
    assert not [one for one in fhir_server.requests() if one["method"] == "DELETE"]


def test_the_hospitals_own_patient_is_found_and_left_as_she_is(house: House, fhir_server: Hospital) -> None:
    identifier = patient(1).identifiers[0]
    own = fhir_server.post(
        {
            "resourceType": "Patient",
            "identifier": [{"system": identifier.system, "value": identifier.value}],
            "name": [{"family": "Nom-du-dossier"}],
        }
    )
    a_booked_consult(house)
    house.tick()
    assert [each["id"] for each in fhir_server.search("Patient")] == [own["id"]]
    assert fhir_server.get(f"Patient/{own['id']}") == own
    assert {each["for"]["reference"] for each in fhir_server.search("Task", _count="200")} == {
        f"Patient/{own['id']}"
    }


@pytest.mark.parametrize("fault", [503, 429, "drop", "lose_answer"])
def test_a_hospital_that_fails_is_tried_again_and_hears_everything_once(
    house: House, fhir_server: Hospital, fault: Any
) -> None:
    fhir_server.fail_next(2, fault)
    a_booked_consult(house)
    house.tick()
    assert owing(house) == 1, "the fault was not met"
    for _ in range(4):
        house.clock.wait(minutes=2)
        house.tick()
    has_heard(fhir_server, house)
    assert owing(house) == 0


def test_a_hospital_that_is_down_all_day_loses_nothing(house: House, fhir_server: Hospital) -> None:
    fhir_server.stop()
    id_ = a_booked_consult(house)
    for _ in range(3):
        house.clock.wait(hours=8)
        house.tick()
    assert owing(house) == 1
    house.record(id_, e.StepCompleted(by=RADIOLOGIST, step="radiologist_consult", outcome="seen"))
    fhir_server.start()
    house.clock.wait(hours=1)
    house.tick()
    has_heard(fhir_server, house)
    assert owing(house) == 0


def test_what_the_owner_did_on_the_hospitals_server_is_heard_and_not_overwritten(
    house: House, fhir_server: Hospital
) -> None:
    id_ = a_booked_consult(house)
    house.tick()
    (task,) = fhir_server.search("Task", identifier=f"{TASK}|{id_}/radiologist_consult/1")
    fhir_server.put({**task, "status": "in-progress", "executionPeriod": {"start": "2027-03-01T09:00:00Z"}})
    house.record(id_, e.StepAccepted(by=RADIOLOGIST, step="radiologist_consult", owner="Dr Rey"))
    for _ in range(3):
        house.clock.wait(minutes=1)
        house.tick()
    step = house.load(id_)[0].last("radiologist_consult")
    assert step is not None
    assert step.status is StepStatus.IN_PROGRESS
    (task,) = fhir_server.search("Task", identifier=f"{TASK}|{id_}/radiologist_consult/1")
    assert task["status"] == "in-progress"
    assert owing(house) == 0


class Picky(FhirClient):
    """The hospital's server, with a rule of its own: it takes no order for a biopsy until it is told to."""

    refuses = "/biopsy_result/1"

    def transaction(self, bundle: dict[str, Any]) -> dict[str, Any]:
        for entry in bundle["entry"]:
            if entry["resource"]["resourceType"] == "ServiceRequest" and self.refuses in str(
                entry["resource"]
            ):
                outcome = {
                    "resourceType": "OperationOutcome",
                    "issue": [{"severity": "error", "code": "business-rule"}],
                }
                raise DeliveryFailed("no such order here", permanent=True, status=422, outcome=outcome)
        return super().transaction(bundle)


def test_a_refused_resource_is_set_aside_and_holds_back_only_what_refers_to_it(
    house: House, fhir_server: Hospital
) -> None:
    client = Picky(fhir_server.base_url)
    (destination,) = house.service.destinations
    house.service = replace(house.service, destinations=(replace(destination, client=client),))
    a_booked_consult(house)
    house.tick()
    assert owing(house) == 0, "one refused order keeps the whole pathway waiting"
    with house.service.db.read() as session:
        (refused,) = deliveries.refusals(session)
    assert refused.type == "ServiceRequest"
    ours = {ref for ref in said(house) if ref.startswith("Task/")}
    theirs = {
        each["identifier"][0]["value"].rpartition("/")[0] for each in fhir_server.search("Task", _count="200")
    }
    missing = {
        ref for ref in ours if not any(name.partition("/")[2].replace("_", "-") in ref for name in theirs)
    }
    assert missing == {ref for ref in ours if "biopsy-result" in ref}
    client.refuses = "nothing"
    with house.service.db.write() as session:
        deliveries.replay(session, "chu", refused.type, refused.id, now=house.clock.now)
    house.tick()
    has_heard(fhir_server, house)
    client.close()
    destination.client.close()


def test_one_hospital_hears_every_pathway_and_each_is_told_by_one_writer(
    house: House, fhir_server: Hospital
) -> None:
    for number in range(5):
        house.visit_reminder_owed(
            number, at=house.clock.now, start=MONDAY + timedelta(days=4, minutes=number)
        )
    house.tick()
    has_heard(fhir_server, house)
    with house.service.db.read() as session:
        assert {row.wanted - row.sent for row in session.exec(select(DeliveryRow))} == {0}
