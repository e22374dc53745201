"""A hospital's systems talk to our ``/fhir``: the real service, real requests, a clock in hand."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.fhir.router import fhir_router
from app.protocols import BUILTIN
from fhir_mappings.referral_example import example_referral
from fhir_mappings.validate import check
from pathway import events as e
from pathway.referral import Identifier, Party
from store import tokens
from tests.house import COORDINATOR, RADIOLOGIST, Clock, House, fracture, known, open_house, patient
from tests.peers.hospital import Hospital

with warnings.catch_warnings():
    # Starlette says that httpx is to be replaced one day; the client under test speaks HTTP either way.
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

Json = dict[str, Any]

MONDAY = datetime(2027, 3, 1, 9, 30, tzinfo=UTC)
FHIR_JSON = "application/fhir+json"
RADIOLOGY = "Radiologie <https://finess.esante.gouv.fr|750000001>"
OWNER = {
    "identifier": {"system": "https://finess.esante.gouv.fr", "value": "750000001"},
    "display": "Radiologie",
}
SECRET = "tests only: 0123456789abcdef0123456789"


def stands(answer: httpx.Response) -> None:
    """Whatever the facade answers passes the gate of R4: resources, Bundles, outcomes, our capabilities."""
    if answer.content and "fhir+json" in answer.headers.get("Content-Type", ""):
        assert check(answer.json()) == []


@dataclass
class Facade:
    """Our ``/fhir`` as a hospital meets it. Each token speaks as somebody else."""

    house: House
    doors: ExitStack
    token: str
    """Owner of nothing yet; member of the queues of coordination and radiology."""
    rival: str
    """Another organisation of the same queues."""
    requester: str
    reader: str

    @cached_property
    def client(self) -> httpx.Client:
        """Whoever calls. Joining all the routes takes a while, so it is done where somebody calls."""
        caller = TestClient(
            application(self.house), base_url="http://jalon.test", raise_server_exceptions=False
        )
        return self.doors.enter_context(caller)

    def ask(self, method: str, path: str, *, token: str | None = None, **rest: Any) -> httpx.Response:
        """A request with the token of the radiology department, unless another is given."""
        headers = {"Authorization": f"Bearer {token or self.token}", **rest.pop("headers", {})}
        if "resource" in rest:
            rest["content"] = json.dumps(rest.pop("resource")).encode()
            headers.setdefault("Content-Type", FHIR_JSON)
        if "operations" in rest:
            rest["content"] = json.dumps(rest.pop("operations")).encode()
            headers.setdefault("Content-Type", "application/json-patch+json")
        answer = self.client.request(method, f"/fhir{path}", headers=headers, **rest)
        stands(answer)
        return answer

    def get(self, path: str, **rest: Any) -> httpx.Response:
        return self.ask("GET", path, **rest)

    def task(self, pathway_id: str, step: str, occurrence: int = 1) -> Json:
        """Our Task of this step, as anybody reads it."""
        answer = self.get(
            "/Task", params={"identifier": f"|{self.task_value(pathway_id, step, occurrence)}"[1:]}
        )
        (entry,) = answer.json()["entry"]
        return dict(entry["resource"])

    @staticmethod
    def task_value(pathway_id: str, step: str, occurrence: int = 1) -> str:
        return f"{pathway_id}/{step}/{occurrence}"

    def put(self, resource: Json, **rest: Any) -> httpx.Response:
        """Write a resource back, whole."""
        return self.ask("PUT", f"/{resource['resourceType']}/{resource['id']}", resource=resource, **rest)

    def referred(self, number: int = 0) -> str:
        """A pathway that has just started."""
        pathway_id = self.house.refer(number).pathway_id
        assert pathway_id is not None
        return pathway_id

    def triaged(self, number: int = 0) -> str:
        """A pathway whose radiologist's consult is to be booked."""
        pathway_id = self.referred(number)
        self.house.record(pathway_id, e.StepCompleted(by=RADIOLOGIST, step="triage", outcome="accepted"))
        return pathway_id

    def consult_booked(
        self, number: int = 0, *, start: datetime = datetime(2027, 3, 8, 9, tzinfo=UTC)
    ) -> str:
        """A pathway with a visit."""
        pathway_id = self.triaged(number)
        self.house.record(
            pathway_id,
            e.VisitBooked(by=COORDINATOR, step="radiologist_consult", start=start, place="Salle 2"),
        )
        return pathway_id


