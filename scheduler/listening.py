"""What changes on hospitals' servers is heard: by asking every so often, or by being told that there is something.

A notification only says where to look. Whatever is lost, doubled or out of order on the way is made good by a
search from where we had got to (``_lastUpdated``): at a gap in the numbers, after a silence, and at every poll.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sqlmodel import Session

from fhir_mappings.notices import Notice
from fhir_mappings.raw import entry_resources
from fhir_mappings.read import Json, object_at, objects_at, text_at
from fhir_mappings.subscribing import ours_there
from gateways.ports import DeliveryFailed
from scheduler.comparing import GONE, compare, fetch, next_night
from scheduler.fetched import Following, Read, as_read, take
from scheduler.ground import Works
from store import instance, listening
from store.subscription_tables import ListeningRow

log = logging.getLogger("jalon.listening")

OVERLAP = timedelta(seconds=60)
"""How far back each search begins before the latest change we know of: a server commits out of order."""
BEFORE = timedelta(days=1)
"""How far back the first search begins: clocks differ, and what was on its way is heard too."""
OF_LATE = timedelta(days=2)
"""How far back what was passed over is judged again when somebody has become a patient of ours."""
_FIRST_PAUSE = timedelta(seconds=5)
_LONGEST_PAUSE = timedelta(minutes=10)
_LEASE_SECONDS = 180.0
_PASSES = 5
_HINTS = 200
_NAMED = 5
_SOON = timedelta(seconds=10)
"""What is put off by more than this is withheld from us; what we are saying ourselves is read again within it."""


def listen_due(following: Following, *, now: datetime) -> int:
    """Look at one type of this server that is due. Returns 1 if there was one."""
    works = following.works
    with works.db.read() as session:
        if not listening.any_due(session, following.name, following.types, now=now):
            return 0
    with works.db.write() as session:
        if not instance.at_home(session, works.identity):
            return 0
        row = listening.claim(
            session,
            following.name,
            following.types,
            owner=works.owner,
            lease_seconds=_LEASE_SECONDS,
            now=now,
        )
    if row is None:
        return 0
    try:
        _listen(following, row, now=now)
    except DeliveryFailed as failure:
        pause = min(_FIRST_PAUSE * 2 ** min(row.attempts, 8), _LONGEST_PAUSE)
        if failure.retry_after is not None:
            pause = max(pause, min(timedelta(seconds=failure.retry_after), timedelta(hours=1)))
        with works.db.write() as session:
            again = works.clock() + pause
            listening.missed(session, row, owner=works.owner, again=again, reason=failure.reason)
        log.warning("hospital cannot be heard", extra={"destination": following.name, "type": row.type})
    return 1


def _listen(following: Following, row: ListeningRow, *, now: datetime) -> None:
    works = following.works
    silent = now - max(filter(None, (row.looked, row.notified, row.began))) >= following.every
    overdue = row.looked is None or now - row.looked >= _at_most(following)
    search = row.wants > row.met or silent or overdue
    if following.by != "poll" and (row.remote is None or silent or overdue):
        _stay_subscribed(following, row)
    heard = _fetch(following, row, now=now)
    cursor = row.cursor
    if search:
        cursor, news = search_through(following, row)
        heard += news
    if row.compare_at <= now:
        compare(following, row, _ids_since, now=now)
    with works.db.write() as session:
        compare_at = row.compare_at if row.compare_at > now else next_night(now, following.zone)
        later = [now + following.every, compare_at, listening.next_hint(session, row)]
        listening.looked(
            session,
            row,
            owner=works.owner,
            cursor=cursor,
            heard=heard,
            caught_up=search,
            now=now,
            next_at=min(filter(None, later)),
            reason=_withheld(session, row, now=now),
        )


def _withheld(session: Session, row: ListeningRow, *, now: datetime) -> str:
    """What the server does not let us read, for the page to say; empty when there is nothing of the kind."""
    ids = listening.withheld(session, row, after=now + _SOON)
    if not ids:
        return ""
    some = ", ".join(f"{row.type}/{each}" for each in ids[:_NAMED]) + (", …" if len(ids) > _NAMED else "")
    return f"The server does not let us read {some} (403); it is asked again later."


def _at_most(following: Following) -> timedelta:
    """The longest without a search: the interval of a poll; with a subscription that is never silent, longer."""
    return following.every if following.by == "poll" else max(following.every * 5, timedelta(minutes=15))


# --- searching --------------------------------------------------------------------------------------------


def search_through(following: Following, row: ListeningRow) -> tuple[datetime | None, int]:
    """Everything that has changed since we last looked: the latest instant met (their clock), and how much is new.

    A search of several pages is made again until it tells nothing new: what changes between two pages moves to the
    end, and what it pushes from one page to the one before would be passed over.
    """
    works = following.works
    since = (row.cursor - OVERLAP) if row.cursor is not None else row.began - BEFORE
    if row.looked is not None:
        with works.db.write() as session:
            if listening.anybody_began(session, since=row.looked - OVERLAP):
                # What came of them before they were referred was a stranger's then.
                since = min(since, works.clock() - OF_LATE)
                listening.judge_strangers_again(session, row, since=since)
    latest, heard = row.cursor, 0
    for _ in range(_PASSES):
        news = pages = 0
        for found in search_since(following, row, since):
            pages += 1
            for read in found:
                news += take(following, read)
                if read.updated is not None:
                    latest = max(latest or read.updated, read.updated)
        heard += news
        if pages <= 1 or not news:
            break
    # Nothing is dated later than now but by a clock that is wrong; going on from there would pass over the rest.
    return min(latest, works.clock()) if latest is not None else None, heard


def search_since(
    following: Following, row: ListeningRow, since: datetime, *, bare: bool = False
) -> Iterator[list[Read]]:
    """Page by page what has changed since then, oldest first. ``bare``: no more than id and version is needed.

    Raises DeliveryFailed when the server does not answer, when it is no longer ours to ask, and when we are to stop.
    """
    works = following.works
    said = since.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    asked = {"_lastUpdated": f"ge{said}", "_sort": "_lastUpdated", "_count": str(following.page)}
    if bare:
        asked["_elements"] = "id,meta"
    for page, body in following.destination.client.pages(row.type, asked):
        yield sorted(_in_page(page, body, row.type), key=_by_time)
        with works.db.write() as session:
            ours = listening.still_ours(session, row, owner=works.owner, seconds=_LEASE_SECONDS)
        if works.stopping.is_set() or not ours:
            raise DeliveryFailed("The search was broken off.", permanent=False)


def _ids_since(following: Following, row: ListeningRow, since: datetime) -> Iterator[list[Read]]:
    return search_since(following, row, since, bare=True)


def _in_page(page: Json, body: bytes, type_: str) -> Iterator[Read]:
    texts = entry_resources(body.decode("utf-8-sig"))
    for entry, text in zip(objects_at(page, "entry"), texts, strict=False):
        resource = object_at(entry, "resource")
        read = as_read(resource, (text or "").encode())
        if read is not None and read.type == type_ and text_at(entry, "search", "mode") != "outcome":
            yield read


def _by_time(read: Read) -> datetime:
    return read.updated or datetime.max.replace(tzinfo=UTC)


# --- being told -------------------------------------------------------------------------------------------


def notified(
    works: Works, destination: str, type_: str, said: Notice | None, hint: str, *, now: datetime
) -> bool:
    """Note what a notification about this type says. Whether we follow it.

    ``said`` is what the backport says; ``hint`` the id in the address of a resource that was put to us. Anything else
    is a ping: something has changed.
    """
    with works.db.write() as session:
        row = listening.locked(session, destination, type_)
        if row is None:
            return False
        row.notified = now
        if said is None:
            if hint:
                listening.hinted(session, row, [hint], now=now)
            # A plain ping has no number, so that the one before it may have been lost.
            listening.pinged(row, now=now)
            return True
        numbers = [number for number, _ in said.told]
        upto = max([*numbers, said.events or 0])
        expected = (row.number if row.number is not None else 0) + 1
        first = min(numbers, default=upto + 1)
        if upto >= expected and (first > expected or set(range(first, upto + 1)) - set(numbers)):
            row.gaps += 1
            listening.pinged(row, now=now)
        row.number = max(upto, row.number or 0)
        if said.kind == "handshake":
            row.number = said.events or 0
        elif said.status in ("error", "off"):
            listening.pinged(row, now=now)
        ids = [focus.rsplit("/", 1)[-1] for _, focus in said.told if f"{type_}/" in focus]
        if len(ids) < len(said.told):
            # Told without saying of what.
            listening.pinged(row, now=now)
        listening.hinted(session, row, ids, now=now)
        return True


def _fetch(following: Following, row: ListeningRow, *, now: datetime) -> int:
    """Read what is said to have changed."""
    works, heard = following.works, 0
    with works.db.read() as session:
        hints = listening.hints(session, row, limit=_HINTS, now=now)
    for hint in hints:
        if works.stopping.is_set():
            break
        heard += fetch(following, row, hint.id, attempts=hint.attempts)
        with works.db.write() as session:
            listening.fetched(session, row, hint, now=now)
            if not listening.still_ours(session, row, owner=works.owner, seconds=_LEASE_SECONDS):
                break
    return heard


def _stay_subscribed(following: Following, row: ListeningRow) -> None:
    """See to it that our Subscription there stands and tells us; made again where it was switched off.

    Where a server will have none of it, what we follow is searched for all the same.
    """
    client, works = following.destination.client, following.works
    wanted = ours_there(
        row.type,
        following.endpoint(row.type),
        topic_=following.topic,
        heartbeat=int(following.every.total_seconds()),
        numbered=following.by == "subscription-r5",
        reason="Jalon follows the pathways of its patients",
    )
    try:
        if row.remote is not None and _stands(following, row, wanted):
            return
        made = client.create(wanted)
    except DeliveryFailed as failure:
        if not failure.permanent:
            raise
        log.warning(
            "hospital takes no subscription", extra={"destination": following.name, "status": failure.status}
        )
        return
    row.remote, row.number = made, None
    with works.db.write() as session:
        listening.subscribed(session, row, owner=works.owner, remote=made)


def _stands(following: Following, row: ListeningRow, wanted: Json) -> bool:
    """Whether our Subscription is there; one that was switched off, or calls elsewhere, is put right."""
    client = following.destination.client
    try:
        found, _ = client.read("Subscription", row.remote or "")
    except DeliveryFailed as failure:
        if failure.status not in GONE:
            raise
        return False
    same = text_at(found, "channel", "endpoint") == wanted["channel"]["endpoint"]
    if same and text_at(found, "status") in ("active", "requested"):
        return True
    client.update({**wanted, "id": row.remote})
    return True
