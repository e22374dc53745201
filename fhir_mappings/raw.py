"""The text of a resource cut and joined without being read and written again: decimals, order and spaces stay.

What a system sent is answered as it came, but for the id and the version, which are the server's to say. JSON is
only scanned here, for where its members begin and end; whoever kept the text has judged it (``fhir_mappings.body``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

_SPACE = re.compile(r"[ \t\n\r]*")
_SCAN = json.JSONDecoder(parse_float=str, parse_int=str)
"""Numbers stay words: only where they end matters here, and a very long one is no trouble."""
_OURS = re.compile(r'\{"resourceType": ?"[A-Za-z]+", ?"id": ?"[A-Za-z0-9\-.]{1,64}"')
_SERVERS = ("versionId", "lastUpdated", "_versionId", "_lastUpdated")
"""What of ``meta`` a server says; profiles, tags and security labels are their author's."""


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a JSON object: its name, where it begins, where its value begins, and where that has ended."""

    name: str
    start: int
    value: int
    end: int


def members(text: str, at: int = 0) -> Iterator[Member]:
    """The members of the object that begins at ``at``, in their order. ValueError when it is no JSON object."""
    at = _white(text, at)
    if text[at : at + 1] != "{":
        raise ValueError("no JSON object begins here")
    at = _white(text, at + 1)
    while text[at : at + 1] not in ("}", ""):
        start = at
        name, at = _value(text, start)
        at = _white(text, at)
        if text[start] != '"' or not isinstance(name, str) or text[at : at + 1] != ":":
            raise ValueError("a member of the object has no name")
        value = _white(text, at + 1)
        _, end = _value(text, value)
        yield Member(name, start, value, end)
        at = _white(text, end)
        if text[at : at + 1] == ",":
            at = _white(text, at + 1)
        elif text[at : at + 1] != "}":
            raise ValueError("the object is not closed")


def items(text: str, at: int) -> Iterator[tuple[int, int]]:
    """Where each item of the list that begins at ``at`` begins and ends. ValueError when it is no JSON list."""
    at = _white(text, at)
    if text[at : at + 1] != "[":
        raise ValueError("no JSON list begins here")
    at = _white(text, at + 1)
    while text[at : at + 1] not in ("]", ""):
        _, end = _value(text, at)
        yield at, end
        at = _white(text, end)
        if text[at : at + 1] == ",":
            at = _white(text, at + 1)
        elif text[at : at + 1] != "]":
            raise ValueError("the list is not closed")


def entry_resources(bundle: str) -> list[str | None]:
    """The resource of each entry of a Bundle as it stands in its text; None for an entry without one."""
    listed = next((one for one in members(bundle) if one.name == "entry"), None)
    if listed is None:
        return []
    found = []
    for start, _ in items(bundle, listed.value):
        held = next((one for one in members(bundle, start) if one.name == "resource"), None)
        found.append(bundle[held.value : held.end] if held is not None else None)
    return found


def text_of(body: bytes) -> str:
    """The text of a body that was kept: UTF-8, its byte-order mark left out, for a mark may only stand first."""
    return body.decode("utf-8-sig")


def stamped(text: str, id_: str, version: int, updated: str) -> str:
    """A resource with this id, version and instant (as FHIR writes it) said in it, and nothing else changed.

    What its author said in ``meta`` beside ``versionId`` and ``lastUpdated`` is kept.
    """
    found = {one.name: one for one in members(text)}
    said = f'"versionId":"{version}","lastUpdated":"{updated}"'
    edits: list[tuple[int, int, str]] = []
    missing = []
    if (own := found.get("id")) is not None:
        edits.append((own.value, own.end, f'"{id_}"'))
    else:
        missing.append(f'"id":"{id_}"')
    if (meta := found.get("meta")) is not None:
        kept = _authors(text, meta.value)
        edits.append((meta.value, meta.end, "{" + ",".join([said, *kept]) + "}"))
    else:
        missing.append(f'"meta":{{{said}}}')
    if missing:
        kind = found["resourceType"].end
        edits.append((kind, kind, "".join(f",{one}" for one in missing)))
    return _edited(text, edits)


def stamped_ours(text: str, id_: str, version: int, updated: str) -> str:
    """The same for a resource that we made: it begins with its type and id and has no ``meta``."""
    opening = _OURS.match(text)
    if opening is None:
        return stamped(text, id_, version, updated)
    end = opening.end()
    return f'{text[:end]},"meta":{{"versionId":"{version}","lastUpdated":"{updated}"}}{text[end:]}'


def _authors(text: str, at: int) -> list[str]:
    if text[at] != "{":
        return []
    return [text[one.start : one.end] for one in members(text, at) if one.name not in _SERVERS]


def _edited(text: str, edits: list[tuple[int, int, str]]) -> str:
    parts, done = [], 0
    for start, end, instead in sorted(edits):
        parts += [text[done:start], instead]
        done = end
    return "".join([*parts, text[done:]])


def _white(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    assert found is not None, "no white space at all matches too"
    return found.end()


def _value(text: str, at: int) -> tuple[object, int]:
    try:
        return _SCAN.raw_decode(text, at)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None
