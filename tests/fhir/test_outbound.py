"""What we say reaches a hospital's server that is not ours: by identifier, twice without harm, references resolved."""

from typing import Any

import httpx
import pytest

from fhir_mappings.communication import MessageRecord, message_resources
from fhir_mappings.outbound import (
    Failure,
    Known,
    as_ours,
    dependants,
    local_ref,
    read_response,
    references,
    transaction,
)
from fhir_mappings.validate import check
from tests.fhir.pathway_cast import DAY, HOSPITAL, REFERRED, SITE, find, journey, resources
from tests.peers.hospital import Hospital

Json = dict[str, Any]
STAGES = journey()


def sent(hospital: Hospital, said: list[Json], known: dict[str, Known]) -> dict[str, Known]:
    """Send it, and add what the hospital answered to what is known."""
    answer = hospital.post(transaction(said, known))
    results = read_response(answer, said, known)
    taken = {ref: one for ref, one in results.items() if isinstance(one, Known)}
    assert taken.keys() == results.keys()
    return known | taken


def test_a_whole_pathway_is_taken_twice_and_stands_once(fhir_server: Hospital) -> None:
    said = resources(STAGES["hold signed"])
    known = sent(fhir_server, said, {})
    again = sent(fhir_server, said, known)
    assert len(fhir_server.everything()) == len(said)
    assert {ref: one.remote for ref, one in again.items()} == {ref: one.remote for ref, one in known.items()}


def test_every_stage_of_a_pathway_is_taken_after_the_one_before(fhir_server: Hospital) -> None:
    known: dict[str, Known] = {}
    for name, stage in STAGES.items():
        if name != "refused":
            known = sent(fhir_server, resources(stage), known)
    told = {local_ref(each): each for each in resources(STAGES["review done"])}
    for ref, said in told.items():
        there = fhir_server.get(known[ref].remote)
        if said["resourceType"] != "Patient":
            assert without_server_words(as_ours(there, ref, known)) == said


def without_server_words(resource: Json) -> Json:
    return {key: value for key, value in resource.items() if key not in ("meta", "text")}


def test_references_lead_to_what_the_hospital_made_of_ours(fhir_server: Hospital) -> None:
    said = resources(STAGES["consult booked"])
    known = sent(fhir_server, said, {})
    [visit] = fhir_server.search("Appointment")
    [order] = [each for each in fhir_server.search("ServiceRequest") if each["status"] == "active"]
    assert visit["basedOn"] == [{"reference": f"ServiceRequest/{order['id']}"}]
    assert known[local_ref(find(said, "Appointment", "consult/1"))].remote == f"Appointment/{visit['id']}"
    for each in fhir_server.everything():
        for ref in references(each):
            fhir_server.get(ref)


def test_the_hospital_s_own_patient_is_found_and_never_changed(fhir_server: Hospital) -> None:
    theirs = fhir_server.post(
        {
            "resourceType": "Patient",
            "identifier": [{"system": HOSPITAL, "value": "8003344"}],
            "name": [{"family": "PETIT", "given": ["Odette"]}],
        }
    )
    said = resources(STAGES["referred"])
    known = sent(fhir_server, said, {})
    sent(fhir_server, resources(STAGES["triaged"]), known)
    assert fhir_server.search("Patient") == [theirs]
    assert fhir_server.search("Task")[0]["for"] == {"reference": f"Patient/{theirs['id']}"}


def test_what_the_hospital_has_changed_since_is_not_overwritten(fhir_server: Hospital) -> None:
    said = resources(STAGES["triaged"])
    known = sent(fhir_server, said, {})
    ref = local_ref(find(said, "Task", "consult/1"))
    there = fhir_server.get(known[ref].remote)
    fhir_server.put({**there, "status": "in-progress"})
    with pytest.raises(httpx.HTTPStatusError) as refused:
        fhir_server.post(transaction(said, known))
    assert refused.value.response.status_code == 412
    assert fhir_server.get(known[ref].remote)["status"] == "in-progress"


def test_a_message_planned_and_then_sent_is_taken_with_its_visit(fhir_server: Hospital) -> None:
    said = resources(STAGES["consult booked"])
    known = sent(fhir_server, said, {})
    planned, gone = message("planned"), message("sent", sent_at=REFERRED + DAY)
    known = sent(fhir_server, message_resources(planned, SITE), known)
    sent(fhir_server, message_resources(gone, SITE), known)
    [request] = fhir_server.search("CommunicationRequest")
    [communication] = fhir_server.search("Communication")
    assert request["status"] == communication["status"] == "completed"
    assert communication["basedOn"] == [{"reference": f"CommunicationRequest/{request['id']}"}]
    assert request["about"][0]["reference"].startswith("Appointment/")


def message(status: str, **more: Any) -> MessageRecord:
    pathway = STAGES["consult booked"]
    visit = find(resources(pathway), "Appointment", "consult/1")
    return MessageRecord(
        key="consult/1/message/reminder/1@1.2/sms",
        pathway_id=pathway.id,
        patient_id=pathway.patient_id,
        channel="sms",
        status=status,
        at=REFERRED + DAY,
        until=REFERRED + 3 * DAY,
        about=visit["id"],
        text="CHU de Jalon : rendez-vous le jeudi 4 mars à 10:30. https://jalon.example/v/q8fK2mZpL0",
        **more,
    )


