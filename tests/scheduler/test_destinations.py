"""Hospitals as they are set up: what each wants, how fast, by which mode, and what happens when they do not answer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlmodel import select

from app import clock as app_clock
from gateways import keys as key_files
from gateways.fhir_client import FhirClient
from gateways.keys import Keys, generate
from gateways.ports import DeliveryFailed
from pathway import events as e
from scheduler.engine import Engine
from scheduler.looking import look_at
from store import deliveries
from store import destinations as exchanges
from store.database import Database
from store.tables import DeliveredRow, DeliveryRow
from tests.house import COORDINATOR, RADIOLOGIST, Clock, House, open_house, patient, plain_settings
from tests.peers.hospital import Hospital
from tests.peers.oidc import Authority

MONDAY = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
FRIDAY = MONDAY + timedelta(days=4)
TASK = "https://jalon.example/fhir/id/task"


@contextmanager
def house_of(sqlite_url: str, tmp_path: Path, hospital: Hospital, **more: Any) -> Iterator[House]:
    """A Jalon with one hospital, set up so."""
    destination = {"name": "chu", "url": hospital.base_url, **more}
    house = open_house(plain_settings(sqlite_url, tmp_path, fhir_destinations=[destination]), Clock(MONDAY))
    try:
        yield house
    finally:
        house.close()


@pytest.fixture
def house(sqlite_url: str, tmp_path: Path, fhir_server: Hospital) -> Iterator[House]:
    with house_of(sqlite_url, tmp_path, fhir_server) as opened:
        yield opened


def booked(house: House, number: int = 1) -> str:
    """A patient with a radiologist's consult booked for Friday."""
    return house.visit_reminder_owed(number, at=house.clock.now, start=FRIDAY)


def owing(house: House) -> int:
    with house.service.db.read() as session:
        return deliveries.owing(session)


def standing(house: House) -> exchanges.Standing:
    with house.service.db.read() as session:
        (one,) = exchanges.standings(session, ["chu"])
    return one


def consult_task(hospital: Hospital, pathway_id: str) -> dict[str, Any]:
    (task,) = hospital.search("Task", identifier=f"{TASK}|{pathway_id}/radiologist_consult/1")
    return task


def asked(hospital: Hospital) -> int:
    """How many transactions have arrived since the last reset."""
    return sum(one["method"] == "POST" and one["url"].rstrip("/") == "/fhir" for one in hospital.requests())


