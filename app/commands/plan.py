"""``jalon plan``: what this version's planner would change in pathways that another version planned."""

from __future__ import annotations

from typing import Any

import typer
from rich.table import Table

from app.commands.common import opened, operator, progress, stdout, wall
from app.service import Service
from pathway import events as e
from pathway.plan import PLANNER, Change
from store.planner import planned_otherwise, would_change

app = typer.Typer(no_args_is_help=True, help="What new planner code would change.")


@app.command("diff")
def diff() -> None:
    """Show, row by row, what would change. Nothing is written."""
    with opened() as service:
        ids = _waiting(service)
        table = Table("pathway", "what", "how", "old", "new", "why", box=None)
        for pathway_id in progress("pathways", ids, len(ids)):
            with service.db.read() as session:
                for change in would_change(session, service.ledger, pathway_id):
                    table.add_row(pathway_id, *_row(change, service))
        if not ids:
            typer.echo(f"Every pathway was planned by this version of the planner ({PLANNER}).")
            return
        if table.row_count:
            stdout().print(table)
        typer.echo(f"{len(ids)} pathways, {table.row_count} rows would change; `jalon plan apply` does it")


@app.command("apply")
def apply() -> None:
    """Plan those pathways again: an event in each one's history, with the difference it makes."""
    with opened() as service:
        ids = _waiting(service)
        for pathway_id in progress("pathways", ids, len(ids)):
            with service.db.write() as session:
                event = e.Replanned(by=operator(), planner=PLANNER)
                service.ledger.record(session, pathway_id, event, at=service.clock())
        typer.echo(f"{len(ids)} pathways planned again")


def _waiting(service: Service) -> list[str]:
    with service.db.read() as session:
        return planned_otherwise(session)


def _row(change: Change, service: Service) -> tuple[Any, ...]:
    old, new = wall(service, change.old), wall(service, change.new)
    return change.what, change.how.value, old, new, change.why
