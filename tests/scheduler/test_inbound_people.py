"""A patient who is reached otherwise, who has died, who turns out to be two records, and then not after all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pathway import events as e
from pathway.planned import Kind
from pathway.referral import Contact, Person
from pathway.state import Actor, PathwayStatus
from scheduler.inbound import replay
from store import heard, joins, patients, search
from tests.house import COORDINATOR, Clock, open_house, patient, plain_settings
from tests.scheduler.hospital_says import IPP, HospitalSays, measured, taking

MONDAY = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
Json = dict[str, Any]


@pytest.fixture
def says(database_url: str, tmp_path: Path) -> Iterator[HospitalSays]:
    """On both databases: who is who is decided under locks."""
    house = open_house(plain_settings(database_url, tmp_path), Clock(MONDAY))
    yield HospitalSays(house)
    house.close()


def record(number: int, **more: Any) -> Json:
    """The Patient of that number, as the hospital's register has it."""
    return {
        "resourceType": "Patient",
        "id": f"p{number}",
        "identifier": [{"system": IPP, "value": f"IPP-{number}"}],
        "name": [{"family": f"Essai{number}", "given": ["Odile"]}],
        "birthDate": "1947-05-03",
        **more,
    }


def replaced_by(number: int) -> Json:
    other = {"type": "Patient", "identifier": {"system": IPP, "value": f"IPP-{number}"}}
    return {"link": [{"other": other, "type": "replaced-by"}], "active": False}


def reached(number: int) -> Person:
    """The person of that number, whom a number of their own reaches."""
    person = patient(number)
    return replace(person, contact=replace(person.contact, mobile=f"+3363998000{number}"))


def reminders(says: HospitalSays, pathway_id: str) -> int:
    return sum(item.kind is Kind.MESSAGE for item in says.house.load(pathway_id)[1].items)


def test_a_new_number_is_where_the_next_message_goes(says: HospitalSays) -> None:
    pathway_id = says.referred()
    telecom = [{"system": "phone", "value": "06 39 98 77 66", "use": "mobile"}]
    assert says.says(record(0, telecom=telecom)).moved
    assert says.state(pathway_id).patient.contact.mobile == "+33639987766"
    assert not says.says(record(0, gender="female")).moved


def test_a_death_withdraws_everything_in_silence(says: HospitalSays) -> None:
    pathway_id = says.booked(start=MONDAY + timedelta(days=9))
    assert reminders(says, pathway_id)
    says.says(record(0, deceasedDateTime="2027-02-28"))
    state = says.state(pathway_id)
    assert (state.status, state.end, reminders(says, pathway_id)) == (PathwayStatus.ENDED, "deceased", 0)
    says.says(record(0, deceasedBoolean=False))
    assert [row.kind for row in says.listed()] == ["contradictory"]


def test_two_records_that_are_one_person_go_on_as_one_and_can_be_parted(says: HospitalSays) -> None:
    kept, gone = says.booked(1, start=MONDAY + timedelta(days=9)), says.referred(2)
    says.house.record(kept, e.ChannelOptedOut(by=COORDINATOR, channel="sms"))
    before = {one: says.state(one) for one in (kept, gone)}
    assert says.says(record(2, **replaced_by(1))).moved
    now = says.state(gone)
    assert now.patient_id == before[kept].patient_id
    assert now.patient.contact == before[kept].patient.contact
    assert now.opted_out == ("sms",)
    assert {each.value for each in now.patient.identifiers} == {"IPP-1", "IPP-2"}
    assert says.state(kept).patient.identifiers == now.patient.identifiers
    with says.house.service.db.read() as session:
        old = search.read(session, "Patient", before[gone].patient_id)
        assert old is not None
        assert (old.content["active"], old.content["link"][0]["type"]) == (False, "replaced-by")

    # What is said under either name reaches both.
    says.says(measured("29463-7", 61, "kg", "2027-03-01T08:00:00Z", number=2))
    assert all(says.state(one).fact("weight_kg") for one in (kept, gone))

    assert says.says(record(2)).moved
    for one in (kept, gone):
        parted = says.state(one)
        assert (parted.patient_id, parted.patient) == (before[one].patient_id, before[one].patient)
    with says.house.service.db.read() as session:
        old = search.read(session, "Patient", before[gone].patient_id)
        assert old is not None
        assert "link" not in old.content
    says.says(measured("29463-7", 70, "kg", "2027-03-01T08:50:00Z", number=2))
    assert [says.state(one).fact("weight_kg").value for one in (kept, gone)] == [61, 70]  # type: ignore[union-attr]


