"""Messages: claim → look at the state of this moment → begin → send with a tag → say how it went.

What died in between is taken up again when its lease has ended, and asks the gateway before it repeats
anything. A gateway that cannot be asked leaves an *uncertain* message, and a person decides.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlmodel import Session

from gateways.ports import DeliveryFailed, InDoubt, LeaseLost, MessageGateway, Outgoing
from pathway import events as e
from pathway.ground import Ground, procedure_start
from pathway.lifecycle import StepStatus
from pathway.messages import is_missed
from pathway.planned import Kind
from pathway.state import Pathway
from scheduler.ground import CLOCK, Said, Works
from scheduler.texts import Unsayable, Words, words
from store import claims, instance, owed, rota
from store.claims import Claimed
from store.tables import OwedRow

log = logging.getLogger("jalon.messages")

_FIRST_PAUSE = timedelta(seconds=30)
_LONGEST_PAUSE = timedelta(minutes=30)
_LONGEST_PATIENCE = timedelta(hours=1)
"""The longest that a gateway may make us wait, whatever it asks for: a message has its hour."""
_ACCOUNT_FAULTS = (401, 403, 530, 535)
"""Answers that speak of our account, not of the message: the gateway is left alone, the message kept."""


@dataclass(frozen=True, slots=True)
class _Later:
    """Do not send now."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class _Useless:
    """Do not send at all."""

    reason: str


class GatewayDown(Exception):
    """The gateway refuses us, whatever the message: nothing more by it in this round."""


def send_due(works: Works, *, now: datetime, channel: str, limit: int = 50) -> int:
    """Carry out the messages and pages that are due by one channel. Returns how many were settled."""
    gateway = works.gateways[channel]
    with works.db.write() as session:
        if not instance.at_home(session, works.identity):
            return 0
        due = claims.claim(
            session,
            [Kind.MESSAGE, Kind.PAGE],
            owner=works.owner,
            lease_seconds=works.lease(gateway),
            limit=limit,
            now=now,
            channel=channel,
        )
    settled = 0
    for index, claimed in enumerate(due):
        if works.stopping.is_set():
            _give_back(works, due[index:], timedelta(0), "the worker was stopped")
            break
        try:
            settled += _carry_out(works, gateway, claimed)
        except GatewayDown as down:
            _give_back(works, due[index + 1 :], _FIRST_PAUSE, str(down))
            break
        except Exception:
            # It keeps its lease and is taken up again when that has ended; the others do not wait for it.
            log.exception("message could not be carried out", extra={"key": claimed.key})
    return settled


def _carry_out(works: Works, gateway: MessageGateway, claimed: Claimed) -> bool:
    if claimed.status == "sending":
        return _ask(works, gateway, claimed)
    outgoing = _begin(works, gateway, claimed)
    return outgoing is not None and _send(works, gateway, claimed, outgoing)


def _begin(works: Works, gateway: MessageGateway, claimed: Claimed) -> Outgoing | None:
    """Read and render outside the transaction; inside it only check that nothing has changed, and begin."""
    now = works.clock()
    with works.db.read() as session:
        pathway, _ = works.ledger.load(session, claimed.pathway_id)
        said: Said = works.ledger.shelf.get(session, pathway.protocol_digest)
        to = _address(session, claimed, said.ground, now)
    verdict = _verdict(claimed, pathway, said.ground, now)
    spoken: Words | None = None
    if verdict is None and not to:
        verdict = _Later(now + timedelta(minutes=15), f"nobody of the role {claimed.role} can be reached")
    if verdict is None:
        try:
            spoken = _words(works, claimed, said)
        except Unsayable as error:
            log.error("text cannot be said", extra={"key": claimed.key, "reason": str(error)})
            verdict = _Later(now + timedelta(hours=1), str(error))
    with works.db.write() as session:
        if verdict is None:
            verdict = _over_budget(session, claimed, pathway, said.ground, now)
        if isinstance(verdict, _Later):
            if claimed.until is not None and verdict.until >= claimed.until:
                verdict = _Useless(f"{verdict.reason}, and later it is of no use")
            else:
                claims.postpone(
                    session, claimed, owner=works.owner, until=verdict.until, reason=verdict.reason
                )
                return None
        if isinstance(verdict, _Useless):
            works.ledger.lock(session, claimed.pathway_id)
            row = claims.too_late(session, claimed, owner=works.owner, reason=verdict.reason, now=now)
            if row is not None:
                _too_late(works, session, row, claimed, verdict.reason, now)
            return None
        assert spoken is not None
        row = claims.begin(
            session,
            claimed,
            owner=works.owner,
            identity=works.identity,
            lease_seconds=works.lease(gateway),
            text=spoken.text,
            subject=spoken.subject,
            seen=pathway.seq,
            now=now,
        )
        if row is None:
            return None
        what = f"message/{claimed.key}"
        works.trace(session, "send", what, claimed.patient_id, now=now, channel=row.channel)
        works.ledger.says(session, [row], now=now)
    return _outgoing(claimed, to, spoken)


