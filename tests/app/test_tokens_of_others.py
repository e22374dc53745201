"""Systems with tokens of a real authorisation server: taken as whom the settings say, refused when they do not hold."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from app import clock
from app.fhir.errors import FhirError
from app.issuers import issuers
from app.settings import Settings
from app.smart_server import holder_of_jwt, is_jwt
from gateways.keys import ALGORITHMS, Keys, generate
from gateways.smart import SmartToken
from store.database import Database
from store.tokens import Holder
from tests.peers.oidc import Authority

NOW = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
ISSUER, AUDIENCE = "https://as.chu.example", "https://jalon.example/fhir"
SIGNS = generate("ES384")
SYSTEM = {"name": "Radiologie", "owner": "Radiologie", "requester": False, "functions": ["radiologist"]}


@pytest.fixture
def db(sqlite_url: str) -> Iterator[Database]:
    database = Database(sqlite_url)
    database.upgrade()
    yield database
    database.close()


class Here:
    """Our side: the issuers of the settings, and what becomes of a token."""

    def __init__(self, db: Database, file: Path, **more: Any) -> None:
        file.write_text(json.dumps(Keys((SIGNS,)).public()))
        issuer = {
            "issuer": ISSUER,
            "audience": AUDIENCE,
            "jwks_file": str(file),
            "clients": {"radio": SYSTEM},
            **more,
        }
        self.db = db
        self.known = issuers(Settings(fhir_issuers=[issuer]))

    def takes(self, token: str, at: datetime = NOW) -> Holder:
        return holder_of_jwt(self.db, self.known, token, at)

    def refuses(self, token: str, at: datetime = NOW) -> tuple[int, str]:
        with pytest.raises(FhirError) as caught:
            self.takes(token, at)
        assert caught.value.headers["WWW-Authenticate"].startswith("Bearer error=")
        return caught.value.status, caught.value.issues[0].diagnostics

    def close(self) -> None:
        for issuer in self.known.values():
            issuer.keys.close()


@pytest.fixture
def here(db: Database, tmp_path: Path) -> Iterator[Here]:
    made = Here(db, tmp_path / "jwks.json")
    yield made
    made.close()


def claims(**changes: Any) -> dict[str, Any]:
    said = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "radio",
        "client_id": "radio",
        "jti": "t-1",
        "iat": int(NOW.timestamp()),
        "exp": int((NOW + timedelta(minutes=5)).timestamp()),
        "scope": "system/Task.read system/Task.u",
        **changes,
    }
    return {name: value for name, value in said.items() if value is not None}


def signed(key: Any = SIGNS, alg: str = "ES384", header: dict[str, Any] | None = None, **changes: Any) -> str:
    head = {"alg": alg, "kid": SIGNS.kid, "typ": "at+jwt", **(header or {})}
    return jwt.encode(head, claims(**changes), key, algorithms=[alg])


def seconds(**time: float) -> int:
    return int((NOW + timedelta(**time)).timestamp())


def test_a_token_that_holds_is_the_system_of_the_settings_with_its_scopes(here: Here) -> None:
    holder = here.takes(signed())
    assert (holder.name, holder.role, holder.owner, holder.functions) == (
        "Radiologie",
        "system",
        "Radiologie",
        ("radiologist",),
    )
    assert holder.scopes == ("system/Task.read", "system/Task.u")
    assert here.takes(signed(aud=["https://other.example", AUDIENCE], jti="t-2", nbf=seconds(seconds=20)))


@pytest.mark.parametrize(
    ("token", "why"),
    [
        (lambda: signed(exp=seconds(seconds=-31)), "expired"),
        (lambda: signed(exp=None), "lacks exp"),
        (lambda: signed(exp="tomorrow"), "lacks exp"),
        (lambda: signed(iat=seconds(minutes=1)), "not valid yet"),
        (lambda: signed(nbf=seconds(minutes=1)), "not valid yet"),
        (lambda: signed(nbf="now"), "not valid yet"),
        (lambda: signed(aud="https://other.example/fhir"), "another server"),
        (lambda: signed(iss="https://elsewhere.example"), "issuer"),
        (lambda: signed(jti=None), "jti"),
        (lambda: signed(jti=""), "jti"),
        (lambda: signed(client_id=None, sub=None), "client"),
        (lambda: signed(generate("ES384")), "signature"),
        (lambda: signed(header={"kid": "unheard-of"}), "signature"),
        (lambda: signed(header={"typ": "logout+jwt"}), "access token"),
        (lambda: signed(OctKey.import_key("s" * 32), "HS256"), "not signed by one of"),
        (lambda: signed(ECKey.generate_key("P-256"), "ES256"), "not signed by one of"),
        (lambda: signed(RSAKey.generate_key(2048), "PS256"), "not signed by one of"),
        (lambda: signed()[:-8] + "AAAAAAAA", "signature"),
        (lambda: "eyJhbGciOiJub25lIn0." + signed().split(".")[1] + ".", "cannot be read|not signed"),
        (lambda: "a.b.c", "cannot be read"),
        (lambda: signed(scope="x" * 20_000), "too long"),
    ],
)
def test_a_token_that_does_not_hold_is_a_401_that_says_why(here: Here, token: Any, why: str) -> None:
    status, said = here.refuses(token())
    assert status == 401
    assert re.search(why, said), said


def test_a_shared_secret_made_of_the_public_key_opens_nothing(here: Here) -> None:
    forged = signed(OctKey.import_key(json.dumps(Keys((SIGNS,)).public())), "HS384")
    assert here.refuses(forged)[0] == 401


def test_a_client_that_nobody_registered_here_is_a_403(here: Here) -> None:
    assert here.refuses(signed(client_id="somebody"))[0] == 403


def test_a_name_that_comes_back_in_another_token_is_refused_and_the_same_token_is_not(here: Here) -> None:
    first = signed()
    here.takes(first)
    here.takes(first)
    assert "jti" in here.refuses(signed(scope="system/*.*"))[1]
    much_later = NOW + timedelta(days=1)
    again = signed(iat=seconds(days=1), exp=seconds(days=1, minutes=5), jti="t-other")
    assert here.takes(again, much_later)


def test_a_token_for_single_use_is_taken_once(db: Database, tmp_path: Path) -> None:
    here = Here(db, tmp_path / "jwks.json", single_use=True)
    token = signed()
    here.takes(token)
    assert "single use" in here.refuses(token)[1]
    here.close()


def test_our_own_tokens_are_not_taken_for_anybody_elses() -> None:
    assert not is_jwt("jalon_a.b.c")
    assert is_jwt(signed())


@pytest.mark.parametrize("alg", ["RS256", "ES384"])
def test_tokens_of_a_real_authority_are_taken_until_they_end(db: Database, alg: str) -> None:
    ours = {name: Keys((generate(name),)) for name in ALGORITHMS}
    clients = {name: keys.public() for name, keys in ours.items()}
    scopes = ["system/Task.rs", "system/Appointment.cruds"]
    with Authority(clients=clients, audience=AUDIENCE, scopes=scopes, alg=alg, seconds=60) as authority:
        settings = Settings(
            fhir_issuers=[
                {
                    "issuer": authority.issuer,
                    "audience": AUDIENCE,
                    "jwks_url": authority.jwks_url,
                    "clients": {"RS384": SYSTEM},
                }
            ]
        )
        known = issuers(settings)
        for name, keys in ours.items():
            token = SmartToken(authority.fhir_url, name, keys, clock.now, scope=" ".join(scopes))
            text = token()
            token.close()
            if name == "RS384":
                assert holder_of_jwt(db, known, text, clock.now()).scopes == tuple(scopes)
                with pytest.raises(FhirError, match="expired"):
                    holder_of_jwt(db, known, text, clock.now() + timedelta(minutes=2))
            else:
                with pytest.raises(FhirError, match="403"):
                    holder_of_jwt(db, known, text, clock.now())
        for issuer in known.values():
            issuer.keys.close()


def test_an_issuer_whose_keys_cannot_be_had_is_a_503(db: Database, tmp_path: Path) -> None:
    issuer = {"issuer": ISSUER, "jwks_file": str(tmp_path / "none.json"), "audience": AUDIENCE}
    known = issuers(Settings(fhir_issuers=[issuer]))
    with pytest.raises(FhirError) as caught:
        holder_of_jwt(db, known, signed(), NOW)
    assert (caught.value.status, caught.value.headers["Retry-After"]) == (503, "30")
    known[ISSUER].keys.close()
