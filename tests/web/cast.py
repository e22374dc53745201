"""The ward of the page stories: its people, its clock, and patients referred to it."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from httpx import Response

from app import service as services
from app.api import create_app
from app.intake import receive_referral
from app.service import Service
from app.settings import Settings
from fhir_mappings.referral_example import example_referral
from pathway import events as e
from pathway.hold_plan import HeldDrug
from pathway.referral import Contact, Fact, Fracture, Identifier, Party, Person
from pathway.state import Actor, Pathway
from scheduler.rungs import fire_due
from store import accounts, heartbeat, tokens
from store.referrals import Received

with warnings.catch_warnings():
    # Starlette says that httpx is to be replaced one day; the client speaks HTTP either way.
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

MONDAY = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
"""A Monday in Paris, 10:00."""
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PASSWORD = "une longue phrase de passe"

NADIA = Actor("Nadia Benali", "coordinator", ("coordinator",))
ROUX = Actor("Dr Roux", "clinician", ("radiologist", "lead_radiologist"))
KLEIN = Actor("Dr Klein", "clinician", ("anaesthetist",))
PEOPLE = {"nadia": NADIA, "roux": ROUX, "klein": KLEIN, "admin": Actor("Ada Admin", "admin")}

REACHABLE = Contact("fr", "+33639980011", "+33199000011", "odile@example.org")
APIXABAN = {"atc": "B01AF02", "text": "Apixaban 5 mg", "status": "active"}
FOUND = {
    "levels": "T12",
    "pain_nrs": 8,
    "analgesia_tried": "paracétamol, morphine",
    "exam_matches_imaging": True,
    "mri_date": "2027-02-20",
    "mri_oedema": True,
    "red_flag_infection": False,
    "red_flag_neurological": False,
    "procedure_allergy": False,
    "unfit_prone": False,
    "radiculopathy": False,
    "posterior_wall": False,
    "pregnancy": False,
}
CONSENT = {"consent_given": True, "benefit_risk_discussed": True, "evidence_disclosed": True}


CHECK = {
    "last_dose_respected": True,
    "temperature_c": 36.8,
    "fasting_ok": True,
    "preanaesthesia_visit": True,
    "allergies_checked": True,
    "consent_recorded": True,
    "no_new_deficit": True,
}


@dataclass
class Ward:
    """A service on one database, told the time by the test, and the application over it."""

    service: Service
    app: FastAPI
    clock: list[datetime] = field(default_factory=lambda: [MONDAY])
    _open: dict[tuple[str, str], tuple[datetime, TestClient]] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        return self.clock[0]

    def later(self, time: timedelta) -> None:
        """Let time pass, with a worker that lives."""
        self.clock[0] += time
        with self.service.db.write() as session:
            heartbeat.beat(session, "worker", now=self.now)

    def tick(self) -> None:
        """Fire the deadlines that are due."""
        fire_due(self.service.works, now=self.now)

    def browser(self, login: str | None = None, language: str = "fr") -> TestClient:
        """A browser without JavaScript; this person's own, signed in, when there is one."""
        if login is None:
            return self._client(language)
        since, client = self._open.get((login, language), (None, None))
        if client is None or since is None or self.now - since >= accounts.SIGNED_IN_FOR:
            client = self._client(language)
            client.cookies.set("jalon-language", language)
            self.hire(login)
            answer = client.post("/sign-in", data={"login": login, "password": PASSWORD, "next": "/"})
            assert answer.status_code == 200, answer.text
            self._open[login, language] = (self.now, client)
        return client

    def _client(self, language: str) -> TestClient:
        headers = {"accept-language": language}
        return TestClient(self.app, base_url="http://127.0.0.1:8000", headers=headers, follow_redirects=True)

    def hire(self, login: str) -> None:
        """Give this person an account, unless they have one."""
        who = PEOPLE[login]
        with self.service.db.write() as session:
            if accounts.account_of(session, login) is None:
                accounts.add_account(
                    session,
                    login=login,
                    name=who.name,
                    password=PASSWORD,
                    role=who.role,
                    functions=who.functions,
                    default_duty=True,
                    now=self.now,
                )

    def system(self, name: str = "hopital") -> TestClient:
        """A system with a token of its own."""
        with self.service.db.write() as session:
            _, plain = tokens.add_token(session, name=name, now=self.now)
        return TestClient(
            self.app, base_url="http://127.0.0.1:8000", headers={"authorization": f"Bearer {plain}"}
        )

    def refer(
        self,
        family: str = "Marchand",
        given: str = "Odile Jeanne",
        *,
        number: str = "",
        onset: date | None = date(2027, 2, 20),
        contact: Contact = REACHABLE,
        antithrombotics: Sequence[dict[str, Any]] | None = (APIXABAN,),
    ) -> Received:
        """A referral as a hospital sends it."""
        known = [Fact("pain_nrs", 8, self.now - HOUR, "Dr Martin", "Observation/72514-3")]
        if antithrombotics is not None:
            drugs = list(antithrombotics)
            known.append(Fact("antithrombotics", drugs, self.now - HOUR, "Dr Martin", "MedicationStatement"))
        bundle = example_referral(
            Person(
                (Identifier("urn:oid:1.2.250.1.999.1", f"IPP-{family}"),),
                family,
                given,
                date(1947, 5, 3),
                "female",
                contact,
            ),
            Fracture(
                onset,
                "M80.08",
                "http://hl7.org/fhir/sid/icd-10",
                "Fracture ostéoporotique de T12",
                "T12",
                "osteoporotic",
            ),
            identifier=Identifier("https://hopital.example/demandes", number or f"R-{family}"),
            requester=Party(
                "Dr Martin", (Identifier("https://rpps.esante.gouv.fr", "99900000017"),), "+33199000123"
            ),
            facts=known,
            authored=self.now - HOUR,
        )
        received = receive_referral(self.service, json.dumps(bundle).encode(), "hopital", NADIA)
        assert isinstance(received, Received), received
        return received

    def started(self, family: str = "Marchand", **more: Any) -> str:
        """A referral that starts; the id of its pathway."""
        received = self.refer(family, **more)  # the same referral again is the same pathway
        assert received.pathway_id is not None, received
        return received.pathway_id

    def record(self, pathway_id: str, event: e.Event) -> Pathway:
        """An event through the door, now."""
        with self.service.db.write() as session:
            return self.service.ledger.record(session, pathway_id, event, at=self.now).pathway

    def pathway(self, pathway_id: str) -> Pathway:
        with self.service.db.read() as session:
            return self.service.ledger.load(session, pathway_id)[0]

    def to_a_booked_procedure(self, pathway_id: str) -> datetime:
        """Triage, consults and hold done, the procedure booked in three weeks; its start."""
        slot = self.now + 24 * DAY
        self.record(pathway_id, e.StepCompleted(by=NADIA, step="triage", outcome="accepted"))
        self.record(
            pathway_id, e.StepCompleted(by=ROUX, step="radiologist_consult", outcome="seen", data=FOUND)
        )
        self.record(pathway_id, e.StepCompleted(by=ROUX, step="indication", outcome="validated"))
        self.record(pathway_id, e.StepCompleted(by=ROUX, step="consent", outcome="given", data=CONSENT))
        weighed = {
            "weight_kg": 62,
            "creatinine_umol_l": 80,
            "antithrombotic_indication": "fibrillation auriculaire",
            "bleeding_history": "aucun",
            "recent_events_checked": True,
        }
        fit = e.StepCompleted(by=KLEIN, step="anaesthesia_consult", outcome="fit", data=weighed)
        self.record(pathway_id, fit)
        proposed = e.VisitBooked(by=NADIA, step="procedure", start=slot, place="Bloc 3", confirmed=False)
        self.record(pathway_id, proposed)
        drugs = (HeldDrug("Apixaban 5 mg", 3, "B01AF02"),)
        self.record(pathway_id, e.HoldSigned(by=KLEIN, drugs=drugs, text="Dernière prise le soir de J-3."))
        self.record(pathway_id, e.VisitBooked(by=NADIA, step="procedure", start=slot, place="Bloc 3"))
        return slot

    def operated(self, pathway_id: str) -> datetime:
        """The procedure done at its slot, half an hour ago now; its end, from which the watch counts."""
        slot = self.to_a_booked_procedure(pathway_id)
        self.later(slot - self.now)
        dose = e.LastDoseDeclared(by=KLEIN, drug="B01AF02", taken=slot - 3 * DAY)
        self.record(pathway_id, dose)
        self.record(pathway_id, e.StepCompleted(by=ROUX, step="preop_check", outcome="go", data=CHECK))
        self.record(pathway_id, e.StepStarted(by=ROUX, step="procedure"))
        self.later(HOUR)
        done = {"cement_ml": 2, "biopsy_taken": True, "leak": "none"}
        ended = self.now - HOUR / 2
        self.record(
            pathway_id,
            e.StepCompleted(by=ROUX, step="procedure", outcome="done", data=done, occurred=ended),
        )
        return ended


