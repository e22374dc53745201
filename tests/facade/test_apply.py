"""A hospital applies the protocol to a patient: GET shows what would begin, POST begins it, once for a key."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from sqlmodel import SQLModel, func, select

from app import versions
from app.definitions import say_definitions
from app.protocols import BUILTIN, load
from fhir_mappings.validate import check
from pathway import events as e
from pathway.referral import Identifier
from store import joins, referrals
from store import protocols as shelves
from tests.facade.applied import ID, URL, begin, empty, inline, parameters, pathways, said
from tests.facade.conftest import MONDAY, Facade, referral_bundle
from tests.house import COORDINATOR, RADIOLOGIST, fracture, patient

# --- POST begins it ---------------------------------------------------------------------------------------


def test_a_start_begins_the_pathway_and_answers_its_care_plan(facade_anywhere: Facade) -> None:
    facade = facade_anywhere
    answer = begin(facade, parameters())
    assert answer.status_code == 201, answer.text
    plan = answer.json()
    assert plan["resourceType"] == "CarePlan"
    assert (plan["status"], plan["intent"]) == ("active", "plan")
    assert plan["instantiatesCanonical"] == [f"{URL}|2.0.0"]
    assert answer.headers["location"] == f"http://jalon.test/fhir/CarePlan/{plan['id']}"
    assert facade.get(f"/CarePlan/{plan['id']}").json() == plan
    state, _ = facade.house.load(plan["id"])
    assert state.fact("pain_nrs") is not None, "what was sent beside is known"
    assert state.referrer.name == "RIS", "without a request, the system that applies is who refers"


def test_the_same_key_again_answers_the_same_care_plan(facade: Facade) -> None:
    first = begin(facade, parameters())
    again = begin(facade, parameters())
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert again.headers["location"] == first.headers["location"]
    by_url = parameters(url={"valueCanonical": URL})
    assert begin(facade, by_url, "/$apply").json()["id"] == first.json()["id"]
    assert pathways(facade) == 1


def test_the_key_still_answers_when_the_pathway_has_gone_on(facade: Facade) -> None:
    first = begin(facade, parameters()).json()
    facade.house.record(first["id"], e.StepCompleted(by=RADIOLOGIST, step="triage", outcome="accepted"))
    facade.house.clock.wait(days=3)
    again = begin(facade, parameters())
    assert (again.status_code, again.json()["id"]) == (200, first["id"])


def test_a_key_is_not_taken_for_another_subject_or_fracture(facade: Facade) -> None:
    assert begin(facade, parameters(0)).status_code == 201
    other = begin(facade, parameters(1))
    assert other.status_code == 409
    assert "subject" in said(other)
    broken = {**inline(0, "Condition"), "onsetDateTime": "2026-11-02", "bodySite": [{"text": "L3"}]}
    fractured = begin(facade, parameters(0, condition={"resource": broken}))
    assert fractured.status_code == 409
    assert "fracture" in said(fractured)
    assert pathways(facade) == 1


def test_a_key_is_still_known_when_the_patient_goes_on_as_another_record(facade: Facade) -> None:
    first = begin(facade, parameters(0)).json()
    same_person = replace(patient(0), identifiers=(Identifier("urn:oid:1.2.250.1.999.1", "IPP-new"),))
    older = fracture(MONDAY.date(), onset=date(2026, 6, 1))
    other = facade.ask("POST", "", resource=referral_bundle(7, person=same_person, fracture=older))
    kept = facade.house.load(other.headers["location"].rpartition("/")[2])[0].patient_id
    gone = facade.house.load(first["id"])[0].patient_id
    service = facade.house.service
    with service.db.write() as session:
        said_so = {"document": "DPI/Patient/1", "source": "DPI", "by": COORDINATOR, "at": MONDAY}
        joins.join(session, service.ledger, kept=kept, gone=gone, **said_so)
    again = begin(facade, parameters(0))
    assert (again.status_code, again.json()["id"]) == (200, first["id"]), again.text


def test_keys_of_two_systems_have_nothing_to_do_with_each_other(facade: Facade) -> None:
    mine = begin(facade, parameters(0))
    theirs = begin(facade, parameters(1), token=facade.rival)
    assert (mine.status_code, theirs.status_code) == (201, 201)
    assert mine.json()["id"] != theirs.json()["id"]


def test_another_key_for_the_same_fracture_waits_for_a_person(facade: Facade) -> None:
    """The start goes the way of every referral: a second one for a fracture under way starts nothing."""
    assert begin(facade, parameters(key="one")).status_code == 201
    second = begin(facade, parameters(key="two"))
    assert second.status_code == 202
    assert "already running" in said(second)
    assert begin(facade, parameters(key="two")).status_code == 202, "and its key says so again"
    assert pathways(facade) == 1


def test_the_referral_that_was_heard_before_is_the_same_pathway(facade: Facade) -> None:
    """With the hospital's own ServiceRequest, its identifier decides, by whichever way it comes."""
    referred = facade.ask("POST", "", resource=referral_bundle())
    body = parameters(request={"resource": inline(0, "ServiceRequest")})
    applied = begin(facade, body)
    assert applied.status_code == 200, applied.text
    assert applied.headers["location"] == referred.headers["location"]


