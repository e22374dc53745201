"""What must hold for every Bundle: no input raises, nothing is half read, and what we write we read."""

from __future__ import annotations

import copy
import json
from datetime import date
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_mappings.outcome import operation_outcome
from fhir_mappings.referral import Intake
from pathway.referral import Contact, Fact, Fracture, Identifier, Person, from_dict, to_dict
from tests.fhir.referral_cast import (
    NO_ANTITHROMBOTIC,
    PAIN,
    accepted,
    add,
    bundle,
    observed,
    read,
    said,
    taken,
)

GOOD = add(
    add(
        bundle(facts=[NO_ANTITHROMBOTIC, PAIN, said("mri_date", "2027-01-31", "ImagingStudy")]),
        taken("Eliquis"),
    ),
    observed("2160-0", 1.0, "mg/dL"),
)
GOOD_BODY = json.dumps(GOOD).encode()

STRANGE: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=8),
        st.sampled_from(
            ["2027-02", "2027-02-31", "9999-12-31T23:59:59-14:00", "0001-01-01", "#x", "Patient/1", "", " "]
        ),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["reference", "code", "coding", "value", "id", "start", "system"]), inner
        ),
    ),
    max_leaves=5,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value, as the path that leads there."""
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += places(inner, (*path, key))
    return found


PLACES = places(GOOD)


def sound(intake: Intake) -> None:
    """An intake either has a referral that survives JSON, or says in an error why it has none."""
    json.dumps(operation_outcome(intake.issues)).encode()
    if intake.referral is None:
        assert any(issue.refuses for issue in intake.issues)
    else:
        assert not any(issue.refuses for issue in intake.issues)
        assert from_dict(json.loads(json.dumps(to_dict(intake.referral)))) == intake.referral


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PLACES), st.none() | st.tuples(STRANGE)), min_size=1, max_size=4))
def test_a_bundle_with_anything_anywhere_is_read_or_refused(
    changes: list[tuple[tuple[Any, ...], Any]],
) -> None:
    sent = copy.deepcopy(GOOD)
    for path, change in changes:
        place: Any = sent
        try:
            for key in path[:-1]:
                place = place[key]
            if change is None:
                del place[path[-1]]
            else:
                place[path[-1]] = change[0]
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change has already taken this place away
    sound(read(sent))


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(GOOD_BODY)), st.binary(max_size=6), st.integers(0, 40))
def test_a_body_cut_or_overwritten_anywhere_is_read_or_refused(at: int, junk: bytes, skipped: int) -> None:
    sound(read(GOOD_BODY[:at]))
    sound(read(GOOD_BODY[:at] + junk + GOOD_BODY[at + skipped :]))


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_at_all_are_refused(body: bytes) -> None:
    sound(read(body))


words = st.text("abcdefghijklmnopqrstuvwxyzéèçàïôABCDEFGH'-", min_size=1, max_size=12)
people = st.builds(
    Person,
    identifiers=st.lists(
        st.builds(Identifier, st.sampled_from(["urn:a", "urn:b", "https://h.example/ipp"]), words),
        min_size=1,
        max_size=3,
        unique=True,
    ).map(tuple),
    family=words,
    given=words,
    birth_date=st.dates(date(1920, 1, 1), date(1980, 1, 1)),
    gender=st.sampled_from(["male", "female", "other", "unknown", None]),
    contact=st.builds(
        Contact,
        language=st.sampled_from(["fr", "en", "pt"]),
        mobile=st.none() | st.from_regex(r"\A\+33[67][0-9]{8}\Z"),
        landline=st.none() | st.from_regex(r"\A\+33[1-5][0-9]{8}\Z"),
        email=st.none() | st.just("someone@example.org"),
    ),
    deceased=st.booleans(),
)
fractures = st.builds(
    Fracture,
    onset=st.none() | st.dates(date(2026, 11, 1), date(2027, 1, 30)),
    code=st.just("M48.5"),
    system=st.just("http://hl7.org/fhir/sid/icd-10"),
    text=st.just("Tassement vertébral"),
    level=st.none() | st.sampled_from([f"T{n}" for n in range(1, 13)] + [f"L{n}" for n in range(1, 6)]),
    cause=st.sampled_from(["osteoporotic", "neoplastic", "traumatic", "unknown"]),
)
measured = st.fixed_dictionaries(
    {},
    optional={
        "creatinine_umol_l": st.floats(10, 3000),
        "inr": st.floats(0.5, 30),
        "pain_nrs": st.integers(0, 10),
        "weight_kg": st.floats(20, 350),
    },
)
SOURCES = {
    "creatinine_umol_l": "Observation/14682-9",
    "inr": "Observation/6301-6",
    "pain_nrs": "Observation/72514-3",
    "weight_kg": "Observation/29463-7",
}


@settings(max_examples=100, deadline=None)
@given(people, fractures, measured)
def test_whoever_is_referred_is_read_back(
    person: Person, fracture: Fracture, values: dict[str, float]
) -> None:
    facts: list[Fact] = [said(key, values[key], SOURCES[key]) for key in sorted(values)]
    referral = accepted(bundle(person=person, fracture=fracture, facts=facts))
    assert (referral.patient, referral.fracture, referral.facts) == (person, fracture, tuple(facts))
