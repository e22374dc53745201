"""Which protocol a command means: a file with the choices of a centre, or a version that is published."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from sqlmodel import Session

from app import clock, protocols, settings, versions
from app.commands.common import fail, remark
from app.definitions import say_definitions
from app.protocols import CentreFile, LoadedProtocol, from_content
from fhir_mappings.site import Site
from store import protocols as shelves
from store.database import Database
from store.protocols import Shelf

File = Annotated[Path | None, typer.Argument(help="A protocol file; the installation's own without it.")]
FileOrVersion = Annotated[
    Path | None,
    typer.Argument(
        metavar="FILE|VERSION", help="A file or a published version; the installation's own file without."
    ),
]
Centre = Annotated[Path | None, typer.Option(help="A centre's file; the installation's own without it.")]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="A setting of the protocol, before the centre's. Repeatable."
    ),
]


def protocol_of(file: Path | None, centre: Path | None, chosen: list[str] | None) -> LoadedProtocol:
    """The protocol in this file (else the installation's) for this centre and these ``KEY=VALUE`` choices.

    Complaint for a choice that is not written so; Unreadable or Malformed for what does not hold together.
    """
    path, here, given = asked_of(file, centre, chosen)
    try:
        return protocols.load_for(here, path)
    except protocols.WrongSetting as wrong:
        if wrong.key in given:
            fail(f"--set {wrong.key}={given[wrong.key]}: {wrong.problem}", code=2)
        raise


def asked_of(
    file: Path | None, centre: Path | None, chosen: list[str] | None
) -> tuple[Path | None, CentreFile, dict[str, str]]:
    """The file meant (None: the one that the centre names), the centre with all its choices, and those given here."""
    given = {}
    for one in chosen or ():
        key, equals, value = one.partition("=")
        if not equals or not key:
            fail(f"--set {one}: write --set KEY=VALUE, like --set stay=ambulatory", code=2)
        given[key] = value
    installed = settings.load()
    here = protocols.read_centre(centre or installed.centre or protocols.CENTRE)
    if file is not None and centre is None:  # the installation's choices are of its own protocol
        here = replace(here, settings={}, edition="", protocol=None)
    path = file or (None if centre else installed.protocol)
    return path, replace(here, settings={**here.settings, **given}), given


@contextmanager
def database() -> Iterator[Database]:
    """The installation's database and nothing else, whatever the protocol's file says at the moment."""
    installed = settings.load()
    db = Database(installed.database_url, instance=installed.instance)
    try:
        db.upgrade()
        yield db
    finally:
        db.close()


def installed_site() -> Site:
    """In whose name the installation speaks FHIR: its address for identifiers, and the centre's name."""
    installed = settings.load()
    centre = protocols.read_centre(installed.centre or protocols.CENTRE)
    return Site(system=installed.system.rstrip("/"), name=centre.said["name"])


def say_anew(session: Session) -> None:
    """Serve the published versions as FHIR definitions, as they stand now; who cannot be is told with the reason."""
    shelf: Shelf[LoadedProtocol] = Shelf(from_content)
    for one, refusal in say_definitions(session, installed_site(), shelf, now=clock.now()):
        remark(f"{one.name} is not served as a PlanDefinition: {refusal.text.en}")


def published_protocol(name: str) -> LoadedProtocol:
    """A published version as it is stored. Refused with the names there are."""
    with database() as db, db.read() as session:
        digest = versions.find(session, name).digest
        return from_content(shelves.document(session, digest), digest)
