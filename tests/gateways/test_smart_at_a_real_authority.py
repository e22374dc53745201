"""Asking a real authorisation server for a token: signed both ways, once each, and never for too long."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from app import clock
from gateways.keys import ALGORITHMS, Keys, generate
from gateways.ports import DeliveryFailed
from gateways.smart import SmartToken, assertion
from tests.peers.oidc import Authority

AUDIENCE = "https://chu.example/fhir"
SCOPE = "system/*.read system/Task.write"
OURS = {name: Keys((generate(name),)) for name in ALGORITHMS}
STRANGER = Keys((generate("ES384"),))


@pytest.fixture(scope="module")
def authority() -> Iterator[Authority]:
    """The hospital's, which knows us by our public keys."""
    clients = {name: keys.public() for name, keys in OURS.items()}
    with Authority(clients=clients, audience=AUDIENCE, scopes=SCOPE.split(), alg="RS256") as running:
        yield running


@pytest.fixture
def asks(authority: Authority) -> Iterator[Callable[..., SmartToken]]:
    """A client of this id and these keys; closed at the end."""
    with ExitStack() as stack:

        def made(client_id: str, keys: Keys, **more: Any) -> SmartToken:
            token = SmartToken(
                authority.fhir_url, client_id, keys, **{"clock": clock.now, "scope": SCOPE, **more}
            )
            stack.callback(token.close)
            return token

        yield made


def claims(token: str) -> dict[str, object]:
    """What a token says, unverified."""
    body = token.split(".")[1]
    said: dict[str, object] = json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return said


def shows(authority: Authority, signed: str) -> httpx.Response:
    """An assertion put to the token endpoint by hand."""
    form = {
        "grant_type": "client_credentials",
        "scope": "system/*.read",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": signed,
    }
    return httpx.post(authority.token_url, data=form, trust_env=False)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_token_is_had_by_an_assertion_signed_with(asks: Callable[..., SmartToken], name: str) -> None:
    token = asks(name, OURS[name])
    said = claims(token())
    assert (said["aud"], said["client_id"], said["scope"]) == (
        AUDIENCE,
        name,
        SCOPE,
    )
    assert token() == token(), "one token for every request while it lasts"


def test_a_token_is_replaced_shortly_before_its_end_and_when_it_is_refused(
    asks: Callable[..., SmartToken],
) -> None:
    lead = [timedelta(0)]
    token = asks("ES384", OURS["ES384"], clock=lambda: clock.now() + lead[0])
    first = token()
    token.refused("another one")
    assert token() == first
    token.refused(first)
    second = token()
    assert second != first
    lead[0] = timedelta(minutes=4, seconds=20)
    assert token() == second
    lead[0] = timedelta(seconds=5)


def test_an_assertion_that_has_ended_is_refused(authority: Authority) -> None:
    late = clock.now() - timedelta(minutes=10)
    answer = shows(authority, assertion("ES384", authority.issuer, OURS["ES384"], late))
    assert answer.json()["error"] == "invalid_client"


def test_an_assertion_is_taken_once(authority: Authority) -> None:
    signed = assertion("RS384", authority.issuer, OURS["RS384"], clock.now())
    assert shows(authority, signed).status_code == 200
    assert shows(authority, signed).json()["error"] == "invalid_client"


def test_an_assertion_lasts_less_than_five_minutes_and_names_itself_once() -> None:
    at = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
    one, other = (claims(assertion("us", "https://as.example/token", STRANGER, at)) for _ in range(2))
    assert isinstance(one["exp"], int)
    assert one["exp"] - at.timestamp() <= 300
    assert one["jti"] != other["jti"]
    assert (one["iss"], one["sub"], one["aud"]) == ("us", "us", "https://as.example/token")


def test_a_key_that_the_hospital_does_not_know_is_an_account_fault_and_refuses_no_resource(
    asks: Callable[..., SmartToken],
) -> None:
    token = asks("ES384", STRANGER)
    with pytest.raises(DeliveryFailed, match="invalid_client") as failure:
        token()
    assert failure.value.status == 401


def test_what_is_not_granted_is_named_and_what_a_wider_scope_covers_is_not(
    asks: Callable[..., SmartToken],
) -> None:
    assert asks("ES384", OURS["ES384"], scope="system/*.read system/Binary.rs")()
    with pytest.raises(DeliveryFailed, match=r"does not grant system/\*\.write: ask") as failure:
        asks("ES384", OURS["ES384"], scope="system/*.read system/*.write")()
    assert failure.value.status == 403
