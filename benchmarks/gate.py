"""How long the R4 gate looks at a resource, beside `fhir.resources` alone, in the same run.

Pure computing in one thread. `fhir.resources` asks for names, types and cardinality; the gate asks for those and for
formats, codes, invariants, references and what is contained.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from fhir.resources.R4B import get_fhir_model_class
from rich.table import Table

from benchmarks.measure import Sample
from fhir_mappings.outbound import DEPENDENCE, Known, local_ref, to_send, transaction
from fhir_mappings.read import Json
from fhir_mappings.validate import check
from tests.fhir.pathway_cast import journey, resources

NOTE = (
    "Milliseconds of the processor for each resource: the median, and what 99 in 100 stay under."
    " times: how many times as long fhir.resources alone takes."
)
_OFFICIAL = Path(__file__).parents[1] / "tests" / "data" / "hl7-r4"
_ENTRIES = 100


@dataclass(frozen=True)
class Judged:
    """One line of the table. ``size`` in bytes of JSON."""

    name: str
    size: int
    ours: Sample
    library: Sample


def gate(*, repetitions: int, tasks: int = 200, bundles: int = 10) -> Iterator[Judged]:
    """Tasks of ours, official ones, a transaction of ours with 100 entries and a Bundle of 100 official Tasks."""
    ours = [each for pathway in journey().values() for each in resources(pathway)]
    our_tasks = [each for each in ours if each["resourceType"] == "Task"]
    official = [json.loads(path.read_text("utf-8")) for path in sorted(_OFFICIAL.glob("Task-*.json"))]
    sent = transaction(_hundred(ours), {local_ref(each): Known(local_ref(each)) for each in ours})
    collected: Json = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": each} for each in islice(cycle(official), _ENTRIES)],
    }
    yield _judged("Task, ours", list(islice(cycle(our_tasks), tasks)), repetitions)
    yield _judged("Task, official", list(islice(cycle(official), tasks)), repetitions)
    yield _judged("transaction of 100, ours", [sent] * bundles, repetitions)
    yield _judged("Bundle of 100 Tasks, official", [collected] * bundles, repetitions)


def table(judged: Sequence[Judged]) -> Table:
    """Everything in one table."""
    shown = Table(show_edge=False, pad_edge=False)
    shown.add_column("what", no_wrap=True)
    for heading in ("kB", "gate ms", "p99", "fhir.resources ms", "p99", "times"):
        shown.add_column(heading, justify="right", no_wrap=True)
    for one in judged:
        figures = (one.ours.typical, one.ours.worst, one.library.typical, one.library.worst)
        times = one.library.typical / one.ours.typical
        shown.add_row(
            one.name, f"{one.size / 1000:.1f}", *(f"{each:.3f}" for each in figures), f"{times:.1f}"
        )
    return shown


def _hundred(ours: Sequence[Json]) -> list[Json]:
    """A hundred resources under names of their own, to a hospital that has what they refer to."""
    wanted = to_send([each for each in ours if each["resourceType"] in DEPENDENCE], {})
    return [{**each, "id": f"n{index}"} for index, each in enumerate(islice(cycle(wanted), _ENTRIES))]


def _judged(name: str, given: Sequence[Json], repetitions: int) -> Judged:
    found = Judged(name, len(json.dumps(given[0])), Sample(), Sample())
    assert all(check(each) == [] for each in given)
    for _ in range(repetitions):
        for sample, judge in ((found.ours, check), (found.library, _library)):
            seconds = [_spent(judge, each) for each in given]
            sample.repetition(seconds, sum(seconds))
    return found


def _library(resource: Json) -> object:
    return get_fhir_model_class(resource["resourceType"]).model_validate(resource)


def _spent(judge: Callable[[Json], object], resource: Json) -> float:
    begun = time.process_time()
    judge(resource)
    return time.process_time() - begun
