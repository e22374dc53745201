"""The root that joins everything: settings in, one service out. Nothing is opened at import."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app import clock, protocols, versions
from app.definitions import say_definitions
from app.following import following
from app.issuers import Issuer, holder_id, issuers
from app.projector import FhirProjector, projected
from app.protocols import LoadedProtocol
from app.sealed import HEADERS, Sealed
from app.secrets import installation_key
from app.settings import HospitalSettings, Misconfigured, Settings, secret
from fhir_mappings.searchable import VERSION
from fhir_mappings.site import Site
from gateways import keys as key_files
from gateways.fhir_client import FhirClient
from gateways.hooks import HookClient
from gateways.keys import BadKeys, Keys
from gateways.mailbox import MailboxGateway
from gateways.ports import MessageGateway
from gateways.rate import Pace
from gateways.reach import LOOPBACK, Reach, is_this_machine
from gateways.smart import SmartToken
from gateways.sms_http import SmsHttpGateway
from gateways.smtp import SmtpGateway
from scheduler.booking import Desk
from scheduler.comparing import next_night
from scheduler.destination import Destination
from scheduler.engine import Engine
from scheduler.fetched import Following
from scheduler.ground import Clock, Works
from scheduler.hearing import listener
from scheduler.notifying import Teller
from scheduler.slots_there import There
from store import destinations as exchanges
from store import instance, listening, resources
from store.audit import Audit
from store.database import Database
from store.ledger import Ledger
from store.projection import Projected
from store.protocols import Shelf, in_use


@dataclass(frozen=True)
class Service:
    """A running Jalon, whoever drives it: the API, the worker, the command line, a story or a test.

    ``protocol`` is the version that new pathways began with at the start of this process (``begins_with`` asks
    again); running ones keep theirs. ``unpublished`` names the version of the protocol's file when nobody has
    published it. ``at_home`` is False on a copy of a database: it shows everything and sends nothing.
    """

    settings: Settings
    db: Database
    ledger: Ledger[LoadedProtocol]
    protocol: LoadedProtocol
    centre: dict[str, Any]
    site: Site
    audit: Audit
    clock: Clock
    works: Works
    destinations: tuple[Destination, ...]
    teller: Teller
    followings: tuple[Following, ...]
    at_home: bool
    unpublished: str = ""
    keys: Keys | None = None
    issuers: Mapping[str, Issuer] = field(default_factory=dict)

    def begins_with(self, session: Session) -> str:
        """The digest of the version that a pathway begun now begins with."""
        return in_use(session) or self.protocol.digest

    @property
    def zone(self) -> ZoneInfo:
        """The centre's time zone, which dates without one are in."""
        return ZoneInfo(self.protocol.ground.calendar.zone)

    def engine(self) -> Engine:
        """A worker over this service, not yet started."""
        return Engine(
            self.works,
            self.destinations,
            self.teller,
            self.followings,
            chores=(self._seal, self._sweep_slots),
        )

    @property
    def desk(self) -> Desk:
        """Where visits are booked on hospitals' Slots: those kept here, and those of the Schedules that are set.

        A copy of a database that is not at home asks nothing of any hospital's server.
        """
        clients = {one.name: one.client for one in self.destinations}
        there = tuple(
            There(hospital.name, clients[hospital.name], tuple(hospital.schedules), self.site)
            for hospital in self.settings.fhir_destinations
            if hospital.schedules and hospital.mode == "push" and self.at_home
        )
        hold = timedelta(minutes=self.centre["slot_hold_minutes"])
        return Desk(self.db, self.ledger, self.site, there, hold=hold)

    def _sweep_slots(self) -> None:
        """Free the Slots that no visit wants any more."""
        if self.at_home:
            self.desk.sweep(now=self.clock())

    def _seal(self) -> None:
        """Chain what the requests have left in the trace."""
        with self.db.write() as session:
            self.audit.seal(session, self.clock())

    def close(self) -> None:
        """Give back connections."""
        for destination in self.destinations:
            destination.close()
        self.teller.hooks.close()
        for issuer in self.issuers.values():
            issuer.keys.close()
        self.db.close()


