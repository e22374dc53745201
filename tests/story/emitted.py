"""Everything that a story ever said as FHIR: each version of each resource, and the transactions for a hospital."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from sqlmodel import Session, col, create_engine, select

from app import clock
from app.story.reader import read_story
from app.story.theatre import play_alone
from fhir_mappings.outbound import DEPENDENCE, Known, local_ref, to_send, transaction
from store.resource_tables import ResourceVersionRow

Json = dict[str, Any]

_REMEMBERED: dict[Path, list[list[Json]]] = {}
"""By story: what it said, one list for each instant. Playing takes seconds, and another test plays it anyway."""

_FREE_TEXT = re.compile(
    r'"(text|display|title|description|contentString|valueString|div)": "(?:[^"\\]|\\.)*"'
)
_DEFINITIONS = ("PlanDefinition", "ActivityDefinition")
_NAMES = re.compile(r"[0-9a-f]{12,}|\d+")


@dataclass(frozen=True, slots=True)
class Said:
    """What one story said: its resources, all versions, and the Bundles for a hospital that takes writes."""

    resources: list[Json]
    transactions: list[Json]


def remember(story: Path, database_url: str) -> None:
    """Keep what was said while this story was played on this database."""
    engine = create_engine(database_url)
    with Session(engine) as session:
        order = (col(ResourceVersionRow.updated), col(ResourceVersionRow.type), col(ResourceVersionRow.id))
        # The protocol itself is said at the start, whoever the patient is; it has tests of its own.
        told = select(ResourceVersionRow).where(col(ResourceVersionRow.type).not_in(_DEFINITIONS))
        rows = session.exec(told.order_by(*order, col(ResourceVersionRow.version))).all()
        moments = groupby(rows, key=lambda row: row.updated)
        _REMEMBERED[story] = [[row.content for row in together] for _, together in moments]
    engine.dispose()


def said_in(story: Path, place: Path) -> Said:
    """What this story said; played in `place` when no test of this run has played it yet."""
    if story not in _REMEMBERED:
        url = f"sqlite:///{place}/story.sqlite"
        play_alone(read_story(story), database_url=url, place=place, now=clock.now())
        remember(story, url)
    moments = _REMEMBERED[story]
    return Said([each for together in moments for each in together], list(_transactions(moments)))


def _transactions(moments: Sequence[Sequence[Json]]) -> Iterator[Json]:
    """One for each instant at which something changed, to a hospital that has what was sent before."""
    known: dict[str, Known] = {}
    for together in moments:
        last = {local_ref(each): each for each in together if each["resourceType"] in DEPENDENCE}
        if sent := to_send(list(last.values()), known):
            yield transaction(sent, known)
        known |= {
            ref: Known(f"{ref.partition('/')[0]}/h{len(known)}-{at}", 'W/"1"') for at, ref in enumerate(last)
        }


def form(resource: Json) -> str:
    """What is left of a resource without its names, dates, numbers and words: alike means judged alike."""
    return _NAMES.sub("0", _FREE_TEXT.sub('"words"', json.dumps(resource, sort_keys=True)))
