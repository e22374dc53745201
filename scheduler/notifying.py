"""Who is to hear of what has changed: matched outside the door's transactions, and numbered for each subscriber.

What is numbered here is told by ``scheduler.telling``.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from sqlmodel import Session

from fhir_mappings.criteria import Criteria, Unclear, matches, parse
from fhir_mappings.searchable import VERSION, index
from fhir_mappings.subscribing import with_status
from gateways.hooks import HookClient
from scheduler.ground import Works
from store import resources, search, subscriptions
from store.projection import Projected
from store.subscription_tables import SubscriptionRow
from store.subscriptions import Change

log = logging.getLogger("jalon.notifying")

KEPT = timedelta(days=30)
"""How long an event can be asked for again."""
_BATCH = 200
_PASSED = 5_000
_BATCHES = 50


@dataclass(frozen=True)
class Teller:
    """What is needed to tell subscribers. ``base`` is our FHIR address; ``unsealed`` opens the kept headers.

    ``clients`` are the systems (``issuer#client``) that tokens of other issuers are taken from.
    """

    works: Works
    hooks: HookClient
    base: str
    zone: tzinfo
    unsealed: Callable[[str], Sequence[str]]
    clients: frozenset[str] = frozenset()


# --- matching ---------------------------------------------------------------------------------------------


def match_due(teller: Teller, *, now: datetime) -> int:
    """Number what has changed for every subscription that wants it. Returns how many changes were looked at.

    One process matches at a time, in batches with a transaction each, however much has changed.
    """
    _sweep(teller, now=now)
    done = 0
    for _ in range(_BATCHES):
        with teller.works.db.read() as session:
            if not subscriptions.any_untold(session):
                return done
        with teller.works.db.write() as session:
            if not subscriptions.alone(session):
                return done
            wanted = {row.id: (row, _criteria(row)) for row in subscriptions.matching(session)}
            types = {each.type for _, said in wanted.values() for each in said}
            passed = subscriptions.pass_over(session, types, limit=_PASSED)
            changes = subscriptions.untold(session, limit=_BATCH)
            heard = [
                (change, row)
                for change in changes
                for row, said in wanted.values()
                if _wants(said, change, teller)
            ]
            if changes:
                subscriptions.announce(session, changes, heard)
        done += len(changes)
        if (len(changes) < _BATCH and passed < _PASSED) or teller.works.stopping.is_set():
            return done
    return done


def _criteria(row: SubscriptionRow) -> list[Criteria]:
    try:
        return [parse(each) for each in row.criteria]
    except Unclear:
        # Kept under a table of parameters that has changed since: nothing is told rather than something else.
        log.error("criteria are not understood any more", extra={"subscription": row.id})
        return []


def _wants(said: Sequence[Criteria], change: Change, teller: Teller) -> bool:
    """Whether a change meets every search that is about its type."""
    about = [each for each in said if each.type == change.type]
    return bool(about) and all(
        matches(change.content, each, base=teller.base, zone=teller.zone) for each in about
    )


def _sweep(teller: Teller, *, now: datetime) -> None:
    """End what is over."""
    with teller.works.db.read() as session:
        over = subscriptions.ending(session, clients=teller.clients, now=now)
    for id_, reason in over:
        stop(teller.works, id_, "off", reason, now=now)


def forget_old(teller: Teller, *, now: datetime) -> None:
    """Let go of events that nobody asks for any more."""
    with teller.works.db.write() as session:
        subscriptions.forget(session, before=now - KEPT)


# --- what becomes of a subscription -----------------------------------------------------------------------


def stop(works: Works, id_: str, status: str, reason: str, *, now: datetime) -> None:
    """Tell this subscription nothing more; its resource says so and why."""
    with works.db.write() as session:
        # The resource before the row, as whoever writes a Subscription locks them.
        search.read(session, "Subscription", id_, lock=True)
        row = subscriptions.locked(session, id_)
        if row is not None and row.status not in ("off", status):
            subscriptions.stop(row, status, reason)
            show(session, row, now=now)
            log.warning("subscription stopped", extra={"subscription": id_, "status": status})


def activate(works: Works, id_: str, *, upto: int, now: datetime) -> None:
    """It has shaken hands: from here on it is told."""
    with works.db.write() as session:
        search.read(session, "Subscription", id_, lock=True)
        beat_at = None
        row = subscriptions.taken(session, id_, owner=works.owner, upto=upto, beat_at=beat_at, now=now)
        if row is not None and row.status == "requested":
            row.status, row.beat_at = "active", next_beat(row, now)
            show(session, row, now=now)


def try_again(works: Works, id_: str, *, now: datetime) -> bool:
    """Try at once what had failed, by a person's decision. Whether there is such a subscription."""
    with works.db.write() as session:
        search.read(session, "Subscription", id_, lock=True)
        row = subscriptions.locked(session, id_)
        if row is None or row.status == "off":
            return False
        before = row.status
        subscriptions.again(row, now=now)
        if row.status != before:
            show(session, row, now=now)
        return True


def next_beat(row: SubscriptionRow, now: datetime) -> datetime | None:
    """When a sign of life is due, should nothing else be told before."""
    return now + timedelta(seconds=row.heartbeat) if row.heartbeat and row.style == "backport" else None


def show(session: Session, row: SubscriptionRow, *, now: datetime) -> None:
    """Let the Subscription resource say the status that the server gives it. Its row is locked."""
    found = search.read(session, "Subscription", row.id, lock=True)
    if found is None:
        return
    content = with_status(found.content, row.status, row.reason)
    if content == found.content:
        return
    by = index(content)
    resources.keep(
        session,
        Projected(
            type="Subscription",
            id=row.id,
            content=content,
            tokens=by.tokens,
            spans=by.spans,
            indexed=VERSION,
            status=row.status,
        ),
        body=json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(),
        source=found.source or row.source,
        patient_id=None,
        now=now,
    )
