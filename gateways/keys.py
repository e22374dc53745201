"""Our own keys: what we sign with when we prove who we are, kept in one file, and the public halves of them.

The file is a JWK Set that only its owner may read. The first key of each kind signs; the others are published
beside it: a new one until everybody has seen it, an old one until nothing signed with it is under way.
"""

from __future__ import annotations

import json
import os
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeyParameters, KeySet, RSAKey

ALGORITHMS = ("ES384", "RS384")
"""What SMART Backend Services asks every server to understand."""

_RSA_BITS = 3072

PrivateKey = ECKey | RSAKey


class BadKeys(Exception):
    """A key file that cannot be used: one sentence with the remedy, and nothing of the keys in it."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Private keys, in the order of the file."""

    all: tuple[PrivateKey, ...]

    def signing(self, algorithms: tuple[str, ...] = ALGORITHMS) -> PrivateKey:
        """The first key that signs by one of these. BadKeys when there is none."""
        for key in self.all:
            if algorithm(key) in algorithms:
                return key
        raise BadKeys(f"there is no key for {' or '.join(algorithms)}: make one with `jalon keys new`")

    def public(self) -> dict[str, Any]:
        """The JWK Set to publish: the public halves."""
        return {"keys": [_described(key, private=False) for key in self.all]}


def algorithm(key: PrivateKey) -> str:
    """What this key signs by."""
    return "ES384" if isinstance(key, ECKey) else "RS384"


def generate(name: str) -> PrivateKey:
    """A new key: ``ES384`` (EC P-384) or ``RS384`` (RSA of 3072 bits)."""
    named: KeyParameters = {"kid": uuid.uuid4().hex[:16]}
    if name == "ES384":
        return ECKey.generate_key("P-384", named)
    if name == "RS384":
        return RSAKey.generate_key(_RSA_BITS, named)
    raise BadKeys(f"{name}: choose one of {', '.join(ALGORITHMS)}")


def read(file: Path) -> Keys:
    """The keys of a file: a JWK Set, or a single JWK. BadKeys when they are none, or anybody else may read them."""
    try:
        mode = file.stat().st_mode
        said = json.loads(file.read_text())
    except OSError as error:
        raise BadKeys(f"{file} cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise BadKeys(f"{file} is no JSON: it should be a JWK or a JWK Set") from error
    if mode & 0o077:
        raise BadKeys(f"{file} may be read by others: chmod 600 {file}")
    if not isinstance(said, dict):
        raise BadKeys(f"{file} should be a JWK or a JWK Set")
    try:
        found = KeySet.import_key_set({"keys": said.get("keys", [said])}).keys
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise BadKeys(f"{file} holds a key that cannot be read ({type(error).__name__})") from error
    return Keys(tuple(_usable(file, key) for key in found))


def write(file: Path, keys: Keys) -> None:
    """Keep the keys, readable by their owner alone; either all of it or nothing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        json.dump({"keys": [_described(key, private=True) for key in keys.all]}, out, indent=1)
        out.flush()
        os.fsync(out.fileno())
    new.replace(file)


def _usable(file: Path, key: object) -> PrivateKey:
    ours = isinstance(key, RSAKey) or (isinstance(key, ECKey) and key.curve_name == "P-384")
    if isinstance(key, ECKey | RSAKey) and ours and key.is_private:
        key.ensure_kid()
        return key
    raise BadKeys(
        f"{file} holds a key that is no private key for RS384 or ES384; make one with `jalon keys new`"
    )


def _described(key: PrivateKey, *, private: bool) -> dict[str, Any]:
    return {**key.as_dict(private=private), "alg": algorithm(key), "use": "sig", "kid": key.kid}
