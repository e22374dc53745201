"""How long a synthetic cohort takes and how much memory, from a thousand patients up; and what takes the time.

Run as a file with the numbers of patients: ``python benchmarks/simulate.py 1000 10000 100000``.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import platform
import pstats
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

sys.path.insert(
    0, str(Path(__file__).resolve().parents[1])
)  # run as a file, the project is not yet to be found

from app import indicators, protocols
from app.simulation.cohort import load_cohort
from app.simulation.run import JOBS, Run, simulate

SIZES = (1_000, 10_000, 100_000)
NOTE = (
    "Everybody from the referral to the end of follow-up, through decide and plan, with the indicators. "
    "The aim: 100,000 patients in 120 s on 2 cores, in 2,048 MB."
)
_PROFILED = 40
_PARTS = (("decide", "pathway/decide.py"), ("plan", "pathway/plan.py"), ("contributions", "contribution.py"))


@dataclass(frozen=True)
class Simulated:
    """One line of the table. ``cpu`` is what all processes spent, in seconds; ``peak`` their memory together, in MB.

    ``said`` are the first of the faults.
    """

    patients: int
    jobs: int
    seconds: float
    cpu: float
    events: int
    peak: float
    faults: int
    said: tuple[str, ...] = ()


def simulations(sizes: Sequence[int], *, jobs: int = JOBS) -> Iterator[Simulated]:
    """The shipped protocol and cohort, once for each size, in so many processes."""
    whole = _run(1)
    for size in sizes:
        run = replace(whole, patients=size)
        begun, spent = time.perf_counter(), _cpu()
        counted = simulate(run, jobs=jobs)
        seconds, cpu = time.perf_counter() - begun, _cpu() - spent
        faults = counted.total("fault")
        said = tuple(f"patient {number}: {sentence}" for number, sentence in counted.faults)
        yield Simulated(size, jobs, seconds, cpu, counted.total("events"), _peak(jobs), faults, said)


def shares(patients: int = _PROFILED) -> dict[str, float]:
    """How the time is spent, as shares of 1: in ``decide``, in ``plan``, in the indicators, and in the driver."""
    profile = cProfile.Profile()
    profile.runcall(simulate, _run(patients), jobs=1)
    stats = pstats.Stats(profile)
    found: dict[str, float] = {}
    for (file, _, function), (_, _, _, cumulative, _) in stats.stats.items():  # type: ignore[attr-defined]
        for name, place in _PARTS:
            if function == name and file.endswith(place):
                found[name] = cumulative / stats.total_tt  # type: ignore[attr-defined]
    return {**found, "driver": 1 - sum(found.values())}


def table(simulated: Sequence[Simulated]) -> Table:
    """One line a size."""
    shown = Table(show_edge=False, pad_edge=False)
    headings = (
        "patients",
        "processes",
        "s",
        "patients /s",
        "events /s",
        "CPU ms a patient",
        "peak MB",
        "faults",
    )
    for heading in headings:
        shown.add_column(heading, justify="right", no_wrap=True)
    for one in simulated:
        shown.add_row(
            *(f"{one.patients:,}", str(one.jobs), f"{one.seconds:,.1f}"),
            *(f"{one.patients / one.seconds:,.1f}", f"{one.events / one.seconds:,.0f}"),
            *(f"{1000 * one.cpu / one.patients:,.2f}", f"{one.peak:,.0f}", str(one.faults)),
        )
    return shown


def _run(patients: int) -> Run:
    loaded = protocols.load()
    settings = {one.key: str(one.value) for one in loaded.settings}
    return Run(loaded.ground, load_cohort(), patients, 1, indicators.load(), settings)


def _cpu() -> float:
    """Seconds of CPU that this process and its ended children have spent."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in both)


def _peak(jobs: int) -> float:
    """This process's peak and, for each of the others, the largest of theirs so far."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return (own + jobs * largest) / 1024


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the sizes asked for, and print the table."""
    ask = argparse.ArgumentParser(prog="benchmarks/simulate.py", description=__doc__)
    ask.add_argument("sizes", nargs="*", type=int, default=list(SIZES), help="numbers of patients")
    ask.add_argument("--jobs", type=int, default=JOBS, help="processes")
    said = ask.parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 150, highlight=False)
    cores, load = os.cpu_count(), os.getloadavg()[0]
    console.print(f"{cores} cores, load {load:.1f} at the start; Python {platform.python_version()}")
    console.print(NOTE, "", sep="\n")
    progress = Console(stderr=True, highlight=False)
    measured = []
    for one in simulations(said.sizes, jobs=said.jobs):
        progress.print(f"measured: {one.patients:,} patients in {one.seconds:,.1f} s", *one.said, sep="\n")
        measured.append(one)
    console.print(table(measured))
    parts = ", ".join(f"{name} {100 * share:.0f} %" for name, share in shares().items())
    console.print(f"\nUnder the profiler: {parts}.")


if __name__ == "__main__":
    main()
