"""Every line of a pathway's history has its Provenance, written with it or not at all."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select

from fhir_mappings.validate import check
from pathway import events as e
from store.ledger import history
from store.resource_tables import ResourceRow, ResourceVersionRow
from tests.house import ANAESTHETIST, RADIOLOGIST, Clock, House, open_house, plain_settings
from tests.scheduler.table import a_patient_with_a_date, signs

MONDAY = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
SIGNED = "Arrêt de l'apixaban : dernière prise le samedi 6 mars au soir."


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> Iterator[House]:
    house = open_house(plain_settings(database_url, tmp_path), Clock(MONDAY))
    yield house
    house.close()


def evidence(house: House, pathway_id: str) -> list[dict[str, Any]]:
    """Every Provenance of a pathway, in the order of its history."""
    with house.service.db.read() as session:
        query = select(ResourceRow).where(
            ResourceRow.type == "Provenance", ResourceRow.pathway_id == pathway_id
        )
        rows = list(session.exec(query))
    return [row.content for row in sorted(rows, key=lambda row: int(row.id.rpartition("-")[2]))]


def begun(house: House) -> str:
    pathway_id = house.refer(1).pathway_id
    assert pathway_id is not None
    return pathway_id


def test_each_line_of_the_history_has_one_and_says_who_when_and_when_we_heard(house: House) -> None:
    pathway_id = begun(house)
    happened = house.clock.now - timedelta(hours=1)
    house.record(
        pathway_id,
        e.StepCompleted(by=RADIOLOGIST, step="triage", outcome="accepted", occurred=happened),
    )
    with house.service.db.read() as session:
        lines = history(session, pathway_id)
    said = evidence(house, pathway_id)
    assert [each["id"].rpartition("-")[2] for each in said] == [str(line.seq) for line in lines]
    assert said[-1]["occurredDateTime"] == "2027-03-01T08:00:00Z"
    assert said[-1]["recorded"] == "2027-03-01T09:00:00Z"
    assert said[-1]["agent"][0]["who"] == {"display": "Dr Rey"}
    assert said[-1]["agent"][0]["type"]["coding"][0]["code"] == "author"
    assert [check(each) for each in said] == [[] for _ in said]


def test_it_names_exactly_the_versions_that_the_event_made(house: House) -> None:
    pathway_id = begun(house)
    house.record(pathway_id, e.StepCompleted(by=RADIOLOGIST, step="triage", outcome="accepted"))
    with house.service.db.read() as session:
        row = ResourceVersionRow
        of_pathways = select(row).where(row.type != "Provenance", col(row.pathway_id).is_not(None))
        versions = session.exec(of_pathways)
        made = {f"{row.type}/{row.id}/_history/{row.version}" for row in versions}
    named = [target["reference"] for each in evidence(house, pathway_id) for target in each["target"]]
    assert len(named) == len(set(named))
    assert set(named) <= made
    messages = {name for name in made if name.startswith("CommunicationRequest/")}
    assert made - set(named) <= messages, "only what became of a message has no event"
    assert any(name.endswith("/_history/2") for name in named)


def test_an_event_that_changes_nothing_we_say_is_said_of_the_pathway(house: House) -> None:
    pathway_id = begun(house)
    house.record(
        pathway_id, e.ContactChanged(by=RADIOLOGIST, contact=house.load(pathway_id)[0].patient.contact)
    )
    (target,) = evidence(house, pathway_id)[-1]["target"]
    assert target["reference"].startswith(f"CarePlan/{pathway_id}/_history/")


def test_what_was_signed_is_in_the_signature_word_for_word(house: House) -> None:
    pathway_id = a_patient_with_a_date(house, MONDAY + timedelta(days=8), drug=True)
    signs(house, pathway_id, text=SIGNED)
    said = evidence(house, pathway_id)
    (signature,) = said[-1]["signature"]
    assert base64.b64decode(signature["data"]).decode() == SIGNED
    assert signature["who"] == {"display": ANAESTHETIST.name}
    assert signature["type"][0]["code"] == "1.2.840.10065.1.12.1.1"
    assert not any("signature" in each for each in said[:2]), "a referral and its triage are signed by nobody"


def test_an_event_that_is_undone_with_its_transaction_leaves_no_evidence(house: House) -> None:
    pathway_id = begun(house)
    before = len(evidence(house, pathway_id))
    with pytest.raises(ZeroDivisionError), house.service.db.write() as session:  # noqa: PT012 - one transaction
        event = e.StepCompleted(by=RADIOLOGIST, step="triage", outcome="accepted")
        house.service.ledger.record(session, pathway_id, event, at=house.clock.now)
        raise ZeroDivisionError
    assert len(evidence(house, pathway_id)) == before


def test_our_own_clock_is_told_from_a_person_and_from_a_hospital(house: House) -> None:
    pathway_id = begun(house)
    house.until(MONDAY + timedelta(days=3), hours=12)
    roles = {each["agent"][0]["type"]["coding"][0]["code"] for each in evidence(house, pathway_id)}
    assert "assembler" in roles
    assert evidence(house, pathway_id)[0]["agent"][0]["type"]["coding"][0]["code"] == "informant"
