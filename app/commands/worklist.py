"""``jalon worklist``: what is to be done, in the order of the due dates."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from app.commands.common import fail, opened, stdout, wall
from app.service import Service
from pathway.protocol import Protocol
from store import worklist as lists
from store.worklist import Asked, Work

Role = Annotated[list[str] | None, typer.Option("--role", help="Only this role's work; may be repeated.")]
Json = Annotated[bool, typer.Option("--json", help="As JSON, instants in UTC.")]
Limit = Annotated[int, typer.Option(help="At most so many lines.", min=1, max=100_000)]


def worklist(role: Role = None, as_json: Json = False, limit: Limit = 100) -> None:
    """Show what is due, late and to come."""
    with opened() as service:
        known = service.protocol.protocol.roles
        for name in role or []:
            if name not in known:
                fail(f"there is no role {name!r}; there are: {', '.join(sorted(known))}", code=2)
        with service.db.read() as session:
            found = lists.work(session, Asked(roles=tuple(role or ())), limit=limit)
            shelf = service.ledger.shelf  # each patient's words are those of the version they are on
            protocols = {one.who.digest: shelf.get(session, one.who.digest).protocol for one in found}
        if as_json:
            typer.echo(json.dumps([_data(one, service) for one in found], ensure_ascii=False, indent=1))
        else:
            _show(found, protocols, service)


def _show(found: list[Work], protocols: Mapping[str, Protocol], service: Service) -> None:
    if not found:
        typer.echo("Nothing is to be done.")
        return
    table = Table("due", "", "patient", "what", "who", box=None)
    for one in found:
        late = Text("late", style="bold red") if one.at <= service.clock() else Text("")
        what = _title(one, protocols[one.who.digest]) + (" !" if one.blocking else "")
        table.add_row(wall(service, one.at), late, f"{one.who.family} {one.who.given}", what, one.role)
    stdout().print(table)


def _title(one: Work, protocol: Protocol) -> str:
    key = one.step.partition("/")[0]
    title = protocol.step(key).title.fr if protocol.has_step(key) else key
    return title if one.kind == "task" else f"{one.kind}: {title}"


def _data(one: Work, service: Service) -> dict[str, Any]:
    return {
        "key": one.key,
        "kind": one.kind.value,
        "step": one.step,
        "role": one.role,
        "due": one.at.isoformat(),
        "late": one.at <= service.clock(),
        "why": one.why,
        "patient": {"id": one.who.patient_id, "name": f"{one.who.family} {one.who.given}"},
        "pathway": one.who.pathway_id,
        "blocked": [flag.get("text", {}).get("en", "") for flag in one.blocking],
    }
