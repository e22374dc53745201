"""A Bundle is posted: a batch does what it can, a transaction all or nothing, and its references are put right."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from tests.facade.conftest import FHIR_JSON, MONDAY, OWNER, Facade, open_facade, referral_bundle
from tests.house import Clock, patient

Json = dict[str, Any]
PATIENT = "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"
ORDER = "urn:uuid:88f151c0-a954-468a-88bd-5ae15c08e059"


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Facade]:
    place = tmp_path_factory.mktemp("transactions")
    yield from open_facade({"database_url": f"sqlite:///{place / 'jalon.sqlite'}"}, Clock(MONDAY))


def entry(method: str, url: str, resource: Json | None = None, full_url: str = "", **request: str) -> Json:
    said: Json = {"request": {"method": method, "url": url, **request}}
    if full_url:
        said["fullUrl"] = full_url
    if resource is not None:
        said["resource"] = resource
    return said


def bundle(*entries: Json, type_: str = "transaction") -> Json:
    return {"resourceType": "Bundle", "type": type_, "entry": list(entries)}


def person(number: int) -> Json:
    return {
        "resourceType": "Patient",
        "identifier": [{"system": "https://ipp.example", "value": str(number)}],
    }


def result(about: str, **changes: Any) -> Json:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "INR"},
        "subject": {"reference": about},
        **changes,
    }


def count(facade: Facade, type_: str) -> int:
    return int(facade.get(f"/{type_}?_summary=count").json()["total"])


def refused(answer: Any, status: int, index: int) -> Json:
    assert answer.status_code == status, answer.text
    (issue, *_) = answer.json()["issue"]
    assert any(each.startswith(f"Bundle.entry[{index}]") for each in issue["expression"]), issue
    return dict(issue)


def test_what_refers_to_each_other_is_made_together(standing: Facade) -> None:
    sent = bundle(
        entry("POST", "Observation", result(PATIENT, basedOn=[{"reference": ORDER}])),
        entry("POST", "Patient", person(1), PATIENT),
        entry(
            "POST",
            "ServiceRequest",
            {
                "resourceType": "ServiceRequest",
                "status": "active",
                "intent": "order",
                "subject": {"reference": PATIENT},
                "code": {"text": "Radiographie du rachis"},
            },
            ORDER,
        ),
        entry("PUT", "Observation/chosen", {**result(PATIENT), "id": "chosen"}),
        entry("GET", "Patient?identifier=https://ipp.example|1"),
        entry("GET", "Observation/chosen"),
    )
    answer = standing.ask("POST", "", resource=sent)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["type"] == "transaction-response"
    responses = [each["response"] for each in told["entry"]]
    assert [each["status"][:3] for each in responses] == ["201", "201", "201", "201", "200", "200"]
    assert all(each["etag"] == 'W/"1"' and each["lastModified"] for each in responses[:4])
    places = [each["location"].split("/fhir/")[1].split("/_history")[0] for each in responses[:4]]
    first = standing.get(f"/{places[0]}").json()
    assert first["subject"] == {"reference": places[1]}
    assert first["basedOn"] == [{"reference": places[2]}]
    assert standing.get(f"/{places[2]}").json()["subject"] == {"reference": places[1]}
    assert told["entry"][4]["resource"]["total"] == 1
    assert told["entry"][5]["resource"]["subject"] == {"reference": places[1]}


def test_nothing_of_a_refused_transaction_is_kept(facade_anywhere: Facade) -> None:
    facade = facade_anywhere
    pathway_id = facade.referred()
    task = facade.task(pathway_id, "triage")
    accepted = {**task, "status": "accepted", "owner": OWNER}
    accepted.pop("businessStatus", None)
    made = [entry("POST", "Observation", result("Patient/x")), entry("PUT", f"Task/{task['id']}", accepted)]
    for wrong, status in (
        (entry("POST", "Observation", result("Patient/x", status="bogus")), 422),
        (entry("PUT", f"Task/{task['id']}-9", {**accepted, "id": f"{task['id']}-9"}), 404),
        (entry("DELETE", "Observation/1"), 405),
        (entry("POST", "Coverage", {"resourceType": "Coverage"}), 404),
        (entry("GET", "Observation/nobody"), 404),
        (entry("PUT", "Observation/a", {**result("Patient/x"), "id": "b"}), 400),
        (entry("POST", "Observation", result("Patient?identifier=https://ipp.example|none")), 412),
        (entry("PUT", "Observation/c", {**result("Patient/x"), "id": "c"}, ifMatch='W/"4"'), 412),
        (entry("JUMP", "Observation"), 400),
        (entry("GET", "AuditEvent"), 422),
        (entry("GET", "Observation/x/_history"), 422),
        (entry("POST", "Observation/$lastn", {"resourceType": "Parameters"}), 422),
    ):
        refused(facade.ask("POST", "", resource=bundle(*made, wrong)), status, 2)
    assert count(facade, "Observation") == 0
    assert facade.get(f"/Task/{task['id']}").json() == task
    whole = facade.ask("POST", "", resource=bundle(*made))
    assert whole.status_code == 200, whole.text
    assert facade.get(f"/Task/{task['id']}").json()["status"] == "accepted"
    assert count(facade, "Observation") == 1


def test_the_same_resource_twice_is_refused(standing: Facade) -> None:
    twice = {**result("Patient/x"), "id": "twice"}
    same = bundle(entry("PUT", "Observation/twice", twice), entry("PUT", "Observation/twice", twice))
    refused(standing.ask("POST", "", resource=same), 400, 1)
    condition = {"ifNoneExist": "identifier=https://a|twice"}
    made = [entry("POST", "Observation", result("Patient/x"), **condition) for _ in range(2)]
    refused(standing.ask("POST", "", resource=bundle(*made)), 400, 1)
    assert standing.get("/Observation/twice").status_code == 404


def test_a_reference_that_searches_finds_what_is_here_or_comes_along(standing: Facade) -> None:
    standing.ask("POST", "/Patient", resource=person(20))
    here = standing.ask(
        "POST",
        "",
        resource=bundle(entry("POST", "Observation", result("Patient?identifier=https://ipp.example|20"))),
    )
    assert here.status_code == 200, here.text
    known = standing.get("/Patient?identifier=https://ipp.example|20").json()["entry"][0]["resource"]["id"]
    assert standing.get(f"/Observation?subject=Patient/{known}").json()["total"] == 1
    along = bundle(
        entry("POST", "Observation", result("Patient?identifier=https://ipp.example|21")),
        entry("POST", "Patient", person(21)),
    )
    assert standing.ask("POST", "", resource=along).status_code == 200
    new = standing.get("/Patient?identifier=https://ipp.example|21").json()["entry"][0]["resource"]["id"]
    assert standing.get(f"/Observation?subject=Patient/{new}").json()["total"] == 1
    standing.ask("POST", "/Patient", resource=person(22))
    standing.ask("POST", "/Patient", resource=person(22))
    many = bundle(entry("POST", "Observation", result("Patient?identifier=https://ipp.example|22")))
    refused(standing.ask("POST", "", resource=many), 412, 0)


def test_references_within_the_senders_own_server_follow_what_moves(standing: Facade) -> None:
    root = "https://dpi.example/fhir"
    sent = bundle(
        entry("POST", "Patient", {**person(30), "id": "30"}, f"{root}/Patient/30"),
        entry("POST", "Observation", result("Patient/30"), f"{root}/Observation/1"),
        entry("POST", "Observation", result(f"{root}/Patient/30"), f"{root}/Observation/2"),
        entry("POST", "Observation", result("Patient/31"), f"{root}/Observation/3"),
    )
    answer = standing.ask("POST", "", resource=sent, headers={"Prefer": "return=representation"}).json()
    told = [each["resource"] for each in answer["entry"]]
    assert [each["subject"]["reference"] for each in told[1:]] == [f"Patient/{told[0]['id']}"] * 2 + [
        "Patient/31"
    ]


def test_only_the_references_of_what_was_sent_are_changed(standing: Facade) -> None:
    text = (
        '{ "resourceType":"Observation", "status" : "final","id":"worded","code":{"text":"\\"reference\\": \\"'
        + PATIENT
        + '\\""},\n "subject":{"reference" :  "'
        + PATIENT
        + '"},"valueQuantity":{"value":1.50} }'
    )
    put = entry("PUT", "Observation/worded")
    whole = json.dumps(bundle(entry("POST", "Patient", person(40), PATIENT), put))
    spliced = whole.replace(
        '{"request": {"method": "PUT"', f'{{"resource":{text},"request": {{"method": "PUT"'
    )
    answer = standing.ask("POST", "", content=spliced.encode(), headers={"Content-Type": FHIR_JSON})
    assert answer.status_code == 200, answer.text
    made = answer.json()["entry"][0]["response"]["location"].split("/fhir/")[1].split("/_history")[0]
    kept = standing.get("/Observation/worded").text
    expected = text.replace(f'"reference" :  "{PATIENT}"', f'"reference" :  "{made}"')
    assert kept.startswith('{ "resourceType":"Observation"')
    assert expected[expected.index('"code"') :] in kept


def test_our_patient_in_a_transaction_is_the_one_we_have(standing: Facade) -> None:
    pathway_id = standing.referred(50)
    ours = standing.task(pathway_id, "triage")["for"]["reference"]
    (bearer,) = patient(50).identifiers
    said = {"resourceType": "Patient", "identifier": [{"system": bearer.system, "value": bearer.value}]}
    sent = bundle(entry("POST", "Patient", said, PATIENT), entry("POST", "Observation", result(PATIENT)))
    answer = standing.ask("POST", "", resource=sent, headers={"Prefer": "return=representation"})
    assert answer.status_code == 200, answer.text
    told = answer.json()["entry"]
    assert told[0]["response"]["status"] == "200 OK"
    assert told[1]["resource"]["subject"] == {"reference": ours}


def test_references_to_the_id_a_hospital_chose_for_our_patient_become_ours(standing: Facade) -> None:
    pathway_id = standing.referred(51)
    ours = standing.task(pathway_id, "triage")["for"]["reference"]
    (bearer,) = patient(51).identifiers
    said = {
        "resourceType": "Patient",
        "id": "ipp-51",
        "identifier": [{"system": bearer.system, "value": bearer.value}],
    }
    sent = bundle(
        entry("PUT", "Patient/ipp-51", said), entry("POST", "Observation", result("Patient/ipp-51"))
    )
    answer = standing.ask("POST", "", resource=sent, headers={"Prefer": "return=representation"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["entry"][1]["resource"]["subject"] == {"reference": ours}


def test_a_bundle_of_hundreds_that_search_is_done_at_once(standing: Facade) -> None:
    """Hundreds who look for the same few: what is looked for is looked up once, and not in every entry."""
    many = [entry("POST", "Patient", person(10_000 + number)) for number in range(3)]
    for number in range(200):
        about = f"Patient?identifier=https://ipp.example|{10_000 + number % 3}"
        many.append(
            entry(
                "POST",
                "Flag",
                {
                    "resourceType": "Flag",
                    "status": "active",
                    "code": {"text": "x"},
                    "subject": {"reference": about},
                },
            )
        )
    answer = standing.ask("POST", "", resource=bundle(*many))
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["entry"]) == 203
    assert count(standing, "Flag") == 200


def test_a_patch_comes_as_a_binary(standing: Facade) -> None:
    standing.put({**result("Patient/x"), "id": "patched"})
    operations = json.dumps([{"op": "replace", "path": "/status", "value": "amended"}]).encode()
    binary = {
        "resourceType": "Binary",
        "contentType": "application/json-patch+json",
        "data": base64.b64encode(operations).decode(),
    }
    sent = bundle(entry("PATCH", "Observation/patched", binary, ifMatch='W/"1"'))
    assert standing.ask("POST", "", resource=sent).status_code == 200
    assert standing.get("/Observation/patched").json()["status"] == "amended"
    refused(standing.ask("POST", "", resource=sent), 412, 0)
    broken = entry("PATCH", "Observation/patched", {**binary, "data": "é"})
    refused(standing.ask("POST", "", resource=bundle(broken)), 422, 0)


def test_each_entry_of_a_batch_is_for_itself(standing: Facade) -> None:
    sent = bundle(
        entry("POST", "Observation", result("Patient/x"), "urn:uuid:1"),
        entry("POST", "Observation", result("Patient/x", status="bogus")),
        entry("PUT", "Observation/of-a-batch", {**result("Patient/x"), "id": "of-a-batch"}),
        entry("GET", "Observation/of-a-batch"),
        entry("GET", "Observation/nobody"),
        entry("DELETE", "Observation/of-a-batch"),
        entry("POST", "Observation", result("Patient/x", hasMember=[{"reference": "urn:uuid:1"}])),
        entry("HEAD", "Observation?status=final"),
        {"resource": result("Patient/x")},
        type_="batch",
    )
    answer = standing.ask("POST", "", resource=sent)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["type"] == "batch-response"
    assert [each["response"]["status"][:3] for each in told["entry"]] == [
        "201",
        "422",
        "201",
        "200",
        "404",
        "405",
        "422",
        "200",
        "400",
    ]
    wrong = told["entry"][1]["response"]["outcome"]
    assert wrong["issue"][0]["expression"] == ["Bundle.entry[1].resource.status"]
    assert told["entry"][3]["resource"]["id"] == "of-a-batch"
    assert "resource" not in told["entry"][7]


def test_what_is_no_batch_and_no_transaction_is_refused(standing: Facade) -> None:
    for body, status in (
        ({"resourceType": "Observation"}, 400),
        ({"resourceType": "Bundle"}, 422),
        ({"resourceType": "Bundle", "type": "history"}, 422),
        ({"resourceType": "Bundle", "type": "batch", "entry": [5]}, 400),
        ({"resourceType": "Bundle", "type": "transaction", "entry": {"a": 1}}, 400),
    ):
        answer = standing.ask("POST", "", resource=body)
        assert (answer.status_code, answer.json()["resourceType"]) == (status, "OperationOutcome")
    empty = standing.ask("POST", "", resource={"resourceType": "Bundle", "type": "transaction"})
    assert (empty.status_code, "entry" in empty.json()) == (200, False)


def test_a_referral_is_still_a_referral(standing: Facade) -> None:
    answer = standing.ask("POST", "", resource=referral_bundle(60))
    assert answer.status_code == 201, answer.text
    assert "/CarePlan/" in answer.headers["location"]


def test_transactions_that_cross_each_other_all_come_through(facade_anywhere: Facade) -> None:
    """The same resources in opposite order, at once: nobody waits for ever and every version is counted."""
    facade = facade_anywhere
    ids = [f"cross-{number}" for number in range(6)]
    together = Barrier(12)

    def send(number: int) -> int:
        together.wait()
        order = ids if number % 2 else ids[::-1]
        said = {"note": [{"text": str(number)}]}
        puts = [
            entry("PUT", f"Observation/{id_}", {**result("Patient/x", **said), "id": id_}) for id_ in order
        ]
        return facade.ask("POST", "", resource=bundle(*puts)).status_code

    with ThreadPoolExecutor(12) as pool:
        assert set(pool.map(send, range(12))) == {200}
    assert {facade.get(f"/Observation/{id_}").headers["etag"] for id_ in ids} == {'W/"12"'}