def open_ward(
    database_url: str, scratch: Path, now: Callable[[], datetime] | None = None, **more: Any
) -> Ward:
    """A ward on this database, on Monday morning; ``more`` are settings."""
    clock = [MONDAY]
    settings = Settings(
        database_url=database_url,
        mailbox=scratch / "mailbox",
        secret_key_file=_key(scratch),
        instance="ward",
        **more,
    )
    service = services.build(settings, now=now or (lambda: clock[0]))
    with service.db.write() as session:
        heartbeat.beat(session, "worker", now=service.clock())
    return Ward(service, create_app(service), clock)


def _key(scratch: Path) -> Path:
    file = scratch / "key"
    file.write_text("0123456789abcdef" * 4)
    file.chmod(0o600)
    return file


def form_of(page: Response, action: str) -> dict[str, str]:
    """The hidden fields of the form that posts to this address, as a browser would send them."""
    forms = re.findall(r'<form[^>]*action="([^"]*)"[^>]*>(.*?)</form>', page.text, re.S)
    inside = next((body for target, body in forms if target == action), None)
    assert inside is not None, f"no form posts to {action}; there are {[target for target, _ in forms]}"
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', inside))


def text_of(page: Response) -> str:
    """What the page says, without its tags."""
    bare = re.sub(r"<(script|style).*?</\1>", " ", page.text, flags=re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", bare).replace("&#39;", "'").replace("&amp;", "&").split())