def test_a_known_patient_is_named_by_our_id_or_by_an_identifier(facade: Facade) -> None:
    """And the fracture by a Condition that the hospital has written here."""
    before = facade.house.load(facade.referred(0))[0]
    healed = {**inline(0, "Condition"), "subject": {"reference": f"Patient/{before.patient_id}"}}
    healed |= {"onsetDateTime": "2027-02-25", "bodySite": [{"text": "L2"}]}
    written = facade.ask("POST", "/Condition", resource=healed).json()
    condition = {"valueReference": {"reference": f"Condition/{written['id']}"}}
    ours = {"valueString": f"Patient/{before.patient_id}"}
    first = begin(facade, parameters(key="a", subject=ours, condition=condition, data=empty()))
    assert first.status_code == 201, first.text
    assert facade.house.load(first.json()["id"])[0].patient_id == before.patient_id
    assert facade.house.load(first.json()["id"])[0].previous == before.id
    theirs = {"valueString": str(before.patient.identifiers[0])}
    again = begin(facade, parameters(key="a", subject=theirs, condition=condition, data=empty()))
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
    patient = facade.get(f"/Patient/{before.patient_id}").json()
    assert len(patient["identifier"]) == 2, "our own identifier did not become the hospital's"


def test_a_start_that_lacks_the_day_of_the_fracture_waits_for_a_person_and_then_answers(
    facade: Facade,
) -> None:
    vague = {name: value for name, value in inline(0, "Condition").items() if name != "onsetDateTime"}
    body = parameters(condition={"resource": vague})
    answer = begin(facade, body)
    assert answer.status_code == 202, answer.text
    assert "On which day" in said(answer)
    service = facade.house.service
    with service.db.write() as session:
        (row,) = referrals.waiting(session)
        known = replace(referrals.read(row), fracture=fracture(MONDAY.date()))
        referrals.complete(
            session,
            service.ledger,
            row.id,
            known,
            digest=service.begins_with(session),
            by=COORDINATOR,
            at=MONDAY,
        )
    again = begin(facade, body)
    assert (again.status_code, again.json()["resourceType"]) == (200, "CarePlan")


def test_every_start_leaves_its_trace(facade: Facade) -> None:
    id_ = begin(facade, parameters()).json()["id"]
    begin(facade, parameters())
    patient = facade.house.load(id_)[0].patient_id
    with facade.house.service.db.read() as session:
        told = facade.house.service.audit.told(session, patient_id=patient)
    traced = [(one.entry.action, one.entry.what, one.entry.actor) for one in told]
    assert ("write", f"referral/{id_}", "RIS") in traced
    assert ("read", f"CarePlan/{id_}", "RIS") in traced


# --- only the version in use ------------------------------------------------------------------------------


def test_only_the_version_in_use_begins_and_a_key_outlives_it(facade: Facade, tmp_path: Path) -> None:
    first = begin(facade, parameters(0, key="old")).json()
    service, now = facade.house.service, facade.house.clock.now
    centre = load(BUILTIN, {}, edition="2")
    with service.db.write() as session:
        versions.publish(session, centre, by="test", note="", now=now)
        say_definitions(session, service.site, service.ledger.shelf, now=now)
    waiting_ = facade.get("/PlanDefinition?status=draft").json()["entry"][0]["resource"]
    assert waiting_["version"] == "2.0.0+2"
    refused = begin(facade, parameters(1, key="new"), f"/{waiting_['id']}/$apply")
    assert refused.status_code == 422
    assert "not in use yet" in said(refused)
    with service.db.write() as session:
        shelves.use(session, centre.digest, by="test", now=now)
        say_definitions(session, service.site, service.ledger.shelf, now=now + timedelta(seconds=1))
    assert facade.get(f"/PlanDefinition/{ID}").json()["status"] == "retired"
    assert facade.get(f"/PlanDefinition/{ID}/_history/1").json()["status"] == "active"
    retired = begin(facade, parameters(1, key="new"))
    assert retired.status_code == 422
    assert "retired" in said(retired)
    assert (
        facade.get(f"/PlanDefinition/{ID}/$apply?subject=Patient/x&condition=Condition/y").status_code == 422
    )
    by_url = begin(facade, parameters(1, key="new", url={"valueUri": URL}), "/$apply")
    assert by_url.json()["instantiatesCanonical"] == [f"{URL}|2.0.0+2"]
    again = begin(facade, parameters(0, key="old"))
    assert (again.status_code, again.json()["id"]) == (200, first["id"])
    moved_on = begin(facade, parameters(0, key="old", url={"valueUri": URL}), "/$apply")
    assert (moved_on.status_code, moved_on.json()["id"]) == (200, first["id"])
    other = begin(facade, parameters(0, key="old", url={"valueUri": f"{URL}|2.0.0+2"}), "/$apply")
    assert other.status_code == 409
    assert "plan" in said(other)


