"""``jalon protocol publish``, ``list`` and ``use``: versions of protocols, unchangeable once they are published."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from app import clock, versions
from app.commands.common import fail, operator, stdout
from app.commands.protocol_asked import Centre, File, database, protocol_of, say_anew
from pathway.checking.check import check
from store import protocols as shelves

Name = Annotated[str, typer.Argument(help="A published version, like 2.0.0.")]


def publish(
    file: File = None,
    centre: Centre = None,
    note: Annotated[str, typer.Option(help="Why there is this version; kept with it.")] = "",
    unchecked: Annotated[
        bool, typer.Option("--unchecked", help="Publish it with its faults; --note says why.")
    ] = False,
) -> None:
    """Check a protocol's file with the centre's settings and publish it under its version; it is never changed then.

    New pathways go on as before until `jalon protocol use`.
    """
    loaded = protocol_of(file, centre, None)
    if unchecked and not note.strip():
        fail("--unchecked needs a --note: it is kept with the version", code=2)
    if not unchecked and (faults := check(loaded.protocol, loaded.texts).faults):
        said = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        fail(
            f"{loaded.protocol.version} is not published: it has {said}, as `jalon protocol check` tells; the first:"
            f" {faults[0]} Mend them, or publish it --unchecked with a --note"
        )
    name = f"{loaded.protocol.protocol} {loaded.protocol.version}"
    with database() as db, db.write() as session:
        new = versions.publish(session, loaded, by=operator().name, note=note, now=clock.now())
        begins = shelves.in_use(session) is not None
        if not begins:
            shelves.use(session, loaded.digest, by=operator().name, now=clock.now())
        say_anew(session)
    typer.echo(f"{name} is published" if new else f"{name} was published already, with this very content")
    if not begins:
        typer.echo("new pathways begin with it")


def versions_list() -> None:
    """List the published versions, which one new pathways begin with, and how many pathways are under way on each."""
    table = Table("version", "content", "published", "by", "under way", "note", box=None)
    changed = []
    with database() as db, db.read() as session:
        for one in shelves.publications(session):
            name = f"{one.name} (new pathways)" if one.begins else one.name
            day = f"{one.published:%Y-%m-%d %H:%M}Z"
            table.add_row(name, one.digest[:12], day, one.by, str(one.running), one.note)
            if not versions.is_intact(session, one):
                changed.append(one.name)
    if not table.row_count:
        typer.echo("nothing is published yet; the first start does it, or `jalon protocol publish`")
        return
    stdout().print(table)
    if changed:
        fail(f"the stored content of {', '.join(changed)} is not what was published: restore a backup")


def use(name: Name) -> None:
    """Let new pathways begin with a published version. Those under way stay on theirs (`jalon protocol migrate`)."""
    with database() as db, db.write() as session:
        found = versions.find(session, name)
        if not versions.is_intact(session, found):
            fail(f"the stored content of {found.name} is not what was published: restore a backup")
        changed = shelves.use(session, found.digest, by=operator().name, now=clock.now())
        say_anew(session)
    typer.echo(f"new pathways begin with {found.name}" + ("" if changed else ", as before"))
