"""The FHIR client: what it says, what it understands, and where its token does not go."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from gateways.fhir_client import FHIR_JSON, FhirClient
from gateways.ports import DeliveryFailed
from tests.gateways.scripted_http import Answer, ScriptedServer
from tests.peers.ports import free_port

BUNDLE = {"resourceType": "Bundle", "type": "transaction", "entry": []}
DONE = {"resourceType": "Bundle", "type": "transaction-response", "entry": []}
REFUSAL = {
    "resourceType": "OperationOutcome",
    "issue": [
        {
            "severity": "error",
            "code": "conflict",
            "diagnostics": "Mme Durand has moved",
            "expression": ["Task.owner"],
        }
    ],
}


@pytest.fixture
def hospital(scripted: ScriptedServer) -> Iterator[FhirClient]:
    client = FhirClient(scripted.url + "/fhir/", lambda: "secret", timeout=timedelta(seconds=1))
    yield client
    client.close()


def page(*resources: dict[str, Any], following: str | None = None) -> Answer:
    links = [] if following is None else [{"relation": "next", "url": following}]
    return Answer(
        200,
        {
            "resourceType": "Bundle",
            "type": "searchset",
            "link": links,
            "entry": [{"resource": one, "search": {"mode": "match"}} for one in resources],
        },
    )


def patient(id: str) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": id}


def test_a_transaction_is_posted_to_the_base_and_its_answer_comes_back(
    scripted: ScriptedServer, hospital: FhirClient
) -> None:
    scripted.answers(Answer(200, DONE))
    assert hospital.transaction(BUNDLE) == DONE
    (asked,) = scripted.asked
    assert (asked.method, asked.path, asked.json()) == ("POST", "/fhir", BUNDLE)
    assert asked.headers["Content-Type"] == asked.headers["Accept"] == FHIR_JSON
    assert asked.headers["Authorization"] == "Bearer secret"


def test_a_read_gives_the_resource_and_the_version_to_match(
    scripted: ScriptedServer, hospital: FhirClient
) -> None:
    scripted.answers(Answer(200, patient("p1"), {"ETag": 'W/"3"'}), Answer(200, patient("p1")))
    assert hospital.read("Patient", "p1") == (patient("p1"), 'W/"3"')
    assert hospital.read("Patient", "p1") == (patient("p1"), None)
    assert scripted.asked[0].path == "/fhir/Patient/p1"


def test_a_search_keeps_what_identifies_a_patient_out_of_the_url(
    scripted: ScriptedServer, hospital: FhirClient
) -> None:
    scripted.answers(page(patient("p1")))
    found = hospital.search("Patient", {"identifier": "urn:oid:1.2|12345&x=y", "_id": ["a", "b"]})
    assert found == [patient("p1")]
    (asked,) = scripted.asked
    assert (asked.method, asked.path) == ("POST", "/fhir/Patient/_search")
    assert asked.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert parse_qs(asked.body.decode()) == {"identifier": ["urn:oid:1.2|12345&x=y"], "_id": ["a", "b"]}


def test_a_server_that_only_searches_by_get_is_asked_so(scripted: ScriptedServer) -> None:
    client = FhirClient(scripted.url, search_by_post=False)
    scripted.answers(page(patient("p1")))
    assert client.search("Patient", {"identifier": "s|1"}) == [patient("p1")]
    client.close()
    (asked,) = scripted.asked
    assert (asked.method, asked.path) == ("GET", "/Patient?identifier=s%7C1")
    assert "Authorization" not in asked.headers


def test_a_search_goes_from_page_to_page_up_to_a_limit(
    scripted: ScriptedServer, hospital: FhirClient
) -> None:
    scripted.answers(
        page(patient("p1"), following=f"{scripted.url}/fhir?page=2"),
        page(patient("p2"), following="?page=3"),
        page(patient("p3"), following=f"{scripted.url}/fhir?page=4"),
    )
    assert [one["id"] for one in hospital.search("Patient", {}, pages=3)] == ["p1", "p2", "p3"]
    assert [asked.path for asked in scripted.asked[1:]] == ["/fhir?page=2", "/fhir/?page=3"]


def test_remarks_about_a_search_are_not_taken_for_results(
    scripted: ScriptedServer, hospital: FhirClient
) -> None:
    answer = page(patient("p1"))
    answer.content["entry"].append({"resource": REFUSAL, "search": {"mode": "outcome"}})
    scripted.answers(answer)
    assert hospital.search("Patient", {}) == [patient("p1")]


def test_the_token_follows_neither_a_redirect_nor_a_next_link_to_another_server(
    scripted: ScriptedServer, hospital: FhirClient
) -> None:
    with ScriptedServer() as elsewhere:
        scripted.answers(
            Answer(307, None, {"Location": f"{elsewhere.url}/fhir"}),
            page(patient("p1"), following=f"{elsewhere.url}/fhir?page=2"),
            page(patient("p2")),
        )
        with pytest.raises(DeliveryFailed) as moved:
            hospital.transaction(BUNDLE)
        assert (moved.value.status, moved.value.permanent) == (307, False)
        both = hospital.search("Patient", {})
        assert both == [patient("p1"), patient("p2")], (
            "the same server by another name is asked where we know it"
        )
        assert elsewhere.asked == []


def test_a_next_page_that_is_not_the_servers_is_a_failure_and_not_the_end(
    scripted: ScriptedServer, hospital: FhirClient
) -> None:
    scripted.answers(page(patient("p1"), following="https://elsewhere.example/other?page=2"))
    with pytest.raises(DeliveryFailed, match="leads away"):
        hospital.search("Patient", {})


@pytest.mark.parametrize(
    ("status", "permanent"),
    [
        (400, True),
        (401, True),
        (404, True),
        (409, True),
        (412, True),
        (422, True),
        (408, False),
        (429, False),
        (500, False),
        (503, False),
    ],
)
def test_a_refusal_keeps_its_status_its_outcome_and_when_to_come_back(
    scripted: ScriptedServer, hospital: FhirClient, status: int, permanent: bool
) -> None:
    scripted.answers(Answer(status, REFUSAL, {"Retry-After": "7"}))
    with pytest.raises(DeliveryFailed) as refused:
        hospital.transaction(BUNDLE)
    failure = refused.value
    assert (failure.permanent, failure.status, failure.outcome) == (permanent, status, REFUSAL)
    assert failure.retry_after == 7.0
    assert failure.reason == f"The FHIR server answered {status}: conflict at Task.owner."


def test_a_refusal_in_plain_words_has_no_outcome(scripted: ScriptedServer, hospital: FhirClient) -> None:
    scripted.answers(Answer(503, b"<html>Maintenance"))
    with pytest.raises(DeliveryFailed) as refused:
        hospital.capabilities()
    assert refused.value.outcome is None
    assert refused.value.reason == "The FHIR server answered 503."


@pytest.mark.parametrize("answer", [Answer(200, b"<html>Sign in"), Answer(200, REFUSAL), Answer(200, [])])
def test_a_yes_that_is_not_what_was_asked_for_is_a_failure(
    scripted: ScriptedServer, hospital: FhirClient, answer: Answer
) -> None:
    scripted.answers(answer)
    with pytest.raises(DeliveryFailed) as failed:
        hospital.transaction(BUNDLE)
    assert not failed.value.permanent


def test_a_lost_answer_is_worth_sending_again_for_writes_are_by_identifier(
    scripted: ScriptedServer, hospital: FhirClient
) -> None:
    scripted.answers(Answer(0), Answer(200, DONE))
    with pytest.raises(DeliveryFailed) as failed:
        hospital.transaction(BUNDLE)
    assert not failed.value.permanent
    assert hospital.transaction(BUNDLE) == DONE


def test_no_server_at_all_is_worth_trying_again() -> None:
    nobody = FhirClient(f"http://127.0.0.1:{free_port()}", timeout=timedelta(seconds=1))
    with pytest.raises(DeliveryFailed) as failed:
        nobody.transaction(BUNDLE)
    nobody.close()
    assert not failed.value.permanent


def test_the_token_is_asked_for_each_time_and_may_fail_in_its_own_words(scripted: ScriptedServer) -> None:
    tokens = iter(["first", "second"])

    def token() -> str:
        try:
            return next(tokens)
        except StopIteration:
            raise DeliveryFailed("The token server is away.", permanent=False) from None

    client = FhirClient(scripted.url, token)
    capabilities = {"resourceType": "CapabilityStatement"}
    scripted.answers(Answer(200, capabilities), Answer(200, capabilities))
    assert client.capabilities() == client.capabilities() == capabilities
    with pytest.raises(DeliveryFailed, match="token server"):
        client.capabilities()
    client.close()
    assert [asked.headers["Authorization"] for asked in scripted.asked] == ["Bearer first", "Bearer second"]


def test_it_runs_over_any_transport_it_is_given() -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json=patient("p1")))
    client = FhirClient("https://fhir.nord.example", transport=transport)
    assert client.read("Patient", "p1") == (patient("p1"), None)
    client.close()
