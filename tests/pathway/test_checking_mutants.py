"""A fault seeded at any site of the protocol is found."""

from collections import Counter
from itertools import groupby

import pytest

from pathway.checking.check import Checker
from pathway.checking.mutant import Mutant
from pathway.checking.mutators import mutants
from tests.pathway.tale import LOADED

ALL = tuple(mutants(LOADED.protocol, LOADED.texts))
A_FEW = 2

SURVIVORS: dict[str, str] = {}
"""Seeded faults that are none, each with the reason."""


def survivors(seeded: list[Mutant]) -> list[str]:
    return [one.key for one in seeded if Checker(one.protocol).first_fault(one.texts, one.touches) is None]


def by_kind() -> dict[str, list[Mutant]]:
    ordered = sorted(ALL, key=lambda one: one.kind)
    return {kind: list(some) for kind, some in groupby(ordered, key=lambda one: one.kind)}


def test_there_are_many_of_them_and_each_has_a_name_of_its_own() -> None:
    assert len(ALL) >= 1_000
    assert len(by_kind()) >= 45
    assert [key for key, count in Counter(one.key for one in ALL).items() if count > 1] == []


@pytest.mark.parametrize("kind", by_kind())
def test_a_few_of_each_kind_are_found(kind: str) -> None:
    seeded = by_kind()[kind]
    some = seeded[:: max(1, len(seeded) // A_FEW)][:A_FEW]
    assert survivors(some) == [one.key for one in some if one.key in SURVIVORS]


@pytest.mark.chaos
@pytest.mark.parametrize("kind", by_kind())
def test_every_one_is_found_or_its_survival_explained(kind: str) -> None:
    seeded = by_kind()[kind]
    assert survivors(seeded) == [one.key for one in seeded if one.key in SURVIVORS]
