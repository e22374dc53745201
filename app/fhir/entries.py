"""The entries of a batch or transaction, read as the requests that they are."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import unquote

from app.fhir import asking, matching
from app.fhir.errors import FhirError, refusal, refuse
from app.fhir.served import BY_TYPE, Served
from app.fhir.wishes import Criteria, Method, Wish
from app.fhir.writes import well_formed
from fhir_mappings.outcome import Issue, error
from fhir_mappings.raw import entry_resources
from fhir_mappings.read import Json, object_at, objects_at, text_at

MOST = 5000
"""Entries of one Bundle: more would hold everybody else up for too long."""

_METHODS = ("POST", "PUT", "PATCH", "GET", "HEAD")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its place in the Bundle, what it asks, and the text of its resource as it stands there."""

    index: int
    method: str
    url: str
    full_url: str | None
    text: str | None = field(repr=False)
    resource: Json = field(repr=False)
    request: Json = field(repr=False)

    @property
    def where(self) -> str:
        """Its FHIRPath in the Bundle."""
        return f"Bundle.entry[{self.index}]"

    @property
    def reads(self) -> bool:
        """Whether it only asks."""
        return self.method in ("GET", "HEAD")


def entries(bundle: Json, text: str) -> list[Entry]:
    """The entries of a Bundle, ``text`` being the Bundle as it came. 400 and 422 for what is no entry."""
    given = bundle.get("entry", [])
    if not isinstance(given, list) or len(objects_at(bundle, "entry")) != len(given):
        raise refuse(
            400,
            "Bundle.entry must be a list of objects; correct its shape.",
            "Bundle.entry",
            code="structure",
        )
    if len(given) > MOST:
        raise refuse(
            422, f"A Bundle has at most {MOST} entries here; send less at a time.", code="too-costly"
        )
    texts = entry_resources(text)
    return [
        Entry(
            index,
            text_at(each, "request", "method") or "",
            text_at(each, "request", "url") or "",
            text_at(each, "fullUrl"),
            texts[index],
            object_at(each, "resource"),
            object_at(each, "request"),
        )
        for index, each in enumerate(given)
    ]


@contextmanager
def named(entry: Entry) -> Iterator[None]:
    """Whatever is refused within says which entry it was."""
    try:
        yield
    except Exception as caught:
        refused = refusal(caught)
        if refused is None:
            raise
        placed = (_placed(entry, each) for each in refused.issues)
        raise FhirError(refused.status, *placed, headers=refused.headers) from None


def _placed(entry: Entry, issue: Issue) -> Issue:
    kind = text_at(entry.resource, "resourceType") or ""
    paths = [
        f"{entry.where}.resource{each[len(kind) :]}" if kind and each.startswith(f"{kind}.") else entry.where
        for each in issue.expression or ("",)
    ]
    return Issue(issue.severity, issue.code, issue.diagnostics, tuple(dict.fromkeys(paths)))


@dataclass(frozen=True, slots=True)
class Target:
    """What an entry's URL names: a type, and an id or criteria. ``served`` is None for the whole server."""

    served: Served | None
    path: str
    query: str
    id: str | None = None


def target(entry: Entry, base: str) -> Target:
    """What the URL of this entry names. 404 for a type that is not served, 405 for a method that is not."""
    if entry.method == "DELETE":
        raise refuse(
            405, "Nothing is deleted here; say what became of it (cancelled, entered-in-error) instead."
        )
    if entry.method not in _METHODS:
        where = f"{entry.where}.request.method"
        raise FhirError(
            400, error("required", f"request.method must be one of {', '.join(_METHODS)}.", where)
        )
    path, _, query = entry.url.removeprefix(f"{base}/").removeprefix("/").partition("?")
    type_, _, rest = path.partition("/")
    if not entry.reads and (not type_ or "$" in path):
        raise refuse(
            422,
            "This entry is no create, update or patch; nothing else is done in a Bundle.",
            code="not-supported",
        )
    if type_ and type_ not in BY_TYPE and not entry.reads:
        raise refuse(404, "This type is not served here; GET metadata says what is.", code="not-supported")
    return Target(BY_TYPE.get(type_), path, query, unquote(rest) or None)


def wish(entry: Entry, base: str) -> Wish:
    """The write that this entry asks for. 400, 404, 405 and 422 for what cannot be written so."""
    aim = target(entry, base)
    assert aim.served is not None, "a write names a type"
    served = aim.served
    criteria: Criteria | None = None
    if (entry.method == "POST") == (aim.id is not None) and not (entry.method == "PUT" and aim.query):
        raise refuse(
            400, "POST names a type, PUT and PATCH a type and an id; correct request.url.", code="invalid"
        )
    interaction = {"POST": "create", "PUT": "update", "PATCH": "patch"}[entry.method]
    if interaction not in served.interactions:
        raise refuse(405, f"{entry.method} of {served.type} is not served here.")
    if entry.method == "PATCH":
        return Wish(
            served,
            "PATCH",
            {},
            operations=_operations(entry.resource),
            id=aim.id,
            if_match=text_at(entry.request, "ifMatch"),
        )
    resource = well_formed(served, entry.resource)
    if entry.method == "POST" and (said := text_at(entry.request, "ifNoneExist")):
        criteria = matching.criteria(said.partition("?")[2] or said)
    elif entry.method == "PUT" and aim.id is None:
        criteria = matching.criteria(aim.query)
    elif entry.method == "PUT" and resource.get("id") != aim.id:
        where = f"{served.type}.id"
        raise refuse(400, f"{where} must be the id of request.url; correct the one or the other.", where)
    return Wish(
        served,
        cast(Method, entry.method),
        resource,
        (entry.text or "").encode(),
        id=aim.id,
        criteria=criteria,
        if_match=text_at(entry.request, "ifMatch"),
        if_none_match=text_at(entry.request, "ifNoneMatch"),
    )


def _operations(binary: Json) -> object:
    """The JSON Patch in a Binary, as R4 puts a patch into a Bundle."""
    said, kind = text_at(binary, "data"), text_at(binary, "contentType") or ""
    if text_at(binary, "resourceType") != "Binary" or said is None or not kind.startswith(asking.PATCH_TYPE):
        sentence = f"A PATCH in a Bundle is a Binary of {asking.PATCH_TYPE}; send it so."
        raise refuse(422, sentence, code="structure")
    try:
        return asking.operations(base64.b64decode(said, validate=True))
    except ValueError:
        raise refuse(422, "Binary.data must be base64; correct it.", "Binary.data", code="value") from None
