"""Whatever a hospital says of a patient of ours is heard, passed over or listed; it never breaks the ear."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pathway.state import Actor
from scheduler.inbound import EARS, understand
from tests.house import Clock, House, open_house, plain_settings

DATA = Path(__file__).parents[1] / "data"
MONDAY = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)


@pytest.fixture
def house(sqlite_url: str, tmp_path: Path) -> Iterator[House]:
    found = open_house(plain_settings(sqlite_url, tmp_path), Clock(MONDAY))
    yield found
    found.close()


def examples() -> Iterator[dict[str, Any]]:
    """The official examples, and a whole invented life, as far as their types are understood."""
    for path in sorted([*(DATA / "hl7-r4").glob("*.json"), *(DATA / "synthea").glob("*.json")]):
        said = json.loads(path.read_text(encoding="utf-8"))
        for entry in said.get("entry", [{"resource": said}]):
            resource = entry.get("resource", {})
            if resource.get("resourceType") in EARS:
                yield resource


def test_every_example_is_heard_without_harm(house: House) -> None:
    pathway_id = house.refer().pathway_id
    assert pathway_id is not None
    patient_id = house.load(pathway_id)[0].patient_id
    service, kinds = house.service, set()
    with service.db.write() as session:
        for resource in examples():
            if resource["resourceType"] == "Patient":
                # Theirs have lives, deaths and links of their own: ours would be joined, or die.
                resource = {**resource, "birthDate": "1900-01-01"}
            understand(
                session,
                service.ledger,
                service.site,
                resource,
                patient_id=patient_id,
                source="chu",
                by=Actor("chu"),
                at=MONDAY,
            )
            kinds.add(resource["resourceType"])
    assert len(kinds) >= len(EARS) - 1
    assert house.load(pathway_id)[0].runs
