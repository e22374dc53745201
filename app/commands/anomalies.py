"""``jalon anomalies``: what hospitals said and nobody could use; hear it again, or set it aside."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from app import anomalies as acts
from app.commands.common import opened, operator, stdout, wall
from store import anomalies

app = typer.Typer(no_args_is_help=True, help="What hospitals said and nobody could use.")

Id = Annotated[str, typer.Argument(help="The anomaly's id, as `jalon anomalies list` says it.")]


@app.command("list")
def list_() -> None:
    """Every anomaly that waits, oldest first: id, from whom, what, how often, and why."""
    with opened() as service:
        with service.db.read() as session:
            found = anomalies.open_ones(session)
        table = Table(box=None, pad_edge=False)
        for title in ("id", "from", "document", "kind", "first", "times", "reason"):
            table.add_column(title)
        for one in found:
            table.add_row(
                one.id,
                one.source,
                one.remote or one.type,
                one.kind,
                wall(service, one.at),
                str(one.times),
                one.reason_en,
            )
        stdout().print(table)


@app.command()
def replay(anomaly: Id) -> None:
    """Hear it again, now that something has changed. Exits 1 when it is still not understood."""
    with opened() as service:
        if acts.replay(service, anomaly, operator()):
            typer.echo("understood and settled")
            return
        with service.db.read() as session:
            reason = anomalies.one(session, anomaly).reason_en
    typer.echo(f"still not understood: {reason}", err=True)
    raise typer.Exit(1)


@app.command()
def dismiss(anomaly: Id, note: Annotated[str, typer.Option(help="Why it is set aside.")]) -> None:
    """Set it aside, and say why."""
    with opened() as service:
        acts.dismiss(service, anomaly, note, operator())
    typer.echo("dismissed")
