"""``jalon hold plan``: what a hold profile says of a drug list, at the command line. Nothing is written anywhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from app import hold_profiles
from app.commands.common import stdout
from app.hold_question import answer_to, calendar_of, in_zone, read_question
from pathway.codec import Malformed
from pathway.holding.answer import HoldAnswer
from pathway.holding.said import as_json
from pathway.holding.words import label, number

app = typer.Typer(
    no_args_is_help=True, help="What to stop before the procedure, and when: a lookup, unsigned."
)

Day = Annotated[str | None, typer.Option(help="A day like 2027-02-22.")]


@app.callback()
def family() -> None:
    """What to stop before the procedure, and when: a lookup, unsigned."""


@app.command("plan")
def plan(
    profile: Annotated[str, typer.Option(help="A profile's name, or a file.")],
    procedure: Annotated[str, typer.Option(help="Its start, wall time: 2027-03-16T09:30.")],
    drug: Annotated[
        list[str], typer.Option(help="ATC[:dose-class][:frequency][:indication]; once for each drug.")
    ],
    zone: Annotated[str, typer.Option(help="The centre's time zone.")] = "Europe/Paris",
    country: Annotated[str, typer.Option(help="Whose public holidays.")] = "FR",
    clearance: Annotated[float | None, typer.Option(help="mL/min, used as it is.")] = None,
    weight: Annotated[float | None, typer.Option(help="kg.")] = None,
    creatinine: Annotated[str | None, typer.Option(help="µmol/L, or with a unit: 0.97mg/dL.")] = None,
    creatinine_day: Day = None,
    age: Annotated[int | None, typer.Option(help="Whole years.")] = None,
    sex: Annotated[str | None, typer.Option(help="female or male.")] = None,
    indication: Annotated[str | None, typer.Option(help="Of every drug whose own is not said.")] = None,
    taken: Annotated[str | None, typer.Option(help="morning or evening: drugs taken once a day.")] = None,
    stent: Day = None,
    high_risk_stent: Annotated[bool, typer.Option("--high-risk-stent")] = False,
    mi: Day = None,
    vte: Day = None,
    stroke: Day = None,
    medication: Annotated[
        list[str] | None, typer.Option(help="Another drug that may interact: code or name.")
    ] = None,
    other: Annotated[
        list[str] | None, typer.Option(help="A profile to compare with; else those it names.")
    ] = None,
    as_data: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say, drug by drug, what a profile proposes, and what the others would. Not CE-marked: a clinician signs."""
    asked: dict[str, Any] = {
        "profile": profile,
        "procedure": procedure,
        "zone": zone,
        "drugs": drug,
        "clearance": clearance,
        "weight": weight,
        "creatinine": creatinine,
        "creatinine_day": creatinine_day,
        "age": age,
        "sex": sex,
        "indication": indication,
        "taken": taken,
        "stent": stent,
        "high_risk_stent": high_risk_stent,
        "mi": mi,
        "vte": vte,
        "stroke": stroke,
        "medications": medication or [],
        "others": other or None,
    }
    try:
        profiles = hold_profiles.load_all()
        if profile.endswith((".yaml", ".yml")):
            own = hold_profiles.load(Path(profile))
            profiles, asked["profile"] = {**profiles, own.profile: own}, own.profile
        calendar = in_zone(calendar_of("UTC", country), zone)
        answer = answer_to(read_question(asked), profiles, calendar)
    except Malformed as error:
        raise Malformed(_option(error.path), error.problem) from None
    if as_data:
        typer.echo(json.dumps(as_json(answer), ensure_ascii=False, indent=2))
    else:
        _show(answer)


_OPTIONS = {"weight_kg": "--weight", "creatinine_umol_l": "--creatinine", "medications": "--medication"}


def _option(path: str) -> str:
    """The option that a field of the question came from."""
    name = path.split("[")[0].split(".")[0]
    if name in ("drugs", "others"):
        return f"--{name[:-1]}"
    return _OPTIONS.get(name) or f"--{name.replace('_', '-')}"


def _show(answer: HoldAnswer) -> None:
    said, console = as_json(answer), stdout()
    console.print(f"{said['profile']} {said['profile_version']}: {said['status']}")
    for name, value in said["renal"].items():
        if value is not None:
            console.print(f"  {label(name).en}: {number(value)} mL/min")
    table = Table("drug", "profile", "status", "last intake", "why", box=None)
    for drug in said["drugs"]:
        table.add_row(
            drug["name"], said["profile"], drug["status"], _intake(drug["last_intake"]), drug["reason"]
        )
        for line in drug["lines"]:
            table.add_row(
                "", f"  {line['label']}", line["status"], _intake(line["last_intake"]), line["reason"]
            )
        for other in drug["others"]:
            mark = "≠ " if other["differs"] else "= "
            table.add_row(
                "", mark + other["profile"], other["status"], _intake(other["last_intake"]), other["reason"]
            )
    console.print(table)
    for warning in said["warnings"]:
        console.print(f"! {warning['text']}")
    if said["sign_by"]:
        console.print(f"To be signed by {said['sign_by']}.")
    console.print(said["note"])


def _intake(intake: dict[str, Any] | None) -> str:
    if intake is None:
        return ""
    shown = f"{intake['date']} {intake['clock'] if intake['clock'] != 'usual' else ''}".strip()
    if intake["not_after"]:
        shown += f", not after {intake['not_after'][:16].replace('T', ' ')}"
    return shown if intake["earliest"] is None else f"{intake['earliest']['date']} … {shown}"
