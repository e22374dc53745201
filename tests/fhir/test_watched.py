"""What the ward saw, the alarms it raised and the complication written down, as a hospital reads them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from fhir_mappings.project import project
from fhir_mappings.site import Site
from fhir_mappings.validate import check
from pathway import events as e
from pathway.ladders import alerts
from pathway.referral import Fact
from tests.pathway.tale import CALM, RADIOLOGIST, WARD, Tale, p01, wall

SITE = Site("https://jalon.example/fhir", "CHU des Tilleuls")


def said(tale: Tale, type_: str) -> list[dict[str, Any]]:
    """The resources of this type that say the state, each well-formed."""
    found = project(tale.pathway, tale.ground, tale.plan(), SITE)
    assert [issue for each in found for issue in check(each)] == []
    return [each for each in found if each["resourceType"] == type_]


def weak_leg() -> Tale:
    """Half an hour after the cement, the right leg has lost strength."""
    tale = p01().until_done()
    tale.at("2027-02-16 10:25").does(e.ObservationsRecorded(by=WARD, round="recovery/1", values=CALM))
    weak = {**CALM, "motor_right": 3}
    return tale.at("2027-02-16 10:40").does(e.ObservationsRecorded(by=WARD, round="recovery/2", values=weak))


def alarm_task(tale: Tale) -> dict[str, Any]:
    (found,) = [each for each in said(tale, "Task") if "alarm" in each["identifier"][0]["value"]]
    return found


def test_a_set_is_one_observation_with_what_was_looked_at_in_loinc_and_ucum() -> None:
    first, second = said(weak_leg(), "Observation")
    assert first["status"] == "final"
    assert first["effectiveDateTime"] == "2027-02-16T09:25:00Z"
    parts = {each["code"]["coding"][-1]["code"]: each for each in second["component"]}
    assert parts["spo2"]["code"]["coding"][0] == {"system": "http://loinc.org", "code": "59408-5"}
    assert parts["spo2"]["valueQuantity"] == {
        "value": 97,
        "unit": "%",
        "system": "http://unitsofmeasure.org",
        "code": "%",
    }
    assert parts["motor_right"]["valueQuantity"]["value"] == 3


def test_a_set_that_could_not_be_taken_is_cancelled_with_its_reason() -> None:
    tale = p01().until_done().at("2027-02-16 10:25")
    tale.does(e.ObservationsRecorded(by=WARD, round="recovery/1", reason="au scanner"))
    (only,) = said(tale, "Observation")
    assert (only["status"], only["note"]) == ("cancelled", [{"text": "au scanner"}])
    assert "component" not in only


def test_an_alarm_is_a_flag_and_a_stat_task_for_the_role_on_call_due_at_its_acknowledgement() -> None:
    tale = weak_leg()
    (flag,) = said(tale, "Flag")
    task = alarm_task(tale)
    assert flag["status"] == "active"
    assert (task["priority"], task["status"]) == ("stat", "ready")
    assert task["focus"] == {"reference": f"Flag/{flag['id']}"}
    watch = tale.ground.protocol.surveillance
    assert watch is not None
    rule = watch.alarm(tale.pathway.alarms[0].alarm)
    assert rule is not None
    due = tale.pathway.alarms[0].at + timedelta(minutes=rule.acknowledge_minutes)
    assert task["restriction"]["period"]["end"] == due.isoformat().replace("+00:00", "Z")
    assert [each["text"] for each in task["performerType"]] == list(rule.to)
    (plan,) = said(tale, "CarePlan")
    assert {"reference": {"reference": f"Task/{task['id']}"}} in plan["activity"]


def test_whoever_takes_the_alarm_settles_both_with_the_hour() -> None:
    tale = weak_leg()
    tale.at("2027-02-16 10:44")
    (alert,) = [each for each in alerts(tale.pathway, tale.ground) if each.key.startswith("alarm/")]
    tale.does(e.AlertAcknowledged(by=RADIOLOGIST, key=alert.key))
    (flag,), task = said(tale, "Flag"), alarm_task(tale)
    assert flag["status"] == "inactive"
    assert flag["period"]["end"] == "2027-02-16T09:44:00Z"
    assert task["status"] == "completed"
    assert task["executionPeriod"]["end"] == "2027-02-16T09:44:00Z"
    assert task["output"][0]["valueString"] == RADIOLOGIST.name


def test_a_number_typed_here_is_an_observation_and_what_a_hospital_told_is_not_said_again() -> None:
    tale = p01()
    at = wall("2027-02-01 12:00")
    facts = (Fact("inr", 1.1, at, "Claire", "web"), Fact("weight_kg", 61, at, "labo", "Observation/29463-7"))
    tale.at("2027-02-01 13:00").does(e.FactsRecorded(by=RADIOLOGIST, facts=facts))
    (inr,) = said(tale, "Observation")
    assert inr["code"]["coding"] == [{"system": "http://loinc.org", "code": "6301-6"}]
    assert inr["valueQuantity"]["value"] == 1.1


def test_a_complication_that_was_written_down_is_an_adverse_event() -> None:
    tale = weak_leg()
    tale.does(e.StepAsked(by=RADIOLOGIST, step="adverse_event", reason="déficit moteur"))
    tale.completes("adverse_event", "recorded", RADIOLOGIST, event_summary="Déficit moteur", fsei="declared")
    (event,) = said(tale, "AdverseEvent")
    assert event["event"] == {"text": "Déficit moteur"}
    assert event["actuality"] == "actual"