# --- messages ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "request_status", "told"),
    [
        ("planned", "active", None),
        ("waiting-release", "on-hold", None),
        ("sending", "active", None),
        ("uncertain", "active", "unknown"),
        ("sent", "completed", "completed"),
        ("failed", "revoked", "not-done"),
        ("too-late", "revoked", "not-done"),
        ("withdrawn", "revoked", None),
    ],
)
def test_a_message_is_a_request_and_then_a_communication(
    status: str, request_status: str, told: str | None
) -> None:
    sent_at = REFERRED + DAY if status == "sent" else None
    request, *communication = message_resources(message(status, sent_at=sent_at, reason=""), SITE)
    assert request["status"] == request_status
    assert [each["status"] for each in communication] == ([told] if told else [])
    for each in (request, *communication):
        assert check(each) == []
        assert each["medium"][0]["coding"][0]["code"] == "SMSWRIT"
    if told == "not-done":
        assert communication[0]["statusReason"]["text"]
    if told == "completed":
        assert communication[0]["sent"] == "2027-03-02T09:30:00Z"


def test_the_patient_s_personal_link_stays_out_of_what_the_hospital_reads() -> None:
    [request] = message_resources(message("planned"), SITE)
    assert request["payload"] == [
        {"contentString": "CHU de Jalon : rendez-vous le jeudi 4 mars à 10:30. https://jalon.example/…"}
    ]


def test_two_pathways_never_share_a_message() -> None:
    one = message("planned")
    other = MessageRecord(**{name: getattr(one, name) for name in one.__slots__} | {"pathway_id": "another"})
    assert message_resources(one, SITE)[0]["id"] != message_resources(other, SITE)[0]["id"]


# --- the Bundle and its answer ----------------------------------------------------------------------------


def test_a_transaction_keeps_our_ids_at_home_and_puts_by_identifier() -> None:
    said = resources(STAGES["consult booked"])
    ref = local_ref(find(said, "Task", "consult/1"))
    bundle = transaction(said, {ref: Known("Task/12", 'W/"3"')})
    assert check(bundle) == []
    assert all("id" not in each["resource"] for each in bundle["entry"])
    requests = {each["request"]["url"]: each["request"] for each in bundle["entry"]}
    url = f"Task?identifier=https://jalon.example/fhir/id/task%7C{STAGES['consult booked'].id}/consult/1"
    assert requests[url] == {"method": "PUT", "url": url, "ifMatch": 'W/"3"'}
    assert requests["Patient"]["method"] == "POST"
    assert "identifier=https://jalon.example/fhir/id/patient%7C" in requests["Patient"]["ifNoneExist"]
    assert f"{HOSPITAL}%7C8003344" in requests["Patient"]["ifNoneExist"]


def test_a_known_patient_is_referred_to_and_not_sent() -> None:
    said = resources(STAGES["referred"])
    bundle = transaction(said, {local_ref(said[0]): Known("Patient/77")})
    kinds = {each["resource"]["resourceType"] for each in bundle["entry"]}
    assert "Patient" not in kinds
    tasks = [each["resource"] for each in bundle["entry"] if each["resource"]["resourceType"] == "Task"]
    assert tasks[0]["for"] == {"reference": "Patient/77"}


def test_an_identifier_with_commas_and_bars_is_searched_for_as_it_is() -> None:
    odd = {"resourceType": "Task", "id": "t", "identifier": [{"system": "urn:x", "value": "a,b|c$d e"}]}
    [entry] = transaction([odd], {})["entry"]
    assert entry["request"]["url"] == "Task?identifier=urn:x%7Ca%5C%2Cb%5C%7Cc%5C%24d%20e"


def test_a_reference_that_nobody_can_follow_is_not_sent() -> None:
    said = [each for each in resources(STAGES["consult booked"]) if each["resourceType"] != "Condition"]
    with pytest.raises(ValueError, match="neither sent along nor known"):
        transaction(said, {})


def test_a_refused_resource_holds_back_only_what_refers_to_it() -> None:
    said = resources(STAGES["consult booked"])
    order = local_ref(find(said, "ServiceRequest", "consult/1"))
    held = dependants(order, said)
    assert {ref.partition("/")[0] for ref in held} == {"Appointment", "Task", "CarePlan"}
    assert local_ref(find(said, "Task", "triage/1")) not in held
    rest = [each for each in said if local_ref(each) not in {order, *held}]
    assert transaction(rest, {})["entry"]


def test_an_answer_names_each_resource_its_place_and_version() -> None:
    said = resources(STAGES["referred"])[:2]
    answer = {
        "resourceType": "Bundle",
        "type": "transaction-response",
        "entry": [
            {"response": {"status": "200 OK", "location": "https://h.example/r4/Patient/5/_history/2"}},
            {"response": {"status": "201 Created", "location": "Condition/9", "etag": 'W/"1"'}},
        ],
    }
    assert list(read_response(answer, said, {}).values()) == [
        Known("Patient/5", 'W/"2"'),
        Known("Condition/9", 'W/"1"'),
    ]


def test_an_answer_that_is_short_or_says_no_place_is_believed_for_nothing() -> None:
    said = resources(STAGES["referred"])[:3]
    outcome = {
        "resourceType": "OperationOutcome",
        "issue": [
            {"severity": "error", "code": "value", "expression": ["Condition.code"], "diagnostics": "Petit"}
        ],
    }
    entries = [{"response": {"status": "200"}}, {"response": {"status": "422", "outcome": outcome}}]
    results = read_response({"entry": entries}, said, {})
    failures = [one for one in results.values() if isinstance(one, Failure)]
    assert [one.status for one in failures] == [200, 422, 0]
    assert failures[1].text == "The server answered 422, value, Condition.code."
    assert failures[1].outcome == outcome
