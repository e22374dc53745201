"""What an application is refused for, with the remedy, and that what is claimed of it is there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fhir_mappings.apply_operation import apply_operation
from fhir_mappings.validate import check
from tests.facade.applied import GROUP, ID, OWN, URL, Json, begin, empty, inline, parameters, pathways, said
from tests.facade.conftest import MONDAY, Facade, open_facade
from tests.house import Clock


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Facade]:
    """One service for every question that begins nothing."""
    place = tmp_path_factory.mktemp("apply") / "jalon.sqlite"
    yield from open_facade({"database_url": f"sqlite:///{place}"}, Clock(MONDAY))


# --- what is refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["encounter", "practitioner", "organization", "userType", "userLanguage", "setting", "settingContext"],
)
def test_parameters_that_mean_nothing_here_are_refused_by_name(shared: Facade, name: str) -> None:
    answer = begin(shared, parameters(**{name: {"valueString": "Encounter/1"}}))
    assert answer.status_code == 400
    assert f"{name} is not supported" in said(answer)
    looked = shared.get(f"/PlanDefinition/{ID}/$apply?subject=Patient/1&{name}=x")
    assert (looked.status_code, name in said(looked)) == (400, True)


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        (parameters(key=None), 400, "start-key is missing"),
        (parameters(key="clé"), 400, "printable"),
        (parameters(key="x" * 201), 400, "1 to 200"),
        (parameters(surprise={"valueString": "x"}), 400, "surprise is not known"),
        (parameters(url={"valueUri": URL}), 400, "leave url and planDefinition out"),
        (parameters(planDefinition={"resource": OWN}), 400, "of your own"),
        (parameters(data={"valueString": "x"}), 400, "Bundle of type collection"),
        (parameters(subject={"resource": GROUP}), 400, "a Patient"),
        (parameters(subject={"valueString": "Patient/nobody"}), 422, "not known here"),
        (parameters(subject={"valueString": "urn:x|nobody"}), 422, "not known here"),
        (parameters(condition={"valueString": "Condition/none"}), 422, "give the Condition itself"),
        (parameters(request={"valueString": "ServiceRequest/none"}), 422, "give the ServiceRequest itself"),
        ({"resourceType": "Parameters"}, 400, "subject is missing"),
        ({"resourceType": "Patient"}, 400, "must be a Parameters"),
        ({"resourceType": "Parameters", "parameter": [{"name": "subject"}]}, 422, ""),
    ],
)  # fmt: skip
def test_a_start_that_makes_no_sense_is_refused_with_the_remedy(
    shared: Facade, body: Json, status: int, sentence: str
) -> None:
    answer = begin(shared, body)
    assert answer.status_code == status, answer.text
    assert sentence in said(answer)
    assert pathways(shared) == 0


def test_what_is_wrong_inside_is_named_where_the_sender_said_it(shared: Facade) -> None:
    nameless = {name: value for name, value in inline(0, "Patient").items() if name != "name"}
    body = parameters(
        subject={"resource": nameless}, condition={"resource": about_the_same(nameless)}, data=empty()
    )
    answer = begin(shared, body)
    assert answer.status_code == 422, answer.text
    named = [place for issue in answer.json()["issue"] for place in issue.get("expression", [])]
    assert "Parameters.parameter[0].resource.name" in named


def about_the_same(patient: Json) -> Json:
    """The fracture of this patient, who is named by identifier."""
    return {**inline(0, "Condition"), "subject": {"identifier": patient["identifier"][0]}}


def test_a_fracture_of_somebody_else_is_refused(facade: Facade) -> None:
    mine = facade.house.load(facade.referred(0))[0]
    theirs = facade.house.load(facade.referred(1))[0]
    body = parameters(
        subject={"valueString": f"Patient/{mine.patient_id}"},
        condition={"valueString": f"Condition/{theirs.id}-fracture"},
        data=empty(),
    )
    answer = begin(facade, body)
    assert answer.status_code == 422
    assert "not about the subject" in said(answer)


def test_an_order_of_ours_begins_nothing(facade: Facade) -> None:
    state = facade.house.load(facade.triaged(0))[0]
    order = facade.get("/ServiceRequest").json()["entry"][0]["resource"]["id"]
    subject = {"valueString": f"Patient/{state.patient_id}"}
    condition = {"valueString": f"Condition/{state.id}-fracture"}
    request = {"valueString": f"ServiceRequest/{order}"}
    answer = begin(facade, parameters(subject=subject, condition=condition, request=request, data=empty()))
    assert answer.status_code == 422
    assert "begins none" in said(answer)


@pytest.mark.parametrize(
    "query", ["=", "a%20b=1", "subject=", "subject=x&subject=y", "subject=Patient/%F0%9F%98%80", "url=%00"]
)
def test_a_look_that_makes_no_sense_is_refused(shared: Facade, query: str) -> None:
    answer = shared.get(f"/PlanDefinition/{ID}/$apply?{query}")
    assert answer.status_code in (400, 422), answer.text
    assert said(answer)


def test_a_look_takes_no_key_and_no_bundle(shared: Facade) -> None:
    answer = shared.get(f"/PlanDefinition/{ID}/$apply?subject=Patient/1&start-key=x")
    assert answer.status_code == 400
    assert "POST to begin" in said(answer)


def test_people_begin_nothing_here_and_strangers_see_nothing(shared: Facade) -> None:
    assert shared.client.get(f"/fhir/PlanDefinition/{ID}/$apply").status_code == 401
    nobody = begin(shared, parameters(), token="jalon_nobody")
    assert nobody.status_code == 401
    assert begin(shared, parameters(), "/unknown/$apply").status_code == 404
    assert begin(shared, parameters(), "/$apply").status_code == 400


# --- what is claimed --------------------------------------------------------------------------------------


def test_the_operation_and_the_extensions_are_defined_where_we_say(shared: Facade) -> None:
    claims = shared.client.get("/fhir/metadata").json()["rest"][0]["resource"]
    plan = next(one for one in claims if one["type"] == "PlanDefinition")
    definition = next(one["definition"] for one in plan["operation"] if one["name"] == "apply")
    assert definition == "https://jalon.example/fhir/OperationDefinition/PlanDefinition-apply"
    found = shared.get("/OperationDefinition/PlanDefinition-apply").json()
    assert found == apply_operation(shared.house.service.site)
    assert check(found) == []
    assert found["url"] == definition
    used = {one["url"] for one in shared.get(f"/PlanDefinition/{ID}").json()["extension"]}
    for url in used:
        assert shared.get(f"/StructureDefinition/{url.rpartition('/')[2]}").json()["url"] == url


@pytest.mark.parametrize(
    "query",
    [
        f"url={URL}",
        "version=2.0.0",
        "status=active",
        "identifier=https://jalon.example/fhir/id/protocol|vertebroplasty|2.0.0".replace("y|2", "y\\|2"),
        f"_id={ID}",
    ],
)
def test_a_protocol_is_found_by_what_names_it(shared: Facade, query: str) -> None:
    found = shared.get(f"/PlanDefinition?{query}", headers={"Prefer": "handling=strict"})
    assert [one["resource"]["id"] for one in found.json()["entry"]] == [ID], found.text


def test_every_action_finds_its_activity_here(shared: Facade) -> None:
    plan = shared.get(f"/PlanDefinition/{ID}").json()
    steps = [one for group in plan["action"] for one in group["action"] if "definitionCanonical" in one]
    for action in steps[:3]:
        url, _, version = action["definitionCanonical"].rpartition("|")
        found = shared.get("/ActivityDefinition", params={"url": url, "version": version}).json()
        assert found["total"] == 1
