"""What each type is found by: the table, held against what R4 says of the elements it reads."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import fhir_mappings
from fhir_mappings.implied import IMPLIED
from fhir_mappings.search_parameters import PARAMETERS
from fhir_mappings.searchable import covered, index, place

DATA = Path(fhir_mappings.__file__).parent / "data"


def r4(part: str) -> dict[str, Any]:
    """Bindings or value sets of every type that is known."""
    found: dict[str, Any] = {}
    for name in ("required-bindings.json", "further-types.json"):
        found |= json.loads((DATA / name).read_text(encoding="utf-8"))[part]
    return found


def test_a_bare_code_means_the_systems_that_r4_binds_its_element_to() -> None:
    bindings, sets = r4("bindings"), r4("valueSets")
    bound = {}
    for type_, parameters in PARAMETERS.items():
        for parameter in parameters:
            for path in parameter.paths if parameter.kind == "token" else ():
                binding = bindings.get(f"{type_}.{path}")
                if binding is not None and binding["type"] == ["code"]:
                    systems = tuple(each["system"] for each in sets[binding["valueSet"]])
                    bound[type_, parameter.name] = set(systems)
    assert {key: set(systems) for key, systems in IMPLIED.items()} == bound


def test_no_parameter_is_said_twice_and_each_has_a_place_to_look() -> None:
    for type_, parameters in PARAMETERS.items():
        names = [one.name for one in parameters]
        assert len(set(names)) == len(names), type_
        assert all(one.paths for one in parameters), type_


def test_a_canonical_is_found_with_its_version_and_without() -> None:
    plan = {"resourceType": "CarePlan", "instantiatesCanonical": ["https://x/PlanDefinition/v|2.0"]}
    assert set(index(plan).tokens) == {
        ("instantiates-canonical", "", "https://x/PlanDefinition/v|2.0"),
        ("instantiates-canonical", "", "https://x/PlanDefinition/v"),
    }


def test_a_patient_is_a_patient_and_a_subject_whatever_it_is() -> None:
    said = {"resourceType": "Observation", "subject": {"reference": "Group/7"}}
    assert index(said).tokens == (("subject", "Group", "7"),)


def test_a_reference_by_our_address_is_to_what_is_here() -> None:
    base = "https://jalon.example/fhir"
    assert place(f"{base}/Patient/7", base) == ("Patient", "7")
    assert place("Patient/7/_history/3") == ("Patient", "7")
    assert place("https://other.example/fhir/Patient/7", base)[0] == ""


def test_a_date_is_a_day_of_the_centre_and_an_instant_is_itself() -> None:
    paris = ZoneInfo("Europe/Paris")
    day = covered("2027-03-28", paris)
    assert day is not None
    assert (day[1] - day[0]).total_seconds() == 23 * 3600  # clocks go forward in that night
    moment = datetime(2027, 3, 28, 8, 30, tzinfo=UTC)
    instant = covered("2027-03-28T10:30:00+02:00", paris)
    assert instant is not None
    assert instant[0] == moment
    assert covered("2027-02-30", paris) is None
