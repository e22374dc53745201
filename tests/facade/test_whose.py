"""Whom something is about that a hospital writes to us or that is fetched from it; what is not clear moves nobody."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from sqlalchemy.exc import OperationalError

from gateways.fhir_client import FhirClient
from pathway.state import Pathway
from scheduler import fetched
from scheduler.fetched import Following, as_read, take
from scheduler.listening import listen_due
from store import anomalies, listening
from store.inbound_tables import AnomalyRow
from tests.facade.conftest import Facade, Json, open_facade
from tests.house import Clock

NOW = datetime(2027, 3, 1, 9, 30, tzinfo=UTC)
IPP = "urn:oid:1.2.250.1.999.1"
TYPES = ["Observation", "Patient"]


@dataclass
class Chu:
    """A hospital's server that answers with what it has, and is read where a resource names its patient."""

    has: dict[str, Json] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/")
        self.asked.append(path)
        if path.endswith("_search") or "/" not in path:
            kind = path.partition("/")[0]
            since = parse_qs(request.content.decode() or request.url.query.decode())["_lastUpdated"][0]
            entries = [
                {"resource": one}
                for name, one in self.has.items()
                if name.startswith(f"{kind}/")
                and datetime.fromisoformat(one["meta"]["lastUpdated"])
                >= datetime.fromisoformat(since.removeprefix("ge"))
            ]
            return httpx.Response(200, json={"resourceType": "Bundle", "type": "searchset", "entry": entries})
        return httpx.Response(200, json=self.has[path]) if path in self.has else httpx.Response(404)


@dataclass
class Ward:
    """Jalon, which polls that hospital."""

    facade: Facade
    chu: Chu
    following: Following

    def hears(self, resource: Json, version: str = "1") -> bool:
        """The resource stands at the hospital and is read."""
        said = {**resource, "meta": {"versionId": version}}
        self.chu.has[f"{said['resourceType']}/{said['id']}"] = said
        read = as_read(said, json.dumps(said).encode())
        assert read is not None
        return take(self.following, read)

    def listens(self) -> None:
        """Everything that is due is looked at."""
        while listen_due(self.following, now=self.facade.house.clock.now):
            pass

    def stands(self, resource: Json) -> None:
        """From now on the hospital's server has this."""
        at = self.facade.house.clock.now.isoformat()
        self.chu.has[f"{resource['resourceType']}/{resource['id']}"] = {
            **resource,
            "meta": {"versionId": "1", "lastUpdated": at},
        }

    def state(self, pathway_id: str) -> Pathway:
        return self.facade.house.load(pathway_id)[0]

    def listed(self) -> list[AnomalyRow]:
        with self.facade.house.service.db.read() as session:
            return anomalies.open_ones(session)


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    listen = {"types": TYPES, "by": "poll", "every_seconds": 60.0}
    settings: dict[str, Any] = {
        "database_url": f"sqlite:///{tmp_path / 'jalon.sqlite'}",
        "fhir_destinations": [{"name": "chu", "url": "http://chu.test", "listen": listen}],
    }
    for facade in open_facade(settings, Clock(NOW)):
        chu = Chu()
        (following,) = facade.house.service.followings
        client = FhirClient("http://chu.test", transport=httpx.MockTransport(chu.answer))
        following = replace(following, destination=replace(following.destination, client=client))
        yield Ward(facade, chu, following)


def theirs(id_: str, *numbers: int, **more: Any) -> Json:
    """The hospital's record of our patients of these numbers."""
    return {
        "resourceType": "Patient",
        "id": id_,
        "identifier": [{"system": IPP, "value": f"IPP-{number}"} for number in numbers],
        "name": [{"family": "Essai", "given": ["Odile"]}],
        "birthDate": "1947-05-03",
        **more,
    }


