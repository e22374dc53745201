"""What other systems keep here is answered as they wrote it: read, found, page by page, with all its versions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from app.fhir.caller import Caller
from app.fhir.errors import FhirError
from app.fhir.pages import Pages
from app.fhir.reads import searchset
from app.fhir.served import BY_TYPE
from fhir_mappings.raw import entry_resources, members
from store.tokens import Holder
from tests.facade.conftest import MONDAY, Facade, open_facade
from tests.facade.examples import example
from tests.facade.test_search import found, link, ours
from tests.house import Clock

Json = dict[str, Any]

ODD = (
    '{\r\n\t"resourceType" : "Observation",  "id":"odd", "status":"final",\n'
    '  "meta": { "profile" : ["http://hopital.example/p"], "versionId": "77" },\n'
    '  "code": {"coding":[{"system":"http://loinc.org","code":"6301-6"}], "text":"INR \\u00e9lev\\u00e9 é"},\n'
    '  "subject": {"reference":"Patient/odd-one", "identifier": {"system":"urn:x","value":"id"}},\n'
    '  "effectiveDateTime":"2027-03-02T08:30:00.120+00:00",\n'
    '  "valueQuantity": { "value": 1.10, "unit":"1" }\n}\n'
)
"""A decimal with a nought at its end, escapes, spaces, +00:00, a fraction, keys named id and meta within."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def facade(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Facade]:
    """One for all of these stories, on each database."""
    url = f"sqlite:///{tmp_path_factory.mktemp('others') / 'jalon.sqlite'}"
    server = request.getfixturevalue("postgres_server") if request.param == "postgresql" else None
    if server is not None:
        url = server.create_database()
    yield from open_facade({"database_url": url}, Clock(MONDAY))
    if server is not None:
        server.drop_database(url)


def rest(text: str) -> list[str]:
    """Every member but id and meta, to the letter."""
    return [text[one.start : one.end] for one in members(text) if one.name not in ("id", "meta")]


def put(facade: Facade, text: str, path: str) -> None:
    headers = {"Content-Type": "application/fhir+json"}
    answer = facade.ask("PUT", path, content=text.encode(), headers=headers)
    assert answer.status_code in (200, 201), answer.text


def test_it_is_read_searched_and_remembered_to_the_letter(facade: Facade) -> None:
    put(facade, ODD, "/Observation/odd")
    read = facade.get("/Observation/odd").text
    assert rest(read) == rest(ODD)
    meta = json.loads(read)["meta"]
    assert meta["profile"] == ["http://hopital.example/p"]
    assert meta["versionId"] == "1"
    put(facade, ODD.replace("1.10", "1.20"), "/Observation/odd")
    (entry,) = entries_of(facade.get("/Observation?_id=odd").text)
    assert rest(entry) == rest(ODD.replace("1.10", "1.20"))
    later, first = entries_of(facade.get("/Observation/odd/_history").text)
    assert rest(later) == rest(ODD.replace("1.10", "1.20"))
    assert first == facade.get("/Observation/odd/_history/1").text.strip() == read.strip()
    assert facade.get("/Observation/odd/_history/1").headers["etag"] == 'W/"1"'


def entries_of(bundle: str) -> list[str]:
    """The resource of each entry as it stands in the Bundle."""
    return [each for each in entry_resources(bundle) if each is not None]


def test_it_is_found_by_reference_identifier_and_date_as_it_says_them(facade: Facade) -> None:
    put(facade, ODD, "/Observation/odd")
    for asked in (
        "patient=odd-one",
        "patient=Patient/odd-one",
        "subject:Patient=odd-one",
        "subject=http://jalon.test/fhir/Patient/odd-one",
        "subject=Patient/odd-one/_history/3",
        "date=2027-03-02",
        "date=ge2027-03-02T08:30:00Z",
        "date=2027-03-02T09:30:00.12%2B01:00",
        "code=http://loinc.org|6301-6",
        "code=6301-6,other",
        "code=http://loinc.org|",
        "status=http://hl7.org/fhir/observation-status|final",
        "status:not=preliminary",
        "category:missing=true",
    ):
        assert "odd" in found(facade.get(f"/Observation?{asked}")), asked
    for asked in (
        "patient=Patient/other",
        "subject=Group/odd-one",
        "subject=https://elsewhere.example/fhir/Patient/odd-one",
        "code=|6301-6",
        "code:not=6301-6",
        "status=http://other|final",
        "date=sa2027-03-02",
        "date:missing=true",
        "code=6301-6&code=other",
    ):
        assert "odd" not in found(facade.get(f"/Observation?{asked}")), asked


def test_a_reference_by_our_whole_address_or_by_an_identifier_is_a_reference(facade: Facade) -> None:
    whole = {"reference": "http://jalon.test/fhir/Organization/whole"}
    named = {"identifier": {"system": "https://finess.example", "value": "75"}}
    facade.put(example("Task", "by-address", owner=whole))
    facade.put(example("Task", "by-name", owner=named))
    assert found(facade.get("/Task?owner=Organization/whole")) == ["by-address"]
    assert found(facade.get("/Task?owner=whole")) == ["by-address"]
    assert found(facade.get("/Task?owner:identifier=https://finess.example|75")) == ["by-name"]
    assert set(found(facade.get("/Task?owner:missing=false"))) >= {"by-address", "by-name"}


