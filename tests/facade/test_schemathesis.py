"""Thousands of generated requests, well-formed and not, to ``/fhir`` and ``/api``: never an error of ours.

``JALON_GENERATED`` says how many requests in all: a few hundred in the ordinary suite, 20,000 in the long one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.schemas import BaseSchema
from starlette.testclient import TestClient

from app.api import create_app
from app.fhir.served import SERVED
from tests.facade.conftest import MONDAY, Facade, open_facade
from tests.facade.described import described
from tests.house import Clock

ORDINARY, LONG = 400, 20_000
DATABASES = ("sqlite", "postgresql")
TYPES = [one.type for one in SERVED if one.parameters]
PARTS = {
    "api": "^/api",
    "all of fhir": "^/fhir$|^/fhir/_history|^/fhir/metadata",
    **{type_: f"^/fhir/{type_}($|/)" for type_ in TYPES},
}
WEIGHT = {"api": 6, "all of fhir": 4}
"""Of how many parts' share of the requests a part is given; one where nothing is said."""


@dataclass(frozen=True)
class Aimed:
    """The whole application, and the descriptions of both its interfaces."""

    client: httpx.Client
    token: str
    schemas: Sequence[BaseSchema]

    def send(self, case: Case) -> httpx.Response | None:
        """The request as it would go over the wire; None for one that no HTTP client can put."""
        said = case.as_transport_kwargs(base_url="http://jalon.test")
        headers = {**said["headers"], "Authorization": f"Bearer {self.token}"}
        rest: dict[str, Any] = {}
        if "json" in said:
            rest["content"] = json.dumps(said["json"]).encode("utf-8", "surrogatepass")
            headers.setdefault("Content-Type", case.media_type or "application/json")
        elif isinstance(said.get("data"), str | bytes):
            rest["content"] = said["data"]
            headers.setdefault("Content-Type", case.media_type or "application/json")
        elif "data" in said:
            rest["data"] = said["data"]
        try:
            request = self.client.build_request(
                said["method"], said["url"], headers=headers, params=said.get("params"), **rest
            )
        except (UnicodeError, ValueError, TypeError, httpx.InvalidURL):
            return None
        return self.client.send(request)


@pytest.fixture(scope="module", params=DATABASES)
def aimed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aimed]:
    url = f"sqlite:///{tmp_path_factory.mktemp('generated') / 'jalon.sqlite'}"
    server = request.getfixturevalue("postgres_server") if request.param == "postgresql" else None
    if server is not None:
        url = server.create_database()
    for facade in open_facade({"database_url": url}, Clock(MONDAY)):
        facade.consult_booked()
        known = {type_: _ids(facade, type_) for type_ in TYPES}
        app = create_app(facade.house.service)
        schemas = [schemathesis.openapi.from_dict(each) for each in (described(known), app.openapi())]
        with TestClient(app, base_url="http://jalon.test", raise_server_exceptions=False) as client:
            yield Aimed(client, facade.token, schemas)
    if server is not None:
        server.drop_database(url)


def _ids(facade: Facade, type_: str) -> list[str]:
    entries = facade.get(f"/{type_}", params={"_count": 2}).json().get("entry", [])
    return [each["resource"]["id"] for each in entries]


def requests(part: str, most: int) -> int:
    """How many requests a part is given on each database, of so many in all."""
    shares = sum(WEIGHT.get(each, 1) for each in PARTS) * len(DATABASES)
    return -(-most * WEIGHT.get(part, 1) // shares)


@pytest.mark.parametrize("part", PARTS)
def test_no_generated_request_breaks_us(aimed: Aimed, part: str) -> None:
    no_request_breaks(aimed, part, int(os.environ.get("JALON_GENERATED", ORDINARY)))


@pytest.mark.chaos
@pytest.mark.parametrize("part", PARTS)
def test_no_generated_request_of_very_many_breaks_us(aimed: Aimed, part: str) -> None:
    no_request_breaks(aimed, part, int(os.environ.get("JALON_GENERATED", LONG)))


def no_request_breaks(aimed: Aimed, part: str, most: int) -> None:
    """Half of the requests are as the description wants them, half are not."""
    for mode in GenerationMode:
        for schema in aimed.schemas:
            chosen = schema.include(path_regex=PARTS[part])
            if not list(chosen.get_all_operations()):
                continue

            @settings(
                max_examples=-(-requests(part, most) // 2),
                deadline=None,
                database=None,
                phases=[Phase.generate, Phase.shrink],
                suppress_health_check=list(HealthCheck),
            )
            @given(chosen.as_strategy(generation_mode=mode))
            def ask(case: Case) -> None:
                answer = aimed.send(case)
                if answer is not None:
                    judge(case, answer)

            ask()


def judge(case: Case, answer: httpx.Response) -> None:
    """No error of ours, and under ``/fhir`` every refusal in the words of FHIR."""
    assert answer.status_code < 500, (
        case.method,
        str(answer.request.url),
        answer.request.content,
        answer.text,
    )
    if str(case.path).startswith("/fhir") and answer.status_code >= 400 and case.method != "HEAD":
        said = answer.json()
        assert said["resourceType"] == "OperationOutcome", answer.text
        assert all(each["diagnostics"] for each in said["issue"])
