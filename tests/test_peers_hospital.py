"""The foreign FHIR server keeps the rules of R4 that Jalon leans on, and breaks down when it is told to."""

from typing import Any

import httpx
import pytest

from tests.peers.hospital import Hospital

Resource = dict[str, Any]
OURS = "https://jalon.example/task"


def patient(name: str = "Martin") -> Resource:
    return {"resourceType": "Patient", "name": [{"family": name}]}


def task(value: str, **more: Any) -> Resource:
    identifier = [{"system": OURS, "value": value}]
    return {"resourceType": "Task", "identifier": identifier, "status": "ready", "intent": "order", **more}


def entry(resource: Resource, method: str, url: str, **more: Any) -> Resource:
    full_url = more.pop("full_url", None)
    request = {"method": method, "url": url, **more}
    return {"resource": resource, "request": request} | ({"fullUrl": full_url} if full_url else {})


def transaction(*entries: Resource) -> Resource:
    return {"resourceType": "Bundle", "type": "transaction", "entry": list(entries)}


def refusal(status: int) -> Any:
    return pytest.raises(httpx.HTTPStatusError, check=lambda error: error.response.status_code == status)


URN = "urn:uuid:0b9f5f0e-0000-4000-8000-000000000001"


def test_it_says_it_speaks_4_0_1(fhir_server: Hospital) -> None:
    assert fhir_server.get("metadata")["fhirVersion"] == "4.0.1"


def test_what_is_written_is_read_searched_and_kept_in_history(fhir_server: Hospital) -> None:
    made = fhir_server.post(patient())
    changed = fhir_server.put({**made, "active": True})
    assert fhir_server.get(f"Patient/{made['id']}") == changed
    assert [it["id"] for it in fhir_server.search("Patient", name="mart")] == [made["id"]]
    for _ in range(2):
        history = fhir_server.get(f"Patient/{made['id']}/_history")["entry"]
        assert [it["resource"].get("active") for it in history] == [True, None]
    assert "active" not in fhir_server.get(f"Patient/{made['id']}/_history/{made['meta']['versionId']}")


def test_json_patch_changes_one_element(fhir_server: Hospital) -> None:
    made = fhir_server.post(task("1"))
    changed = fhir_server.patch(
        f"Task/{made['id']}", [{"op": "replace", "path": "/status", "value": "in-progress"}]
    )
    assert changed["status"] == "in-progress"


def test_the_version_is_an_etag_and_an_old_one_is_refused(fhir_server: Hospital) -> None:
    made = fhir_server.post(task("1"))
    with httpx.Client(trust_env=False) as client:
        answer = client.get(f"{fhir_server.base_url}/Task/{made['id']}")
        assert answer.headers["etag"] == f'W/"{made["meta"]["versionId"]}"'
        not_modified = client.get(str(answer.url), headers={"If-None-Match": answer.headers["etag"]})
        assert not_modified.status_code == 304
    old = made["meta"]["versionId"]
    fhir_server.put({**made, "status": "in-progress"}, if_match=old)
    with refusal(412):
        fhir_server.put({**made, "status": "failed"}, if_match=old)
    with refusal(412):
        fhir_server.patch(f"Task/{made['id']}", [{"op": "remove", "path": "/identifier"}], if_match=old)
    assert fhir_server.get(f"Task/{made['id']}")["status"] == "in-progress"


def test_if_match_holds_inside_a_transaction_and_rolls_all_of_it_back(fhir_server: Hospital) -> None:
    made = fhir_server.post(task("1"))
    fhir_server.put({**made, "status": "in-progress"})
    stale = f'W/"{made["meta"]["versionId"]}"'
    for url in (f"Task/{made['id']}", f"Task?identifier={OURS}|1"):
        with refusal(412):
            late = {**made, "status": "failed"}
            fhir_server.post(
                transaction(entry(patient(), "POST", "Patient"), entry(late, "PUT", url, ifMatch=stale))
            )
    assert [it["resourceType"] for it in fhir_server.everything()] == ["Task"]


def test_a_conditional_create_makes_one(fhir_server: Hospital) -> None:
    first = fhir_server.post(task("1"), if_none_exist=f"identifier={OURS}|1")
    again = fhir_server.post(task("1"), if_none_exist=f"identifier={OURS}|1")
    assert again["id"] == first["id"]
    assert len(fhir_server.search("Task")) == 1


