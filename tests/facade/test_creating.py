"""A hospital keeps resources of its own here: made, changed by whoever wrote them, and refused where they are ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.facade.conftest import FHIR_JSON, MONDAY, Facade, open_facade
from tests.house import Clock, patient

Json = dict[str, Any]

INR: Json = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "6301-6"}]},
    "subject": {"reference": "Patient/somewhere-else"},
    "effectiveDateTime": "2027-02-28T08:00:00+01:00",
    "valueQuantity": {"value": 1, "unit": "INR"},
}


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Facade]:
    """One facade for all of this; each story writes resources of its own."""
    place = tmp_path_factory.mktemp("creating")
    yield from open_facade({"database_url": f"sqlite:///{place / 'jalon.sqlite'}"}, Clock(MONDAY))


def issue(answer: Any) -> Json:
    first: Json = answer.json()["issue"][0]
    return first


def test_what_is_posted_is_made_under_an_id_of_ours_and_says_where(standing: Facade) -> None:
    body = b'{"resourceType":"Observation","id":"mine","status":"final","code":{"text":"x"},\n "valueInteger": 7 }'
    made = standing.ask("POST", "/Observation", content=body, headers={"Content-Type": FHIR_JSON})
    assert made.status_code == 201, made.text
    id_ = made.json()["id"]
    assert id_ != "mine"
    assert made.headers["location"] == f"http://jalon.test/fhir/Observation/{id_}/_history/1"
    assert made.headers["etag"] == 'W/"1"'
    assert made.headers["last-modified"]
    read = standing.get(f"/Observation/{id_}")
    assert read.json() == made.json()
    assert '"valueInteger": 7 }' in read.text, "its own words"
    again = standing.ask("POST", "/Observation", content=body, headers={"Content-Type": FHIR_JSON})
    assert again.json()["id"] != id_


def test_what_is_wanted_back_can_be_said(standing: Facade) -> None:
    minimal = standing.ask("POST", "/Observation", resource=INR, headers={"Prefer": "return=minimal"})
    assert (minimal.status_code, minimal.content) == (201, b"")
    assert minimal.headers["location"]
    words = standing.ask("POST", "/Observation", resource=INR, headers={"Prefer": "return=OperationOutcome"})
    assert (words.status_code, words.json()["resourceType"]) == (201, "OperationOutcome")
    whole = standing.ask("POST", "/Observation", resource=INR, headers={"Prefer": "return=representation"})
    assert whole.json()["valueQuantity"] == INR["valueQuantity"]


def test_a_put_makes_what_is_not_there_and_changes_what_is(standing: Facade) -> None:
    mine = {**INR, "id": "lab-4711"}
    made = standing.put(mine)
    assert (made.status_code, made.headers["etag"]) == (201, 'W/"1"')
    same = standing.put(mine)
    assert (same.status_code, same.headers["etag"]) == (200, 'W/"1"'), "the same words are no new version"
    corrected = {**mine, "status": "corrected"}
    late = standing.put(corrected, headers={"If-Match": 'W/"7"'})
    assert late.status_code == 412
    changed = standing.put(corrected, headers={"If-Match": 'W/"1"'})
    assert (changed.status_code, changed.json()["status"]) == (200, "corrected")
    assert changed.headers["etag"] == 'W/"2"'
    assert standing.put(mine, headers={"If-None-Match": "*"}).status_code == 412
    fresh = {**INR, "id": "lab-4712"}
    assert standing.put(fresh, headers={"If-Match": 'W/"1"'}).status_code == 412, "there is none yet"
    assert standing.put(fresh, headers={"If-None-Match": "*"}).status_code == 201


def test_only_the_system_that_wrote_it_writes_it_again(standing: Facade) -> None:
    mine = {**INR, "id": "lab-of-one"}
    standing.put(mine)
    for token in (standing.rival, standing.requester, standing.reader):
        stranger = standing.put({**mine, "status": "cancelled"}, token=token)
        assert (stranger.status_code, issue(stranger)["code"]) == (403, "forbidden")
        patch = [{"op": "replace", "path": "/status", "value": "cancelled"}]
        assert (
            standing.ask("PATCH", "/Observation/lab-of-one", operations=patch, token=token).status_code == 403
        )
    assert standing.get("/Observation/lab-of-one", token=standing.reader).json()["status"] == "final"


def test_an_id_that_looks_like_ours_is_nobody_elses_to_choose(standing: Facade) -> None:
    for id_ in ("0" * 32, f"{'a' * 32}-triage-1"):
        assert standing.put({**INR, "id": id_}).status_code in (404, 422)
        named = standing.ask("PUT", "/Observation?identifier=a|b", resource={**INR, "id": id_})
        assert named.status_code == 422
    assert standing.ask("PUT", "/Observation/x", resource={**INR, "id": "y"}).status_code == 400
    assert standing.ask("PUT", "/Observation/x", resource=INR).status_code == 400
    odd = standing.ask("PUT", "/Observation/a_b", resource={**INR, "id": "a_b"})
    assert 400 <= odd.status_code < 500


def test_a_task_of_the_hospitals_own_is_kept_and_is_no_step_of_ours(standing: Facade) -> None:
    task = {
        "resourceType": "Task",
        "id": "tidy-the-room",
        "status": "requested",
        "intent": "order",
        "description": "Ranger la salle 2",
    }
    assert standing.put(task).status_code == 201
    done = standing.put({**task, "status": "completed"})
    assert (done.status_code, done.json()["status"]) == (200, "completed")
    visit = {
        "resourceType": "Appointment",
        "status": "proposed",
        "participant": [{"actor": {"display": "Salle 2"}, "status": "accepted"}],
    }
    assert standing.ask("POST", "/Appointment", resource=visit).status_code == 201


def test_what_says_our_state_is_not_written_from_outside(standing: Facade) -> None:
    pathway_id = standing.referred(40)
    patient_id = standing.task(pathway_id, "triage")["for"]["reference"]
    for type_ in ("CarePlan", "ServiceRequest", "Condition"):
        found = standing.get(f"/{type_}?patient={patient_id}").json()["entry"][0]["resource"]
        answer = standing.put(found)
        assert (answer.status_code, issue(answer)["code"]) == (422, "business-rule"), type_
    named = standing.task(pathway_id, "triage")["identifier"]
    borrowed = standing.ask("POST", "/Observation", resource={**INR, "identifier": named})
    assert (borrowed.status_code, issue(borrowed)["expression"]) == (422, ["Observation.identifier"])
    task = {**standing.task(pathway_id, "triage"), "status": "completed"}
    assert standing.ask("POST", "/Task", resource=task).status_code == 422


def test_an_appointment_for_our_order_is_the_visit_of_its_step(standing: Facade) -> None:
    pathway_id = standing.triaged(41)
    step = standing.task(pathway_id, "radiologist_consult")
    visit = {
        "resourceType": "Appointment",
        "status": "booked",
        "basedOn": [{"reference": step["focus"]["reference"]}],
        "start": "2027-03-08T09:00:00+01:00",
        "end": "2027-03-08T09:30:00+01:00",
        "participant": [{"actor": step["for"], "status": "accepted"}],
    }
    made = standing.ask("POST", "/Appointment", resource=visit)
    assert made.status_code == 201, made.text
    assert made.json()["start"] == "2027-03-08T08:00:00Z"
    pathway, _ = standing.house.load(pathway_id)
    booked = pathway.last("radiologist_consult")
    assert booked is not None
    assert booked.visit is not None
    moved = {**visit, "start": "2027-03-09T09:00:00+01:00", "end": "2027-03-09T09:30:00+01:00"}
    again = standing.ask("POST", "/Appointment", resource=moved)
    assert (again.status_code, again.json()["id"]) == (200, made.json()["id"]), "one step has one visit"


def test_our_patient_is_heard_of_and_never_made_a_second_time(standing: Facade) -> None:
    pathway_id = standing.referred(42)
    ours = standing.task(pathway_id, "triage")["for"]["reference"].removeprefix("Patient/")
    (bearer,) = patient(42).identifiers
    said = {
        "resourceType": "Patient",
        "identifier": [{"system": bearer.system, "value": bearer.value}],
        "name": [{"family": "Essai42", "given": ["Odile"]}],
        "telecom": [{"system": "phone", "value": "+33639990000", "use": "mobile"}],
    }
    for answer in (
        standing.ask("POST", "/Patient", resource=said),
        standing.put({**said, "id": "ipp-42"}),
        standing.put({**said, "id": ours}),
    ):
        assert answer.status_code == 200, answer.text
        assert answer.json()["id"] == ours
    assert f"/Patient/{ours}/" in standing.ask("POST", "/Patient", resource=said).headers["location"]
    found = standing.get("/Patient", params={"identifier": f"{bearer.system}|{bearer.value}"}).json()
    assert found["total"] == 1
    about = standing.ask(
        "POST", "/Observation", resource={**INR, "subject": {"reference": f"Patient/{ours}"}}
    )
    assert about.status_code == 201
    with standing.house.service.db.read() as session:
        told = standing.house.service.audit.told(session, patient_id=ours)
    what = f"Observation/{about.json()['id']}"
    assert what in [each.entry.what for each in told], "it stands in the patient's own trace"


def test_a_stranger_is_kept_as_the_hospital_knows_them(standing: Facade) -> None:
    said = {
        "resourceType": "Patient",
        "identifier": [{"system": "https://a", "value": "1"}],
        "id": "stranger",
    }
    assert standing.put(said).status_code == 201
    assert standing.get("/Patient/stranger").json()["identifier"] == said["identifier"]


def test_what_breaks_r4_is_refused_by_element_and_nothing_is_kept(standing: Facade) -> None:
    before = standing.get("/Observation?_summary=count").json()["total"]
    bogus = standing.ask("POST", "/Observation", resource={**INR, "status": "bogus"})
    assert (bogus.status_code, issue(bogus)["expression"]) == (422, ["Observation.status"])
    other = standing.ask("POST", "/Observation", resource={**INR, "resourceType": "Flag"})
    assert other.status_code == 400
    assert standing.ask("POST", "/Observation?x=y", resource=INR).status_code == 400
    zipped = standing.ask(
        "POST", "/Observation", content=b"x", headers={"Content-Type": FHIR_JSON, "Content-Encoding": "gzip"}
    )
    assert zipped.status_code == 415
    assert standing.get("/Observation?_summary=count").json()["total"] == before


def test_what_is_too_large_is_refused_before_it_is_read_to_the_end(standing: Facade) -> None:
    def parts() -> Iterator[bytes]:
        yield b'{"resourceType":"Observation","note":[{"text":"'
        for _ in range(50):
            yield b"x" * (1 << 20)

    answer = standing.ask("POST", "/Observation", content=parts(), headers={"Content-Type": FHIR_JSON})
    assert (answer.status_code, issue(answer)["code"]) == (413, "too-long")


def test_what_nobody_serves_is_said_in_an_outcome(standing: Facade) -> None:
    standing.put({**INR, "id": "kept"})
    for method, path, status in (
        ("DELETE", "/Observation/kept", 405),
        ("DELETE", "/Observation?status=final", 405),
        ("POST", "/Observation/$lastn", 404),
        ("POST", "/Observation/kept/$meta-add", 404),
        ("POST", "/Coverage", 404),
        ("GET", "/Observation/kept?_format=xml", 406),
        ("POST", "/Observation?_format=application/fhir%2Bxml", 406),
        ("PATCH", "/Observation?status=final", 405),
    ):
        answer = standing.ask(method, path, resource=INR)
        assert answer.status_code == status, (method, path, answer.text)
        assert issue(answer)["code"] in ("not-supported", "not-found"), (method, path)
    xml = standing.ask(
        "POST", "/Observation", content=b"<x/>", headers={"Content-Type": "application/fhir+xml"}
    )
    assert (xml.status_code, issue(xml)["code"]) == (415, "not-supported")
    r5 = standing.ask(
        "POST", "/Observation", resource=INR, headers={"Content-Type": f"{FHIR_JSON}; fhirVersion=5.0"}
    )
    assert r5.status_code == 415
    assert standing.get("/Observation/kept").status_code == 200, "and it is still there"


def test_a_very_long_identifier_is_kept(facade_anywhere: Facade) -> None:
    """No index takes it: it is kept and read, and not found by."""
    long = {**INR, "id": "long", "identifier": [{"system": "https://a", "value": "x" * 9000}]}
    assert facade_anywhere.put(long).status_code == 201
    assert len(facade_anywhere.get("/Observation/long").json()["identifier"][0]["value"]) == 9000


def test_a_body_with_a_byte_order_mark_is_taken_without_it(standing: Facade) -> None:
    body = b"\xef\xbb\xbf" + json.dumps({**INR, "id": "marked"}).encode()
    answer = standing.ask("PUT", "/Observation/marked", content=body, headers={"Content-Type": FHIR_JSON})
    assert answer.status_code == 201, answer.text
    assert standing.get("/Observation/marked").json()["status"] == "final"


def _id_of(answer: Any) -> str:
    return str(answer.headers["location"].split("/Observation/")[1].split("/")[0])


def test_a_measurement_of_our_patient_is_known_to_the_pathway(standing: Facade) -> None:
    pathway_id = standing.referred(43)
    about = {"subject": standing.task(pathway_id, "triage")["for"]}
    unit = {"value": 2.3, "unit": "INR", "system": "http://unitsofmeasure.org", "code": "{INR}"}
    said = {**INR, **about, "valueQuantity": unit}
    answer = standing.ask(
        "POST", "/Observation", resource=said, headers={"Prefer": "return=OperationOutcome"}
    )
    assert answer.status_code == 201, answer.text
    pathway, _ = standing.house.load(pathway_id)
    fact = pathway.fact("inr")
    assert fact is not None
    assert (fact.value, fact.source) == (2.3, f"RIS/Observation/{_id_of(answer)}")
    nobody = standing.ask("POST", "/Observation", resource=INR, headers={"Prefer": "return=OperationOutcome"})
    assert nobody.status_code == 201, "what is of nobody here is kept all the same"
