"""A hospital that says things about the patients of a house, and what became of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

from pathway import events as e
from pathway.state import Actor, Pathway
from scheduler.inbound import Understood, understand
from store import anomalies
from store.inbound_tables import AnomalyRow
from tests.house import COORDINATOR, RADIOLOGIST, House, known
from tests.pathway.tale import Tale

Json = dict[str, Any]
IPP = "urn:oid:1.2.250.1.999.1"
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
ATC = "http://www.whocc.no/atc"


@dataclass
class HospitalSays:
    """The system ``chu`` speaks; the subject of what it says is told by the identifier of the patient's number."""

    house: House
    source: str = "chu"
    numbers: Any = field(default_factory=lambda: count(1))

    def says(self, resource: Json, **more: Any) -> Understood:
        """Let it be heard, in a transaction of its own."""
        service = self.house.service
        with service.db.write() as session:
            return understand(
                session,
                service.ledger,
                service.site,
                {"id": f"r{next(self.numbers)}", **resource},
                patient_id=None,
                source=self.source,
                by=Actor(self.source),
                at=self.house.clock.now,
                **more,
            )

    def listed(self) -> list[AnomalyRow]:
        """The anomalies that wait."""
        with self.house.service.db.read() as session:
            return anomalies.open_ones(session)

    def state(self, pathway_id: str) -> Pathway:
        return self.house.load(pathway_id)[0]

    def referred(self, number: int = 0, **more: Any) -> str:
        pathway_id = self.house.refer(number, **more).pathway_id
        assert pathway_id is not None
        return pathway_id

    def booked(self, number: int = 0, *, start: datetime) -> str:
        """A pathway whose radiologist's consult has a slot."""
        pathway_id = self.referred(number)
        self.house.record(pathway_id, e.StepCompleted(by=RADIOLOGIST, step="triage", outcome="accepted"))
        self.house.record(
            pathway_id,
            e.VisitBooked(by=COORDINATOR, step="radiologist_consult", start=start, place="Salle 2"),
        )
        return pathway_id


def subject(number: int = 0) -> Json:
    """The patient, as a hospital names them."""
    return {"type": "Patient", "identifier": {"system": IPP, "value": f"IPP-{number}"}}


def measured(loinc: str, value: float, unit: str, at: str, *, number: int = 0, **more: Any) -> Json:
    """A final Observation."""
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": loinc}]},
        "subject": subject(number),
        "effectiveDateTime": at,
        "valueQuantity": {"value": value, "unit": unit, "system": UCUM, "code": unit},
        **more,
    }


def taking(name: str, atc: str, *, status: str = "active", number: int = 0, **more: Any) -> Json:
    """A MedicationStatement."""
    return {
        "resourceType": "MedicationStatement",
        "status": status,
        "medicationCodeableConcept": {"coding": [{"system": ATC, "code": atc}], "text": name},
        "subject": subject(number),
        **more,
    }


class Deeds(Tale):
    """A tale that remembers what people did, so that a house can live it too."""

    def __init__(self, **more: Any) -> None:
        self.deeds: list[tuple[datetime, e.Event]] = []
        super().__init__(**more)

    def does(self, event: e.Event) -> Tale:
        self.deeds.append((self.now, event))
        return super().does(event)


def lived(says: HospitalSays, tell: Callable[[Deeds], object], number: int = 0) -> str:
    """A pathway that has lived this tale, without antithrombotics, and the clock at its end."""
    tale = Deeds(antithrombotics=[])
    tell(tale)
    house = says.house
    house.clock.now = tale.deeds[0][0] - timedelta(days=1)
    pathway_id = says.referred(number, facts=known(house.clock.now), onset=date(2027, 1, 20))
    for at, deed in tale.deeds:
        house.clock.now = at
        house.record(pathway_id, deed)
    house.clock.now = tale.now
    return pathway_id