def test_a_conditional_update_creates_then_updates_and_refuses_two_matches(fhir_server: Hospital) -> None:
    url = f"Task?identifier={OURS}|1"
    for status in ("ready", "in-progress"):
        fhir_server.post(transaction(entry(task("1", status=status), "PUT", url)))
    assert [it["status"] for it in fhir_server.search("Task")] == ["in-progress"]
    fhir_server.post(task("1"))
    with httpx.Client(trust_env=False) as client:
        answer = client.put(f"{fhir_server.base_url}/{url}", json=task("1"))
    assert answer.status_code == 412
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_a_transaction_joins_its_parts_by_urn_uuid_and_tells_their_versions(fhir_server: Hospital) -> None:
    answer = fhir_server.post(
        transaction(
            entry(task("1", **{"for": {"reference": URN}}), "PUT", f"Task?identifier={OURS}|1"),
            entry(patient(), "POST", "Patient", full_url=URN),
        )
    )
    [joined] = fhir_server.search("Task")
    [somebody] = fhir_server.search("Patient")
    assert joined["for"]["reference"] == f"Patient/{somebody['id']}"
    assert answer["type"] == "transaction-response"
    assert answer["entry"][0]["response"]["etag"] == f'W/"{joined["meta"]["versionId"]}"'
    assert answer["entry"][0]["response"]["status"].startswith("201")


def test_a_large_transaction_of_conditional_updates_is_taken(fhir_server: Hospital) -> None:
    many = [entry(task(str(n)), "PUT", f"Task?identifier={OURS}|{n}") for n in range(60)]
    fhir_server.post(transaction(*many))
    assert len(fhir_server.search("Task")) == 60


def test_a_transaction_with_one_bad_part_leaves_nothing(fhir_server: Hospital) -> None:
    with refusal(422):
        fhir_server.post(
            transaction(
                entry(patient(), "POST", "Patient"),
                entry(task("1", status="bogus"), "PUT", f"Task?identifier={OURS}|1"),
            )
        )
    assert fhir_server.everything() == []


def test_a_reference_by_search_is_resolved(fhir_server: Hospital) -> None:
    made = fhir_server.post({**patient(), "identifier": [{"system": OURS, "value": "p"}]})
    joined = fhir_server.post(task("1", **{"for": {"reference": f"Patient?identifier={OURS}|p"}}))
    assert joined["for"]["reference"] == f"Patient/{made['id']}"
    with refusal(412):
        fhir_server.post(task("2", **{"for": {"reference": f"Patient?identifier={OURS}|nobody"}}))


@pytest.mark.parametrize(
    ("resource", "element"),
    [
        (task("1", status="bogus"), "Task.status"),
        (task("1", owner={"reference": "Appointment/1"}), "Task.owner"),
        (task("1", **{"for": {"reference": URN}}), "Task.for.reference"),
        (task("1", colour="red"), "Task.colour"),
        (
            {"resourceType": "Appointment", "status": "booked", "participant": [{"status": "accepted"}]},
            "Appointment",
        ),
    ],
)
def test_what_is_wrong_is_refused_naming_the_element(
    fhir_server: Hospital, resource: Resource, element: str
) -> None:
    with refusal(422) as refused:
        fhir_server.post(resource)
    outcome = refused.value.response.json()
    assert outcome["resourceType"] == "OperationOutcome"
    assert element in [where.split("[")[0] for it in outcome["issue"] for where in it["expression"]]


def test_a_search_finds_a_bare_id_pages_with_links_and_refuses_what_it_does_not_know(
    fhir_server: Hospital,
) -> None:
    for n in range(45):
        fhir_server.post(task(str(n), **{"for": {"reference": "Patient/p1"}}))
    first = fhir_server.get("Task?patient=p1")
    assert (len(first["entry"]), first["total"]) == (20, 45)
    assert len({it["id"] for it in fhir_server.search("Task", patient="p1", _count="10")}) == 45
    with refusal(400):
        fhir_server.search("Task", colour="red")


def test_it_refuses_as_often_as_it_is_told(fhir_server: Hospital) -> None:
    fhir_server.fail_next(1, 429, retry_after=7)
    with refusal(429) as refused:
        fhir_server.post(patient())
    assert refused.value.response.headers["retry-after"] == "7"
    fhir_server.post(patient())
    assert [it["status"] for it in fhir_server.requests()] == [429, 201]


def test_it_drops_a_request_unread_and_loses_an_answer_after_the_work_is_done(fhir_server: Hospital) -> None:
    for how, kept in (("drop", 0), ("lose_answer", 1)):
        fhir_server.fail_next(1, how)  # type: ignore[arg-type]
        with pytest.raises(httpx.RemoteProtocolError):
            fhir_server.post(patient())
        assert len(fhir_server.everything()) == kept


def test_it_hangs_until_the_caller_gives_up(fhir_server: Hospital) -> None:
    fhir_server.fail_next(1, "hang")
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(f"{fhir_server.base_url}/Patient", timeout=0.2, trust_env=False)


def test_killed_and_started_again_it_remembers(fhir_server: Hospital) -> None:
    made = fhir_server.post(patient())
    fhir_server.stop()
    with pytest.raises(httpx.ConnectError):
        fhir_server.get(f"Patient/{made['id']}")
    fhir_server.start()
    assert fhir_server.get(f"Patient/{made['id']}") == made