def inr(value: float, patient_id: str, id_: str = "inr", **subject: Any) -> Json:
    return {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "6301-6"}]},
        "subject": {"reference": f"Patient/{patient_id}", **subject},
        "effectiveDateTime": NOW.isoformat(),
        "valueQuantity": {
            "value": value,
            "unit": "{INR}",
            "system": "http://unitsofmeasure.org",
            "code": "{INR}",
        },
    }


def of(number: int) -> Json:
    return {"identifier": {"system": IPP, "value": f"IPP-{number}"}}


def known_inr(state: Pathway) -> object:
    fact = state.fact("inr")
    return fact.value if fact is not None else None


# --- fetched ----------------------------------------------------------------------------------------------


def test_a_merge_heard_by_polling_joins_them_and_results_of_who_stays_reach_the_pathway(ward: Ward) -> None:
    kept, gone = ward.facade.referred(1), ward.facade.referred(2)
    ward.hears(theirs("p1", 1))
    ward.hears(theirs("p2", 2))
    link = [{"other": {"reference": "Patient/p2"}, "type": "replaces"}]
    ward.hears(theirs("p1", 1, 2, link=link), "2")
    assert ward.state(gone).patient_id == ward.state(kept).patient_id
    ward.hears(inr(1.2, "p1"))
    assert [known_inr(ward.state(one)) for one in (kept, gone)] == [1.2, 1.2]
    assert ward.listed() == []


def test_results_of_a_record_with_the_names_of_two_of_ours_are_set_aside_and_not_passed_over(
    ward: Ward,
) -> None:
    both = [ward.facade.referred(number) for number in (1, 2)]
    ward.hears(theirs("p1", 1, 2))
    ward.hears(inr(1.2, "p1"))
    assert [known_inr(ward.state(one)) for one in both] == [None, None]
    assert [(row.remote, row.kind) for row in ward.listed()] == [
        ("Patient/p1", "contradictory"),
        ("Observation/inr", "contradictory"),
    ]


def test_a_number_and_an_identifier_that_disagree_are_for_a_person(ward: Ward) -> None:
    both = [ward.facade.referred(number) for number in (1, 2)]
    ward.hears(theirs("p1", 1))
    ward.hears(inr(1.2, "p1", **of(2)))
    assert [known_inr(ward.state(one)) for one in both] == [None, None]
    assert [(row.remote, row.kind) for row in ward.listed()] == [("Observation/inr", "contradictory")]


def test_nothing_is_heard_through_a_record_born_another_day(ward: Ward) -> None:
    pathway_id = ward.facade.referred(1)
    ward.hears(theirs("p1", 1, birthDate="1950-01-01"))
    ward.hears(inr(1.2, "p1"))
    assert known_inr(ward.state(pathway_id)) is None
    assert {(row.remote, row.kind) for row in ward.listed()} == {
        ("Patient/p1", "contradictory"),
        ("Observation/inr", "contradictory"),
    }


def test_of_strangers_who_are_joined_nothing_is_kept(ward: Ward) -> None:
    ward.facade.referred(1)
    link = [{"other": {"reference": "Patient/p8"}, "type": "replaces"}]
    ward.hears(theirs("p9", 9, link=link))
    assert ward.listed() == []
    with ward.facade.house.service.db.read() as session:
        row = listening.latest(session, "chu", "Patient", "p9")
    assert row is not None
    assert (row.outcome, row.body) == ("stranger", None)


def test_a_patient_who_is_heard_is_no_more_who_they_were_an_hour_ago(ward: Ward) -> None:
    pathway_id = ward.facade.referred(1)
    ward.hears(theirs("p1", 9))
    ward.hears(inr(1.2, "p1", "early"))
    ward.hears(theirs("p1", 1), "2")
    ward.hears(inr(1.3, "p1", "late"))
    assert known_inr(ward.state(pathway_id)) == 1.3


