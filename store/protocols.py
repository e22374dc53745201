"""The protocols that pathways are pinned to, by content hash, and the versions published of them.

A publication gives a content a name (protocol and version), once: rows are written and never changed (triggers of
the database refuse it), and what a row holds has to hash to its name, or nobody gets it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from sqlmodel import Session, col, func, select

from pathway.ground import Ground
from store.publication_tables import ProtocolUseRow, PublicationRow
from store.tables import PathwayRow, ProtocolRow
from store.upsert import insert_if_absent


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


@dataclass(frozen=True, slots=True)
class Published:
    """A published version: its name and content hash, who published it when (UTC) and why.

    ``begins``: new pathways begin with it. ``running`` are the pathways under way on it.
    """

    key: str
    version: str
    digest: str
    published: datetime
    by: str
    note: str
    begins: bool = False
    running: int = 0

    @property
    def name(self) -> str:
        """``key version``."""
        return f"{self.key} {self.version}"


class VersionTaken(Exception):
    """This version is published already, with other content: ``published``."""

    def __init__(self, published: Published) -> None:
        super().__init__(f"{published.name} is published with other content")
        self.published = published


def publish(
    session: Session,
    *,
    digest: str,
    key: str,
    version: str,
    content: dict[str, Any],
    by: str,
    note: str,
    now: datetime,
) -> bool:
    """Give this content this name, for ever. Whether that was new. Raises VersionTaken, and then nothing is written."""
    if (known := published(session, key, version)) is None:
        if session.get(ProtocolRow, digest) is None:
            row = ProtocolRow(digest=digest, key=key, version=version, content=content, pinned=now)
            insert_if_absent(session, row)
        named = PublicationRow(key=key, version=version, digest=digest, published=now, by=by, note=note)
        if insert_if_absent(session, named):
            return True
        known = published(session, key, version)  # a rival came first, on PostgreSQL
        assert known is not None
    if known.digest != digest:
        raise VersionTaken(known)
    return False


def published(session: Session, key: str, version: str) -> Published | None:
    """What is published under this name, or None."""
    query = select(PublicationRow).where(PublicationRow.key == key, PublicationRow.version == version)
    row = session.exec(query.execution_options(populate_existing=True)).one_or_none()
    return _published(row) if row is not None else None


def publications(session: Session, *, counted: bool = True) -> list[Published]:
    """Every published version, oldest first; ``counted`` with the pathways under way on each."""
    begins = in_use(session)
    running = _running(session) if counted else {}
    query = select(PublicationRow).order_by(col(PublicationRow.published), col(PublicationRow.version))
    return [
        _published(row, begins=row.digest == begins, running=running.get(row.digest, 0))
        for row in session.exec(query)
    ]


def _running(session: Session) -> dict[str, int]:
    under_way = (
        select(PathwayRow.protocol_digest, func.count())
        .where(col(PathwayRow.status).in_(("active", "on-hold")))
        .group_by(PathwayRow.protocol_digest)
    )
    return dict(session.exec(under_way).all())


def use(session: Session, digest: str, *, by: str, now: datetime) -> bool:
    """Let new pathways begin with this version from now on. Whether that changed anything."""
    if in_use(session) == digest:
        return False
    session.add(ProtocolUseRow(digest=digest, since=now, by=by))
    session.flush()
    return True


def in_use(session: Session) -> str | None:
    """The digest of the version that new pathways begin with; None before the first is published."""
    query = select(ProtocolUseRow.digest).order_by(col(ProtocolUseRow.id).desc()).limit(1)
    return session.exec(query).first()


def ever_used(session: Session) -> frozenset[str]:
    """The digests of the versions that new pathways begin with, or have begun with before."""
    return frozenset(session.exec(select(ProtocolUseRow.digest)))


def document(session: Session, digest: str) -> dict[str, Any]:
    """The document of that digest as it is stored, unverified: for comparing, never for running."""
    row = session.get(ProtocolRow, digest)
    if row is None:
        raise LookupError(f"no protocol {digest[:12]} is pinned in this database")
    return row.content


def _published(row: PublicationRow, *, begins: bool = False, running: int = 0) -> Published:
    return Published(
        row.key, row.version, row.digest, row.published, row.by, row.note, begins=begins, running=running
    )
