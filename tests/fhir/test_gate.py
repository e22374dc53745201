"""The R4 gate: every published example may stand, and each of the broken ones falls by one rule and by no other."""

import json
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError

from fhir_mappings.gate.definitions import covered_types, is_resource_type, resource_shape, shape
from fhir_mappings.gate.judging import judged
from fhir_mappings.outcome import Issue
from fhir_mappings.validate import check

Json = dict[str, Any]
DATA = Path(__file__).parents[1] / "data"
BROKEN = DATA / "broken"

VALID = [
    *(
        path
        for name in ("hl7-r4", "ans-sas", "ans-tlsv", "synthea")
        for path in sorted((DATA / name).glob("*.json"))
    ),
    DATA / "hl7-test-cases" / "r4__appointment-examplereq.json",
    DATA / "hl7-test-cases" / "validator__mycommunication.valid.example.json",
    DATA / "hl7-test-cases" / "validator__mycommunication.invalid.json",  # only by the profile that it claims
]
RULES = [line.split("\t") for line in (BROKEN / "rules.tsv").read_text("utf-8").splitlines()]


def read(path: Path) -> Json:
    found: Json = json.loads(path.read_text("utf-8"))
    return found


def broken(name: str) -> Json:
    return read(BROKEN / f"{name}.json")


def rule_of(issue: Issue) -> str:
    """The key of an invariant, else the code of the issue."""
    return issue.diagnostics.rpartition("(")[2].rstrip(")") if issue.code == "invariant" else issue.code


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_a_published_example_may_stand(path: Path) -> None:
    assert check(read(path)) == []


def test_all_the_official_examples_are_here() -> None:
    assert len(list((DATA / "hl7-r4").glob("*.json"))) == 89


@pytest.mark.parametrize(("name", "rule", "where"), RULES, ids=[name for name, _, _ in RULES])
def test_what_is_broken_falls_by_one_rule_and_no_other(name: str, rule: str, where: str) -> None:
    assert [(rule_of(issue), issue.expression) for issue in check(broken(name))] == [(rule, (where,))]


def test_the_broken_ones_are_many_and_all_named() -> None:
    assert {path.stem for path in BROKEN.glob("*.json")} == {name for name, _, _ in RULES}
    assert len(RULES) >= 170


def test_the_official_invalid_task_falls_for_want_of_its_intent() -> None:
    [issue] = check(read(DATA / "hl7-test-cases" / "validator__xver-task-r4.json"))
    assert (issue.code, issue.expression) == ("required", ("Task.intent",))


# --- beside fhir.resources --------------------------------------------------------------------------------

ONLY_WE = {
    "empty-list": "the library takes an empty list",
    "element-of-r5": "R4B has it, R4 has not",
    "contained-without-id": "the library does not look at ids of what is contained",
    "contained-twice-the-same-id": "the library does not look at ids of what is contained",
    "participants-empty": "the library takes an empty list",
    "parameter-is-broken": "a required primitive in a resource within another",
}


def library_refuses(resource: Json) -> bool:
    try:
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    except ValidationError:
        return True
    return False


@pytest.mark.parametrize("name", [name for name, _, _ in RULES])
def test_what_fhir_resources_refuses_the_gate_refuses_and_of_structure_the_other_way_round(name: str) -> None:
    resource, rule = broken(name), {each: rule for each, rule, _ in RULES}[name]
    if not is_resource_type(str(resource.get("resourceType"))):
        return
    if library_refuses(resource):
        assert check(resource)
    elif name not in ONLY_WE:
        assert rule not in ("structure", "required"), f"the library takes {name}"


R4B_ONLY = {
    "ActivityDefinition": {"subjectCanonical"},
    "PlanDefinition": {"subjectCanonical"},
}
"""Elements of the library's classes, which are R4B, that R4 has not."""