def test_the_one_who_stays_may_say_it_too_and_saying_it_twice_changes_nothing(says: HospitalSays) -> None:
    kept, gone = says.referred(1), says.referred(2)
    other = {"type": "Patient", "identifier": {"system": IPP, "value": "IPP-2"}}
    says.says(record(1, link=[{"other": other, "type": "replaces"}]))
    assert says.state(gone).patient_id == says.state(kept).patient_id
    seq = says.state(gone).seq
    assert not says.says(record(2, **replaced_by(1))).moved
    assert says.state(gone).seq == seq


@pytest.mark.parametrize("parted", [(1, 2), (2, 1)], ids=["first made first", "last made first"])
def test_three_records_are_parted_in_any_order_and_each_has_its_own_again(
    says: HospitalSays, parted: tuple[int, int]
) -> None:
    pathways = {number: says.referred(number, person=reached(number)) for number in (1, 2, 3)}
    before = {one: says.state(one) for one in pathways.values()}
    says.says(record(1, **replaced_by(2)))
    says.says(record(2, **replaced_by(3)))
    assert {says.state(one).patient_id for one in pathways.values()} == {before[pathways[3]].patient_id}
    for number in parted:
        assert says.says(record(number)).moved
        with says.house.service.db.read() as session:
            for now in map(says.state, pathways.values()):
                # Nobody bears the name of somebody who is another person.
                for each in now.patient.identifiers:
                    assert patients.by_identifiers(session, [(each.system, each.value)]) == now.patient_id
        if number == 1:
            assert says.state(pathways[1]).patient == before[pathways[1]].patient
    for one in pathways.values():
        assert (says.state(one).patient_id, says.state(one).patient) == (
            before[one].patient_id,
            before[one].patient,
        )
    with says.house.service.db.read() as session:
        for number, one in pathways.items():
            assert patients.by_identifiers(session, [(IPP, f"IPP-{number}")]) == before[one].patient_id
            assert heard.every(session, before[one].patient_id) == [one]
    assert says.listed() == []


def test_who_left_one_and_came_back_by_the_other_stays_when_that_one_leaves(says: HospitalSays) -> None:
    one, two, three = (says.referred(number, person=reached(number)) for number in (1, 2, 3))
    first, last = says.state(one).patient, says.state(three).patient_id
    says.says(record(1, **replaced_by(2)))
    says.says(record(2, **replaced_by(3)))
    says.says(record(1))
    says.says(record(1, **replaced_by(3)))
    says.says(record(2))
    assert says.state(one).patient_id == says.state(three).patient_id == last
    assert {each.value for each in says.state(two).patient.identifiers} == {"IPP-2"}
    assert {each.value for each in says.state(one).patient.identifiers} == {"IPP-1", "IPP-3"}
    says.says(record(1))
    assert says.state(one).patient == first


def test_who_stays_may_let_go_of_one_of_two(says: HospitalSays) -> None:
    one, two, three = (says.referred(number, person=reached(number)) for number in (1, 2, 3))
    before = says.state(three)
    links = [
        {
            "other": {"type": "Patient", "identifier": {"system": IPP, "value": f"IPP-{number}"}},
            "type": "replaces",
        }
        for number in (2, 3)
    ]
    says.says(record(1, link=links))
    assert len({says.state(each).patient_id for each in (one, two, three)}) == 1
    assert says.says(record(1, link=links[:1])).moved
    assert says.state(two).patient_id == says.state(one).patient_id
    assert (says.state(three).patient_id, says.state(three).patient) == (before.patient_id, before.patient)


