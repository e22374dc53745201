"""The keys of an issuer: kept, looked at again when one is unknown, and never asked for at every made-up name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from joserfc.jwk import ECKey

from gateways.jwks import PublicKeys
from gateways.keys import Keys, generate
from gateways.ports import DeliveryFailed
from tests.gateways.scripted_http import Answer, ScriptedServer

OLD, NEW = generate("ES384"), generate("ES384")


class Elapsed:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def elapsed() -> Elapsed:
    return Elapsed()


@pytest.fixture
def keys(scripted: ScriptedServer, elapsed: Elapsed) -> Iterator[PublicKeys]:
    made = PublicKeys(scripted.url + "/jwks", elapsed=elapsed)
    yield made
    made.close()


def jwks(*some: Any) -> Answer:
    return Answer(200, Keys(some).public())


def test_a_key_that_is_new_is_found_and_one_that_is_withdrawn_is_not_believed_for_long(
    scripted: ScriptedServer, keys: PublicKeys, elapsed: Elapsed
) -> None:
    scripted.answers(jwks(OLD), jwks(OLD, NEW), jwks(NEW))
    assert len(keys.named(OLD.kid)) == 1
    elapsed.seconds = 40
    assert len(keys.named(NEW.kid)) == 1
    elapsed.seconds = 300
    assert len(keys.named(None)) == 2
    elapsed.seconds = 700
    assert keys.named(OLD.kid) == ()
    assert len(scripted.asked) == 3


def test_names_that_somebody_makes_up_are_not_each_asked_for(
    scripted: ScriptedServer, keys: PublicKeys, elapsed: Elapsed
) -> None:
    scripted.answers(jwks(OLD))
    for number in range(100):
        elapsed.seconds = number / 10
        assert keys.named(f"made-up-{number}") == ()
    assert len(scripted.asked) == 1


def test_an_issuer_that_is_away_leaves_the_keys_we_had(
    scripted: ScriptedServer, keys: PublicKeys, elapsed: Elapsed
) -> None:
    scripted.answers(Answer(500))
    with pytest.raises(DeliveryFailed):
        keys.named(OLD.kid)
    elapsed.seconds = 40
    scripted.answers(jwks(OLD), Answer(503))
    assert len(keys.named(OLD.kid)) == 1
    elapsed.seconds = 1000
    assert len(keys.named(OLD.kid)) == 1


def test_of_a_set_only_the_keys_that_sign_as_we_ask_are_taken(
    scripted: ScriptedServer, keys: PublicKeys
) -> None:
    small = ECKey.generate_key("P-256").as_dict(private=False)
    others = [small, {"kty": "oct", "k": "c2VjcmV0"}, {"kty": "RSA", "n": "!", "e": "AQAB"}, "x"]
    encrypting = {**Keys((NEW,)).public()["keys"][0], "use": "enc"}
    scripted.answers(Answer(200, {"keys": [*others, encrypting, *Keys((OLD,)).public()["keys"]]}))
    assert [key.kid for key in keys.named(None)] == [OLD.kid]
