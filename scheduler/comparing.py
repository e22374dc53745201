"""Once a night, what we have heard of a hospital is held against what is there: whatever was missed is fetched.

Nothing is taken on trust: notifications may be lost, and so may searches, in a server that dates its changes late.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta, tzinfo

from fhir_mappings.read import text_at
from gateways.ports import DeliveryFailed
from scheduler.fetched import Following, Read, as_read, take
from store import listening
from store.subscription_tables import ListeningRow

log = logging.getLogger("jalon.comparing")

NIGHT = time(4, 0)
"""When servers have least to do, in the centre's zone, and after every change of the clock."""
GONE = (404, 410)
_OVERLAP = timedelta(days=2)
_WITHHELD, _WITHHELD_AT_MOST = timedelta(hours=1), timedelta(days=1)
_STRANGERS_KEPT = timedelta(days=40)

Search = Callable[[Following, ListeningRow, datetime], Iterator[list[Read]]]


def next_night(now: datetime, zone: tzinfo) -> datetime:
    """When to compare next (UTC): the first NIGHT after now."""
    today = now.astimezone(zone).date()
    tonight = datetime.combine(today, NIGHT, zone)
    if tonight <= now:
        tonight = datetime.combine(today + timedelta(days=1), NIGHT, zone)
    return tonight.astimezone(UTC)


def compare(following: Following, row: ListeningRow, search: Search, *, now: datetime) -> int:
    """Compare ids and versions with a search of what changed since the last comparison; fetch what differs.

    Returns how many differed. What changed before that was compared then.
    """
    works, differed = following.works, 0
    for page in search(following, row, (row.compared or row.began) - _OVERLAP):
        with works.db.read() as session:
            known = listening.versions(session, following.name, row.type, [each.id for each in page])
        for each in page:
            if any(is_the_same(each, *heard) for heard in known.get(each.id, ())):
                continue
            differed += fetch(following, row, each.id)
    with works.db.write() as session:
        listening.compared(
            session,
            row,
            owner=works.owner,
            differed=differed,
            now=now,
            next_at=next_night(now, following.zone),
        )
        listening.forget_strangers(session, before=now - _STRANGERS_KEPT)
    if differed:
        log.warning(
            "what was missed was fetched",
            extra={"destination": following.name, "type": row.type, "count": differed},
        )
    return differed


def is_the_same(read: Read, version: str, updated: datetime | None) -> bool:
    """Whether what is there was heard: by its version where both have one, else by its instant.

    Two versions of one instant are two: servers date by the second.
    """
    if read.version == version:
        return True
    # What came without a version is remembered by its instant (``as_read``).
    both = text_at(read.content, "meta", "versionId") and (updated is None or version != updated.isoformat())
    return not both and updated is not None and read.updated == updated


def fetch(following: Following, row: ListeningRow, id_: str, *, attempts: int = 0) -> bool:
    """Read and judge one resource that is said to have changed. Whether it was new.

    What is gone is none; what we may not read is asked for again: after an hour, at last once a day.
    """
    try:
        resource, body = following.destination.client.read_bytes(row.type, id_)
    except DeliveryFailed as failure:
        if failure.status in GONE:
            return False
        if failure.status != 403:
            raise
        works = following.works
        until = works.clock() + min(_WITHHELD * 2 ** min(attempts, 5), _WITHHELD_AT_MOST)
        with works.db.write() as session:
            listening.put_off(session, following.name, row.type, id_, until=until)
        return False
    read = as_read(resource, body)
    return read is not None and take(following, read)
