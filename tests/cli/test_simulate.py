"""``jalon protocol simulate`` as a person types it: the report, the files, and the one line when something is wrong."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from xml.etree import ElementTree

from tests.cli.conftest import Shell

ROOT = Path(__file__).parents[2]


def test_simulate_reports_a_cohort_and_writes_its_files(jalon: Shell) -> None:
    said = jalon(
        *("protocol", "simulate", "--patients", "6", "--seed", "4", "--weeks", "10", "--jobs", "1"),
        *("--csv", "work.csv", "--svg", "work.svg"),
    )
    assert said.returncode == 0, said.stderr
    assert "6 synthetic patients" in said.stdout
    assert "seed 4" in said.stdout
    assert "coordinator" in said.stdout
    assert "Faults: unexpected refusals, waits for ever" in said.stdout
    with (jalon.place / "work.csv").open(encoding="utf-8") as file:
        ends = [int(row["value"]) for row in csv.DictReader(file) if row["section"] == "Ends"]
    assert sum(ends) == 6
    ElementTree.parse(jalon.place / "work.svg")


def test_the_same_seed_says_the_same_and_nothing_of_how_long_it_took(jalon: Shell) -> None:
    asked = ("protocol", "simulate", "--patients", "4", "--format", "json")
    first, second = jalon(*asked), jalon(*asked, "--jobs", "1")
    assert first.returncode == 0, first.stderr
    assert first.stdout == second.stdout
    assert first.stderr == ""


def test_two_centre_variants_stand_side_by_side(jalon: Shell) -> None:
    said = jalon(
        *("protocol", "simulate", "--patients", "4", "--jobs", "1", "--format", "json"),
        *("--set", "review_last_day=28", "--compare", "review_last_day=35"),
    )
    assert said.returncode == 0, said.stderr
    report = json.loads(said.stdout)
    assert [one["name"] for one in report["variants"]] == ["review_last_day=28", "review_last_day=35"]
    assert report["differences"]["Cohort/patients"] == 0


def one_line(jalon: Shell, *words: str) -> str:
    said = jalon("protocol", "simulate", "--patients", "2", *words)
    assert said.returncode != 0
    assert said.stdout == ""
    assert said.stderr.count("\n") == 1, said.stderr
    return said.stderr


def test_an_unknown_setting_is_told_with_those_there_are(jalon: Shell) -> None:
    said = one_line(jalon, "--set", "biopsi=none")
    assert "there is no setting 'biopsi'; there are:" in said
    assert "biopsy" in said


def test_an_unknown_value_to_compare_with_is_told_with_those_there_are(jalon: Shell) -> None:
    said = one_line(jalon, "--compare", "biopsy=sometimes")
    assert said.startswith("--compare biopsy=sometimes: there is no value 'sometimes'; there are: systematic")


def test_a_choice_without_a_value_is_told_how_to_write_it(jalon: Shell) -> None:
    assert "write --compare KEY=VALUE" in one_line(jalon, "--compare", "biopsy")


def test_comparing_a_variant_with_itself_is_refused(jalon: Shell) -> None:
    assert "both variants are the same protocol" in one_line(jalon, "--compare", "biopsy=systematic")


def test_a_missing_cohort_file_is_told(jalon: Shell) -> None:
    assert "nobody.yaml:1: cannot be read" in one_line(jalon, "--cohort", "nobody.yaml")


def test_a_place_that_is_not_there_is_told_before_anybody_lives(jalon: Shell) -> None:
    assert one_line(jalon, "--svg", "charts/work.svg") == (
        "--svg charts/work.svg: there is no directory charts; make it first\n"
    )


def test_two_centres_stand_side_by_side(jalon: Shell) -> None:
    centres = ROOT / "protocols" / "centres"
    said = jalon(
        *("protocol", "simulate", "--patients", "3", "--jobs", "1", "--format", "json"),
        *("--centre", str(centres / "canal.yaml"), "--compare-centre", str(centres / "plaine.yaml")),
    )
    assert said.returncode == 0, said.stderr
    left, right = json.loads(said.stdout)["variants"]
    assert (left["name"], right["name"]) == ("canal", "plaine")
    assert left["settings"]["biopsy"] != right["settings"]["biopsy"]


def test_no_patients_are_refused(jalon: Shell) -> None:
    said = jalon("protocol", "simulate", "--patients", "0")
    assert said.returncode == 2
    assert "--patients" in said.stderr