def _send(works: Works, gateway: MessageGateway, claimed: Claimed, outgoing: Outgoing) -> bool:
    needed = (gateway.timeout + gateway.search_delay).total_seconds()

    def fence() -> None:
        with works.db.read() as session:
            if not claims.still_ours(session, claimed, works.owner, seconds=needed):
                raise LeaseLost

    try:
        receipt = gateway.send(outgoing, fence=fence)
    except LeaseLost:
        # Nothing has left. If nobody has taken it up meanwhile (the connection was slow), it is simply tried again.
        log.warning("lease lost before sending", extra={"key": claimed.key})
        _again(works, claimed, works.clock() + _FIRST_PAUSE, "the lease ended before it could be sent")
        return False
    except InDoubt as doubt:
        if gateway.searchable:
            return False  # left as it is: whoever takes it up when the lease has ended asks first
        _settle(works, claimed, "uncertain", doubt.reason)
        return True
    except DeliveryFailed as failure:
        return _failed(works, claimed, failure)
    _settle(works, claimed, "sent", "", provider_id=receipt.provider_id)
    return True


def _ask(works: Works, gateway: MessageGateway, claimed: Claimed) -> bool:
    """A send began and nobody said how it went: look before repeating."""
    if not gateway.searchable:
        _settle(works, claimed, "uncertain", "the answer was lost and the gateway cannot be asked")
        return True
    try:
        receipt = gateway.find(claimed.tag)
    except DeliveryFailed:
        if claimed.until is None or works.clock() < claimed.until:
            return False  # no answer is no answer: asked again when this lease ends
        _settle(works, claimed, "uncertain", "the answer was lost and the gateway does not say what it took")
        return True
    if receipt is not None:
        _settle(works, claimed, "sent", "", provider_id=receipt.provider_id)
        return True
    _again(works, claimed, works.clock(), "not at the gateway: again")
    return False


def _failed(works: Works, claimed: Claimed, failure: DeliveryFailed) -> bool:
    account = failure.status in _ACCOUNT_FAULTS
    if failure.permanent and not account:
        _settle(works, claimed, "failed", failure.reason)
        return True
    now = works.clock()
    pause = min(_FIRST_PAUSE * 2 ** min(claimed.attempts, 10), _LONGEST_PAUSE)
    if failure.retry_after is not None:
        pause = max(pause, min(timedelta(seconds=failure.retry_after), _LONGEST_PATIENCE))
    _again(works, claimed, now + pause, failure.reason)
    if account:
        log.error("the gateway refuses our account", extra={"status": failure.status})
        raise GatewayDown(failure.reason)
    return False


def _again(works: Works, claimed: Claimed, at: datetime, reason: str) -> None:
    """It has not left: try again as the plan says it now, unless it let go of it while it was being sent.

    When the next try would come too late, there is none: what nothing else will say becomes a call, in time.
    """
    now = works.clock()
    with works.db.write() as session:
        item = works.ledger.wants(session, claimed.pathway_id, claimed.key)
        row = claims.again(session, claimed, item, owner=works.owner, at=at, reason=reason, now=now)
        if row is not None and row.status == "too-late":
            _too_late(works, session, row, claimed, reason, now)
        elif row is not None and row.status == "withdrawn" and claimed.kind == Kind.MESSAGE:
            # It counted as told while it was in flight, so a correction may be owed that nobody needs.
            event = e.MessageRecalled(by=CLOCK, key=claimed.key)
            works.ledger.record(session, claimed.pathway_id, event, at=now)


def _settle(works: Works, claimed: Claimed, how: str, reason: str, *, provider_id: str = "") -> None:
    now = works.clock()
    with works.db.write() as session:
        works.ledger.lock(session, claimed.pathway_id)
        if how == "sent":
            row = claims.sent(session, claimed, provider_id=provider_id, now=now)
        elif how == "failed":
            row = claims.failed(session, claimed, reason=reason, now=now)
        else:
            row = claims.uncertain(session, claimed, reason=reason, now=now)
        if row is not None:
            _tell(works, session, row, claimed, how, reason, now)
    log.info("message %s", how, extra={"key": claimed.key, "tag": claimed.tag})


