"""The protocols that running pathways are pinned to, by content hash."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from sqlmodel import Session

from pathway.ground import Ground
from store.tables import ProtocolRow


class Pinned(Protocol):
    """What a pinned document unfolds to: at least the ground that decide and plan stand on."""

    @property
    def ground(self) -> Ground: ...


P = TypeVar("P", bound=Pinned)


class Shelf(Generic[P]):
    """Protocols by digest, unfolded once a process. ``unfold`` rebuilds one from its stored document."""

    def __init__(self, unfold: Callable[[dict[str, Any], str], P]) -> None:
        self._unfold = unfold
        self._known: dict[str, P] = {}

    def get(self, session: Session, digest: str) -> P:
        """The protocol of that digest. LookupError when this database never pinned it."""
        if digest not in self._known:
            row = session.get(ProtocolRow, digest)
            if row is None:
                raise LookupError(f"no protocol {digest[:12]} is pinned in this database")
            self._known[digest] = self._unfold(row.content, digest)
        return self._known[digest]


def pin(
    session: Session, *, digest: str, key: str, version: str, content: dict[str, Any], now: datetime
) -> bool:
    """Keep this document under its digest, once. Whether it was new. What is pinned is never changed."""
    if session.get(ProtocolRow, digest) is not None:
        return False
    session.add(ProtocolRow(digest=digest, key=key, version=version, content=content, pinned=now))
    session.flush()
    return True
