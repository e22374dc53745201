"""A patient's way told with a clock in hand: pure decide and plan, the built-in protocol, nothing stored or sent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.protocols import LoadedProtocol, load
from pathway import events as e
from pathway.decide import decide
from pathway.enrolment import enrol
from pathway.ground import Ground
from pathway.hold_plan import HeldDrug
from pathway.ladders import Alert, alerts
from pathway.plan import Change, Item, Kind, Plan, diff, plan
from pathway.records import Told
from pathway.referral import Contact, Fact, Fracture, Identifier, Party, Person, Referral
from pathway.state import Actor, Pathway, Step
from pathway.watch import unrecorded

LOADED: LoadedProtocol = load()
PARIS = ZoneInfo("Europe/Paris")

NADIA = Actor("Nadia Roche", "coordinator", ("coordinator",))
WARD = Actor("Inès Petit", "clinician", ("ward",))
RADIOLOGIST = Actor("Dr Morel", "clinician", ("radiologist",))
ANAESTHETIST = Actor("Dr Klein", "clinician", ("anaesthetist",))
CLOCK = Actor("clock")

APIXABAN = {"atc": "B01AF02", "text": "apixaban", "status": "active", "dose": None}

CONSULT: dict[str, Any] = {
    "levels": "T12",
    "pain_nrs": 8,
    "analgesia_tried": "paracetamol, tramadol",
    "exam_matches_imaging": True,
    "mri_date": "2027-01-29",
    "mri_oedema": True,
    "red_flag_infection": False,
    "red_flag_neurological": False,
    "procedure_allergy": False,
    "unfit_prone": False,
    "radiculopathy": False,
    "posterior_wall": False,
    "pregnancy": False,
}
NEOPLASTIC: dict[str, Any] = {"mechanical_pain": True, "sins": 8, "mdt_date": "2027-02-01"}
CONSENT: dict[str, Any] = {"consent_given": True, "benefit_risk_discussed": True, "evidence_disclosed": True}
ANAESTHESIA: dict[str, Any] = {
    "weight_kg": 62,
    "creatinine_umol_l": 58,
    "antithrombotic_indication": "atrial fibrillation",
    "bleeding_history": "none",
    "recent_events_checked": True,
}
CHECK: dict[str, Any] = {
    "last_dose_respected": True,
    "temperature_c": 36.8,
    "fasting_ok": True,
    "preanaesthesia_visit": True,
    "allergies_checked": True,
    "consent_recorded": True,
    "no_new_deficit": True,
}
LEAVING: dict[str, Any] = {
    "no_red_sign": True,
    "neuro_baseline": True,
    "spo2_baseline": True,
    "walked": True,
    "voided": True,
    "pain_acceptable": True,
    "no_bleeding": True,
    "papers_given": True,
    "review_agreed": True,
    "biopsy_owner": "Dr Morel",
}
CALM: dict[str, Any] = {"motor_right": 5, "motor_left": 5, "sbp": 128, "spo2": 97, "pain_nrs": 3}


def wall(text: str, zone: ZoneInfo = PARIS) -> datetime:
    """``2027-02-16 09:30`` on the centre's clock, as UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def shown(instant: datetime | None) -> str:
    """The instant on the centre's clock, like ``wall`` reads it."""
    return instant.astimezone(PARIS).strftime("%Y-%m-%d %H:%M") if instant else ""


@dataclass(frozen=True)
class Sent:
    """A message that has left."""

    key: str
    at: datetime
    template: str
    channel: str


