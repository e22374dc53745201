"""The FHIR client with a server that is not ours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from gateways.fhir_client import FhirClient
from gateways.ports import DeliveryFailed
from tests.peers.hospital import Hospital

OURS = "https://jalon.example/task"


@pytest.fixture
def client(fhir_server: Hospital) -> Iterator[FhirClient]:
    client = FhirClient(fhir_server.base_url)
    yield client
    client.close()


def put_task(status: str) -> dict[str, Any]:
    """A transaction that writes one Task by its identifier."""
    task = {
        "resourceType": "Task",
        "identifier": [{"system": OURS, "value": "p1/review/1"}],
        "status": status,
        "intent": "order",
    }
    where = {"method": "PUT", "url": f"Task?identifier={OURS}|p1/review/1"}
    return {"resourceType": "Bundle", "type": "transaction", "entry": [{"resource": task, "request": where}]}


def test_what_is_written_by_identifier_is_found_read_and_written_again(client: FhirClient) -> None:
    for status in ("requested", "accepted"):
        answer = client.transaction(put_task(status))
        assert answer["entry"][0]["response"]["status"][:3] in {"200", "201"}
    (task,) = client.search("Task", {"identifier": f"{OURS}|p1/review/1"})
    assert task["status"] == "accepted"
    again, etag = client.read("Task", task["id"])
    assert again["status"] == "accepted"
    assert etag == f'W/"{task["meta"]["versionId"]}"'


def test_a_hospital_that_is_down_for_a_moment_is_tried_again(
    fhir_server: Hospital, client: FhirClient
) -> None:
    fhir_server.fail_next(1, 503, retry_after=7)
    with pytest.raises(DeliveryFailed) as failed:
        client.transaction(put_task("requested"))
    assert (failed.value.permanent, failed.value.status, failed.value.retry_after) == (False, 503, 7.0)
    client.transaction(put_task("requested"))


def test_a_resource_that_is_not_there_is_refused_with_the_servers_outcome(client: FhirClient) -> None:
    with pytest.raises(DeliveryFailed) as refused:
        client.read("Task", "6f2a1d0e-0000-4000-8000-000000000000")
    assert (refused.value.permanent, refused.value.status) == (True, 404)
    assert refused.value.outcome is not None


def test_the_hospital_says_which_version_it_speaks(client: FhirClient) -> None:
    assert client.capabilities()["fhirVersion"] == "4.0.1"
