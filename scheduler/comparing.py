"""Once a night, what we have heard of a hospital is held against what is there: whatever was missed is fetched.

Nothing is taken on trust: notifications may be lost, and so may searches, in a server that dates its changes late.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta, tzinfo

from gateways.ports import DeliveryFailed
from scheduler.fetched import Following, Read, as_read, take
from store import listening
from store.subscription_tables import ListeningRow

log = logging.getLogger("jalon.comparing")

NIGHT = time(4, 0)
"""When servers have least to do, in the centre's zone, and after every change of the clock."""
_OVERLAP = timedelta(days=2)
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
            heard = known.get(each.id, set())
            if each.version in heard or (each.updated is not None and each.updated in heard):
                continue
            differed += _fetch(following, row, each.id)
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


def _fetch(following: Following, row: ListeningRow, id_: str) -> bool:
    try:
        resource, body = following.destination.client.read_bytes(row.type, id_)
    except DeliveryFailed as failure:
        if failure.status not in (403, 404, 410):
            raise
        return False
    read = as_read(resource, body)
    return read is not None and take(following, read)
