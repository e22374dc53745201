"""Subscribers are called: a handshake first, then what each is owed in the order of its numbers, and signs of life.

A teller that dies between the call and the mark is followed by another that calls again with the same number: at
least once, never in another order. An endpoint that fails is tried again with back-off for three days.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

from fhir_mappings.notices import Event, Kind, Level, Standing, notification
from fhir_mappings.raw import stamped, text_of
from fhir_mappings.subscribing import FHIR_JSON
from gateways.ports import DeliveryFailed
from scheduler.ground import Works
from scheduler.notifying import Teller, activate, next_beat, stop
from store import instance, subscriptions
from store.subscription_tables import NotificationRow, SubscriptionRow
from store.subscriptions import Told

log = logging.getLogger("jalon.telling")

PATIENCE = timedelta(days=3)
"""How long an endpoint may fail before its subscription is in error."""
_FIRST_PAUSE = timedelta(seconds=5)
_LONGEST_PAUSE = timedelta(minutes=30)
_LONGEST_ASKED = timedelta(hours=24)
"""The longest that an endpoint may make us wait, whatever it asks for."""
_CALLS = 50
_SLACK_SECONDS = 30.0
"""What a lease has beyond the time-out of the call that is made under it."""


@dataclass(frozen=True, slots=True)
class Owed:
    """One event that is owed, and the resource at the version it speaks of (None: it is no longer kept)."""

    number: int
    type: str
    id: str
    method: str
    at: datetime
    told: Told | None


def tell_due(teller: Teller, *, now: datetime, limit: int = 1) -> int:
    """Tell up to ``limit`` subscriptions what they are owed. Returns how many were taken up."""
    works = teller.works
    with works.db.read() as session:
        if not subscriptions.any_due(session, now=now):
            return 0
    with works.db.write() as session:
        if not instance.at_home(session, works.identity):
            return 0
        due = subscriptions.claim(
            session, owner=works.owner, lease_seconds=_SLACK_SECONDS, limit=limit, now=now
        )
    for id_ in due:
        try:
            _tell(teller, id_)
        except DeliveryFailed as failure:
            _later(works, id_, failure)
        except Exception:
            # Our fault and not theirs: it waits like a failure, is shown as one, and holds up nobody.
            log.exception("subscriber could not be told", extra={"subscription": id_})
            _later(works, id_, DeliveryFailed("It could not be told; the log says why.", permanent=False))
    return len(due)


def _tell(teller: Teller, id_: str) -> None:
    """What this subscription is owed, call by call. Raises DeliveryFailed from the first that is not taken."""
    works = teller.works
    for _ in range(_CALLS):
        now = works.clock()
        row, owed = _next(works, id_)
        if row is None:
            return
        if row.status == "requested":
            if row.style == "backport":
                _notify(teller, row, "handshake", (), now=now)
            activate(works, id_, upto=row.told, now=works.clock())
        elif owed:
            _say(teller, row, owed, now=now)
            _mark(works, row, owed)
        elif row.beat_at is not None and row.beat_at <= now:
            _notify(teller, row, "heartbeat", (), now=now)
            _mark(works, row, ())
        else:
            break
        if works.stopping.is_set():
            break
    with works.db.write() as session:
        subscriptions.let_go(session, id_, owner=works.owner)


def _next(works: Works, id_: str) -> tuple[SubscriptionRow | None, Sequence[Owed]]:
    """What is to be told next, held for long enough to tell it."""
    with works.db.write() as session:
        known = subscriptions.one(session, id_)
        seconds = _SLACK_SECONDS + (known.timeout if known is not None else 0)
        row = subscriptions.hold(session, id_, owner=works.owner, seconds=seconds)
        if row is None or row.status != "active":
            return row, ()
        events = subscriptions.owed(session, row, limit=row.most if row.style == "backport" else 1)
        return row, [
            Owed(
                each.number,
                each.type,
                each.id,
                each.method,
                each.at,
                subscriptions.said(session, each.type, each.id, each.version),
            )
            for each in events
        ]


def _mark(works: Works, row: SubscriptionRow, owed: Sequence[Owed]) -> None:
    """They heard: so it stands, with the trace of what they heard of each patient."""
    now = works.clock()
    with works.db.write() as session:
        upto = owed[-1].number if owed else row.told
        subscriptions.taken(
            session, row.id, owner=works.owner, upto=upto, beat_at=next_beat(row, now), now=now
        )
        for each in owed if row.content != "empty" else ():
            patient_id = each.told.patient_id if each.told is not None else None
            what = f"{each.type}/{each.id}"
            works.trace(
                session,
                "send",
                what,
                patient_id,
                now=now,
                to=row.source,
                subscription=row.id,
                number=each.number,
            )


def _later(works: Works, id_: str, failure: DeliveryFailed) -> None:
    """Not taken: tried again with back-off; in error after three days, off where they say that they are gone."""
    now = works.clock()
    if failure.permanent:
        stop(works, id_, "off", failure.reason, now=now)
        return
    with works.db.write() as session:
        known = subscriptions.one(session, id_)
        attempts = known.attempts if known is not None else 0
        pause = min(_FIRST_PAUSE * 2 ** min(attempts, 12), _LONGEST_PAUSE)
        if failure.retry_after is not None:
            pause = max(pause, min(timedelta(seconds=failure.retry_after), _LONGEST_ASKED))
        row = subscriptions.refused(
            session, id_, owner=works.owner, again=now + pause, reason=failure.reason, now=now
        )
        over = row is not None and row.failing_since is not None and now - row.failing_since >= PATIENCE
    log.warning("subscriber did not take it", extra={"subscription": id_, "status": failure.status})
    if over:
        stop(works, id_, "error", failure.reason, now=now)


# --- one call ---------------------------------------------------------------------------------------------


def _say(teller: Teller, row: SubscriptionRow, owed: Sequence[Owed], *, now: datetime) -> None:
    if row.style == "backport":
        _notify(teller, row, "event-notification", owed, now=now)
        return
    (each,) = owed
    if row.content == "full-resource" and each.told is not None:
        address = _below(row.endpoint, f"{each.type}/{each.id}")
        _call(teller, row, "PUT", address, told_text(each.type, each.id, each.told))
    else:
        _call(teller, row, "POST", row.endpoint, "")


def _below(endpoint: str, path: str) -> str:
    """An address below this endpoint; what the endpoint asks stays behind it."""
    parts = urlsplit(endpoint)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{path}"))


def _notify(teller: Teller, row: SubscriptionRow, kind: Kind, owed: Sequence[Owed], *, now: datetime) -> None:
    _call(teller, row, "POST", row.endpoint, bundle_text(teller.base, row, kind, owed, row.content, now=now))


def _call(teller: Teller, row: SubscriptionRow, method: str, address: str, body: str) -> None:
    headers = {}
    for each in teller.unsealed(row.headers):
        name, _, value = each.partition(":")
        headers[name.strip()] = value.strip()
    if body:
        headers["Content-Type"] = FHIR_JSON
    teller.hooks.send(
        method, address, headers=headers, body=body.encode(), timeout=timedelta(seconds=row.timeout)
    )


def bundle_text(
    base: str, row: SubscriptionRow, kind: Kind, owed: Sequence[Owed], content: str, *, now: datetime
) -> str:
    """A notification as text; the resources of others stand in it as they came."""
    level = cast(Level, content)
    whole: dict[str, str] = {}
    events = []
    for each in owed:
        stand_in: dict[str, Any] | None = None
        if level == "full-resource" and each.told is not None:
            mark = uuid4().hex
            whole[mark] = told_text(each.type, each.id, each.told)
            stand_in = {"stands-for": mark}
        events.append(Event(each.number, each.at, f"{base}/{each.type}/{each.id}", each.method, stand_in))
    said = notification(standing(base, row), kind, now, events, level)
    text = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    for mark, words in whole.items():
        text = text.replace(f'{{"stands-for":"{mark}"}}', words)
    return text


def standing(base: str, row: SubscriptionRow) -> Standing:
    """A subscription as a status says it."""
    error = row.reason if row.status == "error" else ""
    return Standing(f"{base}/Subscription/{row.id}", row.status, row.topic, row.events, error)


def owed_of(events: Sequence[NotificationRow], told: Sequence[Told | None]) -> list[Owed]:
    """Past events with what they speak of."""
    pairs = zip(events, told, strict=True)
    return [Owed(each.number, each.type, each.id, each.method, each.at, one) for each, one in pairs]


def told_text(type_: str, id_: str, told: Told) -> str:
    """A resource at one version: with its id, version and instant, and otherwise as it was written."""
    text = text_of(told.body) if told.body is not None else _words({"resourceType": type_, **told.content})
    updated = told.updated.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return stamped(text, id_, told.version, updated)


def _words(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))
