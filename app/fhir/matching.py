"""The criteria of a condition (``If-None-Exist``, ``PUT [type]?…``, a reference that searches): a strict search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import parse_qsl

from sqlmodel import Session

from app.fhir import asked
from app.fhir.errors import refuse
from app.fhir.pages import Pages
from app.fhir.reads import base, zone
from app.fhir.served import Served
from app.fhir.wishes import Criteria
from app.service import Service
from store import search
from store.search import Found

_FORM = ("_format", "_pretty")
_CONTROLS = ("_count", "_sort", "_summary", "_total", "_include", "_revinclude", "_elements", "page")
_NONE = Pages(b"")
"""A condition is no page of anything."""


def criteria(said: str) -> Criteria:
    """The criteria in a query string, in one order however they were said. 400 when there are none."""
    return checked(parsed(said.removeprefix("?")))


def parsed(query: str) -> list[tuple[str, str]]:
    """The parameters of a query string. 400 for what is none."""
    try:
        return asked.pairs(parse_qsl(query, keep_blank_values=True, max_num_fields=20))
    except ValueError:
        raise refuse(400, "A search is a query string of at most 20 parameters; say fewer.") from None


def checked(said: Sequence[tuple[str, str]]) -> Criteria:
    """The same of criteria that were parted already."""
    kept = tuple(sorted(pair for pair in said if pair[0] not in _FORM))
    if not kept or any(not value.strip() for _, value in kept):
        raise refuse(400, "A condition needs criteria with values, such as identifier=system|value.")
    if any(name.partition(":")[0] in _CONTROLS for name, _ in kept):
        sentence = "A condition says what is looked for and nothing about the answer; leave the rest out."
        raise refuse(400, sentence, code="not-supported")
    return kept


def name(type_: str, said: Criteria) -> str:
    """What those who put the same condition wait for each other by."""
    return f"{type_}?{said!r}"


def one(service: Service, session: Session, served: Served, said: Criteria) -> Found | None:
    """The one resource that meets the condition; None for none. 412 for more than one.

    Of a Patient of ours and another's record of the same person, ours is meant. 400 for what is no search here.
    """
    wanted = asked.read(served, said, pages=_NONE, zone=zone(service), base=base(service), strict=True)
    page = search.page(session, replace(wanted.question, count=3))
    rows = (search.read(session, each.type, each.id) for each in page.found)
    found = [row for row in rows if row is not None]
    ours = [each for each in found if each.source is None]
    if served.type == "Patient" and len(ours) == 1:
        found = ours
    if len(found) > 1:
        raise refuse(412, f"More than one {served.type} meets the condition; say it more narrowly.")
    return found[0] if found else None
