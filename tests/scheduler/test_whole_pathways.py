"""Whole pathways, from the referral to the 52-week check, told to a FHIR server that is not ours as they happen."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from sqlmodel import select

from fhir_mappings.validate import check
from pathway import events as e
from pathway.state import PathwayStatus
from store import deliveries
from store.resource_tables import ResourceRow
from tests.house import Clock, House, known, open_house, plain_settings
from tests.pathway.tale import ANAESTHETIST, APIXABAN, RADIOLOGIST, Tale, wall
from tests.peers.hospital import Hospital

KINDS = ("CarePlan", "Task", "Appointment", "ServiceRequest", "CommunicationRequest", "Communication")


class Lived(Tale):
    """A tale that remembers what people did, so that it can be lived again elsewhere."""

    def __init__(self, **more: Any) -> None:
        self.deeds: list[tuple[datetime, e.Event]] = []
        self.taken: list[Any] = more["antithrombotics"]
        super().__init__(**more)

    def does(self, event: e.Event) -> Tale:
        self.deeds.append((self.now, event))
        return super().does(event)


def to_the_end(tale: Tale) -> Tale:
    """From the patient's discharge to the end of follow-up, as in P01."""
    tale.books("review", "2027-03-11 10:00")
    tale.at("2027-02-26 15:00").completes("biopsy_result", "benign")
    tale.at("2027-03-01 09:00").completes("biopsy_ack", "acknowledged", RADIOLOGIST)
    tale.at("2027-03-11 10:20").completes("review", "seen", RADIOLOGIST, pain_nrs=2, opioid_stopped=True)
    tale.at("2027-03-12 10:00").completes("bone_owner", "accepted")
    tale.at("2027-03-15 10:00").completes("closing", "closed")
    tale.at("2027-03-18 10:00").completes("dxa", "done", t_score=-3.1)
    tale.at("2027-04-06 10:00").completes("treatment", "started", bone_treatment="zoledronate")
    return tale.with_bone_care().at("2028-01-19 10:00").completes("follow_up_52w", "adherent")


def without_antithrombotics() -> Lived:
    """P01."""
    tale = Lived(antithrombotics=[])
    to_the_end(tale.until_home())
    return tale


def moved_with_a_signed_hold() -> Lived:
    """On apixaban: signed, moved by nine days, signed again; then diverted at the last check, and ended."""
    tale = Lived(antithrombotics=[APIXABAN])
    tale.until_anaesthesia("2027-02-23 09:30").signs_hold(("apixaban", 3, "B01AF02"))
    tale.books("procedure", "2027-02-23 09:30")
    tale.at("2027-02-15 09:00").books("procedure", "2027-03-04 09:30")
    tale.at("2027-02-16 09:00").signs_hold(("apixaban", 3, "B01AF02"))
    tale.books("procedure", "2027-03-04 09:30")
    tale.at("2027-03-03 18:00").does(
        e.PathwayEnded(
            by=ANAESTHETIST, end="deferred", reason="fièvre", revisit=wall("2027-04-01 09:00").date()
        )
    )
    tale.at("2027-03-10 09:00")
    return tale


@pytest.mark.parametrize(
    ("live", "ends"),
    [(without_antithrombotics, PathwayStatus.COMPLETED), (moved_with_a_signed_hold, PathwayStatus.ENDED)],
)
def test_a_whole_pathway_is_told_as_it_happens_and_all_of_it_is_r4(
    sqlite_url: str,
    tmp_path: Path,
    fhir_server: Hospital,
    live: Callable[[], Lived],
    ends: PathwayStatus,
) -> None:
    tale = live()
    hospitals = [{"name": "chu", "url": fhir_server.base_url}]
    clock = Clock(tale.deeds[0][0] - timedelta(days=1))
    house = open_house(plain_settings(sqlite_url, tmp_path, fhir_destinations=hospitals), clock)
    facts = known(clock.now, tale.taken)
    received = house.refer(1, facts=facts, onset=date(2027, 1, 20))
    assert received.pathway_id, received
    for at, deed in tale.deeds:
        house.until(at, hours=6)
        house.record(received.pathway_id, deed)
        house.tick()
        everything_is_r4(house)
    house.until(tale.now, hours=6)
    pathway, _ = house.load(received.pathway_id)
    assert pathway.status is ends
    everything_is_told(house, fhir_server)
    house.close()


def test_a_whole_pathway_is_told_although_the_hospital_dies_again_and_again(
    sqlite_url: str, tmp_path: Path, fhir_server: Hospital
) -> None:
    """Killed as by a power cut, three times, and away for the next five things that happen."""
    tale = without_antithrombotics()
    hospital = Hospital(tmp_path / "hospital.json")
    hospital.start()
    hospitals = [{"name": "chu", "url": hospital.base_url}]
    clock = Clock(tale.deeds[0][0] - timedelta(days=1))
    house = open_house(plain_settings(sqlite_url, tmp_path, fhir_destinations=hospitals), clock)
    received = house.refer(1, facts=known(clock.now, tale.taken), onset=date(2027, 1, 20))
    assert received.pathway_id, received
    owed_meanwhile = 0
    for number, (at, deed) in enumerate(tale.deeds):
        if number % 15 == 5:
            hospital.stop()
        elif number % 15 == 10:
            hospital.start()
        house.until(at, hours=240)
        house.record(received.pathway_id, deed)
        house.tick()
        with house.service.db.read() as session:
            owed_meanwhile += deliveries.owing(session)
    if not hospital.is_running():
        hospital.start()
    house.until(tale.now + timedelta(hours=1), hours=240)
    assert owed_meanwhile > 5, "the hospital was never missed"
    everything_is_told(house, hospital)
    house.close()
    hospital.close()


def everything_is_told(house: House, hospital: Hospital) -> None:
    """Nothing is owed or refused, and the hospital has each of ours once, as it stands."""
    with house.service.db.read() as session:
        assert deliveries.owing(session) == 0
        assert deliveries.refusals(session) == []
        ours = {
            f"{row.type}|{row.content['identifier'][0]['value']}": row.content
            for row in resources(session)
            if row.type in KINDS
        }
    theirs = {
        f"{each['resourceType']}|{each['identifier'][0]['value']}": each
        for kind in KINDS
        for each in hospital.search(kind, _count="200")
    }
    told = {name: one["status"] for name, one in ours.items() if "status" in one and name in theirs}
    assert told == {name: one["status"] for name, one in theirs.items()}
    assert len(told) > 30


def resources(session: Any) -> list[ResourceRow]:
    return list(session.exec(select(ResourceRow)))


def everything_is_r4(house: House) -> None:
    """Everything we say now parses as R4 and breaks none of the rules we lean on."""
    with house.service.db.read() as session:
        for row in resources(session):
            get_fhir_model_class(row.type).model_validate_json(json.dumps(row.content))
            assert check(row.content) == [], row.id
