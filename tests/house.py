"""A whole Jalon for a test: the real service on a real database, with a clock in hand and people to act."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from app.intake import receive_referral
from app.service import Service, build
from app.settings import Settings
from fhir_mappings.referral_example import example_referral
from gateways.ports import MessageGateway
from pathway import events as e
from pathway.plan import Plan, plan
from pathway.referral import Contact, Fact, Fracture, Identifier, Party, Person
from pathway.state import Actor, Pathway
from scheduler.tick import tick
from store.ledger import Recorded
from store.referrals import Received

COORDINATOR = Actor("Claire Coordinatrice", "coordinator", ("coordinator",))
RADIOLOGIST = Actor("Dr Rey", "clinician", ("radiologist", "lead_radiologist"))
ANAESTHETIST = Actor("Dr Anselme", "clinician", ("anaesthetist", "lead_anaesthetist"))
HOSPITAL = Actor("Hôpital", "system")


class Clock:
    """A clock that goes where the test says."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def wait(self, **time: float) -> datetime:
        """Let time pass."""
        self.now += timedelta(**time)
        return self.now


@dataclass
class House:
    """The service, its clock, and the everyday acts of a story."""

    service: Service
    clock: Clock

    def refer(self, number: int = 0, **changes: Any) -> Received:
        """A referral of the numbered patient, through the real intake."""
        bundle = example_referral(
            changes.pop("person", None) or patient(number, **changes),
            fracture(self.clock.now.date(), **changes),
            identifier=Identifier(
                "https://hopital.example/demandes", changes.pop("reference", f"R-{number}")
            ),
            requester=Party("Dr Médecin", (Identifier("https://rpps.esante.gouv.fr", "99900000017"),)),
            facts=changes.get("facts", known(self.clock.now)),
            authored=self.clock.now,
        )
        received = receive_referral(self.service, json.dumps(bundle).encode(), "test", HOSPITAL)
        assert isinstance(received, Received), received
        return received

    def record(self, pathway_id: str, event: e.Event) -> Recorded:
        """Let an event through the door, now."""
        with self.service.db.write() as session:
            return self.service.ledger.record(session, pathway_id, event, at=self.clock.now)

    def load(self, pathway_id: str) -> tuple[Pathway, Plan]:
        """The state as it is stored, and its plan made anew."""
        with self.service.db.read() as session:
            pathway, ground = self.service.ledger.load(session, pathway_id)
        return pathway, plan(pathway, ground)

    def tick(self) -> None:
        """Work until nothing more is due at this instant."""
        for _ in range(200):
            if not tick(self.service.works, self.service.destinations, now=self.clock.now).anything:
                return
        raise AssertionError("the worker never comes to rest")

    def until(self, moment: datetime, *, hours: float = 1.0) -> None:
        """Let the worker work every so often until then."""
        while self.clock.now < moment:
            self.clock.now = min(moment, self.clock.now + timedelta(hours=hours))
            self.tick()

    def visit_reminder_owed(self, number: int, *, at: datetime, start: datetime) -> str:
        """A patient whose radiologist's consult is booked, so that reminders are owed."""
        self.clock.now = at
        received = self.refer(number)
        assert received.pathway_id is not None
        self.record(received.pathway_id, e.StepCompleted(by=RADIOLOGIST, step="triage", outcome="accepted"))
        self.record(
            received.pathway_id, e.VisitBooked(by=COORDINATOR, step="radiologist_consult", start=start)
        )
        return received.pathway_id

    def close(self) -> None:
        """Give everything back."""
        self.service.close()


def plain_settings(database_url: str, tmp_path: Path, **more: Any) -> dict[str, Any]:
    """Settings of a test: nothing leaves, and the key is known."""
    return {
        "database_url": database_url,
        "secret_key": "0123456789abcdef" * 4,
        "mailbox": str(tmp_path / "mailbox"),
        "instance": "test",
        **more,
    }


def open_house(
    settings: Mapping[str, Any], clock: Clock, gateways: Mapping[str, MessageGateway] | None = None
) -> House:
    """A service with these settings and this clock, its schema made."""
    return House(build(Settings(**settings), now=clock, gateways=gateways), clock)


def patient(number: int = 0, *, contact: Contact | None = None, **_: Any) -> Person:
    """An invented patient, one for every number."""
    return Person(
        identifiers=(Identifier("urn:oid:1.2.250.1.999.1", f"IPP-{number}"),),
        family=f"Essai{number}",
        given="Odile",
        birth_date=date(1947, 5, 3),
        gender="female",
        contact=contact or Contact("fr", f"+336399{number:05d}", None, f"patient{number}@example.org"),
    )


def fracture(today: date, *, onset: date | None = None, cause: str = "osteoporotic", **_: Any) -> Fracture:
    """A fracture of T12, twelve days old unless said otherwise."""
    return Fracture(
        onset=onset or today - timedelta(days=12),
        code="M80.08",
        system="http://hl7.org/fhir/sid/icd-10",
        text="Fracture ostéoporotique de T12",
        level="T12",
        cause=cause,
    )


def known(at: datetime, antithrombotics: list[Any] | None = None) -> tuple[Fact, ...]:
    """What a good referral says: the pain, and which antithrombotics are taken (explicitly none)."""
    before = at - timedelta(days=1)
    return (
        Fact("pain_nrs", 8, before, "Dr Médecin", "Observation/72514-3"),
        Fact("antithrombotics", antithrombotics or [], before, "Dr Médecin", "MedicationStatement"),
    )
