"""``$validate`` says whether a resource would be taken, and stores nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.facade.conftest import FHIR_JSON, MONDAY, Facade, open_facade
from tests.house import Clock

Json = dict[str, Any]
GOOD: Json = {"resourceType": "Task", "status": "requested", "intent": "order"}
TAKEN = {"information", "warning"}
"""It would be taken; R4 only advises a narrative."""


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Facade]:
    place = tmp_path_factory.mktemp("validating")
    yield from open_facade({"database_url": f"sqlite:///{place / 'jalon.sqlite'}"}, Clock(MONDAY))


def severities(answer: Any) -> set[str]:
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert said["resourceType"] == "OperationOutcome"
    return {each["severity"] for each in said["issue"]}


def parameters(resource: Json, **more: str) -> Json:
    said: list[Json] = [{"name": "resource", "resource": resource}]
    said += [
        {"name": name, ("valueCode" if name == "mode" else "valueUri"): value} for name, value in more.items()
    ]
    return {"resourceType": "Parameters", "parameter": said}


def test_what_is_well_made_would_be_taken_and_is_not_kept(standing: Facade) -> None:
    for body in (GOOD, parameters(GOOD), parameters(GOOD, mode="create"), parameters(GOOD, mode="update")):
        assert severities(standing.ask("POST", "/Task/$validate", resource=body)) == TAKEN
    assert standing.get("/Task?_summary=count").json()["total"] == 0


def test_what_is_wrong_is_said_by_element_and_still_answered_with_200(standing: Facade) -> None:
    answer = standing.ask("POST", "/Task/$validate", resource={**GOOD, "status": "bogus"})
    assert "error" in severities(answer)
    assert ["Task.status"] in [each.get("expression") for each in answer.json()["issue"]]
    other = standing.ask("POST", "/Observation/$validate", resource=GOOD)
    assert "error" in severities(other)


def test_at_the_level_of_one_the_id_must_be_its_own(standing: Facade) -> None:
    assert severities(standing.ask("POST", "/Task/t-1/$validate", resource={**GOOD, "id": "t-1"})) == TAKEN
    assert "error" in severities(standing.ask("POST", "/Task/t-2/$validate", resource={**GOOD, "id": "t-1"}))


def test_what_is_not_judged_is_said(standing: Facade) -> None:
    profiled = parameters(GOOD, profile="http://example.org/StructureDefinition/x")
    assert severities(standing.ask("POST", "/Task/$validate", resource=profiled)) == {
        "warning",
        "information",
    }
    assert "error" in severities(
        standing.ask("POST", "/Task/$validate", resource=parameters(GOOD, mode="delete"))
    )
    assert standing.ask("POST", "/Task/$validate", resource={"resourceType": "Parameters"}).status_code == 400
    garbage = standing.ask("POST", "/Task/$validate", content=b"{", headers={"Content-Type": FHIR_JSON})
    assert garbage.status_code == 400
    assert standing.client.post("/fhir/Task/$validate", json=GOOD).status_code == 401
