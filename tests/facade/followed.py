"""We follow a real hospital: what the stories of following have in common."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlmodel import select

from scheduler.listening import listen_due
from store import listening
from store.subscription_tables import HeardRow, ListeningRow
from tests.facade.conftest import TYPES, Facade, Json
from tests.house import patient
from tests.peers.hospital import Hospital

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


def listen(facade: Facade) -> None:
    """Look at whatever is due, until nothing is."""
    (one,) = facade.house.service.followings
    for _ in range(60):
        if not listen_due(one, now=facade.house.clock.now):
            return
    raise AssertionError("the listener never comes to rest")


def rows(facade: Facade) -> dict[str, ListeningRow]:
    with facade.house.service.db.read() as session:
        return {row.type: row for row in listening.followed(session)}


def heard(facade: Facade) -> dict[tuple[str, str], HeardRow]:
    """The last version heard of each resource."""
    with facade.house.service.db.read() as session:
        found = session.exec(select(HeardRow)).all()
    last: dict[tuple[str, str], HeardRow] = {}
    for row in sorted(found, key=lambda one: (one.updated or NOW, one.at)):
        last[f"{row.type}", row.id] = row
    return last


def missed(facade: Facade, hospital: Hospital) -> list[str]:
    """What stands at the hospital in a version that we have not heard."""
    known = heard(facade)
    wrong = []
    for each in hospital.everything():
        key = (each["resourceType"], each["id"])
        if key[0] in TYPES and (key not in known or known[key].version != each["meta"]["versionId"]):
            wrong.append("/".join(key))
    return wrong


def their_patient(hospital: Hospital, number: int = 0) -> Json:
    """The hospital's own record of our patient."""
    identifier = patient(number).identifiers[0]
    return hospital.post(
        {
            "resourceType": "Patient",
            "identifier": [{"system": identifier.system, "value": identifier.value}],
            "name": [{"family": f"Essai{number}", "given": ["Odile"]}],
        }
    )


def weight(patient_id: str, kilos: float, at: datetime) -> Json:
    """A body weight, measured just now."""
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
        "subject": {"reference": f"Patient/{patient_id}"},
        "effectiveDateTime": at.isoformat(timespec="seconds"),
        "valueQuantity": {"value": kilos, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
    }