def test_a_join_that_contradicts_itself_is_a_question_and_joins_nobody(says: HospitalSays) -> None:
    one = says.referred(1)
    other = says.referred(person=replace(patient(2), birth_date=date(1950, 1, 1)), reference="R-9")
    says.says(record(2, birthDate="1950-01-01", **replaced_by(1)))
    assert says.state(one).patient_id != says.state(other).patient_id
    assert [row.kind for row in says.listed()] == ["contradictory"]


def test_a_record_with_the_names_of_two_of_ours_is_a_question(says: HospitalSays) -> None:
    says.referred(1), says.referred(2)
    both = [{"system": IPP, "value": f"IPP-{number}"} for number in (1, 2)]
    says.says(record(1, identifier=both))
    says.says(record(1, id="other", birthDate="1933-01-01"))
    assert [row.kind for row in says.listed()] == ["contradictory", "contradictory"]


def test_pathways_begun_while_two_were_one_are_for_a_person_to_place(says: HospitalSays) -> None:
    says.referred(1), says.referred(2)
    says.says(record(2, **replaced_by(1)))
    meanwhile = says.referred(2, reference="R-new", onset=date(2026, 10, 1))
    says.says(record(2))
    assert [row.kind for row in says.listed()] == ["contradictory"]
    with says.house.service.db.read() as session:
        assert joins.goes_on_as(session, says.state(meanwhile).patient_id) == says.state(meanwhile).patient_id


# --- the list of anomalies --------------------------------------------------------------------------------


def settled(says: HospitalSays, anomaly_id: str) -> bool:
    service = says.house.service
    with service.db.write() as session:
        return replay(
            session,
            service.ledger,
            service.site,
            anomaly_id,
            by=Actor("Claire", "coordinator"),
            at=says.house.clock.now,
        )


def test_what_came_before_its_patient_is_heard_once_the_patient_is_referred(says: HospitalSays) -> None:
    pathway_id = says.referred(1)
    named = {
        "basedOn": [
            {
                "identifier": {
                    "system": "https://jalon.example/fhir/id/request",
                    "value": f"{pathway_id}/triage/1",
                }
            }
        ]
    }
    early = measured("6301-6", 1.4, "{INR}", "2027-03-01T08:00:00Z", number=7, **named)
    says.says(early)
    (row,) = says.listed()
    assert not settled(says, row.id)
    (row,) = says.listed()
    assert row.times == 1
    assert row.body.startswith(b'{"id"')
    drug = taking("Apixaban", "B01AF02", dateAsserted="2026-12-01", number=1)
    says.says(drug)
    assert len(says.listed()) == 2
    says.house.record(
        pathway_id,
        e.FactsRecorded(by=COORDINATOR, facts=(), instead_of=("MedicationStatement",)),
    )
    (waiting,) = [one for one in says.listed() if one.type == "MedicationStatement"]
    assert says.state(pathway_id).fact("antithrombotics") is None
    assert settled(says, waiting.id)
    assert says.state(pathway_id).fact("antithrombotics") is not None


def test_a_hospital_and_a_screen_may_change_one_telephone_at_once(says: HospitalSays) -> None:
    says.referred(1), says.referred(1, reference="R-second", onset=date(2026, 10, 1))
    with says.house.service.db.read() as session:
        pathways = heard.every(session, says.state(says.referred(1)).patient_id)
    faults: list[BaseException] = []

    def hospital() -> None:
        for turn in range(20):
            telecom = [{"system": "phone", "value": f"06 39 98 77 {turn + 10}", "use": "mobile"}]
            says.says(record(1, telecom=telecom))

    def screen() -> None:
        for turn in range(20):
            contact = Contact("fr", f"+336399800{turn + 10}", None, None)
            says.house.record(pathways[turn % 2], e.ContactChanged(by=COORDINATOR, contact=contact))

    def run(act: Callable[[], None]) -> None:
        try:
            act()
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=run, args=(act,)) for act in (hospital, screen)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert len({says.state(one).patient.contact for one in pathways}) == 1
