"""What the trace is encrypted and signed with. No SQL here.

The installation's key is never used as it is: one key derived from it wraps the data keys, another signs the
seals. Everything encrypted is AES-256-GCM, nonce first, bound to what it belongs to.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE = 12
KEY_BYTES = 32


class Unreadable(Exception):
    """Wrong key, or not what was encrypted, or not in the place it was encrypted for."""


class Cipher:
    """The two keys derived from the installation's key (32 bytes), and what they are for."""

    def __init__(self, installation_key: bytes) -> None:
        if len(installation_key) != KEY_BYTES:
            raise ValueError(f"The installation's key has {KEY_BYTES} bytes, not {len(installation_key)}.")
        self._wrapping = _derived(installation_key, b"jalon audit: data keys")
        self._signing = _derived(installation_key, b"jalon audit: seals")

    def new_key(self, owner: str) -> tuple[bytes, bytes]:
        """A new data key for this owner: as it is, and as it may be stored."""
        key = secrets.token_bytes(KEY_BYTES)
        return key, encrypt(self._wrapping, key, bound_to=owner.encode())

    def unwrap(self, wrapped: bytes, owner: str) -> bytes:
        """The data key of this owner. Unreadable when another installation wrapped it, or for another owner."""
        return decrypt(self._wrapping, wrapped, bound_to=owner.encode())

    def sign(self, *what: object) -> str:
        """What only this installation can say of a row, a seal or the head: HMAC-SHA-256, in hex."""
        return hmac.new(self._signing, repr(what).encode(), hashlib.sha256).hexdigest()

    def signed(self, mac: str, *what: object) -> bool:
        """Whether this installation signed it."""
        return hmac.compare_digest(mac.encode(), self.sign(*what).encode())


def encrypt(key: bytes, plain: bytes, *, bound_to: bytes) -> bytes:
    """Nonce and ciphertext; it opens only together with ``bound_to``."""
    nonce = secrets.token_bytes(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, plain, bound_to)


def decrypt(key: bytes, sealed: bytes, *, bound_to: bytes) -> bytes:
    """What was encrypted. Unreadable when the key, the bytes or what they are bound to are not the same."""
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], bound_to)
    except (InvalidTag, ValueError) as error:
        raise Unreadable from error


def _derived(key: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose).derive(key)
