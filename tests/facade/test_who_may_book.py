"""A visit is booked, moved, answered and cancelled by those whose business it is, however they name it."""

from __future__ import annotations

from typing import Any

import pytest

from pathway.lifecycle import VisitStatus
from tests.facade.conftest import Facade
from tests.house import patient

Json = dict[str, Any]
CONSULT = "radiologist_consult"
SYSTEM = "https://jalon.example/fhir/id"


def ours(kind: str, pathway_id: str) -> Json:
    """A reference to ours by its identifier."""
    value = f"{pathway_id}/{CONSULT}/1"
    return {"identifier": {"system": f"{SYSTEM}/{kind}", "value": value}}


def literal(facade: Facade, pathway_id: str) -> Json:
    """A reference to our order."""
    return {"reference": str(facade.task(pathway_id, CONSULT)["focus"]["reference"])}


def appointment(facade: Facade, pathway_id: str, how: str, **more: Any) -> Json:
    """A hospital's Appointment that names the consult in one of the ways that are understood."""
    named: Json = {
        "our order": {"basedOn": [ours("request", pathway_id)]},
        "our visit beside": {"supportingInformation": [ours("appointment", pathway_id)]},
        "our task as reason": {"reasonReference": [ours("task", pathway_id)]},
        "an order of theirs": {"basedOn": [{"reference": "ServiceRequest/rx"}]},
    }[how]
    return {
        "resourceType": "Appointment",
        "status": "booked",
        "start": "2027-03-09T09:00:00Z",
        "end": "2027-03-09T09:30:00Z",
        "participant": [{"actor": {"type": "Location", "display": "Salle 9"}, "status": "accepted"}],
        **named,
        **more,
    }


def order_of_theirs(facade: Facade, pathway_id: str) -> None:
    """Their ServiceRequest, which is based on ours."""
    request = {
        "resourceType": "ServiceRequest",
        "id": "rx",
        "status": "active",
        "intent": "order",
        "subject": named(0),
        "basedOn": [ours("request", pathway_id)],
    }
    assert facade.put(request).status_code == 201


def named(number: int) -> Json:
    """The patient by identifier alone."""
    (bearer,) = patient(number).identifiers
    return {"type": "Patient", "identifier": {"system": bearer.system, "value": bearer.value}}


def visit(facade: Facade, pathway_id: str) -> Any:
    step = facade.house.load(pathway_id)[0].last(CONSULT)
    assert step is not None
    return step.visit


WAYS = ("our order", "our visit beside", "our task as reason", "an order of theirs")


@pytest.mark.parametrize("how", WAYS)
def test_whoever_has_no_business_with_a_visit_moves_it_by_no_name(facade: Facade, how: str) -> None:
    pathway_id = facade.consult_booked()
    order_of_theirs(facade, pathway_id)
    before = visit(facade, pathway_id)
    with_patient = {
        "participant": [
            {"actor": named(0), "status": "accepted"},
            {"actor": {"type": "Location", "display": "Salle 9"}, "status": "accepted"},
        ]
    }
    said = appointment(facade, pathway_id, how, **with_patient)
    for status in ("booked", "cancelled"):
        answer = facade.ask("POST", "/Appointment", resource={**said, "status": status}, token=facade.reader)
        assert answer.status_code == 403, answer.text
        own = facade.put({**said, "status": status, "id": "theirs"}, token=facade.reader)
        assert own.status_code == 403, own.text
    assert visit(facade, pathway_id) == before
    moved = facade.ask("POST", "/Appointment", resource=said)
    assert moved.status_code in (200, 201), moved.text
    assert visit(facade, pathway_id).place == "Salle 9"


def test_an_appointment_of_theirs_comes_to_name_ours_only_for_whose_business_it_is(facade: Facade) -> None:
    pathway_id = facade.consult_booked()
    before = visit(facade, pathway_id)
    plain = {**appointment(facade, pathway_id, "our order"), "id": "theirs", "basedOn": []}
    plain.pop("basedOn")
    assert facade.put(plain, token=facade.reader).status_code == 201
    named_now = [{"op": "add", "path": "/supportingInformation", "value": [ours("appointment", pathway_id)]}]
    patched = facade.ask("PATCH", "/Appointment/theirs", operations=named_now, token=facade.reader)
    assert (patched.status_code, visit(facade, pathway_id)) == (403, before)


def test_only_whose_business_it_is_answers_to_a_visit(facade: Facade) -> None:
    pathway_id = facade.consult_booked()
    answer = {
        "resourceType": "AppointmentResponse",
        "appointment": ours("appointment", pathway_id),
        "participantStatus": "declined",
        "actor": {"display": "Radiologie"},
    }
    stranger = facade.ask("POST", "/AppointmentResponse", resource=answer, token=facade.reader)
    assert (stranger.status_code, visit(facade, pathway_id).status) == (403, VisitStatus.BOOKED)
    own = facade.ask("POST", "/AppointmentResponse", resource=answer)
    assert (own.status_code, visit(facade, pathway_id).status) == (201, VisitStatus.CANCELLED)


def test_an_order_by_identifier_is_the_same_visit_as_by_reference(facade: Facade) -> None:
    pathway_id = facade.consult_booked()
    said = appointment(facade, pathway_id, "our order")
    by_identifier = facade.ask("POST", "/Appointment", resource=said)
    by_reference = facade.ask(
        "POST", "/Appointment", resource={**said, "basedOn": [literal(facade, pathway_id)]}
    )
    assert by_identifier.status_code == 200, by_identifier.text
    assert by_identifier.json()["id"] == by_reference.json()["id"]


@pytest.mark.parametrize("booked", [False, True])
def test_a_patient_who_is_named_by_identifier_alone_is_looked_at_too(facade: Facade, booked: bool) -> None:
    pathway_id = facade.consult_booked() if booked else facade.triaged()
    facade.referred(1)
    before = visit(facade, pathway_id)
    (bearer,) = patient(0).identifiers
    nobody = {"type": "Patient", "identifier": {"system": bearer.system, "value": "of-nobody"}}
    said = appointment(facade, pathway_id, "our order")
    address = "/Appointment?identifier={system}|{value}".format(
        **ours("appointment", pathway_id)["identifier"]
    )
    own = {**said, "identifier": [ours("appointment", pathway_id)["identifier"]]}
    own["basedOn"] = [literal(facade, pathway_id)]
    for other in (named(1), nobody):
        wrong = facade.ask(
            "PUT",
            address,
            resource={**own, "participant": [{"actor": other, "status": "accepted"}, *own["participant"]]},
        )
        assert wrong.status_code == 422, wrong.text
        assert wrong.json()["issue"][0]["expression"] == ["Appointment.participant"]
        assert visit(facade, pathway_id) == before
    right = facade.ask(
        "PUT",
        address,
        resource={**own, "participant": [{"actor": named(0), "status": "accepted"}, *own["participant"]]},
    )
    assert right.status_code in (200, 201), right.text
    assert visit(facade, pathway_id).place == "Salle 9"
