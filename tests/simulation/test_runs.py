"""A cohort is named by its seed: the same in one process or in two, and told the same in every format."""

from __future__ import annotations

import csv
import io
import json
from xml.etree import ElementTree

import pytest
from rich.console import Console

from app import protocols
from app.simulation.chart import svg
from app.simulation.figures import KINDS, work
from app.simulation.report import Report, Variant, as_csv, as_json, as_text
from app.simulation.run import Run, simulate
from app.simulation.tally import Tally
from tests.simulation.cohorts import run, shipped

SIZE = 16
CENTRES = protocols.BUILTIN.parents[1] / "centres"


@pytest.fixture(scope="module")
def counted() -> Tally:
    return simulate(run(SIZE), jobs=1)


def report(*tallies: Tally) -> Report:
    variants = tuple(
        Variant(name, tally, {"stay": name}, "vertebroplasty")
        for name, tally in zip(("left", "right"), tallies, strict=False)
    )
    return Report(variants, shipped(), None, SIZE, 1)


def test_the_same_seed_gives_the_same_counts_and_another_seed_others(counted: Tally) -> None:
    assert simulate(run(SIZE), jobs=1).counts == counted.counts
    assert simulate(run(SIZE, seed=2), jobs=1).counts != counted.counts


def test_two_processes_count_what_one_counts(counted: Tally) -> None:
    heard: list[int] = []
    two = simulate(run(SIZE), jobs=2, chunk=5, progress=heard.append)
    assert two == counted
    assert sum(heard) == SIZE


def test_a_longer_run_begins_with_the_same_patients(counted: Tally) -> None:
    more = simulate(run(SIZE + 4), jobs=1)
    assert more.total("patients") == SIZE + 4
    assert all(more.counts[key] >= count for key, count in counted.counts.items())


def test_everybody_comes_to_an_end_and_nothing_is_refused_unexpectedly(counted: Tally) -> None:
    assert counted.faults == []
    assert counted.total("end") == SIZE
    assert counted.total("end", "still running") == 0


def test_text_csv_and_json_say_the_same(counted: Tally) -> None:
    told = report(counted)
    rows = list(csv.DictReader(io.StringIO(as_csv(told))))
    said = json.loads(as_json(told))["variants"][0]
    for row in rows:
        if row["section"] == "Work":
            role, kind = row["key"].split(".")
            assert said["work"][role][kind][row["week"]] == int(row["value"])
        else:
            value = said["figures"][row["section"]][row["key"]]["value"]
            assert row["value"] == ("" if value is None else str(value))
    ends = [int(row["value"]) for row in rows if row["section"] == "Ends"]
    assert sum(ends) == SIZE
    in_csv = sum(int(row["value"]) for row in rows if row["section"] == "Work")
    assert in_csv == sum(counted.total("work", role) for role in work(counted))
    shown = text(told)
    for row in rows:
        if row["section"] == "Messages to patients":
            assert f"{int(row['value']):,}" in shown


def text(told: Report) -> str:
    console = Console(file=io.StringIO(), width=200)
    as_text(told, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_two_variants_stand_side_by_side_with_their_difference(counted: Tally) -> None:
    other = simulate(run(SIZE, seed=3), jobs=1)
    told = report(counted, other)
    said = json.loads(as_json(told))
    left, right = (one["figures"]["Messages to patients"]["sms"]["value"] for one in said["variants"])
    assert said["differences"]["Messages to patients/sms"] == right - left
    shown = text(told)
    assert "difference" in shown
    assert f"{right - left:+,}" in shown
    assert {row["variant"] for row in csv.DictReader(io.StringIO(as_csv(told)))} == {"left", "right"}


def test_a_variant_that_lacks_a_figure_has_none_of_it(counted: Tally) -> None:
    told = report(counted, Tally())
    for row in told.figures():
        assert len(row) == 2
        assert (row[0].section, row[0].key) == (row[1].section, row[1].key)


def test_the_chart_is_well_formed_titled_and_has_a_legend(counted: Tally) -> None:
    drawn = svg(report(counted))
    root = ElementTree.fromstring(drawn)
    space = {"s": "http://www.w3.org/2000/svg"}
    assert root.findtext("s:title", namespaces=space) == "Work by role and week"
    texts = {node.text for node in root.iter("{http://www.w3.org/2000/svg}text")}
    assert set(KINDS) <= texts
    assert {role.replace("_", " ") for role in work(counted)} <= texts


def test_the_chart_of_two_variants_names_both(counted: Tally) -> None:
    root = ElementTree.fromstring(svg(report(counted, counted)))
    texts = {node.text for node in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"left", "right"} <= texts
    lines = list(root.iter("{http://www.w3.org/2000/svg}polyline"))
    assert len(lines) == 2 * len(work(counted))


@pytest.mark.parametrize("centre", sorted(path.stem for path in CENTRES.glob("*.yaml")))
def test_nobody_waits_for_ever_in_the_example_centres(centre: str) -> None:
    loaded = protocols.load_for(protocols.read_centre(CENTRES / f"{centre}.yaml"))
    settings = {one.key: str(one.value) for one in loaded.settings}
    tally = simulate(Run(loaded.ground, shipped(), 8, 2, settings=settings), jobs=1)
    assert tally.faults == []
    assert tally.total("end") == 8


def test_without_biopsies_no_result_is_read() -> None:
    loaded = protocols.load(settings={"biopsy": "none"})
    tally = simulate(Run(loaded.ground, shipped(), 6, 1, settings={"biopsy": "none"}), jobs=1)
    assert tally.faults == []
    assert tally.total("procedures") > 0
    assert tally.total("outcome", "biopsy_result") == 0