def every_reference(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        for each in value:
            yield from every_reference(each)
    elif isinstance(value, dict):
        if "reference" in value:
            yield value
        for each in value.values():
            yield from every_reference(each)


def test_a_type_that_a_hospital_does_not_want_is_not_sent_and_nothing_points_to_it(
    sqlite_url: str, tmp_path: Path, fhir_server: Hospital
) -> None:
    with house_of(sqlite_url, tmp_path, fhir_server, resources=["Patient", "Task"]) as house:
        id_ = booked(house)
        house.tick()
        assert owing(house) == 0
        there = fhir_server.everything()
        assert {each["resourceType"] for each in there} == {"Patient", "Task"}
        known = {f"{each['resourceType']}/{each['id']}" for each in there}
        assert {one["reference"] for each in there for one in every_reference(each)} <= known
        focus = consult_task(fhir_server, id_)["focus"]
        assert (focus["type"], focus["identifier"]["value"]) == (
            "ServiceRequest",
            f"{id_}/radiologist_consult/1",
        )


def test_a_hospital_that_wants_more_than_before_is_told_everything_again(
    sqlite_url: str, tmp_path: Path, fhir_server: Hospital
) -> None:
    with house_of(sqlite_url, tmp_path, fhir_server, resources=["Patient", "Task"]) as house:
        id_ = booked(house)
        house.tick()
        at = house.clock.now
    with house_of(sqlite_url, tmp_path, fhir_server) as house:
        house.clock.now = at
        house.tick()
        assert consult_task(fhir_server, id_)["focus"]["reference"].startswith("ServiceRequest/")
        assert owing(house) == 0


def test_a_hospital_that_reads_here_is_written_nothing_until_it_is_to_be_pushed_to(
    sqlite_url: str, tmp_path: Path, fhir_server: Hospital
) -> None:
    with house_of(sqlite_url, tmp_path, fhir_server, mode="hosted") as house:
        booked(house)
        house.tick()
        assert fhir_server.requests() == []
        at = house.clock.now
    with house_of(sqlite_url, tmp_path, fhir_server) as house:
        house.clock.now = at
        house.tick()
        assert fhir_server.search("Task")
        assert owing(house) == 0


def test_a_server_that_says_it_takes_no_transactions_is_written_nothing_and_a_person_is_told(
    house: House,
) -> None:
    (there,) = house.service.destinations
    assert look_at(house.service.works, there, now=MONDAY) is None

    def unwilling(request: httpx.Request) -> httpx.Response:
        statement = {
            "resourceType": "CapabilityStatement",
            "fhirVersion": "4.0.1",
            "rest": [{"mode": "server"}],
        }
        assert request.url.path.endswith("/metadata"), "it was written to"
        return httpx.Response(200, json=statement)

    client = FhirClient("http://hospital.invalid/fhir", transport=httpx.MockTransport(unwilling))
    reading = replace(there, client=client)
    house.service = replace(house.service, destinations=(reading,))
    objection = look_at(house.service.works, reading, now=MONDAY)
    assert objection is not None
    assert "takes no transactions" in objection.en
    assert "set mode to hosted" in objection.en
    booked(house)
    house.tick()
    assert standing(house).owed == 1
    assert standing(house).objection == objection
    client.close()
    there.client.close()


def test_while_a_hospital_is_down_it_is_asked_less_and_less_and_not_once_for_every_patient(
    house: House, fhir_server: Hospital
) -> None:
    for number in range(6):
        booked(house, number)
    fhir_server.fail_next(1000, 503)
    for _ in range(120):
        house.clock.wait(seconds=5)
        house.tick()
    assert asked(fhir_server) < 10
    assert standing(house).owed == 6
    assert "503" in standing(house).reason
    fhir_server.fail_next(0)
    house.clock.wait(minutes=11)
    house.tick()
    assert owing(house) == 0
    assert standing(house).last_success == house.clock.now


@pytest.mark.parametrize("status", [429, 503])
def test_a_hospital_that_says_when_to_come_back_is_left_alone_until_then(
    house: House, fhir_server: Hospital, status: int
) -> None:
    for number in range(3):
        booked(house, number)
    fhir_server.fail_next(1, status, retry_after=120)
    house.tick()
    before = asked(fhir_server)
    for _ in range(11):
        house.clock.wait(seconds=10)
        house.tick()
    assert asked(fhir_server) == before == 1
    house.clock.wait(seconds=11)
    house.tick()
    assert owing(house) == 0


def test_a_gateway_that_knows_no_such_address_refuses_no_resource(
    house: House, fhir_server: Hospital
) -> None:
    (there,) = house.service.destinations
    client = FhirClient(fhir_server.base_url.replace("/fhir", "/elsewhere"))
    lost = httpx.MockTransport(lambda _: httpx.Response(404, text="<h1>Not here</h1>"))
    client._client.close()
    client._client = httpx.Client(transport=lost)
    house.service = replace(house.service, destinations=(replace(there, client=client),))
    booked(house)
    house.tick()
    assert (standing(house).refused, standing(house).owed) == (0, 1)
    client.close()
    there.client.close()


def test_one_pathway_that_a_server_stumbles_over_is_passed_by_the_others(
    house: House, fhir_server: Hospital
) -> None:
    ids = [booked(house, number) for number in range(4)]
    stumbles = ids[1]

    class Stumbles(FhirClient):
        def transaction(self, bundle: dict[str, Any]) -> dict[str, Any]:
            if stumbles in str(bundle):
                raise DeliveryFailed("The FHIR server answered 500.", permanent=False, status=500)
            return super().transaction(bundle)

    (there,) = house.service.destinations
    client = Stumbles(fhir_server.base_url)
    house.service = replace(house.service, destinations=(replace(there, client=client),))
    for _ in range(4):
        house.tick()
        house.clock.wait(seconds=30)
    with house.service.db.read() as session:
        owed = [row.pathway_id for row in session.exec(select(DeliveryRow)) if row.owes]
    assert owed == [stumbles]
    client.close()
    there.client.close()


def test_what_the_hospital_added_to_our_task_is_still_there_after_we_said_it_again(
    house: House, fhir_server: Hospital
) -> None:
    id_ = booked(house)
    house.tick()
    task = consult_task(fhir_server, id_)
    number = {"system": "https://chu.example/numbers", "value": "42"}
    note = {"text": "Patiente appelée, viendra accompagnée"}
    fhir_server.put({**task, "identifier": [*task["identifier"], number], "note": [note]})
    for hours in (1, 2):  # the first meets the change; the second knows of it
        house.record(
            id_,
            e.VisitBooked(by=COORDINATOR, step="radiologist_consult", start=FRIDAY + timedelta(hours=hours)),
        )
        for _ in range(3):
            house.tick()
            house.clock.wait(seconds=30)
        after = consult_task(fhir_server, id_)
        assert (after["identifier"][-1], after["note"]) == (number, [note])
    house.record(id_, e.StepCompleted(by=RADIOLOGIST, step="radiologist_consult", outcome="seen"))
    for _ in range(3):
        house.tick()
        house.clock.wait(seconds=30)
    after = consult_task(fhir_server, id_)
    assert (after["status"], after["identifier"][-1], after["note"]) == ("completed", number, [note])
    assert owing(house) == 0


def test_a_server_without_versions_is_read_before_it_is_written_to(
    house: House, fhir_server: Hospital
) -> None:
    class Unversioned(FhirClient):
        def transaction(self, bundle: dict[str, Any]) -> dict[str, Any]:
            answer = super().transaction(bundle)
            for entry in answer["entry"]:
                entry["response"].pop("etag", None)
                entry["response"]["location"] = entry["response"]["location"].partition("/_history")[0]
                entry.pop("resource", None)
            return answer

        def read(self, type: str, id: str) -> tuple[dict[str, Any], str | None]:
            return super().read(type, id)[0], None

    (there,) = house.service.destinations
    client = Unversioned(fhir_server.base_url)
    house.service = replace(house.service, destinations=(replace(there, client=client),))
    id_ = booked(house)
    house.tick()
    fhir_server.put({**consult_task(fhir_server, id_), "note": [{"text": "Rappeler le matin"}]})
    house.record(id_, e.StepCompleted(by=RADIOLOGIST, step="radiologist_consult", outcome="seen"))
    for _ in range(3):
        house.tick()
        house.clock.wait(minutes=1)
    after = consult_task(fhir_server, id_)
    assert (after["status"], after["note"]) == ("completed", [{"text": "Rappeler le matin"}])
    assert owing(house) == 0
    client.close()
    there.client.close()


def test_two_records_of_one_patient_made_at_the_same_moment_are_settled_on_the_first(
    house: House, fhir_server: Hospital
) -> None:
    identifier = patient(1).identifiers[0]
    twin = {
        "resourceType": "Patient",
        "identifier": [{"system": identifier.system, "value": identifier.value}],
        "name": [{"family": "Saisie-au-guichet"}],
    }

    class Racing(FhirClient):
        """The desk registers her after the server looked and before it made ours."""

        def transaction(self, bundle: dict[str, Any]) -> dict[str, Any]:
            for entry in bundle["entry"]:
                if entry["resource"]["resourceType"] == "Patient":
                    fhir_server.post(twin)
                    entry["request"].pop("ifNoneExist")
            return super().transaction(bundle)

    (there,) = house.service.destinations
    client = Racing(fhir_server.base_url)
    house.service = replace(house.service, destinations=(replace(there, client=client),))
    id_ = booked(house)
    for _ in range(3):
        house.tick()
        house.clock.wait(seconds=10)
    first, second = sorted(fhir_server.search("Patient"), key=lambda each: each["meta"]["lastUpdated"])
    assert first["name"] == twin["name"], second
    assert {each["for"]["reference"] for each in fhir_server.search("Task", _count="200")} == {
        f"Patient/{first['id']}"
    }
    assert consult_task(fhir_server, id_)["for"]["reference"] == f"Patient/{first['id']}"
    assert owing(house) == 0
    client.close()
    there.client.close()


def test_one_writer_at_a_time_introduces_a_patient(database_url: str) -> None:
    db = Database(database_url)
    db.upgrade()
    with db.write() as session:
        assert exchanges.introduce(session, "chu", "p1", owner="a", lease_seconds=60)
        assert not exchanges.introduce(session, "chu", "p1", owner="b", lease_seconds=60)
        assert exchanges.introduce(session, "clinique", "p1", owner="b", lease_seconds=60)
        exchanges.introduced(session, "chu", "p1", owner="b")
        assert not exchanges.introduce(session, "chu", "p1", owner="b", lease_seconds=60)
        exchanges.introduced(session, "chu", "p1", owner="a")
    with db.write() as session:
        assert exchanges.introduce(session, "chu", "p1", owner="b", lease_seconds=-1)
        assert exchanges.introduce(session, "chu", "p1", owner="c", lease_seconds=60), "a dead writer's turn"
    db.close()


def test_everything_that_was_refused_is_tried_again_at_once_when_a_person_says_so(
    house: House, fhir_server: Hospital
) -> None:
    class Picky(FhirClient):
        takes = False

        def transaction(self, bundle: dict[str, Any]) -> dict[str, Any]:
            if not self.takes and any(
                entry["resource"]["resourceType"] == "Appointment" for entry in bundle["entry"]
            ):
                issue = {"severity": "error", "code": "business-rule", "diagnostics": "closed on Fridays"}
                outcome = {"resourceType": "OperationOutcome", "issue": [issue]}
                raise DeliveryFailed("no", permanent=True, status=422, outcome=outcome)
            return super().transaction(bundle)

    (there,) = house.service.destinations
    client = Picky(fhir_server.base_url)
    house.service = replace(house.service, destinations=(replace(there, client=client),))
    for number in range(3):
        booked(house, number)
    house.tick()
    assert (standing(house).refused, owing(house)) == (3, 0)
    with house.service.db.read() as session:
        letters = exchanges.dead_letters(session)
        assert {one.outcome["issue"][0]["diagnostics"] for one in letters} == {"closed on Fridays"}
        assert {one.at for one in letters} == {house.clock.now}
    client.takes = True
    house.tick()
    assert fhir_server.search("Appointment") == [], "what was refused is not tried again unchanged"
    with house.service.db.write() as session:
        assert deliveries.replay_all(session, "chu", now=house.clock.now) == 3
    house.tick()
    assert len(fhir_server.search("Appointment")) == 3
    assert standing(house).refused == 0
    with house.service.db.read() as session:
        assert all(row.refused is None for row in session.exec(select(DeliveredRow)))
    client.close()
    there.client.close()


def test_a_hospital_is_asked_no_faster_than_it_allows(
    sqlite_url: str, tmp_path: Path, fhir_server: Hospital
) -> None:
    with house_of(sqlite_url, tmp_path, fhir_server, per_second=4) as house:
        for number in range(3):
            booked(house, number)
        began = time.monotonic()
        house.tick()
        asked_for = len(fhir_server.requests())
        assert owing(house) == 0
        assert asked_for > 4
        assert time.monotonic() - began >= (asked_for - 4) / 4


def test_a_hospital_is_told_with_a_token_that_was_signed_for(
    sqlite_url: str, tmp_path: Path, fhir_server: Hospital
) -> None:
    ours = Keys((generate("ES384"),))
    key_files.write(tmp_path / "keys.json", ours)
    scopes = ["system/*.read", "system/*.write"]
    audience = fhir_server.base_url
    with Authority(clients={"jalon": ours.public()}, audience=audience, scopes=scopes) as authority:
        smart = {
            "client_id": "jalon",
            "key_file": str(tmp_path / "keys.json"),
            "token_url": authority.token_url,
        }
        with house_of(sqlite_url, tmp_path, fhir_server, smart=smart) as house:
            house.clock.now = app_clock.now()  # the authority lives today
            booked(house)
            house.tick()
            assert owing(house) == 0
    shown = {one["headers"].get("authorization", "") for one in fhir_server.requests()} - {""}
    assert len(shown) == 1, "one token for every request"
    assert shown.pop().startswith("Bearer eyJ")


def test_a_worker_asks_what_a_server_takes_before_it_writes_there(house: House) -> None:
    asked_for: list[str] = []

    def unwilling(request: httpx.Request) -> httpx.Response:
        asked_for.append(f"{request.method} {request.url.path}")
        return httpx.Response(200, json={"resourceType": "CapabilityStatement", "fhirVersion": "3.0.2"})

    client = FhirClient("http://hospital.invalid/fhir", transport=httpx.MockTransport(unwilling))
    (there,) = house.service.destinations
    booked(house)
    engine = Engine(house.service.works, (replace(there, client=client),), beat=timedelta(seconds=0.1))
    engine.start()
    deadline = time.monotonic() + 20
    while standing(house).checked_at is None and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    engine.stop()
    assert asked_for == ["GET /fhir/metadata"]
    objection = standing(house).objection
    assert objection is not None
    assert "FHIR 3.0.2" in objection.fr
    assert standing(house).owed == 1
    client.close()