@pytest.mark.parametrize("kind", sorted(kind for kind in covered_types() if resource_shape(kind) is not None))
def test_the_tables_and_the_classes_of_fhir_resources_know_the_same_elements(kind: str) -> None:
    fields = get_fhir_model_class(kind).model_fields.values()
    theirs = {str(field.alias) for field in fields} - {"fhir_comments", "resource_type"}
    ours = set(shape(kind).children)
    assert {name for name in theirs if not name.startswith("_")} - ours == R4B_ONLY.get(kind, set())
    assert ours - theirs == set()


# --- what is said of it -----------------------------------------------------------------------------------


def test_every_entry_of_a_bundle_is_judged_in_its_place() -> None:
    entries = [{"resource": broken("code-unknown")}, {"resource": broken("app-1")}]
    found = check({"resourceType": "Bundle", "type": "collection", "entry": entries})
    assert [issue.expression for issue in found] == [
        ("Bundle.entry[0].resource.status",),
        ("Bundle.entry[1].resource.participant[0]",),
    ]


def test_a_bundle_in_a_bundle_knows_its_own_entries() -> None:
    inner = broken("entry-of-the-wrong-type")
    outer = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": inner}]}
    assert [issue.expression for issue in check(outer)] == [
        ("Bundle.entry[0].resource.entry[0].resource.owner",)
    ]


def test_what_r4_only_advises_is_a_warning_and_refuses_nothing() -> None:
    task = {"resourceType": "Task", "status": "ready", "intent": "order"}
    assert [(issue.severity, rule_of(issue)) for issue in judged(task)] == [("warning", "dom-6")]
    assert check(task) == []


SECRET = "Petit-Odette"


@pytest.mark.parametrize(
    "resource",
    [
        {"resourceType": SECRET},
        {"resourceType": "Task", "status": SECRET, "intent": "order"},
        {"resourceType": "Task", "status": "ready", "intent": "order", f"{SECRET} 1947": "x"},
        {"resourceType": "Task", "status": "ready", "intent": "order", "owner": {"reference": SECRET}},
        {"resourceType": "Patient", "birthDate": SECRET},
        {"resourceType": "Patient", "name": [{"family": [SECRET]}]},
        {"resourceType": "Patient", "contained": [{"resourceType": SECRET}]},
        {"resourceType": "Patient", "text": {"status": "generated", "div": SECRET}},
        {"resourceType": "Immunization", "status": {"x": SECRET}},
    ],
)
def test_no_issue_quotes_what_was_found(resource: Json) -> None:
    found = check(resource)
    assert found
    assert all(SECRET not in f"{issue.diagnostics} {issue.expression}" for issue in found)


@pytest.mark.parametrize(
    "resource", [None, [], "Task", 3, {}, {"resourceType": 3}, {"resourceType": "Resource"}]
)
def test_what_is_no_resource_is_refused_and_never_raises(resource: Any) -> None:
    assert [issue.code for issue in check(resource)] == ["structure"]


def test_a_resource_nested_without_end_is_refused() -> None:
    deep: Json = {"url": "http://h.example/x", "valueString": "x"}
    for _ in range(5_000):
        deep = {"url": "http://h.example/x", "extension": [deep]}
    assert [issue.code for issue in check({"resourceType": "Patient", "extension": [deep]})] == ["too-costly"]


ONE_OF_EACH = [name for name, _, _ in RULES[::7]]


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_anything_in_the_place_of_anything_is_judged_and_never_raises(name: str) -> None:
    for strange in (
        None,
        [],
        {},
        "",
        "#",
        0,
        -1.5,
        True,
        [None],
        [[]],
        [{}],
        {"reference": ["#"]},
        {"id": 3},
    ):
        for mutant in mutants(broken(name), strange):
            assert isinstance(check(mutant), list)


def mutants(value: Any, strange: Any) -> list[Any]:
    """Copies of a JSON value with one part replaced by something strange, for every part."""
    if isinstance(value, dict):
        items: list[tuple[Any, Any]] = list(value.items())
        return [
            *({**value, key: strange} for key, _ in items),
            *({**value, key: each} for key, part in items for each in mutants(part, strange)),
        ]
    if isinstance(value, list):
        return [
            [*value[:at], each, *value[at + 1 :]]
            for at, part in enumerate(value)
            for each in (strange, *mutants(part, strange))
        ]
    return []
