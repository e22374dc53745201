"""Hospitals' FHIR servers: what is owed is said as it is now, in transactions of conditional updates.

One writer per destination and pathway. A destination that is down keeps everything owed and is tried again
with back-off. A resource it refuses is set aside with its answer and holds back only what refers to it. When
its copy of a Task or Appointment has moved on, what it says there is heard first, then ours is said again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from fhir_mappings.outbound import (
    Failure,
    Known,
    as_ours,
    dependants,
    local_ref,
    read_response,
    to_send,
    transaction,
    what_they_changed,
)
from gateways.fhir_client import FhirClient
from gateways.ports import DeliveryFailed
from gateways.smart import SmartToken
from scheduler.ground import Works
from store import deliveries, instance
from store.deliveries import Due, Parcel

log = logging.getLogger("jalon.hospital")

_FIRST_PAUSE = timedelta(seconds=5)
_LONGEST_PAUSE = timedelta(minutes=10)
_LONGEST_PATIENCE = timedelta(hours=1)
"""The longest that a server may make us wait, whatever it asks for."""
_MOVED_ON = (409, 412)
_GONE = (404, 410)
_ACCOUNT_FAULTS = (401, 403)
_TRIES = 5
"""How often a conflict is met that nothing explains, before a person looks at it."""
_SLACK_SECONDS = 30.0

Resource = dict[str, Any]
Hear = Callable[[Works, str, Resource], None]
"""What to do with a resource that the hospital has changed on its own server: (works, pathway id, resource)."""


@dataclass(frozen=True)
class Destination:
    """A FHIR server that is to hear of every pathway, and who listens to what it answers.

    ``mode`` is ``push``, or ``hosted`` for one that reads here and to which nothing is written. ``resources`` are the
    types it wants; none: all. ``token`` is how we prove who we are, where that is more than a fixed text.
    """

    name: str
    client: FhirClient
    hear: Hear | None = None
    mode: str = "push"
    resources: tuple[str, ...] = ()
    token: SmartToken | None = None
    lease_seconds: float = field(default=120.0)

    def close(self) -> None:
        """Close the connections kept open."""
        self.client.close()
        if self.token is not None:
            self.token.close()


class NotSaid(DeliveryFailed):
    """The server answers, but not what became of what we said to it. ``heard`` is what is known all the same."""

    def __init__(self, reason: str, heard: dict[str, Known], said: Failure | None = None) -> None:
        status = said.status if said is not None else 0
        super().__init__(
            reason,
            permanent=400 <= status < 500 and status not in (408, 429),
            status=status,
            outcome=said.outcome if said is not None else None,
        )
        self.heard = heard


def deliver_due(works: Works, destination: Destination, *, now: datetime, limit: int = 20) -> int:
    """Say what is owed to one destination. Returns how many pathways it is up to date on."""
    with works.db.write() as session:
        if not instance.at_home(session, works.identity):
            return 0
        due = deliveries.claim(
            session,
            destination.name,
            owner=works.owner,
            lease_seconds=destination.lease_seconds,
            limit=limit,
            now=now,
        )
    done = 0
    for index, each in enumerate(due):
        if works.stopping.is_set():
            for left in due[index:]:
                _give_back(works, left)
            break
        try:
            done += _deliver(works, destination, each)
        except DeliveryFailed as failure:
            if _is_about_one(failure):
                _later(works, each, failure)
                log.warning("pathway cannot be said", extra={"destination": destination.name})
                continue
            # The server, not the pathway: everything we hold waits, in its order, and nothing is lost.
            for left in due[index:]:
                _later(works, left, failure)
            log.warning("destination does not answer", extra={"destination": destination.name})
            break
        except Exception:
            # It keeps its lease and is taken up again when that has ended; the others do not wait for it.
            log.exception("pathway could not be said", extra={"destination": destination.name})
    return done


def _is_about_one(failure: DeliveryFailed) -> bool:
    """Whether the failure speaks of the pathway and not of the server or of our account there."""
    return isinstance(failure, NotSaid) or (failure.permanent and failure.status not in _ACCOUNT_FAULTS)


def _deliver(works: Works, destination: Destination, due: Due) -> bool:
    if not _may_speak(works, due):
        return False
    with works.db.read() as session:
        parcels = deliveries.parcels(session, due)
    left = _to_say(parcels)
    if left and not _say(works, destination, due, left, parcels):
        return False
    with works.db.write() as session:
        deliveries.done(session, due, owner=works.owner, now=works.clock())
    return True


def _may_speak(works: Works, due: Due) -> bool:
    """Whether this pathway is ours to speak of for long enough: another worker may have taken it up."""
    with works.db.read() as session:
        return deliveries.still_ours(
            session, due, owner=works.owner, identity=works.identity, seconds=_SLACK_SECONDS
        )


def _to_say(parcels: list[Parcel]) -> list[Parcel]:
    """What the destination has not heard, less what refers to something it refuses. Its Patient is never ours."""
    resources = [parcel.content for parcel in parcels]
    held: set[str] = set()
    for parcel in parcels:
        if parcel.current and parcel.remote is None:
            held |= dependants(_ref(parcel), resources)
    return [
        parcel
        for parcel in parcels
        if not parcel.current
        and _ref(parcel) not in held
        and not (parcel.type == "Patient" and parcel.remote is not None)
    ]


def _say(works: Works, destination: Destination, due: Due, left: list[Parcel], all_: list[Parcel]) -> bool:
    """One transaction; when it is refused, resource by resource, to find the one that is at fault."""
    known = {_ref(parcel): Known(parcel.remote, parcel.etag) for parcel in all_ if parcel.remote}
    try:
        _exchange(works, destination, due, left, known)
    except NotSaid as failure:
        left = [parcel for parcel in left if _ref(parcel) not in failure.heard]
        return _one_by_one(works, destination, due, left, known | failure.heard)
    except DeliveryFailed as failure:
        if not failure.permanent or failure.status in _ACCOUNT_FAULTS:
            raise
        return _one_by_one(works, destination, due, left, known)
    return True


def _one_by_one(
    works: Works, destination: Destination, due: Due, left: list[Parcel], known: dict[str, Known]
) -> bool:
    resources = [parcel.content for parcel in left]
    by_ref = {_ref(parcel): parcel for parcel in left}
    held: set[str] = set()
    again = False
    for resource in to_send(resources, known):
        parcel = by_ref[local_ref(resource)]
        if _ref(parcel) in held:
            continue
        if not _may_speak(works, due):
            return False
        try:
            known |= _exchange(works, destination, due, [parcel], known)
        except DeliveryFailed as failure:
            if (
                failure.status in _MOVED_ON
                and _ref(parcel) in known
                and _catch_up(works, destination, due, parcel, known)
            ):
                again = True
                held |= dependants(_ref(parcel), resources)
            elif failure.permanent and failure.status not in _ACCOUNT_FAULTS:
                _set_aside(works, due, parcel, failure)
                held |= dependants(_ref(parcel), resources)
            else:
                raise
    if again:
        _soon(works, due)
    return not again


def _exchange(
    works: Works, destination: Destination, due: Due, some: list[Parcel], known: Mapping[str, Known]
) -> dict[str, Known]:
    """Send these in one transaction, and keep under which names the destination has them.

    NotSaid when it does not answer for each: what it did answer for is kept.
    """
    contents = [parcel.content for parcel in some]
    bundle = transaction(contents, known)
    answer = destination.client.transaction(bundle)
    if len(answer.get("entry") or []) != len(bundle["entry"]):
        # Which answer belongs to which of ours is anybody's guess.
        raise NotSaid("the destination does not answer for everything it was told", {})
    heard: dict[str, Known] = {}
    fault: NotSaid | None = None
    by_ref = {_ref(parcel): parcel for parcel in some}
    with works.db.write() as session:
        for ref, said in read_response(answer, contents, known).items():
            if isinstance(said, Failure):
                fault = fault or NotSaid(f"the destination did not take {ref}", heard, said)
                continue
            heard[ref] = said
            deliveries.delivered(session, due, by_ref[ref], remote=said.remote, etag=said.etag)
    if fault is not None:
        raise fault
    return heard


def _catch_up(
    works: Works, destination: Destination, due: Due, parcel: Parcel, known: Mapping[str, Known]
) -> bool:
    """Their copy has moved on: what its owner set is heard as an event, and ours is planned again from there.

    Whether to try again: a conflict that their copy does not explain is met only so often.
    """
    remote = known[_ref(parcel)].remote
    type_, _, id_ = remote.partition("/")
    try:
        theirs, etag = destination.client.read(type_, id_)
    except DeliveryFailed as failure:
        if failure.status not in _GONE:
            raise
        with works.db.write() as session:
            deliveries.forgotten(session, due, parcel)
        return True
    if etag == known[_ref(parcel)].etag:
        return due.attempts < _TRIES
    if destination.hear is not None:
        heard = as_ours(theirs, _ref(parcel), known)
        destination.hear(works, due.pathway_id, what_they_changed(parcel.content, parcel.told, heard))
    with works.db.write() as session:
        deliveries.learned(session, due, parcel, remote=remote, etag=etag)
    return True


def _set_aside(works: Works, due: Due, parcel: Parcel, failure: DeliveryFailed) -> None:
    outcome = failure.outcome or {"resourceType": "OperationOutcome", "text": {"status": "generated"}}
    with works.db.write() as session:
        deliveries.refused(session, due, parcel, outcome=outcome)
    log.warning(
        "resource refused",
        extra={"destination": due.destination, "type": parcel.type, "status": failure.status},
    )


def _soon(works: Works, due: Due) -> None:
    """At once the first time; a hospital that goes on moving is left time to finish."""
    at = works.clock() + (_pause(due) if due.attempts else timedelta(0))
    with works.db.write() as session:
        deliveries.retry(session, due, owner=works.owner, at=at, reason="their copy had moved on")


def _give_back(works: Works, due: Due) -> None:
    with works.db.write() as session:
        deliveries.give_back(session, due, owner=works.owner)


def _pause(due: Due) -> timedelta:
    pause: timedelta = _FIRST_PAUSE * 2 ** min(due.attempts, 8)
    return min(pause, _LONGEST_PAUSE)


def _later(works: Works, due: Due, failure: DeliveryFailed) -> None:
    pause = _pause(due)
    if failure.retry_after is not None:
        pause = max(pause, min(timedelta(seconds=failure.retry_after), _LONGEST_PATIENCE))
    with works.db.write() as session:
        deliveries.retry(session, due, owner=works.owner, at=works.clock() + pause, reason=failure.reason)


def _ref(parcel: Parcel) -> str:
    return f"{parcel.type}/{parcel.id}"
