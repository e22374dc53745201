"""A fault seeded at any site of the protocol is found."""

from collections import Counter
from itertools import groupby

import pytest

from pathway.checking.check import Checker
from pathway.checking.fault import Fault
from pathway.checking.mutant import Mutant
from pathway.checking.mutators import mutants
from tests.pathway.tale import LOADED

ALL = tuple(mutants(LOADED.protocol, LOADED.texts))
A_FEW = 2

LOOK_THROUGH = 4_000
"""States of the larger slices in which a path is looked for again: enough here, and quick."""

SURVIVORS = {
    "drop-need gates.G6.needs[2]": "closing opens only after the review, which nobody waives: it is seen or lost",
    "drop-asked-outcome gates.G6.needs[0]": "a result that is looked at again is to be read again: settled is read",
    "drop-asked-outcome gates.G6.needs[2]": "the review has no other outcomes than the two that are asked for",
    "drop-asked-outcome gates.GO.needs[0]": "a check that is settled is a go: a no-go is done again at once",
}
"""Seeded faults that are none: what they take away, something else still asks for."""


def first_fault(one: Mutant) -> Fault | None:
    return Checker(one.protocol, look_through=LOOK_THROUGH).first_fault(one.texts, one.touches)


def survivors(seeded: list[Mutant]) -> list[str]:
    return [one.key for one in seeded if first_fault(one) is None]


def by_kind() -> dict[str, list[Mutant]]:
    ordered = sorted(ALL, key=lambda one: one.kind)
    return {kind: list(some) for kind, some in groupby(ordered, key=lambda one: one.kind)}


def test_there_are_many_of_them_and_each_has_a_name_of_its_own() -> None:
    assert len(ALL) >= 1_000
    assert len(by_kind()) >= 45
    assert [key for key, count in Counter(one.key for one in ALL).items() if count > 1] == []


def test_there_is_no_fault_where_none_was_seeded() -> None:
    assert (
        first_fault(Mutant("none", "anywhere", LOADED.protocol, LOADED.texts, frozenset({"closing"}))) is None
    )


@pytest.mark.parametrize("kind", list(by_kind()))
def test_a_few_of_each_kind_are_found(kind: str) -> None:
    seeded = by_kind()[kind]
    some = seeded[:: max(1, len(seeded) // A_FEW)][:A_FEW]
    assert survivors(some) == [one.key for one in some if one.key in SURVIVORS]


@pytest.mark.marathon
@pytest.mark.parametrize("kind", list(by_kind()))
def test_every_one_is_found_or_its_survival_explained(kind: str) -> None:
    seeded = by_kind()[kind]
    assert survivors(seeded) == [one.key for one in seeded if one.key in SURVIVORS]
