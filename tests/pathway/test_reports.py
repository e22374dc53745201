"""What a hospital's systems report: a person takes it further, and what was taken back is forgotten."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pathway import events as e
from pathway.codec import decode, encode
from pathway.decide import decide
from pathway.flags import flags
from pathway.hold_plan import HoldStatus
from pathway.lifecycle import StepStatus
from pathway.referral import Fact, Identifier
from pathway.refusal import Refused
from pathway.state import Actor, Pathway, Visit
from tests.fhir.pathway_cast import GROUND, enrolled, refused

LABORATORY = Actor("Laboratoire")
NOW = datetime(2027, 3, 2, 9, tzinfo=UTC)


def after(pathway: Pathway, event: e.Event, at: datetime = NOW) -> Pathway:
    return decide(pathway, event, GROUND, at=at)


def report(**changes: object) -> e.HospitalReported:
    said = {"step": "triage", "what": "result", "document": "lab/DiagnosticReport/1", "status": "final"}
    return e.HospitalReported(by=LABORATORY, **{**said, **changes})  # type: ignore[arg-type]


def test_a_result_waits_for_a_person_until_the_step_is_settled() -> None:
    pathway = after(enrolled(), report(said="Bénin"))
    assert [(flag.key, flag.blocking) for flag in flags(pathway, GROUND) if flag.step == "triage/1"] == [
        ("reported/triage/1/result", False)
    ]
    done = after(pathway, e.StepCompleted(by=LABORATORY, step="triage", outcome="accepted"))
    assert not [flag for flag in flags(done, GROUND) if flag.key.startswith("reported")]


def test_a_result_that_is_corrected_once_the_step_is_done_is_read_again() -> None:
    pathway = after(enrolled(), report())
    pathway = after(pathway, e.StepCompleted(by=LABORATORY, step="triage", outcome="accepted"))
    again = after(pathway, report(status="corrected", said="Malin"))
    last = again.last("triage")
    assert last is not None
    assert (last.occurrence, last.status) == (2, StepStatus.OPEN)
    assert [one.step for one in again.reported] == ["triage/2"]


def test_a_result_taken_back_is_said_no_more_and_one_never_heard_changes_nothing() -> None:
    pathway = after(enrolled(), report())
    assert after(pathway, report(withdrawn=True, status="cancelled")).reported == ()
    assert after(enrolled(), report(withdrawn=True)).steps == enrolled().steps
    with pytest.raises(Refused, match="one of"):
        after(enrolled(), report(what="rumour"))


def test_a_fact_corrected_by_its_source_is_forgotten_even_when_the_correction_is_older() -> None:
    later = Fact("inr", 1.2, NOW - timedelta(hours=1), "Labo", "lab/Observation/1")
    pathway = after(enrolled(), e.FactsRecorded(by=LABORATORY, facts=(later,)))
    right = Fact("inr", 2.4, NOW - timedelta(days=1), "Labo", "lab/Observation/1")
    corrected = after(
        pathway, e.FactsRecorded(by=LABORATORY, facts=(right,), instead_of=("lab/Observation/1",))
    )
    assert corrected.fact("inr") == right
    gone = after(corrected, e.FactsRecorded(by=LABORATORY, facts=(), instead_of=("lab/Observation/1",)))
    assert gone.fact("inr") is None


def test_a_drug_that_is_learned_of_after_the_end_asks_for_no_work() -> None:
    pathway = refused()
    assert not pathway.runs
    drug = {"atc": "B01AF02", "text": "Apixaban", "status": "active", "dose": None}
    late = Fact("antithrombotics", [drug], pathway.as_of, "Labo", "lab/MedicationStatement/1")
    known = e.FactsRecorded(by=LABORATORY, facts=(late,))
    heard = after(
        pathway.but(hold=replace(pathway.hold, status=HoldStatus.NOT_REQUIRED)), known, pathway.as_of
    )
    assert heard.fact("antithrombotics") == late
    assert list(heard.unsettled()) == list(pathway.unsettled())


def test_two_records_that_are_one_person_are_joined_and_parted_without_anything_else_moving() -> None:
    pathway = enrolled()
    person = pathway.patient
    other = Identifier("urn:oid:1.2.250.1.999.1", "IPP-other")
    joined = after(
        pathway,
        e.IdentityJoined(
            by=LABORATORY,
            patient_id="kept",
            patient=type(person)(
                (*person.identifiers, other), person.family, person.given, person.birth_date
            ),
        ),
    )
    assert (joined.patient_id, joined.steps) == ("kept", pathway.steps)
    parted = after(joined, e.IdentityParted(by=LABORATORY, patient_id=pathway.patient_id, patient=person))
    assert (parted.patient_id, parted.patient) == (pathway.patient_id, person)


def test_the_new_events_and_what_they_leave_are_stored_and_read_without_loss() -> None:
    person = enrolled().patient
    for event in (
        report(said="Bénin", withdrawn=True),
        e.IdentityJoined(by=LABORATORY, patient_id="p", patient=person),
        e.IdentityParted(by=LABORATORY, patient_id="p", patient=person),
        e.FactsRecorded(by=LABORATORY, facts=(), instead_of=("a", "b")),
        e.VisitBooked(by=LABORATORY, step="triage", start=NOW, slot="Slot/1"),
    ):
        assert e.from_data(e.to_data(event)) == event
    pathway = after(enrolled(), report())
    assert decode(Pathway, encode(pathway)) == pathway
    slot = Visit(NOW, NOW + timedelta(hours=1), slot="Slot/1")
    assert decode(Visit, encode(slot)) == slot