# --- GET shows it -----------------------------------------------------------------------------------------


def everything_stored(facade: Facade) -> dict[str, int]:
    """How many rows each table has, the trace left out."""
    with facade.house.service.db.read() as session:
        return {
            table.name: session.connection().execute(select(func.count()).select_from(table)).scalar_one()
            for table in SQLModel.metadata.sorted_tables
            if not table.name.startswith("audit")
        }


def test_a_look_shows_what_would_begin_and_stores_nothing(facade: Facade) -> None:
    state = facade.house.load(facade.referred(0))[0]
    asked = {"subject": f"Patient/{state.patient_id}", "condition": f"Condition/{state.id}-fracture"}
    before = everything_stored(facade)
    answer = facade.get(f"/PlanDefinition/{ID}/$apply", params=asked)
    assert answer.status_code == 200, answer.text
    assert everything_stored(facade) == before
    proposal = answer.json()
    assert check(proposal) == []
    assert (proposal["status"], proposal["intent"]) == ("draft", "proposal")
    assert proposal["subject"] == {"reference": f"Patient/{state.patient_id}"}
    assert not any("identifier" in one for one in (proposal, *proposal["contained"]))
    assert f"CarePlan/{state.id}" in " ".join(note["text"] for note in proposal["note"])
    assert "intensité de la douleur" in " ".join(note["text"] for note in proposal["note"])
    tasks = {
        one["code"]["coding"][-1]["code"]: one
        for one in proposal["contained"]
        if one["resourceType"] == "Task"
    }
    assert set(tasks) == {step.key for step in state.steps}
    same = facade.get("/PlanDefinition/$apply", params={**asked, "url": URL})
    assert same.json() == proposal


def test_what_a_look_shows_is_what_a_start_begins(facade: Facade) -> None:
    person = facade.house.load(facade.referred(0))[0].patient_id
    healed = {**inline(0, "Condition"), "subject": {"reference": f"Patient/{person}"}}
    healed |= {"onsetDateTime": "2027-02-25", "bodySite": [{"text": "L2"}]}
    written = facade.ask("POST", "/Condition", resource=healed).json()
    asked = {"subject": f"Patient/{person}", "condition": f"Condition/{written['id']}"}
    shown = facade.get(f"/PlanDefinition/{ID}/$apply", params=asked).json()
    values = {name: {"valueString": value} for name, value in asked.items()}
    begun = begin(facade, parameters(**values, data=empty())).json()
    proposed = {
        one["id"].removeprefix("preview-"): one for one in shown["contained"] if one["resourceType"] == "Task"
    }
    for activity in begun["activity"]:
        type_, _, id_ = activity["reference"]["reference"].partition("/")
        if type_ == "Task":
            task, would_be = (
                facade.get(f"/Task/{id_}").json(),
                proposed.pop(id_.removeprefix(f"{begun['id']}-")),
            )
            for element in ("status", "code", "restriction", "performerType", "businessStatus", "authoredOn"):
                assert task.get(element) == would_be.get(element), (id_, element)
    assert proposed == {}


def test_a_look_leaves_a_trace_of_whom_it_looked_at(facade: Facade) -> None:
    state = facade.house.load(facade.referred(0))[0]
    asked = {"subject": str(state.patient.identifiers[0]), "condition": f"Condition/{state.id}-fracture"}
    assert facade.get(f"/PlanDefinition/{ID}/$apply", params=asked, token=facade.reader).status_code == 200
    with facade.house.service.db.read() as session:
        told = facade.house.service.audit.told(session, patient_id=state.patient_id)
    traced = {(one.entry.action, one.entry.what, one.entry.actor) for one in told}
    assert ("read", f"PlanDefinition/{ID}/$apply", "Entrepôt") in traced