def test_a_comma_and_a_bar_in_a_value_are_escaped(facade: Facade) -> None:
    value = r"a,b|c\d$"
    facade.put(example("Flag", "commas", identifier=[{"system": "urn:s", "value": value}]))
    escaped = value.replace("\\", "\\\\").replace(",", "\\,").replace("|", "\\|").replace("$", "\\$")
    assert found(facade.get("/Flag", params={"identifier": f"urn:s|{escaped}"})) == ["commas"]
    assert found(facade.get("/Flag", params={"identifier": "urn:s|a,b"})) == []


SORTED = {"schedule": {"reference": "Schedule/sorted"}}


@pytest.fixture
def plannings(facade: Facade) -> list[str]:
    """Slots that share starts and statuses, some of them twins."""
    made = []
    for number in range(9):
        start = f"2027-04-0{1 + number % 3}T08:00:00+02:00"
        status = ("free", "busy")[number % 2]
        slot = example("Slot", f"slot-{number}", start=start, end=start.replace("T08", "T09"), status=status)
        put(facade, json.dumps({**slot, **SORTED}), f"/Slot/slot-{number}")
        made.append(f"slot-{number}")
    return made


@pytest.mark.parametrize(
    "sort", ["start", "-start", "start,-_id", "-start,status", "status,-start", "-status,_id", "_lastUpdated"]
)
def test_pages_in_any_order_hold_every_one_once(facade: Facade, plannings: list[str], sort: str) -> None:
    whole = facade.get("/Slot", params={"schedule": "sorted", "_sort": sort, "_count": "100"}).json()
    slots = [each["resource"] for each in whole["entry"]]
    assert sorted(each["id"] for each in slots) == plannings
    first = sort.split(",")[0].removeprefix("-")
    if first != "_lastUpdated":
        values = [each[first] for each in slots]
        assert values == sorted(values, reverse=sort.startswith("-"))
    if sort == "start,-_id":
        assert [(each["start"], each["id"]) for each in slots] == sorted(
            ((each["start"], each["id"]) for each in slots), key=lambda one: (one[0], -int(one[1][-1]))
        )
    path: str | None = f"/Slot?schedule=sorted&_count=2&_sort={sort}"
    ids: list[str] = []
    while path is not None:
        page = facade.get(path)
        ids += found(page)
        following = link(page.json(), "next")
        path = ours(following) if following else None
    assert ids == [each["id"] for each in slots]


def test_one_that_is_made_or_changed_between_two_pages_hides_and_doubles_no_other(
    facade: Facade, plannings: list[str]
) -> None:
    first = facade.get("/Slot?schedule=sorted&_count=4")
    put(facade, json.dumps({**example("Slot", "aaa-before"), **SORTED}), "/Slot/aaa-before")
    put(facade, json.dumps({**example("Slot", "slot-1", status="busy-tentative"), **SORTED}), "/Slot/slot-1")
    seen = found(first)
    following = link(first.json(), "next")
    while following is not None:
        page = facade.get(ours(following))
        seen += found(page)
        following = link(page.json(), "next")
    assert [each for each in seen if each in plannings] == plannings
    facade.put(example("Slot", "aaa-before"))


def test_a_history_is_paged_from_the_latest_and_asked_since(facade: Facade) -> None:
    for number in range(5):
        facade.house.clock.wait(minutes=1)
        facade.put(example("Encounter", "often", language=("fr", "en", "de", "it", "es")[number]))
        if number == 2:
            since = facade.house.clock.now.isoformat().replace("+00:00", "Z")
    path: str | None = "/Encounter/often/_history?_count=2"
    numbers: list[str] = []
    while path is not None:
        page = facade.get(path).json()
        assert (page["type"], page["total"]) == ("history", 5)
        numbers += [each["resource"]["meta"]["versionId"] for each in page["entry"]]
        following = link(page, "next")
        path = ours(following) if following else None
    assert numbers == ["5", "4", "3", "2", "1"]
    made = facade.get("/Encounter/often/_history").json()["entry"]
    assert made[0]["request"] == {"method": "PUT", "url": "Encounter/often"}
    assert made[0]["response"]["etag"] == 'W/"5"'
    assert made[0]["fullUrl"] == "http://jalon.test/fhir/Encounter/often"
    for path in ("/Encounter/often/_history", "/Encounter/_history", "/_history"):
        recent = facade.get(path, params={"_since": since, "_count": "500"}).json()["entry"]
        versions = [each["resource"]["meta"]["versionId"] for each in recent if "often" in each["fullUrl"]]
        assert versions == ["5", "4", "3"], path


