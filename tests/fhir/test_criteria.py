"""A search held against one resource: what a subscriber asked for, and nothing else."""

import pytest

from fhir_mappings.criteria import Unclear, matches, parse

TASK = {
    "resourceType": "Task",
    "id": "t1",
    "status": "requested",
    "intent": "order",
    "code": {"coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}]},
    "for": {"reference": "https://jalon.example/fhir/Patient/p1"},
    "owner": {"identifier": {"system": "https://finess.esante.gouv.fr", "value": "750000001"}},
    "restriction": {"period": {"start": "2027-03-01T08:00:00Z", "end": "2027-03-08T08:00:00Z"}},
}
BASE = "https://jalon.example/fhir"


@pytest.mark.parametrize(
    "said",
    [
        "Task?",
        "Task",
        "Task?status=requested",
        "Task?status=accepted,requested",
        "Task?status:not=completed",
        "Task?patient=p1",
        "Task?patient=Patient/p1&status=requested",
        "Task?patient=https://jalon.example/fhir/Patient/p1",
        "Task?subject:Patient=p1",
        "Task?code=http://hl7.org/fhir/CodeSystem/task-code|fulfill",
        "Task?code=http://hl7.org/fhir/CodeSystem/task-code|",
        "Task?owner:identifier=https://finess.esante.gouv.fr|750000001",
        "Task?due=2027-03-08",
        "Task?due=ge2027-03-08&due=lt2027-03-09",
        "Task?due=ne2027-03-09",
        "Task?not-before=sa2027-02&not-before=eb2027-04",
        "Task?focus:missing=true",
        "Task?status:missing=false",
        "Task?_id=t1,t2",
        "Task?_id:not=t2",
    ],
)
def test_a_resource_that_meets_the_criteria_is_told(said: str) -> None:
    assert matches(TASK, parse(said), base=BASE)


@pytest.mark.parametrize(
    "said",
    [
        "Appointment?",
        "Task?status=accepted",
        "Task?status=requested&status=accepted",
        "Task?status:not=requested",
        "Task?patient=p2",
        "Task?patient=Group/p1",
        "Task?code=http://other|fulfill",
        "Task?code=|fulfill",
        "Task?due=2027-03-09",
        "Task?due=gt2027-03-08",
        "Task?focus:missing=false",
        "Task?_id=t2",
        "Task?focus=Task/1",
    ],
)
def test_a_resource_that_does_not_is_not(said: str) -> None:
    assert not matches(TASK, parse(said), base=BASE)


def test_a_uri_is_held_as_a_whole_with_its_version() -> None:
    plan = {
        "resourceType": "CarePlan",
        "instantiatesCanonical": ["https://jalon.example/fhir/PlanDefinition/vertebroplasty|2.0.0"],
    }
    said = "CarePlan?instantiates-canonical=https://jalon.example/fhir/PlanDefinition/vertebroplasty"
    assert matches(plan, parse(f"{said}|2.0.0"))
    assert not matches(plan, parse(f"{said}|1.0.0"))


@pytest.mark.parametrize(
    "said",
    [
        "",
        "Nonsense?a=b",
        "Task?name=x",
        "Task?_lastUpdated=gt2027",
        "Task?_sort=due",
        "Task?status:text=requested",
        "Task?due:exact=2027",
        "Task?due=soon",
        "Task?patient:Nobody=1",
        "Task?patient.name=x",
        "Task?status=",
        "Task?status:missing=perhaps",
        "Task?" + "status=requested&" * 200,
    ],
)
def test_what_cannot_be_held_against_one_resource_is_refused_in_a_sentence(said: str) -> None:
    with pytest.raises(Unclear, match=r"^[A-Z_a-z].*\.$"):
        parse(said)
