"""Where a token may come from and go to, what scopes cover, and how our keys are kept."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateways import keys as key_files
from gateways.fhir_client import FhirClient
from gateways.keys import BadKeys, Keys, generate
from gateways.ports import DeliveryFailed
from gateways.rate import Pace
from gateways.scopes import beyond, missing, permits
from gateways.smart import SmartToken
from tests.gateways.scripted_http import Answer, ScriptedServer

MONDAY = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
OURS = Keys((generate("ES384"),))


@pytest.fixture
def token(scripted: ScriptedServer) -> Iterator[SmartToken]:
    made = SmartToken(scripted.url + "/fhir", "jalon", OURS, lambda: MONDAY, scope="system/Task.read")
    yield made
    made.close()


def found(scripted: ScriptedServer) -> Answer:
    """What says where tokens are had."""
    return Answer(200, {"token_endpoint": scripted.url + "/token"})


def granted(text: str = "t1", **more: Any) -> Answer:
    return Answer(
        200,
        {
            "access_token": text,
            "token_type": "bearer",
            "expires_in": 300,
            "scope": "system/Task.read",
            **more,
        },
    )


@pytest.mark.parametrize("place", ["http://as.example/token", "ftp://as.example", "", None, 7])
def test_no_assertion_goes_where_everybody_may_read_it(
    scripted: ScriptedServer, token: SmartToken, place: Any
) -> None:
    scripted.answers(Answer(200, {"token_endpoint": place}))
    with pytest.raises(DeliveryFailed, match=r"smart\.token_url"):
        token()
    assert len(scripted.asked) == 1


def test_an_authority_that_sends_us_elsewhere_is_not_followed(
    scripted: ScriptedServer, token: SmartToken
) -> None:
    scripted.answers(found(scripted), Answer(307, None, {"Location": scripted.url + "/elsewhere"}))
    with pytest.raises(DeliveryFailed) as failure:
        token()
    assert failure.value.status == 401
    assert [one.path for one in scripted.asked] == ["/fhir/.well-known/smart-configuration", "/token"]


def test_a_busy_authority_is_asked_again_when_it_says(scripted: ScriptedServer, token: SmartToken) -> None:
    scripted.answers(found(scripted), Answer(503, None, {"Retry-After": "120"}))
    with pytest.raises(DeliveryFailed) as failure:
        token()
    assert (failure.value.permanent, failure.value.retry_after) == (False, 120)


def test_more_than_was_asked_for_is_worth_a_word(
    scripted: ScriptedServer, token: SmartToken, caplog: pytest.LogCaptureFixture
) -> None:
    scripted.answers(found(scripted), granted(scope="system/Task.read system/Patient.read"))
    with caplog.at_level(logging.WARNING):
        assert token() == "t1"
    assert "system/Patient.read" in caplog.text


def test_a_token_that_is_refused_is_replaced_once_and_the_request_made_again(
    scripted: ScriptedServer, token: SmartToken
) -> None:
    client = FhirClient(scripted.url + "/fhir", token, refused=token.refused)
    task = {"resourceType": "Task", "id": "1"}
    scripted.answers(found(scripted), granted("old"), Answer(401), granted("new"), Answer(200, task))
    assert client.read("Task", "1")[0] == task
    shown = [one.headers["Authorization"] for one in scripted.asked if one.path == "/fhir/Task/1"]
    assert shown == ["Bearer old", "Bearer new"]
    scripted.answers(Answer(401), granted("third"), Answer(401))
    with pytest.raises(DeliveryFailed) as failure:
        client.read("Task", "1")
    assert failure.value.status == 401
    client.close()


@pytest.mark.parametrize(
    ("asked", "have", "short"),
    [
        ("system/Task.read", "system/*.rs", []),
        ("system/Task.rs", "system/Task.read", []),
        ("system/*.read", "system/Task.read system/Patient.read", ["system/*.read"]),
        ("system/*.*", "system/*.read system/*.write", []),
        ("system/Task.cruds", "system/Task.crus", ["system/Task.cruds"]),
        ("system/Task.rs", "user/Task.rs patient/*.*", ["system/Task.rs"]),
        ("system/Task.rs", "system/Task.rs?status=requested", ["system/Task.rs"]),
        ("launch system/Task.r", "system/Task.r", ["launch"]),
    ],
)
def test_scopes_of_both_versions_are_compared_by_what_they_permit(
    asked: str, have: str, short: list[str]
) -> None:
    assert missing(asked.split(), have.split()) == short
    assert beyond(have.split(), asked.split()) == short


def test_a_scope_permits_the_interactions_of_its_letters_and_no_other() -> None:
    scopes = ("system/Task.read", "system/Appointment.cu", "openid", "system/Patient.")
    assert permits(scopes, "Task", "search-type")
    assert permits(scopes, "Task", "vread")
    assert not permits(scopes, "Task", "update")
    assert permits(scopes, "Appointment", "patch")
    assert not permits(scopes, "Appointment", "read")
    assert not permits(scopes, "Patient", "read")
    assert not permits(scopes, "Task", "operation")
    assert permits(("system/*.*",), "Task", "operation")


def test_keys_are_kept_for_their_owner_alone_and_only_their_public_halves_are_shown(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    made = Keys((generate("ES384"), generate("RS384")))
    key_files.write(file, made)
    assert file.stat().st_mode & 0o777 == 0o600
    again = key_files.read(file)
    assert [key.kid for key in again.all] == [key.kid for key in made.all]
    assert again.signing(("RS384",)).kid == made.all[1].kid
    for key in again.public()["keys"]:
        assert not {"d", "p", "q", "dp", "dq", "qi"} & key.keys()
        assert {"kid", "alg", "use", "kty"} <= key.keys()


def test_a_key_file_that_others_may_read_or_that_holds_no_private_key_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    key_files.write(file, OURS)
    file.chmod(0o644)
    with pytest.raises(BadKeys, match="chmod 600"):
        key_files.read(file)
    for content in (
        "[]",
        "{",
        json.dumps(OURS.public()),
        '{"keys": [{"kty": "oct", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"}]}',
    ):
        file.write_text(content)
        file.chmod(0o600)
        with pytest.raises(BadKeys):
            key_files.read(file)
    with pytest.raises(BadKeys, match="cannot be read"):
        key_files.read(tmp_path / "none.json")


def test_a_destination_is_asked_no_faster_than_it_allows() -> None:
    now, waited = [0.0], [0.0]

    def wait(seconds: float) -> None:
        waited[0] += seconds
        now[0] += seconds

    pace = Pace(5, elapsed=lambda: now[0], wait=wait)
    for _ in range(5):
        pace()
    assert waited[0] == 0, "a second's worth may leave at once"
    for _ in range(50):
        pace()
    assert now[0] == pytest.approx(10)