def test_a_history_of_everything_is_one_line_of_time(facade: Facade) -> None:
    path: str | None = "/_history?_count=7"
    moments: list[str] = []
    seen: set[tuple[str, str, str]] = set()
    while path is not None and len(moments) < 60:
        page = facade.get(path).json()
        for each in page["entry"]:
            resource = each["resource"]
            moments.append(resource["meta"]["lastUpdated"])
            seen.add((resource["resourceType"], resource["id"], resource["meta"]["versionId"]))
        following = link(page, "next")
        path = ours(following) if following else None
    assert moments == sorted(moments, reverse=True)
    assert len(seen) == len(moments)


@pytest.mark.parametrize("query", ["_since=yesterday", "_since=ge2027", "_count=many", "page=nonsense"])
def test_a_history_that_makes_no_sense_is_refused_by_name(facade: Facade, query: str) -> None:
    for path in ("/Encounter/often/_history", "/Encounter/_history", "/_history"):
        answer = facade.get(f"{path}?{query}")
        assert (answer.status_code, answer.json()["issue"][0]["code"]) == (400, "value"), answer.text


def test_a_history_leaves_out_what_it_does_not_know_or_refuses_it_when_strict(facade: Facade) -> None:
    facade.put(example("Encounter", "often"))
    lenient = facade.get("/Encounter/often/_history?_at=2027&_count=1").json()
    assert parse_qsl(urlsplit(link(lenient, "self") or "").query) == [("_count", "1")]
    strict = facade.get("/Encounter/often/_history?_at=2027", headers={"Prefer": "handling=strict"})
    assert strict.status_code == 400


def test_what_is_referred_to_is_shown_beside_and_never_twice(facade: Facade) -> None:
    facade.put(example("Organization", "beside"))
    for number in (1, 2):
        facade.put(example("Task", f"including-{number}", owner={"reference": "Organization/beside"}))
    asked = (
        "owner=Organization/beside&_include=Task:owner&_include=Task:owner:Organization&_include=Task:part-of"
    )
    bundle = facade.get(f"/Task?{asked}").json()
    modes = [(each["resource"]["id"], each["search"]["mode"]) for each in bundle["entry"]]
    assert modes[:2] == [("including-1", "match"), ("including-2", "match")]
    assert modes.count(("beside", "include")) == 1
    assert bundle["total"] == 2
    back = facade.get("/Organization?_id=beside&_revinclude=Task:owner").json()
    assert [each["resource"]["id"] for each in back["entry"]] == ["beside", "including-1", "including-2"]
    other = facade.get("/Task?owner=Organization/beside&_include=Task:owner:Patient").json()
    assert {each["search"]["mode"] for each in other["entry"]} == {"match"}


def test_a_total_that_was_not_asked_for_is_never_wrong(facade: Facade, plannings: list[str]) -> None:
    assert facade.get("/Slot?schedule=sorted&_count=3").json()["total"] == len(plannings)
    assert "total" not in facade.get("/Slot?schedule=sorted&_count=3&_total=none").json()
    assert facade.get("/Slot?schedule=sorted&_summary=count").json() == {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(plannings),
        "link": [{"relation": "self", "url": "http://jalon.test/fhir/Slot?schedule=sorted&_summary=count"}],
    }


def test_too_much_at_once_is_refused_with_the_remedy(facade: Facade) -> None:
    many = ",".join(f"id-{number}" for number in range(201))
    conditions = "&".join("status=free" for _ in range(51))
    for query in (f"_id={many}", conditions):
        answer = facade.get(f"/Slot?{query}")
        assert answer.status_code == 400, answer.text


def test_a_reader_leaves_a_trace_for_each_patient_whose_history_was_shown(facade: Facade) -> None:
    facade.put(example("Encounter", "often"))
    facade.house.clock.wait(seconds=1)
    facade.get("/Encounter/often/_history", token=facade.reader)
    facade.get("/Encounter/often/_history/1", token=facade.reader)
    service = facade.house.service
    with service.db.read() as session:
        told = [one.entry.what for one in service.audit.told(session, actor="Entrepôt")]
    assert sorted(told[:2]) == ["Encounter/often/_history/1", "history Encounter/often"]


def test_what_a_token_was_not_granted_is_not_shown_beside(facade: Facade) -> None:
    facade.put(example("Organization", "scoped"))
    facade.put(example("Task", "scoping", owner={"reference": "Organization/scoped"}))
    holder = Holder("1", "Narrow", "system", None, False, (), scopes=("system/Task.rs",))
    who = Caller(holder.actor, facade.house.clock.now, holder)
    pages = Pages(b"0" * 32)

    def search(*said: tuple[str, str]) -> Json:
        text = searchset(facade.house.service, BY_TYPE["Task"], pages, who, said, strict=True)
        return dict(json.loads(text))

    assert search(("_id", "scoping"))["total"] == 1
    for beside in (("_include", "Task:owner"), ("_revinclude", "Provenance:target")):
        with pytest.raises(FhirError) as refused:
            search(("_id", "scoping"), beside)
        assert refused.value.status == 403
