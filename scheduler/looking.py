"""Whether a destination says that it takes what its mode has us write: asked at the worker's start, and by a person."""

from __future__ import annotations

import logging
from datetime import datetime

from fhir_mappings.their_capabilities import objections
from gateways.ports import DeliveryFailed
from pathway.refusal import Text
from scheduler.destination import Destination
from scheduler.ground import Works
from store import destinations, instance

log = logging.getLogger("jalon.hospital")


def look_at(works: Works, destination: Destination, *, now: datetime) -> Text | None:
    """What speaks against the mode of this destination, in a sentence; None when nothing does.

    While something does, nothing is written there and everything stays owed. Raises DeliveryFailed when the server
    cannot be asked: then what was found before stands.
    """
    if destination.mode != "push":
        return None
    with works.db.read() as session:
        if not instance.at_home(session, works.identity):
            return None
    found = objections(destination.client.capabilities(), destination.resources)
    sentence = None
    if found:
        sentence = Text(
            fr=f"son CapabilityStatement dit que {'; '.join(one.fr for one in found)} : réglez dans"
            " JALON_FHIR_DESTINATIONS mode à hosted pour qu’il lise ici, ou resources aux types qu’il prend, ou"
            " demandez à l’hôpital de l’ouvrir en écriture",
            en=f"its CapabilityStatement says that {'; '.join(one.en for one in found)}: in JALON_FHIR_DESTINATIONS"
            " set mode to hosted, so that it reads here, or resources to the types that it takes, or ask the hospital"
            " to open it for writing",
        )
        log.warning("destination takes no writes", extra={"destination": destination.name})
    with works.db.write() as session:
        destinations.looked_at(session, destination.name, objection=sentence, now=now)
    return sentence


def look_again(works: Works, destination: Destination, *, now: datetime) -> None:
    """The same without a word when it cannot be asked: that shows soon enough."""
    try:
        look_at(works, destination, now=now)
    except DeliveryFailed as failure:
        log.info("destination cannot be asked what it takes: %s", failure.reason)
