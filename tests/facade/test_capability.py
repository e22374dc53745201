"""The CapabilityStatement is true: each claim is exercised, and nothing unclaimed is served."""

from __future__ import annotations

from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class

from app.fhir.served import SERVED
from fhir_mappings.validate import check
from tests.facade.conftest import Facade

Json = dict[str, Any]


@pytest.fixture
def claims(facade: Facade) -> Json:
    answer = facade.client.get("/fhir/metadata")
    assert answer.status_code == 200
    return dict(answer.json())


def resources(claims: Json) -> dict[str, Json]:
    return {each["type"]: each for each in claims["rest"][0]["resource"]}


def test_it_is_r4_and_well_formed(claims: Json) -> None:
    assert claims["fhirVersion"] == "4.0.1"
    get_fhir_model_class("CapabilityStatement").model_validate({**claims, "fhirVersion": "4.3.0"})
    assert check(claims) == []
    assert claims["implementation"]["url"] == "http://jalon.test/fhir"


def test_every_claimed_interaction_works_and_every_other_is_refused(facade: Facade, claims: Json) -> None:
    facade.consult_booked()
    facade.house.clock.wait(days=5)
    facade.house.tick()
    for type_, claim in resources(claims).items():
        claimed = {each["code"] for each in claim["interaction"]}
        if type_ == "SearchParameter":
            assert facade.get("/SearchParameter/due").status_code == 200
            assert facade.get("/SearchParameter").status_code == 404
            continue
        entry = facade.get(f"/{type_}").json()["entry"][0]
        resource, id_ = entry["resource"], entry["resource"]["id"]
        assert (facade.get(f"/{type_}/{id_}").status_code == 200) == ("read" in claimed)
        assert (facade.get(f"/{type_}?_id={id_}").json()["total"] == 1) == ("search-type" in claimed)
        put = facade.put(resource)
        assert (put.status_code != 405) == ("update" in claimed), type_
        patch = facade.ask("PATCH", f"/{type_}/{id_}", operations=[])
        assert (patch.status_code != 405) == ("patch" in claimed), type_
        assert facade.ask("DELETE", f"/{type_}/{id_}").status_code == 405
        assert facade.ask("POST", f"/{type_}", resource=resource).status_code == 405
        assert (claim["versioning"] == "versioned") == bool(resource["meta"]["versionId"])
        if claim.get("conditionalRead") == "not-match":
            etag = {"If-None-Match": f'W/"{resource["meta"]["versionId"]}"'}
            unchanged = facade.get(f"/{type_}/{id_}", headers=etag)
            assert unchanged.status_code in (200, 304)
        if claim.get("conditionalUpdate"):
            named = facade.ask("PUT", f"/{type_}", params={"identifier": "https://x|y"}, resource=resource)
            assert named.status_code == 412


def test_every_claimed_parameter_filters_and_finds(facade: Facade, claims: Json) -> None:
    facade.consult_booked(0)
    facade.house.clock.wait(days=1)
    facade.consult_booked(1)
    facade.house.clock.wait(days=4)
    facade.house.tick()
    strict = {"Prefer": "handling=strict"}
    for type_, claim in resources(claims).items():
        for parameter in claim.get("searchParam", ()):
            name = parameter["name"]
            entries = facade.get(f"/{type_}", params={"_count": 500}).json()["entry"]
            one, value = _valued(entries, name)
            hit = facade.get(f"/{type_}", params={name: value, "_count": 500}, headers=strict)
            assert hit.status_code == 200, hit.text
            ids = [each["resource"]["id"] for each in hit.json()["entry"]]
            assert one["id"] in ids, (type_, name)
            miss = {"token": "nothing-of-that", "reference": "Patient/nobody", "date": "lt1970"}[
                parameter["type"]
            ]
            missed = facade.get(f"/{type_}", params={name: miss}, headers=strict)
            assert missed.json()["total"] == 0, (type_, name)


def _valued(entries: list[Json], name: str) -> tuple[Json, str]:
    """A resource and the value it is found by."""
    for entry in entries:
        resource = entry["resource"]
        value = {
            "_id": lambda r: r["id"],
            "_lastUpdated": lambda r: r["meta"]["lastUpdated"],
            "identifier": lambda r: "{system}|{value}".format(**r["identifier"][0]),
            "patient": _patient,
            "subject": _patient,
            "status": lambda r: r["status"],
            "due": _due,
            "not-before": lambda r: r.get("restriction", {}).get("period", {}).get("start"),
        }[name](resource)
        if value:
            return resource, str(value)
    raise AssertionError(f"nothing has a {name}")


def _patient(resource: Json) -> str:
    if resource["resourceType"] == "Appointment":
        return str(resource["participant"][0]["actor"]["reference"])
    said = resource.get("subject") or resource["for"]
    return str(said["reference"])


def _due(resource: Json) -> str | None:
    period = resource.get("restriction", {}).get("period", {})
    found: str | None = resource.get("start") or resource.get("occurrenceDateTime") or period.get("end")
    return found


def test_our_own_parameters_are_defined_where_the_statement_says(facade: Facade, claims: Json) -> None:
    ours = {
        (parameter["name"], type_, parameter["definition"])
        for type_, claim in resources(claims).items()
        for parameter in claim.get("searchParam", ())
        if "hl7.org" not in parameter["definition"]
    }
    assert {name for name, _, _ in ours} == {"due", "not-before"}
    for name, type_, definition in ours:
        served = facade.get(f"/SearchParameter/{name}").json()
        assert check(served) == []
        assert (served["url"], served["code"]) == (definition, name)
        assert type_ in served["base"]
        for prefix in served["comparator"]:
            assert facade.get(f"/{type_}?{name}={prefix}2027").status_code == 200
    assert facade.get("/SearchParameter/colour").status_code == 404


def test_r4_knows_every_parameter_that_is_said_to_be_its_own() -> None:
    for served in SERVED:
        for parameter in served.parameters:
            if parameter.definition is not None:
                assert parameter.definition.startswith("http://hl7.org/fhir/SearchParameter/")
                assert parameter.definition.rpartition("-")[2] == parameter.name