class Tale:
    """A pathway and the clock. Every deadline passed on the way fires; every message due on the way leaves."""

    def __init__(
        self,
        referred: str = "2027-02-01 10:00",
        *,
        onset: date | None = date(2027, 1, 20),
        cause: str = "osteoporotic",
        antithrombotics: list[Any] | None = None,
        facts: dict[str, Any] | None = None,
        contact: Contact | None = None,
        ground: Ground | None = None,
        sending: bool = True,
    ) -> None:
        self.ground = ground or LOADED.ground
        self.sending = sending
        at = wall(referred)
        known: dict[str, Any] = {"pain_nrs": 8, **(facts or {})}
        if antithrombotics is not None:
            known["antithrombotics"] = antithrombotics
        referral = Referral(
            key="urn:x|1",
            identifier=Identifier("urn:x", "1"),
            requester=Party("Dr Adresse"),
            patient=Person(
                identifiers=(Identifier("urn:ipp", "42"),),
                family="Exemple",
                given="Jeanne",
                birth_date=date(1947, 5, 2),
                contact=contact or Contact(mobile="+33600000001", email="jeanne@example.org"),
            ),
            fracture=Fracture(onset=onset, level="T12", cause=cause),
            facts=tuple(Fact(key, value, at, "Dr Adresse", "referral") for key, value in known.items()),
            authored=at,
        )
        self.now = at
        self.pathway: Pathway = enrol("p1", "42", referral, self.ground, at=at)
        self.sent: list[Sent] = []

    # --- the clock ---

    def at(self, when: str | datetime) -> Tale:
        """Let time pass until ``when``, with all that happens by itself on the way."""
        until = wall(when) if isinstance(when, str) else when
        while (due := self._next(until)) is not None:
            instant, item = due
            self.now = max(self.now, instant)
            if item.kind is Kind.RUNG:
                self._record(e.RungFired(by=CLOCK, key=item.key, person="on call"))
            else:
                self._send(item)
        self.now = max(self.now, until)
        return self

    def _next(self, until: datetime) -> tuple[datetime, Item] | None:
        left = {one.key for one in self.sent}
        due = []
        for item in self.plan().items:
            if item.kind is Kind.RUNG or (item.kind is Kind.MESSAGE and self.sending):
                assert item.at is not None
                instant = max(item.at, self.now)
                alive = item.until is None or instant < item.until
                if instant <= until and item.key not in left and alive:
                    due.append((instant, item.key, item))
        return min(due)[::2] if due else None

    def _send(self, item: Item) -> None:
        self.sent.append(Sent(item.key, self.now, item.data["template"], item.data["channel"]))
        if "slot_start" in item.data:
            told = Told(
                step=item.data["slot_step"],
                occurrence=item.data["slot_occurrence"],
                revision=item.data["slot_revision"],
                start=datetime.fromisoformat(item.data["slot_start"]),
                place=item.data["slot_place"],
                standing=bool(item.data.get("slot_standing", True)),
            )
            self.pathway = replace(self.pathway, told=(*self.pathway.told, told))

    # --- what happens ---

    def does(self, event: e.Event) -> Tale:
        """Something happens now. Raises Refused as the door would."""
        self._record(event)
        return self

    def _record(self, event: e.Event) -> None:
        self.pathway = decide(self.pathway, event, self.ground, at=self.now)

    def completes(
        self, step: str, outcome: str, by: Actor = NADIA, *, occurred: str | None = None, **data: Any
    ) -> Tale:
        when = wall(occurred) if occurred else None
        return self.does(e.StepCompleted(by=by, step=step, outcome=outcome, data=data, occurred=when))

    def books(self, step: str, start: str, *, confirmed: bool = True, place: str = "") -> Tale:
        return self.does(
            e.VisitBooked(by=NADIA, step=step, start=wall(start), confirmed=confirmed, place=place)
        )

    def signs_hold(self, *drugs: tuple[str, int, str]) -> Tale:
        held = tuple(HeldDrug(text, days, atc) for text, days, atc in drugs)
        return self.does(e.HoldSigned(by=ANAESTHETIST, drugs=held, text="Dernière prise comme indiqué."))

    # --- what is true ---

    def plan(self) -> Plan:
        return plan(self.pathway, self.ground)

    def step(self, key: str) -> Step:
        step = self.pathway.last(key)
        assert step is not None
        return step

    def due(self, key: str) -> str:
        """When the step's latest occurrence is due, on the centre's clock."""
        return shown(self.plan().by_key()[f"{self.step(key).ref}/task"].at)

    def planned(self, word: str) -> dict[str, str]:
        """The items whose key contains the word: their keys and instants on the centre's clock."""
        return {item.key: shown(item.at) for item in self.plan().items if word in item.key}

    def templates(self, kind: Kind = Kind.MESSAGE) -> list[tuple[str, str]]:
        """What is planned of this kind: (template, instant)."""
        return [(item.data["template"], shown(item.at)) for item in self.plan().items if item.kind is kind]

    def alerts(self) -> tuple[Alert, ...]:
        return alerts(self.pathway, self.ground)

    def flags(self) -> set[str]:
        return {flag.key for flag in self.plan().flags}

    def changes(self, event: e.Event) -> tuple[Change, ...]:
        """What an event changes in the plan, row by row."""
        before = self.plan()
        self.does(event)
        return diff(before, self.plan(), self.pathway)

    # --- P01, as far as a test wants her ---

    def until_indication(self) -> Tale:
        self.at("2027-02-02 09:00").completes("triage", "accepted")
        self.books("radiologist_consult", "2027-02-04 11:00")
        self.at("2027-02-04 11:30").completes("radiologist_consult", "seen", RADIOLOGIST, **CONSULT)
        self.at("2027-02-05 12:00").completes("indication", "validated", RADIOLOGIST)
        return self.completes("consent", "given", RADIOLOGIST, **CONSENT)

    def until_anaesthesia(self, procedure: str = "2027-02-16 09:30") -> Tale:
        self.until_indication().books("procedure", procedure, confirmed=False)
        self.books("anaesthesia_consult", "2027-02-09 10:00")
        return self.at("2027-02-09 10:40").completes(
            "anaesthesia_consult", "fit", ANAESTHETIST, **ANAESTHESIA
        )

    def until_confirmed(self, procedure: str = "2027-02-16 09:30") -> Tale:
        self.until_anaesthesia(procedure).does(e.HoldNotRequired(by=ANAESTHETIST))
        return self.books("procedure", procedure)

    def until_done(self) -> Tale:
        self.until_confirmed().at("2027-02-16 08:15").completes("preop_check", "go", WARD, **CHECK)
        self.at("2027-02-16 09:30").does(e.StepStarted(by=RADIOLOGIST, step="procedure"))
        self.at("2027-02-16 10:20")
        return self.completes(
            "procedure", "done", RADIOLOGIST, occurred="2027-02-16 10:10", cement_ml=2, biopsy_taken=True
        )

    def watched(self) -> Tale:
        """Every set of observations is recorded at its time, and nothing in it raises an alarm."""
        for slot in unrecorded(self.pathway, self.ground):
            self.at(slot.due).does(e.ObservationsRecorded(by=WARD, round=slot.key, values=CALM))
        return self

    def until_home(self) -> Tale:
        self.until_done().watched().at("2027-02-17 10:15").completes(
            "surveillance", "uneventful", WARD, pain_nrs=3
        )
        return self.at("2027-02-17 14:00").completes("discharge", "home", WARD, **LEAVING)

    def with_bone_care(self) -> Tale:
        """Everything about bone health that is neither owned, scanned, treated nor checked at 52 weeks."""
        for key, outcome in {
            "bone_bloods": "done",
            "bone_assessment": "assessed",
            "bone_decision": "drug_recommended",
            "falls": "done",
            "strength_balance": "started",
            "follow_up_16w": "done",
        }.items():
            self.completes(key, outcome)
        return self


def p01(**more: Any) -> Tale:
    """Patient P01 of the protocol reference: 79, T12 fracture of 20 January 2027, explicitly no antithrombotic."""
    return Tale(**{"antithrombotics": [], **more})


def on_apixaban(**more: Any) -> Tale:
    """The same patient, but taking apixaban."""
    return Tale(**{"antithrombotics": [APIXABAN], **more})