def build(
    settings: Settings,
    *,
    now: Clock = clock.now,
    gateways: Mapping[str, MessageGateway] | None = None,
    upgrade: bool = True,
) -> Service:
    """Open the database (bringing its schema up to date), see which protocol new pathways begin with, and join.

    ``gateways`` replaces those of the settings, by channel. Raises Misconfigured, Malformed or Unreadable with a
    sentence, and Refused when the protocol's file is no longer what was published under its version.
    """
    db = Database(settings.database_url, instance=settings.instance)
    try:
        if upgrade:
            db.upgrade()
        service = _join(settings, db, now, gateways)
        if upgrade:
            _index_again(service)
        return service
    except BaseException:
        db.close()
        raise


def _index_again(service: Service) -> None:
    """Find resources by the parameters of this version of the code before anybody asks, a few hundred at a time."""
    base = f"{service.settings.public_url.rstrip('/')}/fhir"

    def again(resource: dict[str, Any]) -> Projected:
        return projected(resource, base=base, zone=service.zone)

    done = True
    while done:
        with service.db.write() as session:
            done = resources.index_again(session, again, VERSION) > 0


def _join(
    settings: Settings, db: Database, now: Clock, gateways: Mapping[str, MessageGateway] | None
) -> Service:
    identity = db.identity()
    centre_file = protocols.read_centre(settings.centre or protocols.CENTRE)
    own = protocols.load_for(centre_file, settings.protocol)
    centre = centre_file.said
    audit = Audit(installation_key(settings))
    site = Site(system=settings.system.rstrip("/"), name=centre["name"])
    own_keys = _keys(settings.smart_keys_file)
    destinations = tuple(
        _destination(hospital, site, own_keys, now) for hospital in settings.fhir_destinations
    )
    names = tuple(one.name for one in destinations if one.mode == "push")
    shelf: Shelf[LoadedProtocol] = Shelf(protocols.from_content)
    ledger = Ledger(shelf, FhirProjector(site, ZoneInfo(own.ground.calendar.zone)), names)
    with db.write() as session:
        audit.check(session)
        at_home = instance.settle_in(session, identity, now=now())
        protocol = versions.begin_with(session, own, now=now())
        published = versions.is_published(session, own)
        say_definitions(session, site, shelf, now=now())
        for one in destinations:
            exchanges.open_to(session, one.name, mode=one.mode, resources=one.resources, now=now())
    works = Works(
        db=db,
        ledger=ledger,
        clock=now,
        gateways=gateways if gateways is not None else _gateways(settings, now),
        owner=f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}",
        identity=identity,
        centre=centre,
        audit=audit,
        link=settings.public_url,
        slack=settings.lease_slack,
    )
    followings = tuple(
        following(
            works,
            site,
            hospital,
            one,
            public_url=settings.public_url,
            installation_key=installation_key(settings),
            zone=ZoneInfo(own.ground.calendar.zone),
        )
        for hospital, one in zip(settings.fhir_destinations, destinations, strict=True)
        if hospital.listen.types
    )
    with db.write() as session:
        for each in followings:
            first = next_night(now(), each.zone)
            listening.open_to(session, each.name, each.types, now=now(), compare_at=first)
    return Service(
        settings,
        db,
        ledger,
        protocol,
        centre,
        site,
        audit,
        now,
        works,
        destinations,
        _teller(settings, works, own),
        followings,
        at_home,
        unpublished="" if published else f"{own.protocol.protocol} {own.protocol.version}",
        keys=own_keys,
        issuers=issuers(settings),
    )


def at(service: Service, now: Clock) -> Service:
    """The same service by another clock."""
    works = replace(service.works, clock=now)
    return replace(
        service,
        clock=now,
        works=works,
        teller=replace(service.teller, works=works),
        followings=tuple(replace(each, works=works) for each in service.followings),
    )


