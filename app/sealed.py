"""Secrets that others gave us to use: kept sealed under a key of the installation's, and shown to nobody."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence

from cryptography.fernet import Fernet


class Sealed:
    """Seals and opens lists of words for one ``purpose``; what was sealed for another does not open."""

    def __init__(self, installation_key: bytes, purpose: str) -> None:
        key = hashlib.sha256(f"jalon {purpose}\0".encode() + installation_key).digest()
        self._box = Fernet(base64.urlsafe_b64encode(key))

    def seal(self, words: Sequence[str]) -> str:
        """The words as a text that says nothing; none are the empty text."""
        return self._box.encrypt_at_time(json.dumps(list(words)).encode(), 0).decode() if words else ""

    def open(self, sealed: str) -> tuple[str, ...]:
        """The words again. Raises cryptography's InvalidToken for what was not sealed here."""
        return tuple(json.loads(self._box.decrypt(sealed.encode()))) if sealed else ()


HEADERS = "subscription headers"
