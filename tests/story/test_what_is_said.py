"""Whatever a patient's months make us say stands before three judges of R4: our gate, Medplum and Pyrofile."""

from pathlib import Path
from typing import Any

import pytest

from fhir_mappings.validate import check
from tests.peers.judges import Medplum, Pyrofile
from tests.story.emitted import form, said_in

FOLDER = Path(__file__).parents[2] / "protocols" / "stories"
PATIENTS = sorted(FOLDER.glob("p[0-9][0-9]*.yaml"))

SAID_BY_EVERYBODY = {"Patient", "Condition", "ServiceRequest", "Task", "CarePlan"}

Json = dict[str, Any]


def test_there_are_twelve_patients() -> None:
    assert len({path.stem[:3] for path in PATIENTS}) == 12


@pytest.mark.parametrize("story", PATIENTS, ids=lambda path: path.stem)
def test_every_version_of_every_resource_passes_the_gate(story: Path, tmp_path: Path) -> None:
    said = said_in(story, tmp_path)
    assert {each["resourceType"] for each in said.resources} >= SAID_BY_EVERYBODY
    assert len(said.transactions) > 5
    refused = [(each, check(each)) for each in (*said.resources, *said.transactions)]
    assert [issue for _, issues in refused for issue in issues] == []
    assert all("subjectCanonical" not in each for each in said.resources)  # R4B has it, R4 does not


@pytest.mark.parametrize("story", PATIENTS, ids=lambda path: path.stem)
def test_every_version_of_every_resource_passes_medplum(
    story: Path, medplum: Medplum, tmp_path: Path
) -> None:
    said = said_in(story, tmp_path)
    faults = [fault for each in (*said.resources, *said.transactions) for fault in medplum.faults(each)]
    assert faults == []


_JUDGED: set[str] = set()
"""Forms that Pyrofile has seen in this run: it takes 20 ms for each resource, and what is alike is judged once."""


@pytest.mark.parametrize("story", PATIENTS, ids=lambda path: path.stem)
def test_every_form_of_every_resource_passes_pyrofile(
    story: Path, pyrofile: Pyrofile, tmp_path: Path
) -> None:
    said = said_in(story, tmp_path)
    new = {form(each): each for each in (*said.resources, said.transactions[0])}
    faults = [fault for name, each in new.items() if name not in _JUDGED for fault in pyrofile.faults(each)]
    _JUDGED.update(new)
    assert faults == []


@pytest.mark.marathon
@pytest.mark.parametrize("story", PATIENTS, ids=lambda path: path.stem)
def test_every_single_version_passes_pyrofile(story: Path, pyrofile: Pyrofile, tmp_path: Path) -> None:
    said = said_in(story, tmp_path)
    assert [fault for each in (*said.resources, *said.transactions) for fault in pyrofile.faults(each)] == []
