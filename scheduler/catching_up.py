"""When a hospital's copy has moved on: what its people did is heard, and what they added is kept."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from fhir_mappings.merging import additions
from fhir_mappings.outbound import Known, as_ours, as_theirs, patient_names, the_one, what_they_changed
from gateways.ports import DeliveryFailed
from scheduler.destination import Destination
from scheduler.ground import Works
from store import deliveries
from store.deliveries import Due, Parcel

log = logging.getLogger("jalon.hospital")

_GONE = (404, 410)
_TRIES = 5
"""How often a conflict is met that nothing explains, before a person looks at it."""


def catch_up(
    works: Works, destination: Destination, due: Due, parcel: Parcel, known: Mapping[str, Known]
) -> bool:
    """Read their copy: what its owner set is heard as an event, and ours is planned again from there.

    Whether to try again: a conflict that their copy does not explain is met only so often.
    """
    ref = f"{parcel.type}/{parcel.id}"
    remote = known[ref].remote
    type_, _, id_ = remote.partition("/")
    try:
        theirs, etag = destination.client.read(type_, id_)
    except DeliveryFailed as failure:
        if failure.status not in _GONE:
            raise
        with works.db.write() as session:
            deliveries.forgotten(session, due, parcel)
        return True
    if etag is not None and etag == known[ref].etag:
        return due.attempts < _TRIES
    if destination.hear is not None:
        heard = as_ours(theirs, ref, known)
        destination.hear(works, due.pathway_id, what_they_changed(parcel.content, parcel.told, heard))
    added = additions(as_theirs(parcel.told, known), theirs)
    with works.db.write() as session:
        deliveries.learned(session, due, parcel, remote=remote, etag=etag, added=added)
    return True


def look_before(
    works: Works, destination: Destination, due: Due, some: list[Parcel], known: Mapping[str, Known]
) -> bool:
    """Before writing to a server that gives no versions: read what it has. Whether anything there was news to us.

    Nothing can guard such a write against somebody who writes between our look and it.
    """
    moved = False
    for parcel in some:
        ref = f"{parcel.type}/{parcel.id}"
        if parcel.remote is None or parcel.etag is not None or parcel.type == "Patient":
            continue
        theirs = _copy(destination, parcel.remote)
        if theirs is None:
            continue
        before = additions(as_theirs(parcel.told, known), theirs) or None
        heard = as_ours(theirs, ref, known)
        said = what_they_changed(parcel.content, parcel.told, heard)
        if said != parcel.content and destination.hear is not None:
            destination.hear(works, due.pathway_id, said)
        if before != parcel.added:
            with works.db.write() as session:
                deliveries.learned(session, due, parcel, remote=parcel.remote, etag=None, added=before)
            moved = True
    return moved


def settle(works: Works, destination: Destination, due: Due, parcel: Parcel, mine: str) -> None:
    """A patient was made there: if somebody made one at the same moment, everybody speaks of the same from now on.

    The record that is not spoken of stays as it is: merging the two is the hospital's.
    """
    try:
        found = destination.client.search("Patient", {"identifier": patient_names(parcel.content)}, pages=1)
    except DeliveryFailed:
        return  # not to be known now; the record made is as good as any
    chosen = the_one([each for each in found if each.get("resourceType") == "Patient" and each.get("id")])
    if len(found) < 2 or chosen is None or chosen == mine:
        return
    log.warning("a destination has two records of one patient", extra={"destination": destination.name})
    with works.db.write() as session:
        deliveries.resettled(session, due, parcel, remote=chosen, now=works.clock())


def _copy(destination: Destination, remote: str) -> dict[str, object] | None:
    type_, _, id_ = remote.partition("/")
    try:
        return destination.client.read(type_, id_)[0]
    except DeliveryFailed as failure:
        if failure.status not in _GONE:
            raise
        return None
