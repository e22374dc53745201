"""The installation's key: given by whoever installs Jalon, or made once beside the SQLite database.

It wraps the keys of the trace. Whoever loses it can no longer read the trace; kept in the same place as the
backups of the database, it protects nothing.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

from sqlalchemy.engine import make_url

from app.settings import Misconfigured, Settings, secret

SHORTEST = 32
_REMEDY = "make one with `openssl rand -hex 32`"


def installation_key(settings: Settings) -> bytes:
    """The installation's key, 32 bytes.

    From JALON_SECRET_KEY, or the file that JALON_SECRET_KEY_FILE names. With neither and a SQLite database, from
    the file beside it (``jalon.sqlite.key``), made the first time, for its owner's eyes only. Misconfigured
    otherwise, with what to do.
    """
    if settings.secret_key is not None and settings.secret_key_file is not None:
        raise Misconfigured("JALON_SECRET_KEY and JALON_SECRET_KEY_FILE are both set: keep one of them.")
    if settings.secret_key is not None:
        return _key(settings.secret_key.get_secret_value(), "JALON_SECRET_KEY")
    if settings.secret_key_file is not None:
        given = secret(None, settings.secret_key_file, "SECRET_KEY")
        return _key(given, f"JALON_SECRET_KEY_FILE: {settings.secret_key_file}")
    place = _beside(settings.database_url)
    if place is None:
        raise Misconfigured(
            "This database needs a secret key: set JALON_SECRET_KEY, or JALON_SECRET_KEY_FILE to a file that holds"
            f" it; {_REMEDY}."
        )
    if not place.exists():
        _make(place)
    try:
        if place.stat().st_mode & 0o077:
            raise Misconfigured(f"Others may read the key {place}: run `chmod 600 {place}`.")
        return _key(place.read_text(), str(place))
    except OSError as error:
        raise Misconfigured(f"The key {place} cannot be read ({error.strerror}).") from error


def _key(text: str, where: str) -> bytes:
    text = text.strip()
    if len(text) < SHORTEST or len(set(text)) < 8:
        raise Misconfigured(f"{where} is no secret: at least {SHORTEST} random characters; {_REMEDY}.")
    return hashlib.sha256(b"jalon installation key\0" + text.encode()).digest()


def _beside(database_url: str) -> Path | None:
    """Where the key of a SQLite file lies; None for what is not a file."""
    url = make_url(database_url)
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return None
    return Path(f"{url.database}.key")


def _make(place: Path) -> None:
    """Write a new key whole and then give it its name, so that of two processes one wins and both read it."""
    draft = place.with_name(f"{place.name}.{secrets.token_hex(4)}")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, place)
        except FileExistsError:
            return
        finally:
            draft.unlink()
    except OSError as error:
        raise Misconfigured(
            f"The key {place} cannot be made ({error.strerror}). Set JALON_SECRET_KEY; {_REMEDY}."
        ) from error
