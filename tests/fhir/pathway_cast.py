"""Mrs Petit and a small protocol: referral, consult, hold, procedure, biopsy, review. Enough to meet every
state."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from fhir_mappings.project import project
from fhir_mappings.site import Site
from pathway import events as e
from pathway.calendar import Calendar
from pathway.decide import decide
from pathway.enrolment import enrol
from pathway.ground import Ground
from pathway.hold_plan import HeldDrug
from pathway.plan import plan
from pathway.protocol import read_protocol
from pathway.referral import Contact, Fact, Fracture, Identifier, Party, Person, Referral
from pathway.state import Actor, Pathway

Json = dict[str, Any]

SITE = Site(system="https://jalon.example/fhir", name="CHU de Jalon")
REFERRED = datetime(2027, 3, 1, 9, 30, tzinfo=UTC)
DAY = timedelta(days=1)
HOSPITAL = "urn:oid:1.2.250.1.71.4.2.7"

SECRETARY = Actor("Nadia Secrétaire", "coordinator")
SURGEON = Actor("Dr Roux", "clinician", ("radiologist",))
ANAESTHETIST = Actor("Dr Klein", "clinician", ("anaesthetist",))
SYSTEM = Actor("hospital", "system")


def _text(fr: str, en: str) -> Json:
    return {"fr": fr, "en": en}


def _step(
    key: str, fr: str, en: str, performer: str, due: Json, *, outcomes: Any = ("done",), **more: Any
) -> Json:
    return {
        "key": key,
        "title": _text(fr, en),
        "performer": performer,
        "window": {
            "due": [due],
            "otherwise": {"from": "opened", "days": 30},
            **({"earliest": more.pop("earliest")} if "earliest" in more else {}),
        },
        "outcomes": [
            one if isinstance(one, dict) else {"key": one, "title": _text(one, one)} for one in outcomes
        ],
        "source": "test",
        **more,
    }


PROTOCOL: Json = {
    "protocol": "small-vertebroplasty",
    "version": "1.0.0",
    "url": "https://jalon.example/fhir/PlanDefinition/small-vertebroplasty",
    "title": _text("Vertébroplastie", "Vertebroplasty"),
    "hours": {
        "zone": "Europe/Paris",
        "business_close": "18:00",
        "decent_from": "08:00",
        "decent_to": "20:00",
        "country": "FR",
    },
    "messaging": {
        "desk": "coordinator",
        "recovery_silence_hours": 12,
        "daily_budget": 2,
        "budget_free_hours": 24,
        "letter_lead_days": 10,
        "page_life_hours": 12,
        "source": "test",
    },
    "hold": {
        "step": "hold_plan",
        "signers": ["anaesthetist"],
        "assumed_max_offset_days": 7,
        "longest_offset_days": 60,
        "source": "test",
    },
    "roles": {
        "coordinator": {"title": _text("Coordinatrice", "Coordinator")},
        "radiologist": {"title": _text("Radiologue", "Radiologist")},
        "anaesthetist": {"title": _text("Anesthésiste", "Anaesthetist")},
        "pathologist": {"title": _text("Anatomopathologiste", "Pathologist")},
    },
    "ends": {"not-indicated": {"title": _text("Non indiqué", "Not indicated")}},
    "gates": [],
    "procedure_step": "procedure",
    "tracks": {
        "main": _text("Principal", "Main"),
        "biopsy": _text("Biopsie", "Biopsy"),
        "resumption": _text("Reprise", "Resumption"),
    },
    "steps": [
        _step(
            "triage",
            "Tri de la demande",
            "Referral triage",
            "coordinator",
            {"from": "referral", "working_days": 2},
            outcomes=[
                "accepted",
                {"key": "refused", "title": _text("Refusé", "Refused"), "end": "not-indicated"},
            ],
            assigned=False,
            answers=[
                {"key": "pain_nrs", "title": _text("Douleur", "Pain"), "kind": "number", "unit": "{score}"},
                {"key": "inpatient", "title": _text("Hospitalisé", "Inpatient"), "kind": "yes-no"},
                {"key": "comment", "title": _text("Remarque", "Comment"), "kind": "text", "fact": False},
            ],
        ),
        _step(
            "consult",
            "Consultation de radiologie",
            "Radiologist consult",
            "radiologist",
            {"from": "done:triage", "days": 7},
            kind="visit",
            after=[{"step": "triage", "outcome": ["accepted"]}],
            outcomes=["indicated", "deferred"],
        ),
        _step(
            "hold_plan",
            "Plan d'arrêt",
            "Hold plan",
            "anaesthetist",
            {"from": "hold_start", "days": -2},
            kind="hold",
            after=[{"step": "consult"}],
            outcomes=["signed", "not_required", "rejected"],
        ),
        _step(
            "procedure",
            "Vertébroplastie",
            "Vertebroplasty",
            "radiologist",
            {"from": "done:consult", "days": 21},
            earliest={"from": "done:consult", "days": 2},
            kind="visit",
            minutes=60,
            code="https://smt.esante.gouv.fr/terminologie-ccam|LHMH002",
            after=[{"step": "consult", "outcome": ["indicated"]}],
        ),
        _step(
            "resumption_order",
            "Reprise de l'anticoagulant",
            "Resumption order",
            "anaesthetist",
            {"from": "done:procedure", "hours": 4},
            track="resumption",
            after=[{"step": "procedure"}, {"hold": ["signed"]}],
            answers=[
                {
                    "key": "first_intake",
                    "title": _text("Première prise", "First intake"),
                    "kind": "instant",
                    "fact": False,
                }
            ],
        ),
        _step(
            "resumption_done",
            "Reprise confirmée",
            "Resumption confirmed",
            "coordinator",
            {"from": "data:resumption_order.first_intake", "hours": 24},
            track="resumption",
            after=[{"step": "resumption_order"}],
            outcomes=["resumed", {"key": "stopped", "title": _text("Arrêt définitif", "Stopped for good")}],
        ),
        _step(
            "biopsy_result",
            "Résultat de biopsie",
            "Biopsy result",
            "pathologist",
            {"from": "done:procedure", "working_days": 15},
            track="biopsy",
            after=[{"step": "procedure"}],
            outcomes=["benign", "malignant"],
        ),
        _step(
            "review",
            "Consultation de contrôle",
            "Review",
            "radiologist",
            {"from": "procedure", "days": 28},
            earliest={"from": "procedure", "days": 21},
            kind="visit",
            after=[{"step": "procedure"}],
        ),
    ],
}

CALENDAR = Calendar("Europe/Paris", frozenset({date(2027, 3, 29)}), time(18), time(8), time(20))
GROUND = Ground(read_protocol(PROTOCOL, digest="sha256:small"), CALENDAR)

PETIT = Person(
    identifiers=(Identifier(HOSPITAL, "8003344"),),
    family="Petit",
    given="Odette Marie",
    birth_date=date(1944, 5, 2),
    gender="female",
    contact=Contact(mobile="+33639980011", landline="0199001122", email="odette@example.org"),
)
REFERRAL = Referral(
    key="ref-1",
    identifier=None,
    requester=Party("Dr Martin", (Identifier("https://rpps.esante.gouv.fr", "10000000001"),)),
    patient=PETIT,
    fracture=Fracture(date(2027, 2, 14), "M80.08", "http://hl7.org/fhir/sid/icd-10", "Fracture de L1", "L1"),
    facts=(Fact("antithrombotics", [{"atc": "B01AF02"}], REFERRED, "Dr Martin", "MedicationStatement"),),
    authored=REFERRED,
)
APIXABAN = HeldDrug("Apixaban 5 mg", 3, "B01AF02")


def enrolled(pathway_id: str = "0190b7a2-0000-7000-8000-000000000001") -> Pathway:
    """Mrs Petit, just referred."""
    return enrol(pathway_id, "0190b7a2-0000-7000-8000-00000000aaaa", REFERRAL, GROUND, at=REFERRED)


def told(pathway: Pathway, *events: e.Event, at: datetime) -> Pathway:
    """The pathway after these events, all recorded at one instant."""
    for event in events:
        pathway = decide(pathway, event, GROUND, at=at)
    return pathway


def done(step: str, outcome: str = "done", by: Actor = SURGEON, **more: Any) -> e.StepCompleted:
    return e.StepCompleted(by=by, step=step, outcome=outcome, **more)


def booked(step: str, start: datetime, **more: Any) -> e.VisitBooked:
    return e.VisitBooked(by=SECRETARY, step=step, start=start, place="Radiologie, salle 2", **more)


PROCEDURE_AT = datetime(2027, 3, 24, 8, 0, tzinfo=UTC)


def journey() -> dict[str, Pathway]:
    """Mrs Petit at every stage that says something new in FHIR, by name, in order of time."""
    stages: dict[str, Pathway] = {"referred": enrolled()}

    def then(name: str, days: int, *events: e.Event) -> None:
        last = list(stages.values())[-1]
        stages[name] = told(last, *events, at=REFERRED + days * DAY + len(stages) * timedelta(minutes=1))

    then("triage received", 0, e.StepReceived(by=SECRETARY, step="triage"))
    then("triage accepted", 0, e.StepAccepted(by=SECRETARY, step="triage", owner="Nadia <Practitioner/n1>"))
    answers = {"pain_nrs": 8, "inpatient": False, "comment": "Vit seule"}
    then("triaged", 1, done("triage", "accepted", SECRETARY, data=answers))
    then("consult proposed", 1, booked("consult", REFERRED + 3 * DAY, confirmed=False))
    then("consult booked", 1, booked("consult", REFERRED + 3 * DAY))
    then("consult missed", 4, e.VisitMissed(by=SECRETARY, step="consult"))
    then("consult booked again", 4, booked("consult", REFERRED + 5 * DAY))
    then("consult arrived", 5, e.VisitArrived(by=SECRETARY, step="consult"))
    then("consult started", 5, e.StepStarted(by=SURGEON, step="consult"))
    then("indicated", 5, done("consult", "indicated"))
    then("hold paused", 6, e.StepHeld(by=ANAESTHETIST, step="hold_plan", reason="Avis cardiologique"))
    then("hold resumed", 7, e.StepReleased(by=ANAESTHETIST, step="hold_plan"))
    then("procedure booked", 7, booked("procedure", PROCEDURE_AT))
    then("hold signed", 8, e.HoldSigned(by=ANAESTHETIST, drugs=(APIXABAN,), text="Arrêt à J-3."))
    then("procedure moved", 9, booked("procedure", PROCEDURE_AT + 5 * DAY))
    then("hold signed again", 10, e.HoldSigned(by=ANAESTHETIST, drugs=(APIXABAN,), text="Arrêt à J-3."))
    hold = e.PathwayHeld(by=SURGEON, reason="Fièvre", revisit=date(2027, 3, 15))
    then("paused", 11, hold)
    then("goes on", 12, e.PathwayResumed(by=SURGEON))
    then("procedure begun", 28, e.StepStarted(by=SURGEON, step="procedure"))
    then("procedure done", 28, done("procedure"))
    then("result rejected", 29, e.StepRejected(by=SYSTEM, step="biopsy_result", reason="Prélèvement absent"))
    intake = {"first_intake": "2027-03-31T08:00:00+02:00"}
    then("resumption ordered", 29, done("resumption_order", by=ANAESTHETIST, data=intake))
    then("resumed", 32, done("resumption_done", "resumed", SECRETARY))
    then("result failed", 40, e.StepFailed(by=SYSTEM, step="biopsy_result", reason="Lame cassée"))
    then("result waived", 60, e.StepWaived(by=SURGEON, step="biopsy_result", reason="Scanner concluant"))
    then("review booked", 60, booked("review", REFERRED + 65 * DAY))
    then("review cancelled", 61, e.VisitCancelled(by=SECRETARY, step="review", reason="Patiente absente"))
    then("review done", 66, done("review"))
    return {**stages, "refused": refused()}


def refused() -> Pathway:
    """Mrs Petit, for whom the procedure is not indicated."""
    return told(enrolled(), done("triage", "refused", SECRETARY), at=REFERRED + DAY)


def resources(pathway: Pathway) -> list[Json]:
    """What the state says in FHIR."""
    return project(pathway, GROUND, plan(pathway, GROUND), SITE)


def find(found: list[Json], kind: str, ref: str) -> Json:
    """The resource of this type about this step occurrence (``consult/1``)."""
    tail = "/" + ref
    [one] = [r for r in found if r["resourceType"] == kind and r["identifier"][0]["value"].endswith(tail)]
    return one
