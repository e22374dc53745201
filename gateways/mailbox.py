"""A gateway from which nothing leaves the machine: each message becomes one file in a directory.

For the demonstration and for a first look before a provider is chosen. A page can show `read_all()`.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from gateways.ports import DeliveryFailed, Outgoing, Receipt

_LONGEST_NAME = 180  # file systems stop at 255 bytes, and the temporary name needs some


@dataclass(frozen=True, slots=True)
class Kept:
    """A message in the mailbox and the instant (UTC) it arrived."""

    message: Outgoing
    at: datetime


class MailboxGateway:
    """Keeps SMS and e-mail alike as JSON files named by their tag; `clock` returns the present instant, UTC.

    The same tag sent twice is one file: this mailbox recognises what it already has, as the best
    providers do.
    """

    searchable = True

    def __init__(
        self, directory: Path | str, *, clock: Callable[[], datetime], name: str = "mailbox"
    ) -> None:
        self.name = name
        self.timeout = timedelta(seconds=10)
        self.search_delay = timedelta(0)
        self._directory = Path(directory)
        self._clock = clock

    def send(self, message: Outgoing, *, fence: Callable[[], None]) -> Receipt:
        """Write the message and make it durable; it appears whole or not at all."""
        path = self._path(message.tag)
        if self.find(message.tag) is not None:
            fence()
            return Receipt(path.stem, "already in the mailbox")
        with _disk_failures():
            arriving = self._write(message)
        try:
            fence()
            with _disk_failures():
                os.replace(arriving, path)
                _make_durable(self._directory)
        finally:
            arriving.unlink(missing_ok=True)
        return Receipt(path.stem, "kept in the mailbox")

    def find(self, tag: str) -> Receipt | None:
        """The file with this tag, if it is there."""
        path = self._path(tag)
        with _disk_failures():
            return Receipt(path.stem, "kept in the mailbox") if path.exists() else None

    def read_all(self) -> list[Kept]:
        """Every message, newest first; messages of the same instant by tag."""
        kept = [_read(path) for path in self._directory.glob("*.json")]
        kept.sort(key=lambda one: one.message.tag)
        kept.sort(key=lambda one: one.at, reverse=True)
        return kept

    def _path(self, tag: str) -> Path:
        name = quote(tag, safe="")
        if len(name) > _LONGEST_NAME:
            name = f"{name[:100]}~{hashlib.sha256(tag.encode()).hexdigest()[:40]}"
        return self._directory / f"{name}.json"

    def _write(self, message: Outgoing) -> Path:
        """The message in a file of its own, durable, under a name that no reader looks at."""
        self._directory.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._directory, prefix=".arriving-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({"at": self._clock().isoformat(), **asdict(message)}, file, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        return Path(name)


@contextmanager
def _disk_failures() -> Iterator[None]:
    """A disk that is full or not ours to write is a temporary failure: somebody can mend it."""
    try:
        yield
    except OSError as error:
        raise DeliveryFailed(
            f"The mailbox directory cannot be used ({error.strerror}); check its disk and its rights.",
            permanent=False,
        ) from error


def _read(path: Path) -> Kept:
    content = json.loads(path.read_text(encoding="utf-8"))
    at = datetime.fromisoformat(content.pop("at"))
    return Kept(Outgoing(**content), at)


def _make_durable(directory: Path) -> None:
    """Sync the directory itself: until then the new name may vanish with the power."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