def _tell(
    works: Works, session: Session, row: OwedRow, claimed: Claimed, how: str, reason: str, now: datetime
) -> None:
    """Let the resources follow; and what delivery teaches goes through the door, for it changes what is owed."""
    works.ledger.says(session, [row], now=now)
    if how != "sent" and claimed.kind == Kind.MESSAGE:
        event = e.MessageUndelivered(by=CLOCK, key=claimed.key, how=how, reason=reason)
        works.ledger.record(session, claimed.pathway_id, event, at=now)


def _too_late(
    works: Works, session: Session, row: OwedRow, claimed: Claimed, reason: str, now: datetime
) -> None:
    """A stale reminder is dropped: the next one says it. What nothing else will say becomes a call."""
    if is_missed(owed.planned_item(row), now):
        _tell(works, session, row, claimed, "too-late", reason, now)
    else:
        works.ledger.says(session, [row], now=now)


def _verdict(claimed: Claimed, pathway: Pathway, ground: Ground, now: datetime) -> _Later | _Useless | None:
    """Whether this message may be sent at this moment."""
    if claimed.until is not None and claimed.until <= now:
        return _Useless("it comes too late to be of use")
    if claimed.kind == Kind.PAGE:
        return None
    quiet = _recovering_until(pathway, ground, now)
    if quiet is not None and quiet > now:
        return _Later(quiet, "the patient is recovering")
    decent = ground.calendar.decent(now, any_day=bool(claimed.data.get("any_day")))
    if decent > now:
        return _Later(decent, "quiet hours")
    return None


def _recovering_until(pathway: Pathway, ground: Ground, now: datetime) -> datetime | None:
    silence = timedelta(hours=ground.protocol.messaging.recovery_silence_hours)
    for step in pathway.steps:
        if step.key == ground.protocol.procedure_step:
            if step.status is StepStatus.IN_PROGRESS:
                return now + timedelta(hours=1)
            if step.status is StepStatus.DONE and step.settled is not None:
                return step.settled + silence
    return None


def _over_budget(
    session: Session, claimed: Claimed, pathway: Pathway, ground: Ground, now: datetime
) -> _Later | None:
    """Never more than so many messages per patient and day, over all their pathways, unless it is about to happen.

    The last word before a visit that is near, and an instruction's day, wait for nobody: a day later they would be
    wrong.
    """
    rules, calendar = ground.protocol.messaging, ground.calendar
    last = claimed.until is not None and claimed.data.get("slot_start") == claimed.until.isoformat()
    near = claimed.until is not None and claimed.until - now <= timedelta(hours=rules.budget_free_hours)
    if claimed.kind == Kind.PAGE or (last and near) or claimed.data.get("about") == "hold":
        return None
    start = procedure_start(pathway, ground.protocol)
    if start is not None and abs(start - now) <= timedelta(hours=rules.budget_free_hours):
        return None
    today = calendar.at(calendar.day(now), time(0))
    tomorrow = calendar.at(calendar.day(now) + timedelta(days=1), time(0))
    if claims.sent_on(session, claimed.patient_id, today, tomorrow) < rules.daily_budget:
        return None
    until = calendar.decent(tomorrow, any_day=bool(claimed.data.get("any_day")))
    return _Later(until, "the patient has been written to today")


def _address(session: Session, claimed: Claimed, ground: Ground, now: datetime) -> str:
    if claimed.kind == Kind.MESSAGE:
        return str(claimed.data["to"])
    roles = ground.protocol.roles

    def fallback(role: str) -> str | None:
        return roles[role].fallback if role in roles else None

    for role in (claimed.role, ground.protocol.messaging.desk):
        duty = rota.on_call(session, role, now, fallback)
        if duty is not None and duty.email:
            return str(duty.email)
    return ""


def _words(works: Works, claimed: Claimed, said: Said) -> Words:
    return words(
        said.texts,
        works.centre,
        said.ground.calendar,
        template=claimed.data["template"],
        channel=claimed.data["channel"],
        language=claimed.data.get("language", "fr"),
        data=claimed.data,
        link=works.link,
    )


def _outgoing(claimed: Claimed, to: str, spoken: Words) -> Outgoing:
    return Outgoing(
        tag=claimed.tag, channel=claimed.data["channel"], to=to, text=spoken.text, subject=spoken.subject
    )


def _give_back(works: Works, left: list[Claimed], pause: timedelta, reason: str) -> None:
    until = works.clock() + pause
    for claimed in left:
        if claimed.status == "planned":
            # One transaction each: rows of several pathways held at once would wait in a circle with the door.
            with works.db.write() as session:
                claims.postpone(session, claimed, owner=works.owner, until=until, reason=reason)
