"""Our functions and the published FHIRPath of R4 say the same of every example and of everything broken."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from fhir_mappings.gate.invariants import all_rules
from fhir_mappings.gate.judging import judged
from tests.fhir.fhirpath import Published, in_utc, kept, objects_in, published

Json = dict[str, Any]
DATA = Path(__file__).parents[1] / "data"

ELSEWHERE = {
    "ele-1": "asked of JSON itself, in the walk: an empty value never reaches FHIRPath",
    "ref-1": "needs what is contained, in references",
    "txt-1": "htmlChecks() is no FHIRPath",
    "txt-2": "htmlChecks() is no FHIRPath",
    "dom-2": "asked of the whole resource",
    "dom-3": "asked of the whole resource",
    "dom-4": "asked of the whole resource",
    "dom-5": "asked of the whole resource",
    "dom-6": "asked of the whole resource",
}
OF_THE_PARTS = {"org-2": "address", "org-3": "telecom"}
"""Published for each part, asked by us of the Organization."""

MENDED = {
    "app-4": "the published text has no-show where the code is noshow",
    "que-13": "as published it says nothing where repeats is missing",
    "ctm-1": "there is no resolve() here; the type is told by the reference",
    "rng-2": "fhirpathpy compares no quantities",
}


def resources() -> dict[str, Json]:
    """Every example, and everything broken whose shape is sound."""
    found = {}
    for folder in ("hl7-r4", "ans-sas", "ans-tlsv", "hl7-test-cases"):
        for path in sorted((DATA / folder).glob("*.json")):
            found[f"{folder}/{path.stem}"] = in_utc(json.loads(path.read_text("utf-8")))
    for line in (DATA / "broken" / "rules.tsv").read_text("utf-8").splitlines():
        name, rule, _ = line.split("\t")
        if any(character.isdigit() for character in rule) and rule != "ele-1":
            found[f"broken/{name}"] = in_utc(
                json.loads((DATA / "broken" / f"{name}.json").read_text("utf-8"))
            )
    return found


RESOURCES = resources()


def test_every_published_invariant_has_a_function_of_its_name_and_severity() -> None:
    ours = {(path, rule.key): rule.severity for path, rules in all_rules().items() for rule in rules}
    for path, key, severity, _ in published():
        if key in ELSEWHERE or key == "ext-1":
            continue
        at = path.removesuffix("." + OF_THE_PARTS[key]) if key in OF_THE_PARTS else path
        assert ours.pop((at, key), None) == severity, f"{path} {key}"
    assert ours == {
        ("Extension", "ext-1"): "error",
        ("Appointment", "start-end"): "error",
        ("Slot", "start-end"): "error",
    }


def compared(name: str) -> Counter[str]:
    """How often each rule was asked of this resource; asserts that both said the same."""
    asked: Counter[str] = Counter()
    expressions = {(one.path, one.key): one for one in published()}
    expressions[("Extension", "ext-1")] = expressions[("*", "ext-1")]
    for met in objects_in(RESOURCES[name]):
        for rule in all_rules().get(met.shape, ()):
            said = expressions.get((met.shape, rule.key))
            if said is None or rule.key in MENDED:
                continue
            assert (not rule.broken(met.value)) == kept(said.expression, met), f"{rule.key} of {met.shape}"
            asked[f"{met.shape} {rule.key}"] += 1
    return asked


def test_ours_agree_with_the_published_on_all_examples_and_everything_broken() -> None:
    asked: Counter[str] = Counter()
    for name in RESOURCES:
        asked += compared(name)
    compared_rules = {line.split()[1] for line in asked}
    every = {one.key for one in published()} - set(ELSEWHERE) - set(MENDED) - set(OF_THE_PARTS)
    assert every - compared_rules == set()
    assert sum(asked.values()) > 1_000


WHOLE = [one for one in published() if one.path == "*" and one.key.startswith("dom-")]


@pytest.mark.parametrize("rule", WHOLE, ids=lambda rule: rule.key)
def test_ours_agree_on_rules_of_the_whole_resource(rule: Published) -> None:
    for name, resource in RESOURCES.items():
        ours = {
            issue.diagnostics.rpartition("(")[2].rstrip(")")
            for issue in judged(resource)
            if issue.code == "invariant" and "entry[" not in issue.expression[0]
        }
        whole = next(iter(objects_in(resource)), None)
        if whole is None or resource["resourceType"] in ("Bundle", "Parameters", "Binary"):
            continue
        assert (rule.key not in ours) == kept(rule.expression, whole), f"{rule.key} of {name}"


@pytest.mark.parametrize(
    ("published_text", "resource", "ours"),
    [
        ("app-4", {"status": "noshow", "cancelationReason": {"text": "x"}}, True),
        ("app-4", {"status": "no-show", "cancelationReason": {"text": "x"}}, False),
        ("app-4", {"status": "booked", "cancelationReason": {"text": "x"}}, False),
    ],
)
def test_the_code_is_noshow_whatever_the_text_of_app_4_says(
    published_text: str, resource: Json, ours: bool
) -> None:
    [rule] = [rule for rule in all_rules()["Appointment"] if rule.key == published_text]
    assert (not rule.broken(resource)) is ours
