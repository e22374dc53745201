"""``jalon protocol check``: everything that a protocol can come to, and what is wrong with it, in sentences."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app import protocols
from app.commands.common import fail, stderr
from app.commands.protocol_asked import Centre, File, Set, asked_of
from app.yaml_file import Unreadable, YamlFile
from pathway.checking.check import Report, check
from pathway.checking.fault import Fault
from pathway.checking.roaming import Roamed, roam
from pathway.codec import Malformed, decode
from pathway.protocol import Protocol

_TEXTS = "messages."


def checked(
    file: File = None,
    centre: Centre = None,
    chosen: Set = None,
    random: Annotated[
        int,
        typer.Option(min=0, help="Send so many random events too: none may lead outside what was explored."),
    ] = 0,
    seed: Annotated[int, typer.Option(help="Names the random events.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Explore everything that a protocol allows, and tell every fault with the path that leads there.

    Exit code 0 when there is none, 1 when there are faults, 2 when the file cannot be read.
    """
    path, here, given = asked_of(file, centre, chosen)
    path = path or here.protocol or protocols.BUILTIN
    try:
        written, texts = protocols.as_written(path, here.settings)
        protocol = _decoded(written)
    except Unreadable as error:
        fail(str(error), code=2)
    except Malformed as error:
        where = f"--set {error.path.removeprefix('settings.')}" if given else str(path)
        fail(f"{where}: {error.problem}", code=2)
    report = check(protocol, texts.data if isinstance(texts.data, dict) else {})
    tally = None
    if not report.faults:
        try:
            loaded = protocols.load_for(here, path)
        except Unreadable as error:
            fail(str(error), code=2)
        if random:
            tally = _roamed(loaded.ground, report, random, seed)
    if as_json:
        typer.echo(json.dumps(_document(path, report, tally, written, texts), ensure_ascii=False, indent=2))
    else:
        _tell(path, report, tally, written, texts)
    if report.faults or (tally is not None and tally.outside):
        raise typer.Exit(1)


def _decoded(file: YamlFile) -> Protocol:
    try:
        return decode(Protocol, file.data)
    except Malformed as error:
        raise file.unreadable(error) from None


def _roamed(ground: Any, report: Report, events: int, seed: int) -> Roamed:
    columns = (TextColumn("random events"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    tally = Roamed()
    with Progress(*columns, console=stderr(), transient=True, disable=not stderr().is_terminal) as bar:
        task = bar.add_task("", total=events)
        for tally in roam(ground, report.explored, events=events, seed=seed):
            bar.update(task, completed=tally.events)
    return tally


def _line(fault: Fault, written: YamlFile, texts: YamlFile) -> str:
    """``file:line`` of the nearest place of the fault that the file has."""
    if fault.where.startswith(_TEXTS):
        problem = texts.unreadable(Malformed(fault.where.removeprefix(_TEXTS), ""))
    else:
        problem = written.unreadable(Malformed(fault.where, ""))
    return ":".join(str(problem).split(":")[:2])


def _tell(path: Path, report: Report, tally: Roamed | None, written: YamlFile, texts: YamlFile) -> None:
    for fault in report.faults:
        typer.echo(f"{_line(fault, written, texts)}: {fault}")
    found = len(report.faults)
    typer.echo(
        f"{path}: {report.states:,} states and {report.moves:,} moves explored in {len(report.slices)} slices; "
        f"{'no fault' if not found else '1 fault' if found == 1 else f'{found} faults'}."
    )
    for sentence in report.reduced if report.slices else ():
        typer.echo(f"  Reduced: {sentence}")
    if tally is not None:
        typer.echo(
            f"{tally.events:,} random events ({tally.accepted:,} accepted, {tally.pathways:,} pathways) "
            f"visited {tally.states:,} of these states; {len(tally.outside) or 'none'} outside."
        )
        for escape in tally.outside:
            typer.echo(f"  {escape}")


def _document(
    path: Path, report: Report, tally: Roamed | None, written: YamlFile, texts: YamlFile
) -> dict[str, Any]:
    return {
        "file": str(path),
        "states": report.states,
        "moves": report.moves,
        "slices": [
            {"steps": list(one.steps), "states": one.states, "moves": one.moves} for one in report.slices
        ],
        "reduced": list(report.reduced),
        "faults": [
            {
                "rule": fault.rule,
                "where": fault.where,
                "line": _line(fault, written, texts),
                "problem": fault.problem,
                "path": list(fault.path),
            }
            for fault in report.faults
        ],
        "random": None
        if tally is None
        else {
            "events": tally.events,
            "accepted": tally.accepted,
            "pathways": tally.pathways,
            "states": tally.states,
            "outside": tally.outside,
        },
    }
