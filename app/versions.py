"""Versions of protocols: publish one, say which new pathways begin with, and tell two contents apart.

A published version is never changed. What runs is what is published: a file that was changed under the same
version is refused, at the start too, and a file with a new version waits until somebody publishes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from app.protocols import LoadedProtocol, digest_of, from_content
from pathway.refusal import Refused, Text
from store import protocols as shelves
from store.protocols import Published, VersionTaken

_SHOWN = 5
"""How many differences a sentence names."""


def publish(session: Session, loaded: LoadedProtocol, *, by: str, note: str, now: datetime) -> bool:
    """Publish this content under its version. Whether that was new; again the same changes nothing.

    Raises Refused when the version is published with other content: what differs, and that the version is to be
    raised.
    """
    try:
        return shelves.publish(
            session,
            digest=loaded.digest,
            key=loaded.protocol.protocol,
            version=loaded.protocol.version,
            content=loaded.content,
            by=by,
            note=note,
            now=now,
        )
    except VersionTaken as taken:
        there = shelves.document(session, taken.published.digest)
        if not said_otherwise(there, loaded.content):
            return False
        raise Refused(_taken(taken.published, there, loaded.content), field="version") from None


def begin_with(session: Session, own: LoadedProtocol, *, now: datetime) -> LoadedProtocol:
    """What new pathways begin with: the version in use, else ``own``, which is then published as the first.

    Raises Refused when ``own`` says otherwise than what is published under its version, Unreadable when what is
    stored is not what was published.
    """
    digest = shelves.in_use(session)
    if digest is None:
        publish(session, own, by="jalon", note="the first start", now=now)
        shelves.use(session, own.digest, by="jalon", now=now)
        return own
    known = shelves.published(session, own.protocol.protocol, own.protocol.version)
    if known is not None and known.digest != own.digest:
        there = shelves.document(session, known.digest)
        if said_otherwise(there, own.content):
            raise Refused(_taken(known, there, own.content), field="version")
    return from_content(shelves.document(session, digest), digest)


def is_published(session: Session, own: LoadedProtocol) -> bool:
    """Whether the version of this protocol is published."""
    return shelves.published(session, own.protocol.protocol, own.protocol.version) is not None


def is_intact(session: Session, one: Published) -> bool:
    """Whether what is stored is what was published: its hash is its name."""
    return digest_of(shelves.document(session, one.digest)) == one.digest


def find(session: Session, name: str) -> Published:
    """The published version of that name: ``2.0.0``, ``vertebroplasty 2.0.0``, or the beginning of its digest.

    Raises Refused with the names there are.
    """
    known = shelves.publications(session)
    found = [
        one
        for one in known
        if name in (one.version, one.name, f"{one.key}|{one.version}")
        or (len(name) >= 6 and one.digest.startswith(name))
    ]
    if len(found) == 1:
        return found[0]
    names = ", ".join(one.name for one in (found or known)) or "none"
    if found:
        raise Refused(
            Text(fr=f"« {name} » en désigne plusieurs : {names}.", en=f"{name!r} names several: {names}.")
        )
    raise Refused(
        Text(
            fr=f"Aucune version « {name} » n'est publiée ; il y a : {names}.",
            en=f"No version {name!r} is published; there are: {names}.",
        ),
        kind="not-found",
    )


def said_otherwise(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Where two contents differ, as paths like ``steps.triage.window``; the settings first, which explain the rest.

    The dates of the public holidays do not count: they follow from the place, and a newer list of them is no
    other protocol. What is published keeps the list it was published with.
    """
    found = [path for path in _differences(one, other, "") if path != "calendar.holidays"]
    return sorted(found, key=lambda path: not path.startswith("settings."))


def _differences(one: Any, other: Any, path: str) -> Iterator[str]:
    if one == other:
        return
    mine, theirs = _members(one), _members(other)
    if mine is None or theirs is None:
        yield path.removeprefix("protocol.") or "the whole document"
        return
    for name in [*mine, *(name for name in theirs if name not in mine)]:
        below = f"{path}.{name}" if path else name
        if name not in mine or name not in theirs or (path == "settings" and mine[name] != theirs[name]):
            yield below.removeprefix("protocol.")
        else:
            yield from _differences(mine[name], theirs[name], below)
    if list(mine) != list(theirs) and set(mine) == set(theirs) and isinstance(one, list):
        yield f"{path} (the order)".removeprefix("protocol.")


def _members(value: Any) -> dict[str, Any] | None:
    """What is inside, by name; the members of a list by their key, where each has one of its own."""
    if isinstance(value, dict):
        return value
    if isinstance(value, list):
        keys = [one.get("key") if isinstance(one, dict) else None for one in value]
        if value and all(keys) and len(set(keys)) == len(keys):
            return dict(zip(map(str, keys), value, strict=True))
    return None


def _taken(there: Published, published: Mapping[str, Any], now: Mapping[str, Any]) -> Text:
    paths = said_otherwise(published, now)
    shown = ", ".join(paths[:_SHOWN])
    more = len(paths) - _SHOWN
    fr = shown + (f" et {more} autres" if more > 0 else "")
    en = shown + (f" and {more} more" if more > 0 else "")
    return Text(
        fr=f"{there.name} est publié le {there.published:%Y-%m-%d} par {there.by} avec un autre contenu ({fr})."
        " Une version publiée ne change jamais : augmentez « version » dans le fichier du protocole, ou"
        " « edition » dans celui du centre, et publiez-la.",
        en=f"{there.name} was published on {there.published:%Y-%m-%d} by {there.by} with other content ({en})."
        " A published version is never changed: raise `version` in the protocol's file, or `edition` in the"
        " centre's, and publish it with `jalon protocol publish`.",
    )
