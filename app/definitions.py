"""Every published protocol version as FHIR definitions, kept beside the other resources and served like them.

What new pathways begin with is ``active``; what they have begun with before is ``retired``; what waits to be taken into
use is ``draft``. Said again at every start and whenever a version is published or taken into use.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Literal

from sqlmodel import Session

from app.projector import projected
from app.protocols import LoadedProtocol
from fhir_mappings.plan_definition import definitions
from fhir_mappings.read import Json
from fhir_mappings.site import Site
from pathway.refusal import Refused
from store import protocols as shelves
from store import resources
from store.locks import hold
from store.protocols import Published, Shelf

log = logging.getLogger("jalon.definitions")

Status = Literal["draft", "active", "retired"]


def say_definitions(
    session: Session, site: Site, shelf: Shelf[LoadedProtocol], *, now: datetime
) -> list[tuple[Published, Refused]]:
    """Write the definitions of every published version, as they stand now; what has not changed stays as it is.

    A version that cannot be said in FHIR is left out; the log has the reason, and so has what is returned.
    """
    hold(session, ["definitions"])
    left_out = []
    for one, status in standings(session):
        try:
            said = exported(shelf.get(session, one.digest), site, status=status, date=one.published)
        except Refused as refusal:
            log.warning("%s is not served as a PlanDefinition: %s", one.name, refusal.text.en)
            left_out.append((one, refusal))
            continue
        resources.put(session, map(projected, said), pathway_id=None, patient_id=None, now=now)
    return left_out


def standings(session: Session) -> list[tuple[Published, Status]]:
    """Every published version with its status, oldest first."""
    used = shelves.ever_used(session)
    return [(one, _status(one, used)) for one in shelves.publications(session, counted=False)]


def exported(loaded: LoadedProtocol, site: Site, *, status: Status, date: datetime | None) -> list[Json]:
    """The PlanDefinition and the ActivityDefinitions of one version. Refused with the place and the reason."""
    return definitions(loaded.protocol, site, status=status, date=date)


def _status(one: Published, used: frozenset[str]) -> Status:
    if one.begins:
        return "active"
    return "retired" if one.digest in used else "draft"
