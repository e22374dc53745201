"""Reports, procedures, stays and requests to stop: the step they speak of hears them, a person has the last word."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pathway import events as e
from pathway.lifecycle import StepStatus, VisitStatus
from tests.house import RADIOLOGIST, Clock, open_house, plain_settings
from tests.pathway.tale import CHECK, WARD
from tests.scheduler.hospital_says import HospitalSays, lived, measured, subject

MONDAY = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
OUTCOME = "https://jalon.example/fhir/CodeSystem/outcome"
OURS = "https://jalon.example/fhir/StructureDefinition"
Json = dict[str, Any]


@pytest.fixture
def says(sqlite_url: str, tmp_path: Path) -> Iterator[HospitalSays]:
    house = open_house(plain_settings(sqlite_url, tmp_path), Clock(MONDAY))
    yield HospitalSays(house)
    house.close()


def stamp(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def pathology(says: HospitalSays, *, status: str = "final", outcome: str = "", **more: Any) -> Json:
    coded = [{"coding": [{"system": OUTCOME, "code": outcome}]}] if outcome else []
    return {
        "resourceType": "DiagnosticReport",
        "id": "acp",
        "status": status,
        "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "SP"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "11526-1"}]},
        "subject": subject(),
        "issued": stamp(says.house.clock.now),
        "conclusion": "Remaniements ostéoporotiques.",
        **({"conclusionCode": coded} if coded else {}),
        **more,
    }


def step(says: HospitalSays, pathway_id: str, key: str) -> Any:
    found = says.state(pathway_id).last(key)
    assert found is not None
    return found


# --- reports ----------------------------------------------------------------------------------------------


def test_a_final_report_waits_for_a_physician_and_a_preliminary_one_says_nothing(says: HospitalSays) -> None:
    pathway_id = lived(says, lambda tale: tale.until_home())
    assert not says.says(pathology(says, status="preliminary")).moved
    assert says.says(pathology(says)).moved
    assert step(says, pathway_id, "biopsy_result").status is StepStatus.OPEN
    flags = [flag.key for flag in says.house.load(pathway_id)[1].flags]
    assert "reported/biopsy_result/1/result" in flags


def test_a_report_with_an_outcome_of_ours_leaves_the_acknowledgement_to_a_physician(
    says: HospitalSays,
) -> None:
    pathway_id = lived(says, lambda tale: tale.until_home())
    says.says(pathology(says, outcome="malignant", conclusion="Plasmocytes."))
    result = step(says, pathway_id, "biopsy_result")
    assert (result.status, result.outcome, result.data["report"]) == (
        StepStatus.DONE,
        "malignant",
        "Plasmocytes.",
    )
    assert step(says, pathway_id, "biopsy_ack").status is StepStatus.OPEN


def test_a_report_that_is_amended_after_it_was_acknowledged_is_read_again(says: HospitalSays) -> None:
    pathway_id = lived(says, lambda tale: tale.until_home())
    says.says(pathology(says, outcome="benign"))
    done = e.StepCompleted(by=RADIOLOGIST, step="biopsy_ack", outcome="acknowledged")
    says.house.record(pathway_id, done)
    says.says(pathology(says, status="amended", outcome="malignant"))
    assert step(says, pathway_id, "biopsy_result").occurrence == 2
    assert step(says, pathway_id, "biopsy_result").outcome == "malignant"
    assert step(says, pathway_id, "biopsy_ack").status is StepStatus.OPEN


def test_a_report_that_is_withdrawn_is_said_no_more(says: HospitalSays) -> None:
    pathway_id = lived(says, lambda tale: tale.until_home())
    says.says(pathology(says))
    says.says(pathology(says, status="entered-in-error"))
    assert says.state(pathway_id).reported == ()


def test_a_pathology_result_after_the_end_of_the_pathway_is_never_lost(says: HospitalSays) -> None:
    pathway_id = lived(says, lambda tale: tale.until_home())
    says.house.record(pathway_id, e.PathwayEnded(by=RADIOLOGIST, end="declined", reason="refus"))
    says.says(pathology(says))
    assert [(row.kind, row.type) for row in says.listed()] == [("unmatched", "DiagnosticReport")]


def test_an_mri_brings_its_date_and_waits_to_be_read(says: HospitalSays) -> None:
    pathway_id = says.referred()
    says.house.record(pathway_id, e.StepAsked(by=RADIOLOGIST, step="exam_mri", reason="doute", due=None))
    says.says(
        {
            "resourceType": "DiagnosticReport",
            "status": "final",
            "code": {"text": "IRM du rachis dorsolombaire"},
            "subject": subject(),
            "effectiveDateTime": "2027-02-28",
            "conclusion": "Œdème de T12.",
        }
    )
    state = says.state(pathway_id)
    assert state.fact("mri_date").value == "2027-02-28"  # type: ignore[union-attr]
    assert [(one.step, one.said) for one in state.reported] == [("exam_mri/1", "Œdème de T12.")]


@pytest.mark.parametrize(
    ("day", "listed"), [("2025-06-02", []), ("2027-02-08", ["unmatched"]), ("2027-02-16", [])]
)
def test_a_pathology_report_of_an_older_sample_is_not_the_result_that_is_awaited(
    says: HospitalSays, day: str, listed: list[str]
) -> None:
    """The procedure took its sample on the 16th, for a referral of the 1st."""
    pathway_id = lived(says, lambda tale: tale.until_home())
    says.says(pathology(says, effectiveDateTime=day, issued=f"{day}T18:00:00+01:00"))
    assert [one.step for one in says.state(pathway_id).reported] == (
        ["biopsy_result/1"] if day == "2027-02-16" else []
    )
    assert [row.kind for row in says.listed()] == listed


def an_mri(status: str, **more: Any) -> Json:
    return {
        "resourceType": "DiagnosticReport",
        "id": "irm",
        "status": status,
        "code": {"text": "IRM du rachis dorsolombaire"},
        "subject": subject(),
        "effectiveDateTime": "2027-02-28",
        **more,
    }


@pytest.mark.parametrize("status", ["entered-in-error", "cancelled"])
def test_an_mri_that_was_filed_on_the_wrong_patient_takes_its_date_back(
    says: HospitalSays, status: str
) -> None:
    pathway_id = says.referred(facts=())
    says.house.record(pathway_id, e.StepAsked(by=RADIOLOGIST, step="exam_mri", reason="doute", due=None))
    says.says(an_mri("final"))
    assert says.state(pathway_id).fact("mri_date") is not None
    says.says(an_mri(status, code={"text": "?"}, effectiveDateTime=None))
    state = says.state(pathway_id)
    assert (state.fact("mri_date"), state.reported) == (None, ())


# --- the procedure ----------------------------------------------------------------------------------------


def a_procedure(says: HospitalSays, status: str = "completed", **more: Any) -> Json:
    now = says.house.clock.now
    return {
        "resourceType": "Procedure",
        "id": "op",
        "status": status,
        "code": {
            "coding": [
                {"system": "https://smt.esante.gouv.fr/terminologie-ccam", "code": "LHMH002"},
                {"system": "https://smt.esante.gouv.fr/terminologie-ccam", "code": "LHHH003"},
            ]
        },
        "subject": subject(),
        "performedPeriod": {
            "start": stamp(now - timedelta(minutes=60)),
            "end": stamp(now - timedelta(minutes=5)),
        },
        **more,
    }


def answer(key: str, **value: Any) -> Json:
    parts = [{"url": "code", "valueCode": key}, {"url": "value", **value}]
    return {"url": f"{OURS}/answer", "extension": parts}


def checked(tale: Any) -> None:
    """Until the patient may be operated on."""
    tale.until_confirmed().at("2027-02-16 08:15").completes("preop_check", "go", WARD, **CHECK)
    tale.at("2027-02-16 10:20")


def test_a_procedure_ends_at_the_end_of_cement_injection(says: HospitalSays) -> None:
    pathway_id = lived(says, checked)
    injected = says.house.clock.now - timedelta(minutes=20)
    said = a_procedure(
        says,
        extension=[
            {"url": f"{OURS}/cement-injection-end", "valueDateTime": stamp(injected)},
            answer("cement_ml", valueQuantity={"value": 4.5, "unit": "mL"}),
        ],
    )
    assert says.says(said).moved
    done = step(says, pathway_id, "procedure")
    assert (done.status, done.outcome, done.settled) == (StepStatus.DONE, "done", injected)
    assert done.data["biopsy_taken"] is True
    assert not says.listed()


def test_a_procedure_told_without_what_must_be_known_waits_at_its_step_and_on_the_list(
    says: HospitalSays,
) -> None:
    pathway_id = lived(says, checked)
    said = says.says(a_procedure(says))
    assert said.moved
    assert step(says, pathway_id, "procedure").status is not StepStatus.DONE
    assert [one.what for one in says.state(pathway_id).reported] == ["done"]
    assert [row.kind for row in says.listed()] == ["refused"]


def test_a_procedure_that_was_not_done_gives_its_slot_up_with_the_reason(says: HospitalSays) -> None:
    pathway_id = lived(says, lambda tale: tale.until_confirmed())
    said = a_procedure(says, "not-done", statusReason={"text": "Fièvre"})
    says.says({**said, "performedPeriod": {"start": "2027-02-16"}})
    visit = step(says, pathway_id, "procedure").visit
    assert (visit.status, visit.reason) == (VisitStatus.CANCELLED, "Fièvre")


@pytest.mark.parametrize("status", ["not-done", "in-progress", "completed"])
@pytest.mark.parametrize("when", [{"start": "2027-02-09T09:30:00+01:00"}, {}])
def test_a_procedure_of_another_day_or_of_none_is_a_question_and_moves_nothing(
    says: HospitalSays, status: str, when: Json
) -> None:
    """The visit was moved from the 9th to the 16th; only then does the hospital close what it had on the 9th."""
    pathway_id = lived(says, checked)
    before = step(says, pathway_id, "procedure")
    says.says({**a_procedure(says, status), "performedPeriod": when})
    assert step(says, pathway_id, "procedure") == before
    assert says.state(pathway_id).reported == ()
    assert [row.kind for row in says.listed()] == ["contradictory"]


def test_a_procedure_from_before_the_referral_is_history(says: HospitalSays) -> None:
    pathway_id = lived(says, checked)
    before = step(says, pathway_id, "procedure")
    says.says({**a_procedure(says), "performedPeriod": {"start": "2024-05-02", "end": "2024-05-02"}})
    assert (step(says, pathway_id, "procedure"), says.listed()) == (before, [])


def test_a_procedure_that_names_its_step_needs_no_day(says: HospitalSays) -> None:
    pathway_id = lived(says, lambda tale: tale.until_confirmed())
    order = {"system": "https://jalon.example/fhir/id/request", "value": f"{pathway_id}/procedure/1"}
    said = a_procedure(says, "not-done", basedOn=[{"identifier": order}])
    says.says({**said, "performedPeriod": {}})
    assert step(says, pathway_id, "procedure").visit.status is VisitStatus.CANCELLED


# --- stays ------------------------------------------------------------------------------------------------


STAYED: Json = {"start": "2027-02-16T07:30:00+01:00", "end": "2027-02-17"}


def a_stay(says: HospitalSays, status: str, **more: Any) -> Json:
    return {
        "resourceType": "Encounter",
        "id": "sejour",
        "status": status,
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
        "subject": subject(),
        "period": {"start": stamp(says.house.clock.now - timedelta(minutes=30))},
        **more,
    }


def test_a_patient_who_is_admitted_on_the_day_has_arrived(says: HospitalSays) -> None:
    pathway_id = lived(says, lambda tale: tale.until_confirmed())
    visit = step(says, pathway_id, "procedure").visit
    says.house.clock.now = visit.start - timedelta(days=1)
    assert not says.says(a_stay(says, "planned")).moved
    says.house.clock.now = visit.start - timedelta(hours=1)
    says.says(a_stay(says, "in-progress"))
    assert step(says, pathway_id, "procedure").visit.status is VisitStatus.ARRIVED


def test_a_patient_who_has_left_is_discharged_once_the_ward_has_said_the_rest(says: HospitalSays) -> None:
    pathway_id = lived(says, lambda tale: (tale.until_done(), tale.watched()))
    left = a_stay(
        says,
        "finished",
        period=STAYED,
        hospitalization={
            "dischargeDisposition": {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/discharge-disposition",
                        "code": "other-hcf",
                    }
                ]
            }
        },
    )
    if step(says, pathway_id, "discharge").status is StepStatus.WAITING:
        done = e.StepCompleted(by=RADIOLOGIST, step="surveillance", outcome="uneventful")
        says.house.record(pathway_id, done)
    says.says(left)
    assert step(says, pathway_id, "discharge").outcome == "transferred"


def test_home_without_the_checks_of_the_discharge_is_kept_for_the_ward(says: HospitalSays) -> None:
    pathway_id = lived(says, lambda tale: (tale.until_done(), tale.watched()))
    if step(says, pathway_id, "discharge").status is StepStatus.WAITING:
        done = e.StepCompleted(by=RADIOLOGIST, step="surveillance", outcome="uneventful")
        says.house.record(pathway_id, done)
    says.says(a_stay(says, "finished", period=STAYED))
    assert step(says, pathway_id, "discharge").status is StepStatus.OPEN
    assert [one.what for one in says.state(pathway_id).reported] == ["discharged"]


@pytest.mark.parametrize(
    ("period", "listed"),
    [
        ({"start": "2026-11-03", "end": "2026-11-09"}, []),
        ({"start": "2027-02-14", "end": "2027-02-16T10:00:00+01:00"}, []),
        ({"start": "2027-02-16T11:00:00+01:00", "end": "2027-02-17"}, []),
        ({"start": "2027-02-16"}, ["contradictory"]),
    ],
)
def test_another_stay_that_has_finished_discharges_nobody(
    says: HospitalSays, period: Json, listed: list[str]
) -> None:
    pathway_id = lived(says, lambda tale: (tale.until_done(), tale.watched()))
    if step(says, pathway_id, "discharge").status is StepStatus.WAITING:
        done = e.StepCompleted(by=RADIOLOGIST, step="surveillance", outcome="uneventful")
        says.house.record(pathway_id, done)
    before = step(says, pathway_id, "discharge")
    says.says(a_stay(says, "finished", period=period))
    assert (step(says, pathway_id, "discharge"), says.state(pathway_id).reported) == (before, ())
    assert [row.kind for row in says.listed()] == listed


# --- the watch --------------------------------------------------------------------------------------------


def test_a_vital_sign_during_the_watch_raises_its_alarm(says: HospitalSays) -> None:
    pathway_id = lived(says, lambda tale: tale.until_done())
    says.house.clock.wait(minutes=40)
    taken = stamp(says.house.clock.now - timedelta(minutes=1))
    says.says(measured("59408-5", 88, "%", taken, id="spo2"))
    state = says.state(pathway_id)
    assert [one.values for one in state.observed][-1] == {"spo2": 88}
    assert [one.alarm for one in state.alarms] == ["cardiorespiratory"]
    says.says(measured("59408-5", 88, "%", taken, id="spo2", status="entered-in-error"))
    assert [row.kind for row in says.listed()] == ["contradictory"]


# --- a request to stop ------------------------------------------------------------------------------------


def test_a_second_task_asks_to_stop_and_takes_nothing_away(says: HospitalSays) -> None:
    pathway_id = says.referred()
    abort = {
        "resourceType": "Task",
        "id": "stop",
        "status": "requested",
        "intent": "order",
        "code": {"coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "abort"}]},
        "focus": {
            "type": "Task",
            "identifier": {
                "system": "https://jalon.example/fhir/id/task",
                "value": f"{pathway_id}/triage/1",
            },
        },
        "for": subject(),
        "description": "Demande retirée",
    }
    says.says(abort)
    state = says.state(pathway_id)
    assert [(one.what, one.said) for one in state.reported] == [("abort", "Demande retirée")]
    late = e.StepCompleted(by=RADIOLOGIST, step="triage", outcome="accepted")
    says.house.record(pathway_id, late)
    assert step(says, pathway_id, "triage").status is StepStatus.DONE
    says.says({**abort, "id": "stop2", "focus": {"reference": "Task/of-nobody"}})
    assert [row.kind for row in says.listed()] == ["unmatched"]


# --- visits -----------------------------------------------------------------------------------------------


def appointment_of(pathway_id: str) -> Json:
    system = "https://jalon.example/fhir/id/appointment"
    return {
        "type": "Appointment",
        "identifier": {"system": system, "value": f"{pathway_id}/radiologist_consult/1"},
    }


def test_answers_to_a_visit_confirm_it_doubt_it_move_it_and_decline_it(says: HospitalSays) -> None:
    start = MONDAY + timedelta(days=7)
    pathway_id = says.booked(start=start)

    def answered(status: str, **more: Any) -> Any:
        says.says(
            {
                "resourceType": "AppointmentResponse",
                "appointment": appointment_of(pathway_id),
                "participantStatus": status,
                "actor": {"display": "Radiologie"},
                **more,
            }
        )
        return step(says, pathway_id, "radiologist_consult").visit

    assert answered("tentative").status is VisitStatus.PENDING
    assert answered("accepted").status is VisitStatus.BOOKED
    later = start + timedelta(hours=3)
    proposed = answered("tentative", start=stamp(later), end=stamp(later + timedelta(minutes=30)))
    assert (proposed.status, proposed.start) == (VisitStatus.PENDING, later)
    declined = answered("declined", comment="Salle fermée")
    assert (declined.status, declined.reason) == (VisitStatus.CANCELLED, "Salle fermée")


def test_a_visit_of_the_hospitals_own_making_is_heard_by_the_request_that_it_names(
    says: HospitalSays,
) -> None:
    start = MONDAY + timedelta(days=7)
    pathway_id = says.booked(start=start)
    later = start + timedelta(days=1)
    request = {
        "identifier": {
            "system": "https://jalon.example/fhir/id/request",
            "value": f"{pathway_id}/radiologist_consult/1",
        }
    }
    says.says(
        {
            "resourceType": "Appointment",
            "status": "booked",
            "basedOn": [request],
            "start": stamp(later),
            "end": stamp(later + timedelta(minutes=30)),
            "participant": [
                {"actor": subject(), "status": "accepted"},
                {"actor": {"type": "Location", "display": "Salle 4"}, "status": "accepted"},
            ],
        }
    )
    visit = step(says, pathway_id, "radiologist_consult").visit
    assert (visit.start, visit.place, visit.status) == (later, "Salle 4", VisitStatus.BOOKED)
