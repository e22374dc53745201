"""The CapabilityStatement is true: each claim is exercised, and nothing unclaimed is served."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fastapi.routing import APIRoute
from fhir.resources.R4B import get_fhir_model_class

from app.fhir.router import METHODS, fhir_router
from app.fhir.served import SERVED
from fhir_mappings.plan_extensions import structure_definitions
from fhir_mappings.search_parameters import PARAMETERS
from fhir_mappings.searchable import Index, index
from fhir_mappings.validate import check
from tests.facade.conftest import MONDAY, Facade, open_facade
from tests.facade.examples import OTHERS, TYPES, example
from tests.house import Clock

Json = dict[str, Any]

PARIS = ZoneInfo("Europe/Paris")
STRICT = {"Prefer": "handling=strict"}
KINDS = [one.type for one in SERVED]
STORED = [type_ for type_ in KINDS if type_ in PARAMETERS]


@dataclass
class Stocked:
    """A facade on which one resource of every type is kept, and what it claims."""

    facade: Facade
    statement: Json

    def claim(self, type_: str) -> Json:
        rest = self.statement["rest"][0]["resource"]
        return next(dict(each) for each in rest if each["type"] == type_)

    def claims(self, type_: str, interaction: str) -> bool:
        return any(each["code"] == interaction for each in self.claim(type_)["interaction"])

    def found(self, path: str, **params: str) -> list[str]:
        answer = self.facade.get(path, params={"_count": "500", **params}, headers=STRICT)
        assert answer.status_code == 200, (path, params, answer.text)
        return [each["resource"]["id"] for each in answer.json().get("entry", [])]


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stocked]:
    place = tmp_path_factory.mktemp("capability") / "jalon.sqlite"
    clock = Clock(MONDAY)
    for facade in open_facade({"database_url": f"sqlite:///{place}"}, clock):
        for one in [*OTHERS, *map(example, TYPES)]:
            made = facade.put(one)
            assert made.status_code == 201, (one["resourceType"], made.text)
        statement = facade.client.get("/fhir/metadata").json()
        yield Stocked(facade, statement)


def id_of(type_: str) -> str:
    return f"ex-{type_.lower()}"


def test_it_is_r4_and_well_formed(stocked: Stocked) -> None:
    claims = stocked.statement
    assert claims["fhirVersion"] == "4.0.1"
    get_fhir_model_class("CapabilityStatement").model_validate({**claims, "fhirVersion": "4.3.0"})
    assert check(claims) == []
    assert claims["implementation"]["url"] == "http://jalon.test/fhir"
    assert [each["type"] for each in claims["rest"][0]["resource"]] == KINDS
    assert stocked.facade.get("/CapabilityStatement/jalon").json() == claims


# --- interactions -----------------------------------------------------------------------------------------


def read(stocked: Stocked, type_: str) -> None:
    answer = stocked.facade.get(f"/{type_}/{id_of(type_)}")
    assert (answer.status_code, answer.json()["resourceType"]) == (200, type_)
    assert stocked.facade.get(f"/{type_}/nobody").status_code == 404
    if stocked.claim(type_).get("conditionalRead") == "not-match":
        same = stocked.facade.get(
            f"/{type_}/{id_of(type_)}", headers={"If-None-Match": answer.headers["etag"]}
        )
        assert same.status_code == 304


def vread(stocked: Stocked, type_: str) -> None:
    assert stocked.claim(type_)["versioning"] == "versioned"
    now = stocked.facade.get(f"/{type_}/{id_of(type_)}").json()
    number = now["meta"]["versionId"]
    then = stocked.facade.get(f"/{type_}/{id_of(type_)}/_history/{number}")
    assert then.json() == now
    assert stocked.facade.get(f"/{type_}/{id_of(type_)}/_history/99").status_code == 404


def history_of_one(stocked: Stocked, type_: str) -> None:
    assert stocked.claim(type_)["readHistory"]
    bundle = stocked.facade.get(f"/{type_}/{id_of(type_)}/_history").json()
    assert bundle["type"] == "history"
    numbers = [int(each["resource"]["meta"]["versionId"]) for each in bundle["entry"]]
    assert numbers == list(range(bundle["total"], 0, -1))
    assert stocked.facade.get(f"/{type_}/nobody/_history").status_code == 404


def history_of_type(stocked: Stocked, type_: str) -> None:
    assert id_of(type_) in stocked.found(f"/{type_}/_history")


def search(stocked: Stocked, type_: str) -> None:
    assert id_of(type_) in stocked.found(f"/{type_}")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    posted = stocked.facade.ask("POST", f"/{type_}/_search", headers=form, content=f"_id={id_of(type_)}")
    assert [each["resource"]["id"] for each in posted.json()["entry"]] == [id_of(type_)]


def create(stocked: Stocked, type_: str) -> None:
    made = stocked.facade.ask("POST", f"/{type_}", resource=without_id(type_))
    assert made.status_code == 201, made.text
    assert stocked.facade.client.get(made.headers["location"], headers=token(stocked)).status_code == 200
    claim = stocked.claim(type_)
    if claim["conditionalCreate"]:
        headers = {"If-None-Exist": f"_id={id_of(type_)}"}
        again = stocked.facade.ask("POST", f"/{type_}", resource=without_id(type_), headers=headers)
        assert (again.status_code, again.json()["id"]) == (200, id_of(type_))
        fresh = {"If-None-Exist": "_id=not-there-yet"}
        new = stocked.facade.ask("POST", f"/{type_}", resource=without_id(type_), headers=fresh)
        assert new.status_code == 201


def update(stocked: Stocked, type_: str) -> None:
    resource = stocked.facade.get(f"/{type_}/{id_of(type_)}").json()
    before = int(resource["meta"]["versionId"])
    changed = stocked.facade.put({**resource, "language": "fr"})
    assert (changed.status_code, changed.headers["etag"]) == (200, f'W/"{before + 1}"'), changed.text
    late = stocked.facade.put(resource, headers={"If-Match": f'W/"{before}"'})
    assert late.status_code == 412
    claim = stocked.claim(type_)
    if claim["updateCreate"]:
        assert stocked.facade.put(example(type_, "by-put")).status_code == 201
    if claim["conditionalUpdate"]:
        named = stocked.facade.ask(
            "PUT", f"/{type_}", params={"_id": id_of(type_)}, resource=without_id(type_)
        )
        assert (named.status_code, named.json()["id"]) == (200, id_of(type_)), named.text
        both = {"_id": f"{id_of(type_)},by-put"}
        assert (
            stocked.facade.ask("PUT", f"/{type_}", params=both, resource=without_id(type_)).status_code == 412
        )


def patch(stocked: Stocked, type_: str) -> None:
    operations = [{"op": "add", "path": "/language", "value": "en"}]
    answer = stocked.facade.ask("PATCH", f"/{type_}/{id_of(type_)}", operations=operations)
    assert (answer.status_code, answer.json()["language"]) == (200, "en"), answer.text


EXERCISED: dict[str, Callable[[Stocked, str], None]] = {
    "read": read,
    "vread": vread,
    "history-instance": history_of_one,
    "history-type": history_of_type,
    "search-type": search,
    "create": create,
    "update": update,
    "patch": patch,
}


def without_id(type_: str) -> Json:
    made = example(type_)
    del made["id"]
    return made


def token(stocked: Stocked) -> dict[str, str]:
    return {"Authorization": f"Bearer {stocked.facade.token}"}


@pytest.mark.parametrize("type_", STORED)
def test_every_claimed_interaction_works(stocked: Stocked, type_: str) -> None:
    for interaction in stocked.claim(type_)["interaction"]:
        EXERCISED[interaction["code"]](stocked, type_)


def test_our_own_definitions_are_read(stocked: Stocked) -> None:
    for type_, id_ in (
        ("SearchParameter", "due"),
        ("CapabilityStatement", "jalon"),
        ("OperationDefinition", "PlanDefinition-apply"),
        ("StructureDefinition", structure_definitions(stocked.facade.house.service.site)[0]["id"]),
    ):
        assert [each["code"] for each in stocked.claim(type_)["interaction"]] == ["read"]
        assert stocked.facade.get(f"/{type_}/{id_}").status_code == 200
        assert stocked.facade.get(f"/{type_}/nobody").status_code == 404


def test_every_claimed_interaction_with_everything_works(stocked: Stocked) -> None:
    claimed = {each["code"] for each in stocked.statement["rest"][0]["interaction"]}
    assert claimed == {"transaction", "batch", "history-system"}
    for type_ in ("transaction", "batch"):
        entry = {"request": {"method": "GET", "url": "Task/ex-task"}}
        bundle = {"resourceType": "Bundle", "type": type_, "entry": [entry]}
        answer = stocked.facade.ask("POST", "", resource=bundle)
        assert answer.status_code == 200, answer.text
        assert answer.json()["type"] == f"{type_}-response"
        assert answer.json()["entry"][0]["resource"]["id"] == "ex-task"
    everything = stocked.facade.get("/_history", params={"_count": "500"}).json()
    assert {each["resource"]["resourceType"] for each in everything["entry"]} >= set(TYPES)


@pytest.mark.parametrize("type_", STORED)
def test_every_claimed_operation_works(stocked: Stocked, type_: str) -> None:
    for operation in stocked.claim(type_)["operation"]:
        if operation["name"] == "validate":
            answer = stocked.facade.ask("POST", f"/{type_}/$validate", resource=example(type_))
            # R4 advises a narrative, which no example has.
            assert all(each["severity"] in ("information", "warning") for each in answer.json()["issue"])
        elif operation["name"] == "apply":
            # What it does is a story of its own; here it answers, and says what is missing.
            answer = stocked.facade.get(f"/{type_}/$apply")
            assert (answer.status_code, answer.json()["resourceType"]) == (400, "OperationOutcome")
            continue
        else:
            assert operation["name"] in ("status", "events")
            answer = stocked.facade.get(f"/{type_}/{id_of(type_)}/${operation['name']}")
        assert answer.status_code == 200, answer.text


# --- search parameters ------------------------------------------------------------------------------------


@pytest.mark.parametrize("type_", STORED)
def test_every_claimed_parameter_finds_and_leaves_out(stocked: Stocked, type_: str) -> None:
    found_by, id_ = index(example(type_)), id_of(type_)
    claimed = stocked.claim(type_)["searchParam"]
    assert [each["name"] for each in claimed] == ["_id", "_lastUpdated", *(p.name for p in PARAMETERS[type_])]
    for parameter in claimed:
        name = parameter["name"]
        value = asked_for(stocked, type_, name, found_by)
        assert id_ in stocked.found(f"/{type_}", **{name: value}), (name, value)
        # Two alternatives find what either finds; the same twice must both hold.
        assert id_ in stocked.found(f"/{type_}", **{name: f"{NOWHERE[parameter['type']]},{value}"})
        assert id_ not in stocked.found(f"/{type_}", **{name: NOWHERE[parameter["type"]]}), name
        if not name.startswith("_"):
            assert ":missing" in parameter["documentation"]
            assert id_ in stocked.found(f"/{type_}", **{f"{name}:missing": "false"}), name
            assert id_ not in stocked.found(f"/{type_}", **{f"{name}:missing": "true"}), name


NOWHERE = {"token": "nothing-of-that", "reference": "Patient/nobody", "date": "1970", "uri": "urn:nothing"}


def asked_for(stocked: Stocked, type_: str, name: str, found_by: Index) -> str:
    """A value by which the example is found."""
    if name == "_id":
        return id_of(type_)
    if name == "_lastUpdated":
        return str(stocked.facade.get(f"/{type_}/{id_of(type_)}").json()["meta"]["lastUpdated"])
    for param, start, _ in found_by.spans:
        if param == name:
            return "ge" + start.isoformat().replace("+00:00", "Z")
    kind = next(one.kind for one in PARAMETERS[type_] if one.name == name)
    param, system, value = next(each for each in found_by.tokens if each[0] == name)
    if kind == "reference":
        return f"{system}/{value}"
    return f"{system}|{value}" if system else value


@pytest.mark.parametrize("type_", STORED)
def test_every_claimed_modifier_changes_what_is_found(stocked: Stocked, type_: str) -> None:
    id_ = id_of(type_)
    found_by = index(example(type_), zone=PARIS)
    for parameter in PARAMETERS[type_]:
        said = next(p for p in stocked.claim(type_)["searchParam"] if p["name"] == parameter.name)
        if parameter.kind == "token":
            assert ":not" in said["documentation"]
            _, _, value = next(each for each in found_by.tokens if each[0] == parameter.name)
            assert id_ not in stocked.found(f"/{type_}", **{f"{parameter.name}:not": value})
            assert id_ in stocked.found(f"/{type_}", **{f"{parameter.name}:not": "nothing-of-that"})
        elif parameter.kind == "reference":
            assert ":identifier, :missing, :[type]" in said["documentation"]
            _, system, value = next(each for each in found_by.tokens if each[0] == parameter.name)
            assert id_ in stocked.found(f"/{type_}", **{f"{parameter.name}:{system}": value})
            assert id_ in stocked.found(f"/{type_}", **{parameter.name: value})
            assert id_ not in stocked.found(f"/{type_}", **{f"{parameter.name}:identifier": value})
        elif parameter.kind == "date":
            prefixes_compare(stocked, type_, parameter.name, found_by)


def prefixes_compare(stocked: Stocked, type_: str, name: str, found_by: Index) -> None:
    """Each prefix, with the very span that the example has, and with the years around it."""
    start, end = next((start, end) for param, start, end in found_by.spans if param == name)
    instant = end - start <= timedelta(minutes=1)
    holds = {
        start.isoformat().replace("+00:00", "Z") if instant else "2027-03-02": {"eq", "ge", "le"},
        str(end.year + 2): {"ne", "lt", "le", "eb"},
        str(start.year - 2): {"ne", "gt", "ge", "sa"},
    }
    for value, prefixes in holds.items():
        if name == "birthdate" and value == "2027-03-02":
            value = "1950-06-01"
        for prefix in ("eq", "ne", "gt", "ge", "lt", "le", "sa", "eb"):
            found = id_of(type_) in stocked.found(f"/{type_}", **{name: prefix + value, "_id": id_of(type_)})
            assert found == (prefix in prefixes), (name, prefix, value)


@pytest.mark.parametrize("type_", STORED)
def test_every_claimed_include_shows_what_is_referred_to(stocked: Stocked, type_: str) -> None:
    claim = stocked.claim(type_)
    for said, reverse in (("searchInclude", False), ("searchRevInclude", True)):
        for one in claim.get(said, ()):
            of, _, param = one.partition(":")
            name = "_revinclude" if reverse else "_include"
            params = {name: one, "_id": id_of(type_)}
            answer = stocked.facade.get(f"/{type_}", params=params, headers=STRICT)
            assert answer.status_code == 200, (one, answer.text)
            entries = answer.json()["entry"]
            beside = {
                (each["resource"]["resourceType"], each["resource"]["id"])
                for each in entries
                if each["search"]["mode"] == "include"
            }
            assert beside >= expected(type_, of, param, reverse=reverse), one
            assert len({each["fullUrl"] for each in entries}) == len(entries)


def expected(type_: str, of: str, param: str, *, reverse: bool) -> set[tuple[str, str]]:
    """What must be included, of the examples."""
    pointed = {(sys, value) for name, sys, value in index(example(of)).tokens if name == param}
    if reverse:
        return {(of, id_of(of))} if (type_, id_of(type_)) in pointed and of != type_ else set()
    return {each for each in pointed if each[1] in {id_of(t) for t in TYPES} | {"ex-other", "ex-parent"}}


def test_our_own_parameters_are_defined_where_the_statement_says(stocked: Stocked) -> None:
    ours = {
        (parameter["name"], type_, parameter["definition"])
        for type_ in STORED
        for parameter in stocked.claim(type_)["searchParam"]
        if "hl7.org" not in parameter["definition"]
    }
    assert {name for name, _, _ in ours} == {"due", "not-before"}
    for name, type_, definition in ours:
        served = stocked.facade.get(f"/SearchParameter/{name}").json()
        assert check(served) == []
        assert (served["url"], served["code"]) == (definition, name)
        assert type_ in served["base"]
        for prefix in served["comparator"]:
            assert stocked.facade.get(f"/{type_}?{name}={prefix}2027", headers=STRICT).status_code == 200
    assert stocked.facade.get("/SearchParameter/colour").status_code == 404


def test_r4_knows_every_parameter_that_is_said_to_be_its_own() -> None:
    for served in SERVED:
        for parameter in served.parameters:
            if parameter.definition is not None:
                assert parameter.definition.startswith("http://hl7.org/fhir/SearchParameter/")
                assert parameter.definition.endswith(f"-{parameter.name}")


# --- and nothing else -------------------------------------------------------------------------------------


def claimed_routes(stocked: Stocked) -> set[tuple[str, str]]:
    """Method and path of everything that the statement promises."""
    routes = {("GET", "/metadata"), ("POST", ""), ("POST", "/"), ("GET", "/_history")}
    paths = {
        "read": [("GET", "/{id_}")],
        "vread": [("GET", "/{id_}/_history/{version}")],
        "history-instance": [("GET", "/{id_}/_history")],
        "history-type": [("GET", "/_history")],
        "search-type": [("GET", ""), ("POST", "/_search")],
        "create": [("POST", "")],
        "update": [("PUT", "/{id_}")],
        "patch": [("PATCH", "/{id_}")],
    }
    operations = {
        "apply": [(way, path) for way in ("GET", "POST") for path in ("/$apply", "/{id_}/$apply")],
        "validate": [("POST", "/$validate"), ("POST", "/{id_}/$validate")],
        "status": [("GET", "/$status"), ("GET", "/{id_}/$status")],
        "events": [("GET", "/{id_}/$events")],
    }
    for claim in stocked.statement["rest"][0]["resource"]:
        ways = [way for each in claim["interaction"] for way in paths[each["code"]]]
        ways += [way for each in claim.get("operation", ()) for way in operations[each["name"]]]
        ways += [("PUT", "")] if claim.get("conditionalUpdate") else []
        routes |= {(method, f"/{claim['type']}{path}") for method, path in ways}
    return routes


def test_no_route_leads_where_nothing_is_claimed(stocked: Stocked) -> None:
    routes = {
        (method, route.path.removeprefix("/fhir"))
        for route in fhir_router(stocked.facade.house.service).routes
        if isinstance(route, APIRoute)
        for method in route.methods
        if route.name != "unserved" and not route.path.startswith("/fhir/notify/")
    }
    # Where hospitals tell us that something changed: known to whom we gave the secret in it, and no part of REST.
    assert routes == claimed_routes(stocked)


def test_what_is_not_claimed_answers_with_an_outcome(stocked: Stocked) -> None:
    routes = claimed_routes(stocked)
    for type_ in ("Task", "Provenance", "SearchParameter", "Binary"):
        for path in ("", "/x", "/x/_history", "/x/y", "/$everything", "/x/$meta"):
            for method in METHODS:
                shape = path.replace("/x", "/{id_}")
                if (method, f"/{type_}{shape}") in routes:
                    continue
                answer = stocked.facade.ask(method, f"/{type_}{path}")
                # Read as an id that nothing has, and that nobody may give.
                as_id = shape == "/$everything" and (method, f"/{type_}/{{id_}}") in routes
                expected = (404, 415) if as_id else (404, 405)
                assert answer.status_code in expected, (method, type_, path, answer.text)
                if method != "HEAD":
                    assert answer.json()["resourceType"] == "OperationOutcome"


def test_it_was_published_on_a_day(stocked: Stocked) -> None:
    assert datetime.fromisoformat(stocked.statement["date"]) < MONDAY.replace(tzinfo=None)
