"""Why, on the pages and over the API: beside each date, without a script, in the reader's language."""

import re
from urllib.parse import unquote

import pytest

from app.i18n import Speech
from pathway import events as e
from pathway.explaining.whole import explain
from pathway.plan import plan
from pathway.protocol_words import answered
from tests.web.cast import DAY, FOUND, NADIA, ROUX, Ward, text_of


@pytest.fixture
def booked(ward: Ward) -> str:
    pathway = ward.started()
    ward.to_a_booked_procedure(pathway)
    return pathway


def test_beside_each_date_the_page_says_why_without_a_script(ward: Ward, booked: str) -> None:
    page = ward.browser("nadia").get(f"/pathways/{booked}")
    assert "<script>" not in page.text
    said = text_of(page)
    assert "Jeu. 25 mars 2027, 09:00 = intervention (jeu. 25 mars 2027, 10:00) − 1 heure" in said
    assert "Règle fracture + 90 j Source RCP FLS-DB KPI 5 (90 days from the fracture)" in said
    state, ground = ward.pathway(booked), ward.service.protocol.ground
    shown = {one.key for one in explain(state, ground)}
    linked = {unquote(found) for found in re.findall(r"explain\?what=([^\"]+)", page.text)}
    wanted = {
        item.key for item in plan(state, ground).items if item.kind.value in ("task", "visit", "message")
    }
    assert wanted <= shown & linked


def test_the_whole_reasoning_is_a_page_of_its_own(any_ward: Ward) -> None:
    pathway = any_ward.started()
    any_ward.to_a_booked_procedure(pathway)
    answer = any_ward.browser("klein").get(f"/pathways/{pathway}/explain?what=gate/G3")
    said = text_of(answer)
    assert "Verrou G3 : Date d'intervention confirmée" in said
    assert "Source CSP D.6124-91 and D.6124-92" in said
    assert "faite, Apte" in said
    assert "Dr Klein, Consultation d'anesthésie, lun. 1 mars 2027, 10:00" in said
    english = any_ward.browser("klein", "en").get(f"/pathways/{pathway}/explain")
    assert "Reminders and alerts" in text_of(english)
    assert "What is not planned" in text_of(english)


def test_a_name_that_there_never_was_is_not_found(ward: Ward, booked: str) -> None:
    answer = ward.browser("nadia").get(f"/pathways/{booked}/explain?what=nothing")
    assert answer.status_code == 404
    assert "Il n'y a rien de ce nom à expliquer" in text_of(answer)
    system = ward.system()
    assert system.get(f"/api/pathways/{booked}/explanations?what=nothing").json()["error"] == "not-found"
    assert system.get("/api/pathways/nobody/explanations").status_code == 404
    assert ward.browser().get(f"/api/pathways/{booked}/explanations").status_code == 401


def test_a_program_is_told_why_of_everything_that_is_planned(any_ward: Ward) -> None:
    pathway = any_ward.started()
    any_ward.to_a_booked_procedure(pathway)
    system = any_ward.system()
    told = system.get(f"/api/pathways/{pathway}/explanations").json()
    by_key = {one["key"]: one for one in told["explanations"]}
    for item in system.get(f"/api/pathways/{pathway}").json()["plan"]:
        assert by_key[item["key"]].get("at") == item.get("at")
        assert by_key[item["key"]]["because"]["en"]
    (due,) = system.get(f"/api/pathways/{pathway}/explanations", params={"what": "procedure/1/task"}).json()[
        "explanations"
    ]
    assert due["source"] == "VAPOUR; EBI"
    assert due["rule"] == {"fr": "fracture + 42 j", "en": "fracture + 42 d"}
    gates = system.get(f"/api/pathways/{pathway}/explanations", params={"kind": "gate"}).json()[
        "explanations"
    ]
    assert {one["key"] for one in gates} >= {"gate/G1", "gate/GO"}


def test_what_has_been_settled_can_still_be_asked_about(ward: Ward, booked: str) -> None:
    ward.record(booked, e.VisitBooked(by=NADIA, step="procedure", start=ward.now + 30 * DAY, place="Bloc 3"))
    page = ward.browser("nadia").get(f"/pathways/{booked}/explain?what=triage/1/task")
    assert "Plus prévu : l'étape est réglée (faite, Acceptée)." in text_of(page)


def test_reasons_are_in_the_readers_language_and_outcomes_by_their_titles(ward: Ward) -> None:
    pathway = ward.started()
    ward.record(pathway, e.StepCompleted(by=NADIA, step="triage", outcome="accepted"))
    ward.record(pathway, e.StepCompleted(by=ROUX, step="radiologist_consult", outcome="seen", data=FOUND))
    ward.record(pathway, e.StepCompleted(by=ROUX, step="indication", outcome="oncology"))
    french = text_of(ward.browser("nadia").get(f"/pathways/{pathway}"))
    assert "« Vers l'oncologie »" in french
    assert "parcours arrêté : Réorienté (oncologie)" in french
    assert "pathway ended" not in french
    english = text_of(ward.browser("nadia", "en").get(f"/pathways/{pathway}"))
    assert "the pathway has ended: Diverted (oncology)" in english
    assert "Vers l'oncologie" not in english


def test_a_choice_and_a_table_are_shown_by_their_titles(ward: Ward) -> None:
    protocol = ward.service.protocol.protocol
    rule = protocol.step(protocol.procedure_step)
    choices = [one for one in rule.answers if one.kind == "choice"]
    tables = [one for one in rule.answers if one.kind == "table"]
    assert choices or tables
    speech = Speech("fr", ward.service.protocol.calendar)
    for asked in (*choices, *(column for one in tables for column in one.columns if column.kind == "choice")):
        key = asked.choice_keys[0]
        assert speech.text(answered(asked, key, speech.calendar)) == asked.choice_title(key).fr
    for table in tables:
        row = {column.key: column.choice_keys[0] for column in table.columns if column.kind == "choice"}
        shown = speech.text(answered(table, [row], speech.calendar))
        assert not set(row.values()) & set(shown.split(" · ")), "keys are for programs"