def test_a_result_from_an_hour_before_the_referral_is_judged_again_when_its_patient_begins(
    ward: Ward,
) -> None:
    clock = ward.facade.house.clock
    ward.stands(theirs("p1", 1))
    ward.stands(inr(1.2, "p1"))
    ward.listens()
    clock.wait(minutes=50)
    ward.stands(inr(2.2, "p9", "of-a-stranger"))
    ward.listens()
    clock.wait(minutes=10)
    pathway_id = ward.facade.referred(1)
    clock.wait(seconds=61)
    ward.listens()
    assert known_inr(ward.state(pathway_id)) == 1.2
    seq = ward.state(pathway_id).seq
    clock.wait(seconds=61)
    ward.listens()
    assert ward.state(pathway_id).seq == seq


def test_a_database_that_is_busy_is_no_fault_of_the_resource(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    pathway_id = ward.facade.referred(1)
    ward.chu.has["Patient/p1"] = theirs("p1", 1)

    def busy(*_: object, **__: object) -> None:
        raise OperationalError("", {}, Exception("database is locked"))

    with monkeypatch.context() as broken:
        broken.setattr(fetched, "understand", busy)
        with pytest.raises(OperationalError):
            ward.hears(inr(1.2, "p1"))
    assert ward.listed() == []
    assert ward.hears(inr(1.2, "p1"))
    assert known_inr(ward.state(pathway_id)) == 1.2


# --- written here -----------------------------------------------------------------------------------------


@pytest.fixture
def facade(tmp_path: Path) -> Iterator[Facade]:
    yield from open_facade({"database_url": f"sqlite:///{tmp_path / 'jalon.sqlite'}"}, Clock(NOW))


def kinds(facade: Facade) -> list[str]:
    with facade.house.service.db.read() as session:
        return [row.kind for row in anomalies.open_ones(session)]


def test_a_twin_with_the_others_identifier_and_telephone_changes_neither(facade: Facade) -> None:
    one, other = facade.referred(1), facade.referred(2)
    before = [facade.house.load(each)[0].patient for each in (one, other)]
    ours = facade.house.load(one)[0].patient_id
    telecom = [{"system": "phone", "value": "06 39 98 77 66", "use": "mobile"}]
    answer = facade.ask("PUT", f"/Patient/{ours}", resource=theirs(ours, 2, telecom=telecom))
    assert answer.status_code == 200
    assert [facade.house.load(each)[0].patient for each in (one, other)] == before
    assert kinds(facade) == ["contradictory"]


def test_a_number_that_another_system_gave_is_nobody_of_ours_without_an_identifier(facade: Facade) -> None:
    # Written here before the referral, so that it is kept under the number of the hospital's choosing.
    made = facade.ask("PUT", "/Patient/123", resource=theirs("123", 1))
    assert made.status_code == 201
    pathway_id = facade.referred(1)
    facade.ask("PUT", "/Observation/theirs", resource=inr(1.1, "123", "theirs"), token=facade.rival)
    assert known_inr(facade.house.load(pathway_id)[0]) is None
    assert kinds(facade) == ["unmatched"]
    facade.ask("PUT", "/Observation/named", resource=inr(1.2, "123", "named", **of(1)), token=facade.rival)
    assert known_inr(facade.house.load(pathway_id)[0]) == 1.2
    facade.ask("PUT", "/Observation/own", resource=inr(1.3, "123", "own"))
    assert known_inr(facade.house.load(pathway_id)[0]) == 1.3


def test_what_is_written_about_two_of_ours_is_for_a_person(facade: Facade) -> None:
    both = [facade.referred(number) for number in (1, 2)]
    ours = facade.house.load(both[0])[0].patient_id
    answer = facade.ask("PUT", "/Observation/odd", resource=inr(1.1, ours, "odd", **of(2)))
    assert answer.status_code == 201
    assert [known_inr(facade.house.load(each)[0]) for each in both] == [None, None]
    assert kinds(facade) == ["contradictory"]
