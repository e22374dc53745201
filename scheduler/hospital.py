"""Hospitals' FHIR servers: what is owed is said as it is now, in transactions of conditional updates.

One writer per destination and pathway. A destination that is down keeps everything owed and is tried again
with back-off, as a whole: nobody speaks to it meanwhile. A resource it refuses is set aside with its answer and holds
back only what refers to it. When its copy of a Task or Appointment has moved on, what it says there is heard first,
then ours is said again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from datetime import datetime, timedelta

from fhir_mappings.outbound import (
    DEPENDENCE,
    Failure,
    Known,
    dependants,
    local_ref,
    read_response,
    to_send,
    transaction,
)
from gateways.ports import DeliveryFailed
from scheduler.catching_up import catch_up, look_before, settle
from scheduler.destination import Destination, Resource
from scheduler.ground import Works
from store import deliveries, destinations, instance
from store.deliveries import Due, Parcel

log = logging.getLogger("jalon.hospital")

_FIRST_PAUSE = timedelta(seconds=5)
_LONGEST_PAUSE = timedelta(minutes=10)
_LONGEST_PATIENCE = timedelta(hours=1)
"""The longest that a server may make us wait, whatever it asks for."""
_MOVED_ON = (409, 412)
_ACCOUNT_FAULTS = (401, 403)
_NO_SERVER = (404, 405, 407)
"""Without an OperationOutcome: somebody on the way, or a wrong address, and no word about what we said."""
_SLACK_SECONDS = 30.0
_ANOTHER_INTRODUCES = timedelta(seconds=2)


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
    if destination.mode != "push":
        return 0
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
    began = time.monotonic()
    for index, each in enumerate(due):
        # Behind a slow server the last of them would be begun when their leases have nearly ended.
        if works.stopping.is_set() or time.monotonic() - began > destination.lease_seconds / 2:
            _give_back(works, due[index:])
            break
        try:
            done += _deliver(works, destination, each)
        except DeliveryFailed as failure:
            if not _is_of_the_server(failure):
                _later(works, each, failure)
                log.warning("pathway cannot be said", extra={"destination": destination.name})
                continue
            # The server, not the pathway: everything we hold waits, in its order, and nothing is lost.
            _give_back(works, due[index + 1 :])
            _hold_off(works, destination, each, failure, spoke=done > 0)
            log.warning("destination does not answer", extra={"destination": destination.name})
            return done
        except Exception:
            # It keeps its lease and is taken up again when that has ended; the others do not wait for it.
            log.exception("pathway could not be said", extra={"destination": destination.name})
    if done:
        with works.db.write() as session:
            destinations.answered(session, destination.name, now=works.clock())
    return done


def _is_of_the_server(failure: DeliveryFailed) -> bool:
    """Whether the failure speaks of the server or of our account there, and not of what we said."""
    if isinstance(failure, NotSaid):
        return False
    if failure.status in _NO_SERVER and failure.outcome is None:
        return True
    return not failure.permanent or failure.status in _ACCOUNT_FAULTS


def _deliver(works: Works, destination: Destination, due: Due) -> bool:
    if not _may_speak(works, due):
        return False
    parcels = _wanted(works, destination, due)
    unknown = _unknown_patient(parcels[0])
    if unknown is None:
        return _said(works, destination, due, *parcels)
    with works.db.write() as session:
        ours = destinations.introduce(
            session,
            destination.name,
            unknown.id,
            owner=works.owner,
            lease_seconds=destination.lease_seconds,
        )
    if not ours:
        with works.db.write() as session:
            deliveries.give_back(session, due, owner=works.owner, at=works.clock() + _ANOTHER_INTRODUCES)
        return False
    try:
        # Read again: whoever introduced this patient may have finished between our two looks.
        return _said(works, destination, due, *_wanted(works, destination, due))
    finally:
        with works.db.write() as session:
            destinations.introduced(session, destination.name, unknown.id, owner=works.owner)


def _wanted(works: Works, destination: Destination, due: Due) -> tuple[list[Parcel], dict[str, Resource]]:
    """What this destination wants of the pathway, and the resources of other types that these refer to."""
    with works.db.read() as session:
        found = [one for one in deliveries.parcels(session, due) if one.type in DEPENDENCE]
    left_out = {_ref(one): one.content for one in found if not destination.wants(one.type)}
    return [one for one in found if destination.wants(one.type)], left_out


def _said(
    works: Works,
    destination: Destination,
    due: Due,
    parcels: list[Parcel],
    left_out: Mapping[str, Resource],
) -> bool:
    """Whether everything that can be said to it now has been."""
    left = _to_say(parcels)
    known = {_ref(one): Known(one.remote, one.etag, one.added) for one in parcels if one.remote}
    if look_before(works, destination, due, left, known):
        _soon(works, due)
        return False
    if left and not _say(works, destination, due, left, known, left_out):
        return False
    with works.db.write() as session:
        deliveries.done(session, due, owner=works.owner, now=works.clock())
    return True


def _unknown_patient(parcels: list[Parcel]) -> Parcel | None:
    """The patient, when this destination is to hear of her for the first time."""
    return next(
        (one for one in parcels if one.type == "Patient" and one.remote is None and not one.current), None
    )


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


def _say(
    works: Works,
    destination: Destination,
    due: Due,
    left: list[Parcel],
    known: dict[str, Known],
    left_out: Mapping[str, Resource],
) -> bool:
    """One transaction; when it is refused, resource by resource, to find the one that is at fault."""
    try:
        _exchange(works, destination, due, left, known, left_out)
    except NotSaid as failure:
        left = [parcel for parcel in left if _ref(parcel) not in failure.heard]
        return _one_by_one(works, destination, due, left, known | failure.heard, left_out)
    except DeliveryFailed as failure:
        if _is_of_the_server(failure):
            raise
        return _one_by_one(works, destination, due, left, known, left_out)
    return True


def _one_by_one(
    works: Works,
    destination: Destination,
    due: Due,
    left: list[Parcel],
    known: dict[str, Known],
    left_out: Mapping[str, Resource],
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
            known |= _exchange(works, destination, due, [parcel], known, left_out)
        except DeliveryFailed as failure:
            if (
                failure.status in _MOVED_ON
                and _ref(parcel) in known
                and catch_up(works, destination, due, parcel, known)
            ):
                again = True
            elif failure.permanent and not _is_of_the_server(failure):
                _set_aside(works, due, parcel, failure)
            else:
                raise
            held |= dependants(_ref(parcel), resources)
    if again:
        _soon(works, due)
    return not again


def _exchange(
    works: Works,
    destination: Destination,
    due: Due,
    some: list[Parcel],
    known: Mapping[str, Known],
    left_out: Mapping[str, Resource],
) -> dict[str, Known]:
    """Send these in one transaction, and keep under which names the destination has them.

    NotSaid when it does not answer for each: what it did answer for is kept.
    """
    contents = [parcel.content for parcel in some]
    bundle = transaction(contents, known, left_out)
    answer = destination.client.transaction(bundle)
    if len(answer.get("entry") or []) != len(bundle["entry"]):
        # Which answer belongs to which of ours is anybody's guess.
        raise NotSaid("the destination does not answer for everything it was told", {})
    heard: dict[str, Known] = {}
    fault: NotSaid | None = None
    by_ref = {_ref(parcel): parcel for parcel in some}
    for ref, said in read_response(answer, contents, known).items():
        if isinstance(said, Failure):
            fault = fault or NotSaid(f"the destination did not take {ref}", heard, said)
        else:
            heard[ref] = said
    with works.db.write() as session:
        taken = [(by_ref[ref], said.remote, said.etag) for ref, said in heard.items()]
        deliveries.delivered(session, due, taken)
        works.trace(
            session,
            "send",
            f"pathway/{due.pathway_id}",
            some[0].patient_id,
            now=works.clock(),
            to=destination.name,
            resources=sorted(heard),
        )
    for ref, said in heard.items():
        if said.created and by_ref[ref].type == "Patient":
            settle(works, destination, due, by_ref[ref], said.remote)
    if fault is not None:
        raise fault
    return heard


def _set_aside(works: Works, due: Due, parcel: Parcel, failure: DeliveryFailed) -> None:
    outcome = failure.outcome or {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": "processing", "diagnostics": failure.reason}],
    }
    with works.db.write() as session:
        deliveries.refused(session, due, parcel, outcome=outcome, now=works.clock())
    log.warning(
        "resource refused",
        extra={"destination": due.destination, "type": parcel.type, "status": failure.status},
    )


def _soon(works: Works, due: Due) -> None:
    """At once the first time; a hospital that goes on moving is left time to finish."""
    at = works.clock() + (_pause(due.attempts) if due.attempts else timedelta(0))
    with works.db.write() as session:
        deliveries.retry(session, due, owner=works.owner, at=at, reason="their copy had moved on")


def _give_back(works: Works, some: list[Due]) -> None:
    with works.db.write() as session:
        for due in some:
            deliveries.give_back(session, due, owner=works.owner)


def _pause(attempts: int) -> timedelta:
    pause: timedelta = _FIRST_PAUSE * 2 ** min(attempts, 8)
    return min(pause, _LONGEST_PAUSE)


def _later(works: Works, due: Due, failure: DeliveryFailed) -> None:
    with works.db.write() as session:
        at = works.clock() + _asked(_pause(due.attempts), failure)
        deliveries.retry(session, due, owner=works.owner, at=at, reason=failure.reason)


def _hold_off(
    works: Works, destination: Destination, due: Due, failure: DeliveryFailed, *, spoke: bool
) -> None:
    """Nobody speaks to this destination for a while.

    A pathway that fails where others have just been taken may itself be what the server stumbles over: it waits
    longer each time, and the others pass it.
    """
    with works.db.write() as session:
        now = works.clock()
        if spoke:
            destinations.answered(session, destination.name, now=now)
        before = destinations.failures(session, destination.name)
        until = now + _asked(_pause(before), failure)
        destinations.failed(session, destination.name, until=until, reason=failure.reason)
        if before:
            deliveries.give_back(session, due, owner=works.owner, at=until)
        else:
            at = max(until, now + _pause(due.attempts))
            deliveries.retry(session, due, owner=works.owner, at=at, reason=failure.reason)


def _asked(pause: timedelta, failure: DeliveryFailed) -> timedelta:
    """Our own pause, or as long as the server asks for, within reason."""
    if failure.retry_after is None:
        return pause
    return max(pause, min(timedelta(seconds=failure.retry_after), _LONGEST_PATIENCE))


def _ref(parcel: Parcel) -> str:
    return f"{parcel.type}/{parcel.id}"
