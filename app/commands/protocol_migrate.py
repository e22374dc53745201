"""``jalon protocol migrate``: pathways under way, moved onto another published version, and back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.table import Table

from app import versions
from app.commands.common import fail, opened, operator, progress, stdout, wall
from app.service import Service
from pathway import events as e
from pathway.codec import encode
from pathway.refusal import Refused
from pathway.state import Pathway
from store import migrating
from store.migrating import Move
from store.protocols import Published

To = Annotated[str, typer.Option("--to", metavar="VERSION", help="The published version to move onto.")]
Undo = Annotated[
    str, typer.Option(metavar="VERSION", help="Take back those that were moved onto this version.")
]
Pathways = Annotated[list[str] | None, typer.Option("--pathway", help="Only this pathway. Repeatable.")]
Reason = Annotated[str, typer.Option(help="Why; kept in every history. Needed without --preview.")]
Preview = Annotated[bool, typer.Option("--preview", help="Show what would change; nothing is written.")]
Json = Annotated[bool, typer.Option("--json", help="As JSON, instants in UTC.")]


def migrate(
    to: To = "",
    undo: Undo = "",
    pathway: Pathways = None,
    reason: Reason = "",
    preview: Preview = False,
    as_json: Json = False,
) -> None:
    """Move pathways under way onto another published version, each in its own transaction and history, or back.

    What cannot be said in the other version is refused with a sentence, and stays where it is.
    """
    if bool(to) is bool(undo):
        fail(
            "say --to VERSION to move onto it, or --undo VERSION to take back what was moved onto it", code=2
        )
    if not preview and not reason.strip():
        fail("--reason is missing: it stands in every history. --preview shows what would change", code=2)
    with opened() as service:
        moves = list(_moves(service, to, undo, pathway, reason or "preview"))
        done = moves if preview else [_carried_out(service, move) for move in moves]
        if as_json:
            typer.echo(json.dumps([_as_json(one) for one in done], ensure_ascii=False, indent=1))
        else:
            _show(done, service, preview=preview)
    if any(one.refused for one in done):
        raise typer.Exit(1)


def _moves(service: Service, to: str, undo: str, only: list[str] | None, reason: str) -> Iterator[Move]:
    """What each pathway's move would change, one after the other."""
    with service.db.read() as session:
        version = versions.find(session, to or undo)
        ids = only or (
            migrating.on_another_version(session, version)
            if to
            else migrating.moved_onto(session, service.ledger, version)
        )
    for id_ in progress("pathways", ids, len(ids)):
        with service.db.read() as session:
            found, _ = service.ledger.load(session, id_)
            event = _event(found, version, reason, back=bool(undo))
            yield migrating.would_move(session, service.ledger, found, event, at=service.clock())


def _event(
    pathway: Pathway, version: Published, reason: str, *, back: bool
) -> e.Migrated | e.MigrationUndone:
    if not back:
        return migrating.onto(pathway, version, by=operator(), reason=reason)
    if pathway.protocol_digest != version.digest:
        fail(f"pathway {pathway.id} is on {pathway.protocol_version}, not on {version.version}")
    return migrating.back(pathway, by=operator(), reason=reason)


def _carried_out(service: Service, move: Move) -> Move:
    """The move through the door. What changed since the preview may refuse it still."""
    if move.refused:
        return move
    try:
        with service.db.write() as session:
            done = service.ledger.record(session, move.pathway.id, move.event, at=service.clock())
    except Refused as refused:
        return Move(move.pathway, move.event, refused=refused)
    return Move(move.pathway, move.event, done.changes, move.compared)


def _show(moves: list[Move], service: Service, *, preview: bool) -> None:
    table = Table("pathway", "what", "how", "old", "new", "why", box=None)
    for one in moves:
        for row in _rows(one, service):
            table.add_row(one.pathway.id, *row)
    if table.row_count:
        stdout().print(table)
    refused = sum(one.refused is not None for one in moves)
    said = "would be moved" if preview else "moved"
    typer.echo(f"{len(moves) - refused} pathways {said}, {refused} cannot be")


def _rows(move: Move, service: Service) -> Iterator[tuple[str, ...]]:
    versions_ = (move.event.from_version, move.event.to_version)
    if move.refused is not None or move.compared is None:
        yield "version", "refused", *versions_, move.refused.text.en if move.refused else ""
        return
    yield "version", "changed", *versions_, ""
    found = move.compared
    for how, steps in (("added", found.added), ("dropped", found.dropped)):
        for step in steps:
            yield step, how, "", "", "step"
    for one in found.stopped:
        yield one.gate, "newly unmet", "", "", one.reason.en
    if found.hold is not None:
        yield "hold plan", "changed", *found.hold, ""
    for change in move.changes:
        old, new = wall(service, change.old), wall(service, change.new)
        yield change.what, change.how.value, old, new, change.why


def _as_json(move: Move) -> dict[str, Any]:
    found = move.compared
    return {
        "pathway": move.pathway.id,
        "from": move.event.from_version,
        "to": move.event.to_version,
        "refused": encode(move.refused.text) if move.refused else None,
        "added": list(found.added) if found else [],
        "dropped": list(found.dropped) if found else [],
        "newly_unmet": [encode(one) for one in found.stopped] if found else [],
        "hold": {"before": found.hold[0], "after": found.hold[1]} if found and found.hold else None,
        "changes": [encode(change) for change in move.changes],
    }
