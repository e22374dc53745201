"""A patient on the way to the operating table, told in the events that matter."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from pathway import events as e
from pathway.hold_plan import HeldDrug
from pathway.referral import Contact, Fact
from pathway.state import Actor
from tests.house import ANAESTHETIST, COORDINATOR, RADIOLOGIST, House

WARD = Actor("Inès Petit", "clinician", ("ward",))
INDICATED = {
    "levels": "T12",
    "pain_nrs": 8,
    "analgesia_tried": "paracétamol",
    "exam_matches_imaging": True,
    "mri_date": "2027-02-25",
    "mri_oedema": True,
    "red_flag_infection": False,
    "red_flag_neurological": False,
    "procedure_allergy": False,
    "unfit_prone": False,
    "radiculopathy": False,
    "posterior_wall": False,
    "pregnancy": False,
}
CHECKED = {
    "last_dose_respected": True,
    "temperature_c": 36.8,
    "fasting_ok": True,
    "preanaesthesia_visit": True,
    "allergies_checked": True,
    "consent_recorded": True,
    "no_new_deficit": True,
}
CONSENT = {"consent_given": True, "benefit_risk_discussed": True, "evidence_disclosed": True}
ANAESTHESIA = {
    "weight_kg": 62,
    "creatinine_umol_l": 58,
    "antithrombotic_indication": "fibrillation auriculaire",
    "bleeding_history": "aucun",
    "recent_events_checked": True,
}
APIXABAN = {"atc": "B01AF02", "text": "apixaban", "status": "active", "dose": None}


def a_patient_with_a_date(
    house: House,
    start: datetime,
    *,
    number: int = 1,
    drug: bool = False,
    contact: Contact | None = None,
    **more: Any,
) -> str:
    """Seen, found fit today, and given a date for the procedure; nothing is said yet about what to stop."""
    taken = [APIXABAN] if drug else []
    before = house.clock.now - timedelta(days=1)
    facts = (
        Fact("pain_nrs", 8, before, "Dr Médecin", "1"),
        Fact("antithrombotics", taken, before, "Dr Médecin", "2"),
    )
    received = house.refer(number, contact=contact, facts=facts, **more)
    assert received.pathway_id
    for act in (
        e.StepCompleted(by=RADIOLOGIST, step="triage", outcome="accepted"),
        e.StepCompleted(by=RADIOLOGIST, step="radiologist_consult", outcome="seen", data=INDICATED),
        e.StepCompleted(by=RADIOLOGIST, step="indication", outcome="validated"),
        e.StepCompleted(by=RADIOLOGIST, step="consent", outcome="given", data=CONSENT),
        e.StepCompleted(
            by=ANAESTHETIST,
            step="anaesthesia_consult",
            outcome="fit",
            data=ANAESTHESIA,
        ),
        e.VisitBooked(by=COORDINATOR, step="procedure", start=start, confirmed=False),
    ):
        house.record(received.pathway_id, act)
    return received.pathway_id


def signs(house: House, id_: str, days: int = 3, text: str = "Dernière prise comme indiqué.") -> None:
    """The anaesthetist signs what is to be stopped."""
    drugs = (HeldDrug("apixaban", days, "B01AF02"),)
    house.record(id_, e.HoldSigned(by=ANAESTHETIST, drugs=drugs, text=text))


def confirmed(house: House, id_: str, start: datetime) -> None:
    """Nothing to stop, and the date stands."""
    house.record(id_, e.HoldNotRequired(by=ANAESTHETIST))
    house.record(id_, e.VisitBooked(by=COORDINATOR, step="procedure", start=start))
