"""A system searches: by what each type is found by, in pages that neither hide nor repeat a row."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.fhir.dates import span
from pathway import events as e
from tests.facade.conftest import MONDAY, Facade, open_facade
from tests.house import RADIOLOGIST, Clock

Json = dict[str, Any]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def ward(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Facade]:
    """Three pathways on each database, for stories that only ask."""
    url = f"sqlite:///{tmp_path_factory.mktemp('ward') / 'jalon.sqlite'}"
    server = request.getfixturevalue("postgres_server") if request.param == "postgresql" else None
    if server is not None:
        url = server.create_database()
    for facade in open_facade({"database_url": url}, Clock(MONDAY)):
        for number in range(3):
            facade.referred(number)
            facade.house.clock.wait(minutes=7)
        yield facade
    if server is not None:
        server.drop_database(url)


def found(answer: Any) -> list[str]:
    """The ids of a page."""
    assert answer.status_code == 200, answer.text
    return [entry["resource"]["id"] for entry in answer.json().get("entry", [])]


def link(bundle: Json, relation: str) -> str | None:
    return next((one["url"] for one in bundle["link"] if one["relation"] == relation), None)


def ours(url: str) -> str:
    """A link of ours as the path that the client asks for."""
    assert url.startswith("http://jalon.test/fhir/")
    return url.removeprefix("http://jalon.test/fhir")


def test_by_id_by_identifier_and_by_patient(facade_anywhere: Facade) -> None:
    facade = facade_anywhere
    first, second = facade.referred(0), facade.referred(1)
    plans = facade.get("/CarePlan")
    assert sorted(found(plans)) == sorted([first, second])
    assert plans.json()["total"] == 2
    assert found(facade.get(f"/CarePlan?_id={first},nobody")) == [first]
    system = "https://jalon.example/fhir/id/pathway"
    for said in (f"{system}|{first}", first, f"{system}|{first},{system}|other"):
        assert found(facade.get("/CarePlan", params={"identifier": said})) == [first], said
    assert len(found(facade.get("/CarePlan", params={"identifier": f"{system}|"}))) == 2
    assert found(facade.get("/CarePlan", params={"identifier": f"|{first}"})) == []
    assert found(facade.get("/CarePlan", params={"identifier": f"https://other|{first}"})) == []

    patient = plans.json()["entry"][0]["resource"]["subject"]["reference"].removeprefix("Patient/")
    pathway = plans.json()["entry"][0]["resource"]["id"]
    said = (patient, f"Patient/{patient}", f"http://jalon.test/fhir/Patient/{patient}")
    for name in ("patient", "subject", "patient:Patient", "subject:Patient"):
        for value in said:
            assert found(facade.get("/CarePlan", params={name: value})) == [pathway], (name, value)
    assert found(facade.get(f"/CarePlan?patient=https://other.example/fhir/Patient/{patient}")) == []
    assert len(found(facade.get(f"/Task?patient={patient}"))) > 5
    assert found(facade.get("/Patient?identifier=urn:oid:1.2.250.1.999.1|IPP-0"))


def test_by_status_in_either_of_two(facade: Facade) -> None:
    pathway_id = facade.triaged()
    tasks = facade.get("/Task", params={"_count": 200}).json()["entry"]
    by_status: dict[str, set[str]] = {}
    for entry in tasks:
        by_status.setdefault(entry["resource"]["status"], set()).add(entry["resource"]["id"])
    assert set(found(facade.get("/Task?status=completed"))) == by_status["completed"]
    either = set(found(facade.get("/Task?status=completed,ready&_count=200")))
    assert either == by_status["completed"] | by_status["ready"]
    coded = found(facade.get("/Task", params={"status": "http://hl7.org/fhir/task-status|completed"}))
    assert set(coded) == by_status["completed"]
    assert found(facade.get("/Task?status=completed&status=ready")) == []
    assert pathway_id


def test_by_due_with_each_prefix(facade_anywhere: Facade) -> None:
    facade = facade_anywhere
    task = facade.task(facade.referred(), "triage")
    due = task["restriction"]["period"]["end"]
    day = datetime.fromisoformat(due).astimezone(ZoneInfo("Europe/Paris")).date().isoformat()
    id_ = task["id"]
    holds = {
        due: {"eq", "ge", "le"},
        day: {"eq", "ge", "le"},
        day[:7]: {"eq", "ge", "le"},
        day[:4]: {"eq", "ge", "le"},
        "2027-01": {"ne", "gt", "ge"},
        "2028": {"ne", "lt", "le"},
        "2027-12-31T23:59:59+01:00": {"ne", "lt", "le"},
    }
    for value, prefixes in holds.items():
        for prefix in ("eq", "ne", "gt", "ge", "lt", "le"):
            there = id_ in found(facade.get("/Task", params={"due": prefix + value, "_id": id_}))
            assert there == (prefix in prefixes), (prefix, value)
    assert found(facade.get("/Task", params={"due": day, "_id": id_})) == [id_]
    assert found(facade.get("/Task", params=[("due", "ge2027-01"), ("due", "lt2027-02")])) == []
    assert found(facade.get(f"/Task?due=2026,{day}&_id={id_}")) == [id_]


def test_by_not_before_and_by_last_change(facade: Facade) -> None:
    facade.triaged()
    known = facade.get("/Task", params={"not-before": "ge2020", "_count": 200}).json()["entry"]
    assert known
    assert all("start" in entry["resource"]["restriction"]["period"] for entry in known)
    # A poller that asks for what has changed since what it saw last misses nothing and repeats nothing.
    seen = facade.get("/Task?_sort=-_lastUpdated&_count=1").json()["entry"][0]["resource"]
    since = {"_lastUpdated": f"gt{seen['meta']['lastUpdated']}"}
    assert found(facade.get("/Task", params=since)) == []
    facade.house.clock.wait(seconds=0.25)
    facade.referred(7)
    assert found(facade.get("/Task", params=since))


def test_a_visit_and_a_message_are_found_by_when_they_are_due(facade: Facade) -> None:
    facade.consult_booked()
    assert len(found(facade.get("/Appointment?due=2027-03-08"))) == 1
    assert found(facade.get("/Appointment?due=2027-03-09")) == []
    assert found(facade.get("/CommunicationRequest?due=ge2027-03&status=active"))


@pytest.mark.parametrize("sort", ["", "due", "-due", "_lastUpdated", "-_lastUpdated", "_id", "-_id"])
def test_pages_hold_every_row_once(ward: Facade, sort: str) -> None:
    facade = ward
    whole = facade.get("/Task", params={"_count": 500, "_sort": sort} if sort else {"_count": 500})
    path: str | None = f"/Task?_count=4&_sort={sort}" if sort else "/Task?_count=4"
    ids: list[str] = []
    while path is not None:
        page = facade.get(path)
        ids += found(page)
        assert page.json()["total"] == len(found(whole))
        following = link(page.json(), "next")
        path = ours(following) if following else None
    assert ids == found(whole)
    assert len(set(ids)) == len(ids) > 20


def test_a_row_written_between_two_pages_hides_none(facade: Facade) -> None:
    for number in range(3):
        facade.referred(number)
    first = facade.get("/CarePlan?_count=2")
    facade.referred(3)
    following = link(first.json(), "next")
    assert following is not None
    rest = found(facade.get(ours(following)))
    assert not set(rest) & set(found(first))
    assert len(set(found(facade.get("/CarePlan"))) - set(rest) - set(found(first))) <= 1


def test_sorted_by_due_what_has_no_date_comes_last_both_ways(ward: Facade) -> None:
    facade = ward
    for sort in ("due", "-due"):
        entries = facade.get(f"/Task?_sort={sort}&_count=200").json()["entry"]
        ends = [each["resource"].get("restriction", {}).get("period", {}).get("end") for each in entries]
        dated = [each for each in ends if each]
        assert ends == sorted(dated, reverse=sort == "-due") + [None] * (len(ends) - len(dated))
        assert None in ends


def test_only_the_number_is_told_when_only_that_is_asked(facade: Facade) -> None:
    facade.referred()
    for asked in ("_summary=count", "_count=0"):
        bundle = facade.get(f"/CarePlan?{asked}").json()
        assert (bundle["total"], "entry" in bundle) == (1, False)
    assert "total" not in facade.get("/CarePlan?_total=none").json()
    assert facade.get("/CarePlan?_total=estimate").json()["total"] == 1


def test_what_is_unknown_is_left_out_of_self_or_refused_when_strict(ward: Facade) -> None:
    facade = ward
    lenient = facade.get("/Task?colour=red&status=ready&_sort=colour&_include=Task:colour")
    own = link(lenient.json(), "self")
    assert own is not None
    assert parse_qsl(urlsplit(own).query) == [("status", "ready")]
    assert found(lenient)
    strict = facade.get("/Task?colour=red&status=ready", headers={"Prefer": "handling=strict"})
    assert strict.status_code == 400
    issue = strict.json()["issue"][0]
    assert (issue["code"], issue["expression"]) == ("not-supported", ["colour"])
    assert "due" in issue["diagnostics"]
    fine = facade.get("/Task?status=ready&_count=5&_sort=-due", headers={"Prefer": "handling=strict"})
    assert fine.status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "due=yesterday",
        "due=ap2027",
        "due=2027-13",
        "due=2027-02-30",
        "due=0000",
        "due=9999-99",
        "_count=many",
        "_count=-1",
        "_total=perhaps",
        "page=nonsense",
        "page=WzFd",
        "page=W251bGwsICIuLi8iXQ",
        "status:text=ready",
        "due:not=2027",
        "patient:Group=1",
        "patient.identifier=1",
        "_has:Task:patient:status=ready",
        "_include:iterate=Task:patient",
        "status:missing=perhaps",
        "_id:missing=true",
        "identifier:of-type=a|b|c",
        "status=%00",
    ],
)
def test_what_makes_no_sense_is_refused_by_name(ward: Facade, query: str) -> None:
    answer = ward.get(f"/Task?{query}")
    assert answer.status_code == 400, answer.text
    assert answer.json()["issue"][0]["severity"] == "error"


def test_a_search_by_post_keeps_the_patient_out_of_the_url(facade: Facade) -> None:
    pathway_id = facade.referred()
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    by_post = facade.ask("POST", "/CarePlan/_search", headers=form, content=f"identifier={pathway_id}")
    assert found(by_post) == [pathway_id]
    both = facade.ask(
        "POST", "/CarePlan/_search?_id=nobody", headers=form, content=f"identifier={pathway_id}"
    )
    assert found(both) == []
    wrong = facade.ask(
        "POST", "/CarePlan/_search", headers={"Content-Type": "application/json"}, content="{}"
    )
    assert wrong.status_code == 415
    assert facade.ask("POST", "/CarePlan/_search", headers=form, content=b"a=\xff").status_code in (200, 400)


def test_no_page_of_a_search_by_post_shows_what_was_asked(facade: Facade) -> None:
    pathway_id = facade.referred()
    patient = facade.get(f"/CarePlan/{pathway_id}").json()["subject"]["reference"]
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    content = f"patient={patient}&_count=3&_sort=due"
    page = facade.ask("POST", "/Task/_search", headers=form, content=content)
    ids = found(page)
    while (following := link(page.json(), "next")) is not None:
        assert patient.removeprefix("Patient/") not in following
        page = facade.get(ours(following))
        ids += found(page)
    assert ids == found(facade.get(f"/Task?patient={patient}&_sort=due&_count=500"))
    elsewhere = link(facade.get("/Task?_count=1").json(), "next")
    assert elsewhere is not None
    assert facade.get(ours(elsewhere).replace("/Task?", "/CarePlan?")).status_code == 400


def test_a_search_sees_what_has_just_happened(facade: Facade) -> None:
    pathway_id = facade.referred()
    before = facade.task(pathway_id, "triage")
    facade.house.record(pathway_id, e.StepCompleted(by=RADIOLOGIST, step="triage", outcome="accepted"))
    after = facade.task(pathway_id, "triage")
    assert (before["status"], after["status"]) == ("ready", "completed")
    assert int(after["meta"]["versionId"]) > int(before["meta"]["versionId"])


@given(st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1)), st.sampled_from([4, 7, 10, 16, 19, 26]))
def test_a_date_covers_the_instant_it_was_cut_from(at: datetime, length: int) -> None:
    """However little of it is written: the year, the month, the day, the minute, the second."""
    zone = ZoneInfo("Europe/Paris")
    said = at.isoformat(timespec="microseconds")[:length]
    if length > 10:
        covered, instant = span(said + "Z", zone), at.replace(tzinfo=UTC)
    else:
        covered, instant = span(said, zone), at.replace(tzinfo=zone).astimezone(UTC)
    assert covered.start <= instant < covered.end
    assert covered.start.tzinfo is UTC


@given(st.text(max_size=40))
def test_what_is_no_date_is_a_sentence_and_nothing_worse(said: str) -> None:
    with contextlib.suppress(ValueError):
        assert span(said, ZoneInfo("Europe/Paris")).start.tzinfo is UTC
