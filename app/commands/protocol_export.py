"""``jalon protocol export``: protocols as FHIR definitions, for systems that read those."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from app import versions
from app.commands.common import fail, remark
from app.commands.protocol_asked import Centre, FileOrVersion, Set, database, installed_site, protocol_of
from app.definitions import exported, standings
from app.protocols import from_content
from fhir_mappings.plan_extensions import structure_definitions
from fhir_mappings.read import Json
from fhir_mappings.site import Site
from store import protocols as shelves

Fhir = Annotated[
    str,
    typer.Option("--fhir", metavar="DIR|-", help="A folder to write a file each into, or - for one Bundle."),
]


def export(
    fhir: Fhir,
    file: FileOrVersion = None,
    centre: Centre = None,
    chosen: Set = None,
) -> None:
    """Write protocols as FHIR R4: a PlanDefinition with its ActivityDefinitions, and the extensions they use.

    Every published version without an argument. A file is exported as a draft. What FHIR cannot say is in the
    extensions, exactly; a protocol with something that has no place there either is refused with the reason.
    """
    site = installed_site()
    if file is not None and (file.exists() or file.suffix in (".yaml", ".yml")):
        found = exported(protocol_of(file, centre, chosen), site, status="draft", date=None)
    elif centre or chosen:
        fail("published versions have fixed settings: leave out --centre and --set, or name a file", code=2)
    else:
        found = _published(site, str(file) if file is not None else None)
    _write([*found, *structure_definitions(site)], site, fhir)


def _published(site: Site, name: str | None) -> list[Json]:
    with database() as db, db.read() as session:
        meant = None if name is None else versions.find(session, name).digest
        found = [
            resource
            for one, status in standings(session)
            if meant in (None, one.digest)
            for resource in exported(
                from_content(shelves.document(session, one.digest), one.digest),
                site,
                status=status,
                date=one.published,
            )
        ]
    if not found:
        fail("nothing is published yet; name a file, or `jalon protocol publish` first")
    return found


def _write(resources: list[Json], site: Site, where: str) -> None:
    if where == "-":
        entries = [
            {"fullUrl": f"{site.system}/{one['resourceType']}/{one['id']}", "resource": one}
            for one in resources
        ]
        bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
        typer.echo(json.dumps(bundle, ensure_ascii=False, indent=2))
        return
    folder = Path(where)
    folder.mkdir(parents=True, exist_ok=True)
    for one in resources:
        place = folder / f"{one['resourceType']}-{one['id']}.json"
        place.write_text(json.dumps(one, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    remark(f"{len(resources)} resources in {folder}")
