"""``jalon destinations``: the hospitals' servers we speak to, how each does, and what they refuse."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from app.commands.common import fail, opened, stdout, wall
from app.outcome_words import in_words
from app.service import Service
from gateways.ports import DeliveryFailed
from scheduler.destination import Destination
from scheduler.looking import look_at
from store import deliveries
from store import destinations as exchanges

app = typer.Typer(no_args_is_help=True, help="The hospitals' FHIR servers of JALON_FHIR_DESTINATIONS.")

Name = Annotated[str, typer.Argument(help="The destination's name in the settings.")]


@app.command("list")
def list_() -> None:
    """Every destination: mode, last success, what is owed, until when we wait, and what is refused."""
    with opened() as service:
        with service.db.read() as session:
            found = exchanges.standings(session, [one.name for one in service.destinations])
        table = Table(box=None, pad_edge=False)
        for title in ("name", "mode", "last success", "owed", "waits until", "refused", "remark"):
            table.add_column(title)
        for one in found:
            table.add_row(
                one.name,
                one.mode,
                wall(service, one.last_success),
                str(one.owed),
                wall(service, one.not_before),
                str(one.refused),
                one.objection.en if one.objection else one.reason,
            )
        stdout().print(table)


@app.command()
def check() -> None:
    """Ask each server whether it takes what its mode has us write. Exits 1 when one does not, or does not answer."""
    wrong = False
    with opened() as service:
        for destination in service.destinations:
            try:
                found = look_at(service.works, destination, now=service.clock())
                objection = found.en if found is not None else ""
            except DeliveryFailed as failure:
                objection = failure.reason
            wrong = wrong or bool(objection)
            typer.echo(f"{destination.name} ({destination.mode}): {objection or 'nothing speaks against it'}")
    if wrong:
        raise typer.Exit(1)


@app.command("dead-letters")
def dead_letters(
    name: Annotated[str | None, typer.Argument(help="One destination; else all.")] = None,
) -> None:
    """What destinations refuse, with their answer in words."""
    with opened() as service:
        with service.db.read() as session:
            found = exchanges.dead_letters(session, name)
        for one in found:
            said = "; ".join(in_words(one.outcome)) or "no reason given"
            typer.echo(f"{one.destination} {one.type}/{one.id} {wall(service, one.at)}: {said}")


@app.command()
def replay(
    name: Name,
    resource: Annotated[
        str | None, typer.Argument(help="Type/id of a refused resource; else all of them.")
    ] = None,
) -> None:
    """Try refused resources again: one, or all that this destination refuses."""
    with opened() as service:
        _known(service, name)
        with service.db.write() as session:
            if resource is None:
                count = deliveries.replay_all(session, name, now=service.clock())
            else:
                type_, _, id_ = resource.partition("/")
                if not deliveries.replay(session, name, type_, id_, now=service.clock()):
                    fail(
                        f"{name} does not refuse {resource}; `jalon destinations dead-letters` shows what it refuses"
                    )
                count = 1
    typer.echo(f"{count} to be tried again")


@app.command()
def resend(name: Name) -> None:
    """Say everything again to this destination, as after it was restored from a backup."""
    with opened() as service:
        _known(service, name)
        with service.db.write() as session:
            exchanges.say_everything_again(session, name, now=service.clock())
    typer.echo(f"everything is owed to {name} again")


def _known(service: Service, name: str) -> Destination:
    found = next((one for one in service.destinations if one.name == name), None)
    if found is None:
        known = ", ".join(one.name for one in service.destinations) or "none"
        fail(f"there is no destination {name!r} in JALON_FHIR_DESTINATIONS; there are: {known}")
    return found
