"""A hospital books, moves, cancels and marks a visit, and the pathway hears it."""

from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest

from fhir_mappings.heard import Heard
from fhir_mappings.inbound_visit import NO_REASON, appointment_event
from fhir_mappings.validate import check
from pathway import events as e
from pathway.decide import decide
from pathway.state import Pathway
from tests.fhir.pathway_cast import DAY, GROUND, REFERRED, SYSTEM, find, journey, resources

Json = dict[str, Any]
STAGES = journey()
AT = REFERRED + 3 * DAY
ABOUT: dict[str, Any] = {"by": SYSTEM, "occurred": None, "step": "consult", "occurrence": 1}
PLACE = "Radiologie, salle 2"


def hear(stage: str, ref: str = "consult/1", **said: Any) -> Heard:
    current = find(resources(STAGES[stage]), "Appointment", ref)
    incoming = {name: value for name, value in {**deepcopy(current), **said}.items() if value is not None}
    return hear_visit(STAGES[stage], ref, current, incoming)


def hear_visit(pathway: Pathway, ref: str, current: Json | None, incoming: Json) -> Heard:
    key, _, occurrence = ref.partition("/")
    step = pathway.at(key, int(occurrence))
    assert step is not None
    return appointment_event(current, incoming, step, by=SYSTEM)


def new(**said: Any) -> Json:
    return {
        "resourceType": "Appointment",
        "status": "booked",
        "start": "2027-03-04T10:30:00+01:00",
        "end": "2027-03-04T11:00:00+01:00",
        "participant": [
            {"actor": {"reference": "Patient/h1"}, "status": "accepted"},
            {"actor": {"reference": "Location/7", "display": PLACE}, "status": "accepted"},
        ],
        **said,
    }


def test_what_comes_back_unchanged_is_no_event() -> None:
    for stage, pathway in STAGES.items():
        for step in pathway.steps:
            if step.visit:
                assert hear(stage, step.ref).events == (), (stage, step.ref)


def test_a_new_appointment_books_the_visit_and_reads_back_the_same() -> None:
    heard = hear_visit(STAGES["triaged"], "consult/1", None, new())
    assert heard.events == (
        e.VisitBooked(start=AT, end=AT + timedelta(minutes=30), place=PLACE, confirmed=True, **ABOUT),
    )
    pathway = decide(STAGES["triaged"], heard.events[0], GROUND, at=REFERRED + DAY + timedelta(hours=1))
    assert find(resources(pathway), "Appointment", "consult/1")["start"] == "2027-03-04T09:30:00Z"


@pytest.mark.parametrize("status", ["pending", "proposed"])
def test_a_slot_that_is_only_proposed_is_not_confirmed(status: str) -> None:
    [event] = hear_visit(STAGES["triaged"], "consult/1", None, new(status=status)).events
    assert isinstance(event, e.VisitBooked)
    assert not event.confirmed


def test_another_hour_or_another_place_is_a_move() -> None:
    later = {"start": "2027-03-05T09:30:00Z", "end": "2027-03-05T10:00:00Z"}
    [moved] = hear("consult booked", **later).events
    assert isinstance(moved, e.VisitBooked)
    assert moved.start == AT + DAY
    [moved] = hear("consult booked", participant=people("consult booked", "Radiologie, salle 5")).events
    assert isinstance(moved, e.VisitBooked)
    assert moved.place == "Radiologie, salle 5"


def people(stage: str, place: str) -> list[Json]:
    current = find(resources(STAGES[stage]), "Appointment", "consult/1")["participant"]
    return [*current[:2], {"actor": {"type": "Location", "display": place}, "status": "accepted"}]


def test_the_same_hour_with_another_offset_is_not_a_move() -> None:
    again = {"start": "2027-03-04T10:30:00+01:00", "end": "2027-03-04T11:00:00.000+01:00"}
    assert hear("consult booked", **again).events == ()


def test_a_feed_that_names_no_place_has_not_changed_it() -> None:
    patient = find(resources(STAGES["consult booked"]), "Appointment", "consult/1")["participant"][:1]
    assert hear("consult booked", participant=patient).events == ()


def test_a_proposed_slot_is_confirmed_and_a_booked_one_can_become_open_again() -> None:
    [event] = hear("consult proposed", status="booked").events
    assert isinstance(event, e.VisitBooked)
    assert event.confirmed
    [event] = hear("consult booked", status="pending").events
    assert isinstance(event, e.VisitBooked)
    assert not event.confirmed


@pytest.mark.parametrize("status", ["arrived", "checked-in", "fulfilled"])
def test_the_patient_is_there(status: str) -> None:
    assert hear("consult booked", status=status).events == (e.VisitArrived(**ABOUT),)
    assert hear("consult arrived", status=status).events == ()


def test_a_visit_fulfilled_still_awaits_its_outcome() -> None:
    heard = hear("consult booked", status="fulfilled")
    assert [issue.severity for issue in heard.issues] == ["information"]


def test_an_arrival_for_a_slot_nobody_had_confirmed_confirms_it_first() -> None:
    heard = hear("consult proposed", status="arrived")
    assert [type(each) for each in heard.events] == [e.VisitBooked, e.VisitArrived]


def test_a_cancelled_visit_is_given_up_with_its_reason() -> None:
    reason = {"coding": [{"code": "pat", "display": "Patient"}]}
    heard = hear("consult booked", status="cancelled", cancelationReason=reason)
    assert heard.events == (e.VisitCancelled(reason="Patient", **ABOUT),)
    silent = hear("consult booked", status="cancelled", start=None, end=None)
    assert silent.events == (e.VisitCancelled(reason=NO_REASON, **ABOUT),)
    mistake = hear("consult booked", status="entered-in-error")
    assert mistake.events == (e.VisitCancelled(reason=NO_REASON, **ABOUT),)


def test_a_visit_that_no_longer_stood_is_not_cancelled_again() -> None:
    assert hear("review cancelled", "review/1", status="entered-in-error").events == ()


def test_a_patient_who_did_not_come() -> None:
    assert hear("consult booked", status="noshow").events == (e.VisitMissed(**ABOUT),)


def test_after_a_cancellation_another_slot_may_be_booked() -> None:
    fresh = {"status": "booked", "cancelationReason": None}
    [event] = hear("review cancelled", "review/1", **fresh).events
    assert isinstance(event, e.VisitBooked)


@pytest.mark.parametrize(
    ("said", "where"),
    [
        ({"basedOn": [{"reference": "ServiceRequest/another"}]}, "Appointment.basedOn"),
        ({"identifier": [{"system": "urn:x", "value": "1"}]}, "Appointment.identifier"),
        ({"participant": new()["participant"]}, "Appointment.participant"),
        ({"status": "waitlist"}, "Appointment.status"),
        ({"status": "proposed", "start": None, "end": None}, "Appointment.start"),
    ],
)
def test_what_cannot_be_is_refused_by_the_name_of_the_element(said: Json, where: str) -> None:
    heard = hear("consult booked", **said)
    assert heard.events == ()
    assert heard.refused
    assert [issue.expression for issue in heard.issues] == [(where,)]


def test_what_the_tests_send_is_r4() -> None:
    assert check(new()) == []
