"""``jalon indicators``: the quality indicators of a period, as a table, JSON or CSV."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.table import Table

from app import indicators as quality
from app.commands.common import fail, opened, stdout
from app.indicator_figures import as_csv, as_data, target
from app.indicators import Report
from pathway.indicators.figures import Figure

First = Annotated[
    str, typer.Option("--from", help="First day, like 2027-01-01; else twelve months before the last.")
]
Last = Annotated[str, typer.Option("--to", help="Last day, included; else today.")]
Json = Annotated[bool, typer.Option("--json", help="As JSON; shares between 0 and 1.")]
Csv = Annotated[bool, typer.Option("--csv", help="As CSV, one line for each indicator.")]


def indicators(first: First = "", last: Last = "", as_json: Json = False, csv: Csv = False) -> None:
    """Compute the quality indicators of a period from the history of the pathways."""
    if as_json and csv:
        fail("say --json or --csv, not both", code=2)
    with opened() as service:
        period = quality.period_of(first, last, service.protocol.calendar.day(service.clock()))
        found = quality.report(service, period)
    if as_json:
        typer.echo(json.dumps(as_data(found), ensure_ascii=False, indent=1))
    elif csv:
        typer.echo(as_csv(found), nl=False)
    else:
        _show(found)


def _show(found: Report) -> None:
    table = Table("indicator", "value", "of", "excluded", "not recorded", "pending", "target", "", box=None)
    for one in found.figures:
        met = {None: "", True: "met", False: "not met"}[one.on_target]
        excluded, target_ = str(sum(one.excluded.values())), target(one)
        table.add_row(
            one.indicator.title.en,
            value(one),
            f"{one.denominator:g}",
            excluded,
            str(one.not_recorded),
            str(one.pending),
            target_,
            met,
        )
    stdout().print(f"{found.centre}, {found.period.first} to {found.period.last}")
    stdout().print(table)


def value(figure: Figure) -> str:
    """The value as people read it; in words where there is none."""
    if figure.value is None:
        return figure.says.replace("-", " ")
    if figure.indicator.unit == "share":
        return f"{figure.value:.1%}"
    return f"{figure.value:g}" + {"days": " d", "points": " pt"}.get(figure.indicator.unit, "")
