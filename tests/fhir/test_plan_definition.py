"""A protocol as a PlanDefinition: read back it is the same protocol; what FHIR cannot say is exact or refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from hypothesis import given, settings
from hypothesis import strategies as st

from app import protocols
from fhir_mappings.apply_operation import apply_operation
from fhir_mappings.plan_definition import definitions
from fhir_mappings.plan_extensions import DECLARED, structure_definitions
from fhir_mappings.plan_window import ACCEPTABLE
from fhir_mappings.site import Site
from fhir_mappings.validate import check
from pathway.condition import Condition
from pathway.protocol import Offset, Protocol, StepRule, Window
from pathway.refusal import Refused, Text
from tests.fhir.plan_reader import ReadStep, actions, both, read_gates, read_steps
from tests.peers.judges import Medplum, Pyrofile

Json = dict[str, Any]

SITE = Site("https://jalon.example/fhir", "Centre")
PUBLISHED = datetime(2027, 3, 1, 8, tzinfo=UTC)
CENTRES = sorted((protocols.BUILTIN.parent.parent / "centres").glob("*.yaml"))


@cache
def protocol(centre: Path | None = None) -> Protocol:
    if centre is None:
        return protocols.load().protocol
    return protocols.load_for(protocols.read_centre(centre)).protocol


@cache
def exported(centre: Path | None = None) -> list[Json]:
    return definitions(protocol(centre), SITE, status="active", date=PUBLISHED)


def altered(step: str, /, **changes: Any) -> Protocol:
    """The protocol with one step changed."""
    steps = tuple(replace(rule, **changes) if rule.key == step else rule for rule in protocol().steps)
    return replace(protocol(), steps=steps)


def windowed(*due: Offset, earliest: Offset | None = None, step: str = "review") -> list[Json]:
    """The relations of a step that has this window."""
    made = altered(step, window=Window(due=due, earliest=earliest, otherwise=Offset("opened", days=1)))
    plan = definitions(made, SITE, status="draft")[0]
    return list(action_of(plan, step).get("relatedAction", []))


def _to_the_minute(at: time) -> time:
    return at.replace(second=0, microsecond=0)


def action_of(plan: Json, key: str) -> Json:
    return next(one for one in actions(plan) if one["id"] == key.replace("_", "-"))


def acceptable(relation: Json) -> Json | None:
    """The range of dates of a relation, as plain numbers."""
    for extension in relation.get("extension", []):
        assert extension["url"] == ACCEPTABLE
        return {end: (each["value"], each["code"]) for end, each in extension["valueRange"].items()}
    return None


def as_read(rule: StepRule) -> ReadStep:
    """What should be read back of a step."""
    outcomes = tuple(
        (o.key, (o.title.fr, o.title.en), o.end, o.gates, o.repeat, o.unbook, o.suspend, o.opens)
        for o in rule.outcomes
    )
    return ReadStep(
        key=rule.key,
        title=(rule.title.fr, rule.title.en),
        track=rule.track,
        performer=rule.performer,
        kind=rule.kind,
        assigned=rule.assigned,
        signed_by=rule.signed_by,
        minutes=rule.minutes if rule.kind == "visit" else None,
        code=rule.code,
        after=rule.after,
        window=rule.window,
        on_demand=rule.on_demand,
        book_gates=rule.book_gates,
        start_gates=rule.start_gates,
        outcomes=outcomes,
        source=rule.source,
    )


# --- the same protocol, read back -------------------------------------------------------------------------


@pytest.mark.parametrize("centre", [None, *CENTRES], ids=lambda one: one.stem if one else "builtin")
def test_read_back_it_is_the_same_protocol(centre: Path | None) -> None:
    """Order, windows, anchors, openings, gates, roles and outcomes, for every variant that a centre may run."""
    original = protocol(centre)
    assert read_steps(exported(centre)) == [as_read(rule) for rule in original.steps]
    gates = read_gates(exported(centre)[0])
    assert list(gates) == [gate.key for gate in original.gates]
    for key, read in gates.items():
        gate = original.gate(key)
        assert read == {
            "title": (gate.title.fr, gate.title.en),
            "needs": [
                (need.when, (need.reason.fr, need.reason.en), need.never_override) for need in gate.needs
            ],
            "override": gate.override,
            "both": gate.both,
        }


@pytest.mark.parametrize("centre", [None, *CENTRES], ids=lambda one: one.stem if one else "builtin")
def test_every_resource_is_well_formed(centre: Path | None) -> None:
    for resource in exported(centre):
        assert check(resource) == []
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)
        assert "subjectCanonical" not in resource


def test_two_judges_that_are_not_ours_find_no_fault(medplum: Medplum, pyrofile: Pyrofile) -> None:
    """Pyrofile takes 20 s for a whole protocol: it sees some of each sort, and all of it with the long runs."""
    plan, *activities = exported()
    own = [*activities, *structure_definitions(SITE), apply_operation(SITE)]
    for resource in (plan, *own):
        assert medplum.faults(resource) == []
    gate = next(one for one in plan["extension"] if _gate_key(one) == "G6")
    some = {**plan, "extension": [gate], "action": [thinned(one) for one in plan["action"][:2]]}
    for resource in (some, *own):
        assert pyrofile.faults(resource) == []


def _gate_key(extension: Json) -> str:
    return next(str(part["valueCode"]) for part in extension["extension"] if part["url"] == "key")


def thinned(group: Json) -> Json:
    """A group with one of its actions, and the step that watches."""
    kept = group["action"][:1] + [one for one in group["action"][1:] if "action" in one]
    return {**group, "action": kept}


@pytest.mark.marathon
def test_pyrofile_finds_no_fault_in_the_whole(pyrofile: Pyrofile) -> None:
    assert pyrofile.faults(exported()[0]) == []


def test_every_canonical_and_every_action_that_is_named_is_there() -> None:
    plan, *activities = exported()
    found = list(actions(plan))
    ids = [one["id"] for one in found]
    assert len(ids) == len(set(ids))
    named = {relation["actionId"] for one in found for relation in one.get("relatedAction", [])}
    assert named
    assert named <= set(ids)
    pointed = [one["definitionCanonical"] for one in found if "definitionCanonical" in one]
    assert sorted(pointed) == sorted(f"{each['url']}|{each['version']}" for each in activities)


def test_our_extensions_are_declared_and_used_where_they_say() -> None:
    declared = {each["url"]: each for each in structure_definitions(SITE)}
    assert len(declared) == len(DECLARED)
    for each in declared.values():
        assert check(each) == []
    plan, *activities = exported()
    used = {("PlanDefinition", one["url"]) for one in plan["extension"]}
    used |= {("PlanDefinition.action", e["url"]) for one in actions(plan) for e in one.get("extension", [])}
    used |= {("ActivityDefinition", e["url"]) for one in activities for e in one["extension"]}
    assert used <= {(each["context"][0]["expression"], url) for url, each in declared.items()}
    for holder in (plan, *activities, *actions(plan)):
        for extension in holder.get("extension", []):
            if "extension" in extension:
                slices = {
                    element["sliceName"]
                    for element in declared[extension["url"]]["differential"]["element"]
                    if "sliceName" in element
                }
                assert {part["url"] for part in extension["extension"]} <= slices


def test_titles_are_french_with_an_english_translation() -> None:
    plan = exported()[0]
    assert both(plan, "title") == ("Vertébroplastie percutanée", "Percutaneous vertebroplasty")
    assert both(action_of(plan, "triage"), "title")[1] == protocol().step("triage").title.en


def test_what_is_asked_for_is_optional_and_may_come_again() -> None:
    plan = exported()[0]
    asked_for = action_of(plan, "exam_bloods")
    assert (asked_for["requiredBehavior"], asked_for["cardinalityBehavior"]) == ("could", "multiple")
    signed = action_of(plan, "indication")
    assert (signed["requiredBehavior"], signed["cardinalityBehavior"]) == ("must", "single")
    assert action_of(plan, "consent")["cardinalityBehavior"] == "multiple"  # "wants time to think": again


def test_the_rounds_of_the_watch_are_actions_within_it() -> None:
    watch = protocol().surveillance
    assert watch is not None
    rounds = action_of(exported()[0], watch.step)["action"]
    assert len(rounds) == len(watch.rounds)
    for action, one in zip(rounds, watch.rounds, strict=True):
        repeat = action["timingTiming"]["repeat"]
        assert (repeat["count"], repeat["period"], repeat["periodUnit"]) == (one.count, one.every, "min")
        (relation,) = action["relatedAction"]
        assert relation["offsetDuration"]["value"] == one.start
        assert acceptable(relation) == {"low": (one.start, "min"), "high": (one.start + one.amber, "min")}
        assert [code["coding"][0]["code"] for code in action["code"]] == list(one.items)


# --- only what is true in R4's own terms ------------------------------------------------------------------


def test_real_hours_are_an_offset() -> None:
    (relation,) = windowed(Offset("done:procedure", hours=24))
    assert (relation["actionId"], relation["relationship"]) == ("procedure", "after-end")
    assert relation["offsetRange"] == {
        "high": {"value": 24, "unit": "h", "system": "http://unitsofmeasure.org", "code": "h"}
    }
    assert acceptable(relation) is None


def test_calendar_days_are_a_range_of_dates_and_never_a_duration() -> None:
    """A day of the centre has 23 hours once a year, and a Duration of one day has 24."""
    earliest = Offset("procedure", days=21)
    relations = windowed(Offset("procedure", days=28), earliest=earliest)
    (dated,) = [one for one in relations if one["relationship"] == "after-start"]
    assert acceptable(dated) == {"low": (21, "d"), "high": (28, "d")}
    assert not any(name.startswith("offset") for name in dated)


def test_days_before_the_procedure_count_backwards() -> None:
    relations = windowed(Offset("procedure", days=-2), step="consent")
    (before,) = [one for one in relations if one["actionId"] == "procedure"]
    assert before["relationship"] == "before-start"
    assert acceptable(before) == {"low": (2, "d")}


@pytest.mark.parametrize(
    "due",
    [
        Offset("done:procedure", working_days=2),
        Offset("procedure", days=28, when=Condition(fact="inpatient", is_=True)),
        Offset("procedure", days=28, first=True),
        Offset("procedure", days=28, but_not_before=Offset("opened", days=2)),
        Offset("opened", days=3),
        Offset("due", hours=1),
    ],
    ids=lambda one: one.spoken,
)
def test_what_r4_cannot_say_is_in_our_extension_alone(due: Offset) -> None:
    """Working days, conditions, "the first time", the later of two, and moments of the step itself."""
    (relation,) = windowed(due)
    assert relation == {"actionId": "procedure", "relationship": "after-end"}  # the order, and no date
    made = altered("review", window=Window(due=(due,), otherwise=Offset("opened", days=1)))
    read = {one.key: one for one in read_steps(definitions(made, SITE, status="draft"))}
    assert read["review"].window.due == (due,)


_ANCHORS = ("referral", "fracture", "opened", "asked", "due", "procedure", "hold_start", "done:indication")
_COUNTED = st.one_of(
    st.fixed_dictionaries({"hours": st.integers(-96, 96).map(lambda quarters: quarters / 4)}),
    st.fixed_dictionaries({"days": st.integers(-60, 400)}, optional={"at": st.times().map(_to_the_minute)}),
    st.fixed_dictionaries(
        {"working_days": st.integers(-15, 15)}, optional={"at": st.times().map(_to_the_minute)}
    ),
)
_OFFSETS = st.builds(
    lambda from_, counted, first, source: Offset(from_, first=first, source=source, **counted),
    st.sampled_from(_ANCHORS),
    _COUNTED,
    st.booleans(),
    st.sampled_from(("", "CSP D.6124-92", "réf. « é »")),
)


@given(due=st.lists(_OFFSETS, max_size=3), earliest=st.none() | _OFFSETS, floor=st.none() | _OFFSETS)
@settings(max_examples=60, deadline=None)
def test_any_window_is_read_back_as_it_was(
    due: list[Offset], earliest: Offset | None, floor: Offset | None
) -> None:
    """And whatever R4 says of it beside is well-formed: no bound below zero, none the wrong way round."""
    moments = tuple(
        replace(one, but_not_before=floor) if place == 0 else one for place, one in enumerate(due)
    )
    window = Window(due=moments, otherwise=Offset("opened", days=1), earliest=earliest)
    small = replace(altered("review", window=window), surveillance=None)
    plan, *_ = made = definitions(small, SITE, status="draft")
    assert {one.key: one for one in read_steps(made)}["review"].window == window
    for relation in action_of(plan, "review").get("relatedAction", []):
        bounds = acceptable(relation) or {}
        hours = {end: each["value"] for end, each in relation.get("offsetRange", {}).items()}
        for low, high in (
            (bounds.get("low", (0,))[0], bounds.get("high", (9999,))[0]),
            (hours.get("low", 0), hours.get("high", 9999)),
        ):
            assert 0 <= low <= high


def test_a_bound_is_not_taken_for_an_order() -> None:
    """Due 90 days after the procedure, but open before it: that does not make it come after."""
    relations = windowed(Offset("procedure", days=90), step="bone_owner")
    assert [one["actionId"] for one in relations] == ["indication"]


def test_an_opening_with_alternatives_is_no_order() -> None:
    """Closing waits for the bone owner, or for a malignant result: neither comes before it in every case."""
    relations = action_of(exported()[0], "closing")["relatedAction"]
    assert {one["actionId"] for one in relations} == {"discharge", "review", "biopsy-ack", "resumption-done"}


def test_no_range_of_dates_contradicts_the_exact_window() -> None:
    """Every native bound, tried on a calendar over the change of clocks, holds for the moment that is due."""
    zone_change = date(2027, 3, 27)
    for rule in protocol().steps:
        action = action_of(exported()[0], rule.key)
        for relation in action.get("relatedAction", []):
            bounds = acceptable(relation)
            for moment in rule.window.due:
                plain = moment.when is None and not moment.first and moment.but_not_before is None
                if (
                    not bounds
                    or moment.days is None
                    or not plain
                    or relation["actionId"] != _anchored(moment)
                ):
                    continue
                day = zone_change + timedelta(days=moment.days)
                if relation["relationship"].startswith("after"):
                    assert day <= zone_change + timedelta(days=bounds["high"][0])
                else:
                    assert day <= zone_change - timedelta(days=bounds["low"][0])


def _anchored(given: Offset) -> str:
    head, _, tail = given.from_.partition(":")
    key = {"done": tail, "procedure": "procedure"}.get(head, f"milestone-{head}")
    return key.replace("_", "-")


# --- what is refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "field", "reason"),
    [
        (lambda: altered("triage", code="LHMH002"), "steps.triage.code", "has a system"),
        (lambda: altered("triage", title=Text(fr="Tri", en=" ")), "steps.triage.title", "empty"),
        (lambda: replace(protocol(), version="2.0 beta"), "version", "url|version"),
        (lambda: replace(protocol(), url="https://x.example/p|1"), "url", "url|version"),
        (lambda: altered("consent", key="hold-plan"), "steps.hold_plan.key", "rename the step"),
        (lambda: altered("closing", key="closing  it"), "steps.closing  it.key", "spaces"),
    ],
    ids=["code without a system", "empty text", "version", "url", "two ids alike", "key with spaces"],
)
def test_what_cannot_be_said_is_refused_with_the_place_and_the_reason(
    changed: Any, field: str, reason: str
) -> None:
    with pytest.raises(Refused) as refusal:
        definitions(changed(), SITE, status="draft")
    assert refusal.value.field == field
    assert reason in refusal.value.text.en
    assert field in refusal.value.text.en
