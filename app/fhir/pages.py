"""The ``next`` link of a search: sealed, so that what was asked by POST stays out of URLs on every page."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime

from cryptography.fernet import Fernet, InvalidToken

from store.asked import Place

PAGE = "page"
"""Our own parameter: the whole search and where the page before ended, to be given back as it was."""

Pairs = tuple[tuple[str, str], ...]


class Pages:
    """Seals and opens what a ``next`` link carries, under a key of the installation's."""

    def __init__(self, installation_key: bytes) -> None:
        key = hashlib.sha256(b"jalon fhir page\0" + installation_key).digest()
        self._box = Fernet(base64.urlsafe_b64encode(key))

    def seal(self, where: str, said: Sequence[tuple[str, str]], place: Place) -> str:
        """This search at this address (``Task``, ``Task/_history``), from this place on."""
        values = [
            {"at": value.isoformat()} if isinstance(value, datetime) else value for value in place.values
        ]
        words = json.dumps([where, list(said), values, place.id]).encode()
        # A link has no age here: it is as good as the token that follows it.
        return self._box.encrypt_at_time(words, 0).decode()

    def open(self, where: str, sealed: str) -> tuple[Pairs, Place]:
        """What was sealed. ValueError with a sentence when it was not sealed here, or for another address."""
        try:
            of, said, values, id_ = json.loads(self._box.decrypt(sealed.encode()))
        except (InvalidToken, UnicodeEncodeError):
            of = None
        if of != where:
            raise ValueError("follow the next link as it was given")
        return tuple((name, text) for name, text in said), Place(tuple(map(_value, values)), id_)


def _value(sealed: str | dict[str, str] | None) -> datetime | str | None:
    return datetime.fromisoformat(sealed["at"]).astimezone(UTC) if isinstance(sealed, dict) else sealed