def _teller(settings: Settings, works: Works, protocol: LoadedProtocol) -> Teller:
    """Who tells subscribers."""
    sealed = Sealed(installation_key(settings), HEADERS)
    base = f"{settings.public_url.rstrip('/')}/fhir"
    zone = ZoneInfo(protocol.ground.calendar.zone)
    clients = frozenset(
        holder_id(one.issuer, client) for one in settings.fhir_issuers for client in one.clients
    )
    return Teller(works, HookClient(reach(settings)), base, zone, sealed.open, clients)


def reach(settings: Settings) -> Reach:
    """Where subscribers may be: on this machine only where we are reached from nowhere else."""
    here = LOOPBACK if is_this_machine(urlsplit(settings.public_url).hostname or "") else ()
    return Reach.of([*settings.subscriber_networks, *here])


def _gateways(settings: Settings, now: Clock) -> dict[str, MessageGateway]:
    """E-mail and SMS as set; what is not set goes to the mailbox and leaves the machine by no way."""
    return {"email": _email(settings, now), "sms": _sms(settings, now)}


def mailbox(settings: Settings, now: Clock) -> MailboxGateway:
    """Where messages go that are to stay on this machine."""
    return MailboxGateway(Path(settings.mailbox), clock=now)


def _email(settings: Settings, now: Clock) -> MessageGateway:
    if not settings.smtp_host:
        return mailbox(settings, now)
    password = secret(settings.smtp_password, settings.smtp_password_file, "SMTP_PASSWORD")
    if bool(password) is not bool(settings.smtp_login):
        raise Misconfigured("JALON_SMTP_LOGIN and JALON_SMTP_PASSWORD go together: set both or neither")
    return SmtpGateway(
        settings.smtp_host,
        settings.smtp_port,
        sender=settings.mail_from,
        clock=now,
        starttls=settings.smtp_starttls,
        login=(settings.smtp_login, password) if password else None,
    )


def _sms(settings: Settings, now: Clock) -> MessageGateway:
    if not settings.sms_url:
        return mailbox(settings, now)
    token = secret(settings.sms_token, settings.sms_token_file, "SMS_TOKEN")
    if not token:
        raise Misconfigured("JALON_SMS_TOKEN: is missing; the SMS provider of JALON_SMS_URL needs one")
    return SmsHttpGateway(
        settings.sms_url,
        token=token,
        sender=settings.sms_sender or None,
        timeout=timedelta(seconds=settings.sms_timeout_seconds),
        search_delay=timedelta(seconds=settings.sms_search_delay_seconds),
    )


def _keys(file: Path | None) -> Keys | None:
    """Our own keys, where there are any."""
    if file is None:
        return None
    try:
        return key_files.read(file)
    except BadKeys as error:
        raise Misconfigured(f"JALON_SMART_KEYS_FILE: {error}") from error


def _destination(hospital: HospitalSettings, site: Site, keys: Keys | None, now: Clock) -> Destination:
    fixed = secret(hospital.token, hospital.token_file, "FHIR_DESTINATIONS")
    token = _smart_token(hospital, keys, now)
    client = FhirClient(
        hospital.url,
        token if token is not None else (lambda: fixed) if fixed else None,
        refused=token.refused if token is not None else None,
        pace=Pace(hospital.per_second) if hospital.per_second is not None else None,
    )
    return Destination(
        hospital.name,
        client,
        hear=listener(site, hospital.name),
        mode=hospital.mode,
        resources=tuple(hospital.resources),
        token=token,
    )


def _smart_token(hospital: HospitalSettings, keys: Keys | None, now: Clock) -> SmartToken | None:
    if hospital.smart is None:
        return None
    own = _keys(hospital.smart.key_file) if hospital.smart.key_file is not None else keys
    assert own is not None, "the settings see to it"
    return SmartToken(
        hospital.url,
        hospital.smart.client_id,
        own,
        now,
        scope=hospital.smart.scope,
        token_url=hospital.smart.token_url,
    )
