"""The ``next`` link of a search: sealed, so that what was asked by POST stays out of URLs on every page."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime

from cryptography.fernet import Fernet, InvalidToken

from store.search import Place

PAGE = "page"
"""Our own parameter: the whole search and where the page before ended, to be given back as it was."""

Pairs = tuple[tuple[str, str], ...]


class Pages:
    """Seals and opens what a ``next`` link carries, under a key of the installation's."""

    def __init__(self, installation_key: bytes) -> None:
        key = hashlib.sha256(b"jalon fhir page\0" + installation_key).digest()
        self._box = Fernet(base64.urlsafe_b64encode(key))

    def seal(self, type_: str, said: Sequence[tuple[str, str]], place: Place) -> str:
        """This search of this type, from this place on."""
        value = place.value.isoformat() if place.value is not None else None
        words = json.dumps([type_, list(said), value, place.id]).encode()
        # A link has no age here: it is as good as the token that follows it.
        return self._box.encrypt_at_time(words, 0).decode()

    def open(self, type_: str, sealed: str) -> tuple[Pairs, Place]:
        """What was sealed. ValueError with a sentence when it was not sealed here, or for another type."""
        try:
            of, said, value, id_ = json.loads(self._box.decrypt(sealed.encode()))
        except (InvalidToken, UnicodeEncodeError):
            of = None
        if of != type_:
            raise ValueError("follow the next link as it was given")
        at = datetime.fromisoformat(value).astimezone(UTC) if value is not None else None
        return tuple((name, text) for name, text in said), Place(at, id_)