def referral_bundle(number: int = 0, at: datetime = MONDAY, **changes: Any) -> Json:
    """A hospital's referral of the numbered patient, as it would send it."""
    return example_referral(
        changes.get("person") or patient(number),
        changes.get("fracture") or fracture(at.date()),
        identifier=Identifier("https://hopital.example/demandes", f"R-{number}"),
        requester=Party("Dr Médecin", (Identifier("https://rpps.esante.gouv.fr", "99900000017"),)),
        facts=changes.get("facts", known(at)),
        authored=at,
    )


def open_facade(settings: Json, clock: Clock) -> Iterator[Facade]:
    """The service with these settings and its ``/fhir``, with systems that hold tokens."""
    ours = {"secret_key": SECRET, "public_url": "http://jalon.test", "subscriber_networks": ["127.0.0.0/8"]}
    house = open_house({**ours, **settings}, clock)
    with house.service.db.write() as session:
        queues = ("coordinator", "radiologist")
        made = [
            tokens.add_token(session, now=clock.now, **said)[1]
            for said in (
                {"name": "RIS", "owner": RADIOLOGY, "functions": queues},
                {"name": "Autre", "owner": "Clinique du Parc", "functions": queues},
                {"name": "DPI", "requester": True},
                {"name": "Entrepôt"},
            )
        ]
    with ExitStack() as doors:
        yield Facade(house, doors, *made)
    house.close()


def application(house: House) -> FastAPI:
    """An application that serves ``/fhir`` and nothing else."""
    app = FastAPI(openapi_url=None)
    app.include_router(fhir_router(house.service))
    return app


@pytest.fixture
def clock() -> Clock:
    return Clock(MONDAY)


@pytest.fixture
def facade(tmp_path: Path, clock: Clock) -> Iterator[Facade]:
    """On SQLite, for what does not depend on the database."""
    yield from open_facade({"database_url": f"sqlite:///{tmp_path / 'jalon.sqlite'}"}, clock)


@pytest.fixture
def facade_anywhere(database_url: str, clock: Clock) -> Iterator[Facade]:
    """Once on SQLite and once on PostgreSQL, for what the database decides."""
    yield from open_facade({"database_url": database_url}, clock)


@pytest.fixture
def asking_facade(tmp_path: Path, clock: Clock) -> Iterator[Facade]:
    """With a protocol whose triage is asked for, not assigned: its Task begins as ``requested``."""
    place = tmp_path / "protocol"
    shutil.copytree(BUILTIN.parent, place)
    steps = place / "before.yaml"
    said, triage = steps.read_text(encoding="utf-8"), "  - key: triage\n"
    assert triage in said
    steps.write_text(said.replace(triage, f"{triage}    assigned: false\n"), encoding="utf-8")
    settings = {
        "database_url": f"sqlite:///{tmp_path / 'jalon.sqlite'}",
        "protocol": place / "protocol.yaml",
    }
    yield from open_facade(settings, clock)


# --- following a hospital ---------------------------------------------------------------------------------

HEARTBEAT = 60.0
TYPES = ["Task", "Observation", "Patient"]


def real_now() -> datetime:
    """The hospital's server dates its changes by the machine's clock, so a story with it begins now."""
    return datetime.now(UTC)


def open_following(
    tmp_path: Path, hospital: Hospital, by: str, types: list[str], url: str = ""
) -> Iterator[Facade]:
    listen = {"types": types, "by": by, "every_seconds": HEARTBEAT}
    settings: dict[str, Any] = {
        "database_url": url or f"sqlite:///{tmp_path / 'jalon.sqlite'}",
        "fhir_destinations": [{"name": "chu", "url": hospital.base_url, "listen": listen}],
    }
    yield from open_facade(settings, Clock(real_now()))


@pytest.fixture(params=["poll", "subscription", "subscription-r5"])
def following(request: pytest.FixtureRequest, tmp_path: Path, fhir_server: Hospital) -> Iterator[Facade]:
    """Follows the hospital in each of the three ways."""
    yield from open_following(tmp_path, fhir_server, request.param, TYPES)


@pytest.fixture
def polling(tmp_path: Path, fhir_server: Hospital) -> Iterator[Facade]:
    yield from open_following(tmp_path, fhir_server, "poll", TYPES)


@pytest.fixture
def polling_anywhere(database_url: str, tmp_path: Path, fhir_server: Hospital) -> Iterator[Facade]:
    """On SQLite and on PostgreSQL."""
    yield from open_following(tmp_path, fhir_server, "poll", TYPES, database_url)


@pytest.fixture
def numbered(tmp_path: Path, fhir_server: Hospital) -> Iterator[Facade]:
    yield from open_following(tmp_path, fhir_server, "subscription-r5", TYPES)
