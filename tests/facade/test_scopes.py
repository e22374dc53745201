"""What a token of another issuer lets a system do on our ``/fhir``, and what it is told when that is too little."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt

from app.api import create_app
from fhir_mappings.codes import CCAM
from gateways import keys as key_files
from gateways.keys import Keys, generate
from tests.facade.applied import begin, empty, inline, parameters
from tests.facade.conftest import OWNER, RADIOLOGY, Facade, TestClient, open_facade, referral_bundle
from tests.facade.test_writing import moved
from tests.house import Clock

ISSUER = "https://as.chu.example"
SIGNS = generate("ES384")
OURS = Keys((generate("ES384"), generate("RS384")))


@pytest.fixture
def facade(tmp_path: Path, clock: Clock) -> Iterator[Facade]:
    """A facade that takes the tokens of one authorisation server, and has keys of its own."""
    jwks = tmp_path / "jwks.json"
    jwks.write_text(json.dumps(Keys((SIGNS,)).public()))
    key_files.write(tmp_path / "keys.json", OURS)
    settings = {
        "database_url": f"sqlite:///{tmp_path / 'jalon.sqlite'}",
        "smart_keys_file": tmp_path / "keys.json",
        "fhir_issuers": [
            {
                "issuer": ISSUER,
                "jwks_file": jwks,
                "token_url": f"{ISSUER}/token",
                "clients": {"ris": {"name": "RIS", "owner": RADIOLOGY, "functions": ["coordinator"]}},
            }
        ],
    }
    yield from open_facade(settings, clock)


def token(facade: Facade, scope: str, **more: Any) -> str:
    """A token of the issuer for the radiology system."""
    now = facade.house.clock.now
    claims = {
        "iss": ISSUER,
        "aud": "http://jalon.test/fhir",
        "client_id": "ris",
        "jti": scope,
        "iat": int(now.timestamp()),
        "exp": int((now + timedelta(minutes=5)).timestamp()),
        "scope": scope,
        **more,
    }
    return jwt.encode(
        {"alg": "ES384", "kid": SIGNS.kid, "typ": "at+jwt"}, claims, SIGNS, algorithms=["ES384"]
    )


def test_who_may_read_tasks_reads_tasks_and_nothing_else(facade: Facade) -> None:
    pathway_id = facade.referred()
    for scope in ("system/Task.read", "system/Task.rs"):
        reader = token(facade, scope)
        answer = facade.get("/Task", params={"_count": "5"}, token=reader)
        assert answer.status_code == 200, answer.text
        task = answer.json()["entry"][0]["resource"]
        assert facade.get(f"/Task/{task['id']}", token=reader).status_code == 200
        refused = facade.get("/Patient", token=reader)
        assert refused.status_code == 403
        assert refused.json()["resourceType"] == "OperationOutcome"
        assert 'error="insufficient_scope"' in refused.headers["www-authenticate"]
        write = facade.put(moved(facade.task(pathway_id, "triage"), "in-progress"), token=reader)
        assert write.status_code == 403


def test_who_may_write_tasks_moves_those_of_its_queue(facade: Facade) -> None:
    task = facade.task(facade.referred(), "triage")
    writer = token(facade, "system/Task.cruds")
    answer = facade.put(moved(task, "in-progress", owner=OWNER), token=writer)
    assert answer.status_code == 200, answer.text


def test_a_token_that_does_not_hold_is_a_401_that_asks_for_another(facade: Facade) -> None:
    late = token(facade, "system/*.*", exp=int(facade.house.clock.now.timestamp()) - 60)
    answer = facade.get("/Task", token=late)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert answer.json()["issue"][0]["diagnostics"] == "The token has expired."


def test_our_public_keys_and_where_our_clients_get_tokens_are_said(facade: Facade) -> None:
    with TestClient(create_app(facade.house.service), base_url="http://jalon.test") as anybody:
        keys = anybody.get("/.well-known/jwks.json").json()["keys"]
        assert [key["kid"] for key in keys] == [key.kid for key in OURS.all]
        assert all("d" not in key for key in keys)
        said = anybody.get("/fhir/.well-known/smart-configuration").json()
        assert (said["issuer"], said["token_endpoint"]) == (ISSUER, f"{ISSUER}/token")


def test_the_capability_statement_says_smart_where_tokens_of_others_are_taken(facade: Facade) -> None:
    (rest,) = facade.client.get("/fhir/metadata").json()["rest"]
    assert rest["security"]["service"][0]["coding"][0]["code"] == "SMART-on-FHIR"


def test_beginning_a_pathway_takes_the_right_to_make_a_care_plan(facade: Facade) -> None:
    body = parameters()
    less = begin(facade, body, token=token(facade, "system/PlanDefinition.read system/Task.*"))
    assert less.status_code == 403
    assert "system/CarePlan.c" in less.headers["www-authenticate"]
    maker = token(facade, "system/PlanDefinition.rs system/CarePlan.c")
    for status in (201, 200):
        blind = begin(facade, body, token=maker)
        assert (blind.status_code, blind.content) == (status, b""), blind.text
    seeing = begin(facade, body, token=token(facade, "system/PlanDefinition.rs system/CarePlan.cr"))
    assert (seeing.status_code, seeing.json()["resourceType"]) == (200, "CarePlan")
    assert blind.headers["location"] == seeing.headers["location"]


def test_a_referral_shows_its_care_plan_to_whoever_may_read_it(facade: Facade) -> None:
    wanted = {"Prefer": "return=representation"}
    makes = "system/ServiceRequest.c system/Patient.c"
    for scope, shown in ((makes, False), (f"{makes} system/CarePlan.r", True)):
        body = referral_bundle(3)
        answer = facade.ask("POST", "", resource=body, token=token(facade, scope), headers=wanted)
        assert answer.status_code in (200, 201), answer.text
        assert (answer.json()["resourceType"] == "CarePlan") is shown


def test_a_start_reads_what_is_stored_here_only_with_the_right_to(facade: Facade) -> None:
    pathway_id = facade.referred(0)
    patient = f"Patient/{facade.house.load(pathway_id)[0].patient_id}"
    healed = {**inline(0, "Condition"), "subject": {"reference": patient}, "onsetDateTime": "2027-02-25"}
    written = facade.ask("POST", "/Condition", resource={**healed, "bodySite": [{"text": "L2"}]}).json()
    order = {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "code": {"coding": [{"system": CCAM, "code": "LHMH002"}]},
        "subject": {"reference": patient},
        "requester": {"display": "Dr Médecin"},
        "authoredOn": "2027-03-01T09:00:00Z",
        "reasonReference": [{"reference": f"Condition/{written['id']}"}],
    }
    asked = facade.ask("POST", "/ServiceRequest", resource=order).json()
    body = parameters(
        subject={"valueString": patient},
        condition={"valueReference": {"reference": f"Condition/{written['id']}"}},
        request={"valueReference": {"reference": f"ServiceRequest/{asked['id']}"}},
        data=empty(),
    )
    granted = "system/PlanDefinition.rs system/CarePlan.cr"
    for missing in ("Patient", "Condition", "ServiceRequest"):
        refused = begin(facade, body, token=token(facade, granted))
        assert refused.status_code == 403, refused.text
        assert f"system/{missing}.r" in refused.headers["www-authenticate"]
        granted += f" system/{missing}.r"
    begun = begin(facade, body, token=token(facade, granted))
    assert begun.status_code == 201, begun.text
