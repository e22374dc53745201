"""What a hospital changed on its own server is heard as its owner's word, or logged and not kept."""

from __future__ import annotations

from typing import Any

import pytest

from pathway.lifecycle import StepStatus
from scheduler.hearing import is_party, listener
from tests.facade.conftest import OWNER, Facade

Json = dict[str, Any]


def listen(facade: Facade, pathway_id: str, resource: Json) -> None:
    service = facade.house.service
    listener(service.site, "chu")(service.works, pathway_id, resource)


def test_the_owners_word_moves_the_pathway(facade: Facade) -> None:
    pathway_id = facade.referred()
    task = facade.task(pathway_id, "triage")
    listen(facade, pathway_id, {**task, "status": "in-progress", "owner": OWNER})
    triage = facade.house.load(pathway_id)[0].last("triage")
    assert triage is not None
    assert (triage.status, triage.by) == (StepStatus.IN_PROGRESS, "chu")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"status": "bogus"}, "malformed"),
        ({"status": "rejected"}, "required"),
        ({"resourceType": "Observation"}, "malformed"),
        ({"for": {"reference": "Patient/other"}}, "business-rule"),
        ({"id": "another"}, "not-found"),
        ({"identifier": [{"value": "1"}]}, "business-rule"),
        ({"status": "in-progress", "executionPeriod": {"start": "2099-01-01T10:00:00Z"}}, "invalid"),
    ],
)
def test_what_may_not_happen_is_logged_without_the_patient(
    facade: Facade, caplog: pytest.LogCaptureFixture, changes: Json, why: str
) -> None:
    pathway_id = facade.referred()
    task = facade.task(pathway_id, "triage")
    before = facade.house.load(pathway_id)[0]
    listen(facade, pathway_id, {**task, **changes})
    assert facade.house.load(pathway_id)[0] == before
    (record,) = [one for one in caplog.records if one.name == "jalon.hearing"]
    assert record.__dict__["why"] == why
    assert "Essai" not in caplog.text


def test_one_pathway_is_not_told_of_another(facade: Facade, caplog: pytest.LogCaptureFixture) -> None:
    first, second = facade.referred(0), facade.referred(1)
    task = facade.task(first, "triage")
    listen(facade, second, {**task, "status": "in-progress", "owner": OWNER})
    assert facade.task(first, "triage")["status"] == "ready"
    assert caplog.records


def test_who_is_who() -> None:
    named, literal = {"display": "Radiologie"}, {"reference": "Organization/1", "display": "Radiologie"}
    assert is_party(OWNER, {"identifier": OWNER["identifier"]})
    assert is_party(literal, {"reference": "https://hopital.example/fhir/Organization/1"})
    assert is_party(named, {"display": "Radiologie"})
    # A name is no proof where a number is given.
    assert not is_party(OWNER, named)
    assert not is_party(literal, named)
    assert not is_party({}, {})
