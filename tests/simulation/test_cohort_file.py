"""The cohort file says each number with its source, and a mistake in it is told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.simulation.cohort import COHORT, load_cohort
from app.yaml_file import Unreadable

TEXT = COHORT.read_text(encoding="utf-8")


def mistaken(tmp_path: Path, old: str, new: str) -> str:
    assert old in TEXT
    path = tmp_path / "cohort.yaml"
    path.write_text(TEXT.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(Unreadable) as refused:
        load_cohort(path)
    said = str(refused.value)
    assert said.startswith(f"{path}:")
    return said


def test_every_number_of_the_shipped_cohort_has_a_source() -> None:
    cohort = load_cohort()
    sources = [
        one.source for group in (cohort.rates, cohort.spreads, cohort.measures) for one in group.values()
    ]
    assert all(source.strip() for source in (*sources, *(drug.source for drug in cohort.drugs)))


def test_the_published_rates_are_those_of_the_reference() -> None:
    rates = load_cohort().rates
    assert rates["malignant"].value == 0.062
    assert rates["biopsy_infection"].value == 0.0032
    assert rates["non_diagnostic"].value == 0.028
    assert rates["new_fracture"].value == 0.14
    assert rates["leak_canal"].value == 0.007


def test_a_chance_above_one_is_refused(tmp_path: Path) -> None:
    assert "between 0 and 1" in mistaken(tmp_path, "female: {value: 0.78", "female: {value: 78")


def test_a_number_without_a_source_is_refused(tmp_path: Path) -> None:
    said = mistaken(
        tmp_path, 'female: {value: 0.78, source: "centre default, unsourced"}', "female: {value: 0.78}"
    )
    assert "rates.female.source: is missing" in said


def test_a_habit_that_names_no_rate_is_refused(tmp_path: Path) -> None:
    said = mistaken(tmp_path, "forgets: forgotten\n", "forgets: forgoten\n")
    line = TEXT[: TEXT.index("forgets: forgotten\n")].count("\n") + 1
    assert f"cohort.yaml:{line}: otherwise.forgets: there is no rate 'forgoten'" in said


def test_a_habit_that_names_no_spread_is_refused(tmp_path: Path) -> None:
    assert "there is no spread 'sameday'" in mistaken(tmp_path, "spread: same_day", "spread: sameday")


def test_a_missing_rate_is_named(tmp_path: Path) -> None:
    assert "rates.withdraws: is missing" in mistaken(tmp_path, "  withdraws:", "  withdrawn:")


def test_shares_of_drugs_make_one(tmp_path: Path) -> None:
    assert "make 1 together" in mistaken(tmp_path, "share: 0.3,", "share: 0.4,")


def test_the_cohort_starts_on_a_monday(tmp_path: Path) -> None:
    assert "is no Monday" in mistaken(tmp_path, "start: 2027-01-04", "start: 2027-01-05")
