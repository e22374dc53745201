"""Destinations on the command line: how each does, what speaks against it, what it refuses, and trying again."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlmodel import select
from typer.testing import CliRunner, Result

from app.commands.common import Complaint
from app.commands.destinations import app
from store.resource_tables import ResourceRow
from store.tables import DeliveredRow
from tests.house import Clock, open_house, plain_settings
from tests.peers.hospital import Hospital

MONDAY = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)


@pytest.fixture
def jalon(
    sqlite_url: str, tmp_path: Path, fhir_server: Hospital, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    """The commands on a house that owes a hospital a pathway, of which it refuses a Task."""
    hospitals = [
        {"name": "chu", "url": fhir_server.base_url},
        {"name": "clinique", "url": "http://127.0.0.1:9/fhir", "mode": "hosted"},
    ]
    settings = plain_settings(sqlite_url, tmp_path, fhir_destinations=hospitals)
    house = open_house(settings, Clock(MONDAY))
    house.refer(1)
    outcome = {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": "business-rule", "details": {"text": "Not on Fridays"}}],
    }
    with house.service.db.write() as session:
        task = session.exec(select(ResourceRow).where(ResourceRow.type == "Task")).first()
        assert task is not None
        assert task.pathway_id is not None
        session.add(
            DeliveredRow(
                destination="chu",
                type="Task",
                id=task.id,
                pathway_id=task.pathway_id,
                refused=outcome,
                refused_version=task.version,
                refused_at=MONDAY,
            )
        )
    house.close()
    for name, value in settings.items():
        monkeypatch.setenv(
            f"JALON_{name.upper()}", json.dumps(value) if isinstance(value, list) else str(value)
        )
    return lambda *words: CliRunner().invoke(app, list(words))


def test_destinations_are_listed_checked_and_what_they_refuse_is_tried_again(
    jalon: Callable[..., Result], fhir_server: Hospital
) -> None:
    said = jalon("list").stdout
    assert "chu" in said
    assert "hosted" in said
    checked = jalon("check")
    assert checked.exit_code == 0, checked.output
    assert checked.stdout.splitlines() == [
        "chu (push): nothing speaks against it",
        "clinique (hosted): nothing speaks against it",
    ]
    letters = jalon("dead-letters", "chu").stdout
    assert "Not on Fridays" in letters
    refused = letters.split()[1]
    assert jalon("replay", "chu", refused).stdout == "1 to be tried again\n"
    assert jalon("dead-letters").stdout == ""
    assert jalon("replay", "chu").stdout == "0 to be tried again\n"
    assert jalon("resend", "chu").exit_code == 0
    fhir_server.stop()
    away = jalon("check")
    assert (away.exit_code, "cannot be reached" in away.stdout) == (1, True)
    fhir_server.start()


def test_a_destination_or_a_resource_that_is_not_there_is_one_line(jalon: Callable[..., Result]) -> None:
    for words in (("replay", "nobody"), ("resend", "nobody"), ("replay", "chu", "Task/none")):
        complaint = jalon(*words).exception
        assert isinstance(complaint, Complaint), words
