"""Passwords: argon2id with the library's current parameters, a few at a time, and the same time for nobody."""

from __future__ import annotations

import secrets
import unicodedata
from functools import cache
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from pathway.refusal import Refused, Text

SHORTEST = 12
LONGEST = 256

_HASHER = PasswordHasher()
# One hash takes 64 MiB: a flood of sign-ins waits here and does not eat the machine.
_AT_ONCE = BoundedSemaphore(4)


def chosen(password: str) -> str:
    """A password somebody chose, hashed. Refused when it is shorter than 12 characters or longer than 256."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise Refused(
            Text(
                fr=f"Le mot de passe doit compter de {SHORTEST} à {LONGEST} caractères.",
                en=f"The password must have {SHORTEST} to {LONGEST} characters.",
            ),
            kind="invalid",
            field="password",
        )
    return hashed(password)


def hashed(password: str) -> str:
    """The password as it is stored."""
    with _AT_ONCE:
        return _HASHER.hash(_composed(password))


def proves(password: str, stored: str | None) -> bool:
    """Whether the password is the stored one. With nothing stored it takes as long, and is always False."""
    nobody = _nobody()
    with _AT_ONCE:
        try:
            _HASHER.verify(stored or nobody, _composed(password[:LONGEST]))
        except (VerificationError, InvalidHashError):
            return False
    return stored is not None and len(password) <= LONGEST


def is_dated(stored: str) -> bool:
    """Whether it was hashed with other parameters than today's."""
    return _HASHER.check_needs_rehash(stored)


def _composed(password: str) -> str:
    # The same accented letter is one character on one keyboard and two on another.
    return unicodedata.normalize("NFC", password)


@cache
def _nobody() -> str:
    return _HASHER.hash(secrets.token_urlsafe())
