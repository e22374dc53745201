"""``jalon protocol simulate``: synthetic patients through a protocol on a virtual clock, alone or side by side."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app import indicators
from app.commands.common import Complaint, fail, remark, stderr, stdout
from app.commands.protocol_asked import Centre, File, Set, protocol_of
from app.protocols import LoadedProtocol
from app.simulation.chart import svg
from app.simulation.cohort import COHORT, load_cohort
from app.simulation.report import Report, Variant, as_csv, as_json, as_text
from app.simulation.run import JOBS, Run, simulate
from app.simulation.tally import Tally

Compare = Annotated[
    list[str] | None,
    typer.Option(
        "--compare",
        metavar="KEY=VALUE",
        help="A second variant: the same, with this setting. Repeatable. Both are shown, with the difference.",
    ),
]


def simulated(
    file: File = None,
    patients: Annotated[int, typer.Option(min=1, help="How many patients.")] = 1000,
    seed: Annotated[int, typer.Option(help="Names the cohort: the same seed, the same report.")] = 1,
    centre: Centre = None,
    chosen: Set = None,
    compare: Compare = None,
    compare_centre: Annotated[
        Path | None, typer.Option(help="A second variant: another centre's choices.")
    ] = None,
    weeks: Annotated[int | None, typer.Option(min=1, help="Weeks over which they are referred.")] = None,
    cohort: Annotated[
        Path, typer.Option(help="The file of rates and habits.", show_default="the one that comes with Jalon")
    ] = COHORT,
    how: Annotated[
        Literal["text", "csv", "json"], typer.Option("--format", help="text, csv or json.")
    ] = "text",
    csv: Annotated[Path | None, typer.Option(help="Write the figures to this CSV file as well.")] = None,
    chart: Annotated[
        Path | None, typer.Option("--svg", help="Draw the work by role and week into this file.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Processes; the report does not depend on it.")] = JOBS,
) -> None:
    """Let synthetic patients go through a protocol, and report work, delays, cancellations, messages and indicators.

    Every patient goes through the same decide and plan as in service, on a virtual clock. Ends with an error when a
    patient is left waiting for ever or meets a refusal that nobody reckoned with.
    """
    for option, path in (("--csv", csv), ("--svg", chart)):
        if path is not None and not path.absolute().parent.is_dir():
            fail(f"{option} {path}: there is no directory {path.parent}; make it first", code=2)
    people = load_cohort(cohort)
    if weeks is not None:
        people = replace(people, referral_weeks=weeks)
    found = [(_name(centre, chosen), protocol_of(file, centre, chosen))]
    if compare or compare_centre:
        found.append(_second(file, compare_centre or centre, chosen or [], compare or []))
        if found[0][1].digest == found[1][1].digest:
            fail("--compare: both variants are the same protocol; choose another value", code=2)
    definitions = indicators.load()
    columns = []
    for name, loaded in found:
        run = Run(loaded.ground, people, patients, seed, definitions, _settings(loaded))
        columns.append(_variant(name, loaded, _with_bar(run, jobs, name)))
    report = Report(tuple(columns), people, definitions, patients, seed)
    if csv is not None:
        csv.write_text(as_csv(report), encoding="utf-8")
    if chart is not None:
        chart.write_text(svg(report), encoding="utf-8")
    if how == "text":
        as_text(report, stdout())
    else:
        typer.echo(as_csv(report) if how == "csv" else as_json(report), nl=False)
    _complain(report)


def _second(
    file: Path | None, centre: Path | None, chosen: list[str], compare: list[str]
) -> tuple[str, LoadedProtocol]:
    """The other variant. What is wrong with a choice is said of ``--compare`` where it was made there."""
    both = [*chosen, *compare]
    try:
        return _name(centre, both), protocol_of(file, centre, both)
    except Complaint as complaint:
        said = str(complaint)
        if any(said.startswith(f"--set {one}") for one in compare):
            said = "--compare" + said.removeprefix("--set").replace("--set KEY", "--compare KEY")
        fail(said, code=complaint.code)


def _name(centre: Path | None, chosen: list[str] | None) -> str:
    """What a column is called: its centre and its choices."""
    last = {one.partition("=")[0]: one for one in chosen or ()}
    return ", ".join([*([centre.stem] if centre else []), *last.values()]) or "as the file says"


def _variant(name: str, loaded: LoadedProtocol, tally: Tally) -> Variant:
    protocol = loaded.protocol
    return Variant(
        name=name,
        tally=tally,
        settings=_settings(loaded),
        protocol=f"{protocol.protocol} {protocol.version} ({loaded.digest[:12]})",
    )


def _settings(loaded: LoadedProtocol) -> dict[str, str]:
    return {one.key: str(one.value) for one in loaded.settings}


def _with_bar(run: Run, jobs: int, name: str) -> Tally:
    console = stderr()
    if not console.is_terminal:
        return simulate(run, jobs=jobs)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(name, total=run.patients)
        return simulate(run, jobs=jobs, progress=lambda more: bar.advance(task, more))


def _complain(report: Report) -> None:
    """What must never be is said on stderr, and the command fails."""
    faults = 0
    for variant in report.variants:
        faults += variant.tally.total("fault")
        for number, sentence in variant.tally.faults:
            remark(f"{variant.name}: patient {number}: {sentence}")
    if faults:
        fail(f"{faults} faults: somebody waits for ever, or was refused what nobody reckoned with")
