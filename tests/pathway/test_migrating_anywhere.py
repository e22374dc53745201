"""Random pathways of one centre's variant, moved onto another's at a random moment: refused, or whole and undoable."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from app.protocols import BUILTIN, LoadedProtocol, digest_of, from_content, load, load_for, read_centre
from fhir_mappings.project import project
from fhir_mappings.site import Site
from pathway import events as e
from pathway.checking.dice import Dice
from pathway.checking.reading import Reading
from pathway.decide import decide
from pathway.enrolment import enrol
from pathway.flags import flags
from pathway.ground import Ground
from pathway.ladders import alerts
from pathway.migrating import leaving, migrate, undo
from pathway.moved import compared
from pathway.plan import Plan, plan
from pathway.refusal import Refused
from pathway.stage import stage
from pathway.state import Actor, Pathway

START = datetime(2027, 2, 1, 9, tzinfo=UTC)
ADMIN = Actor("root (command line)", "admin")
SITE = Site(system="https://jalon.example/fhir", name="Centre")
FORMER = Path(__file__).parent.parent / "data" / "protocols" / "vertebroplasty-1.0.0.json"
"""Version 1.0.0 as it was pinned when it was the built-in protocol: patients may be under way on it still."""


def former() -> LoadedProtocol:
    """Version 1.0.0 of the built-in protocol, read by the code of today."""
    content = json.loads(FORMER.read_text(encoding="utf-8"))
    return from_content(content, digest_of(content))


VARIANTS: tuple[LoadedProtocol, ...] = (
    former(),
    load(),
    *(load_for(read_centre(path)) for path in sorted((BUILTIN.parent.parent / "centres").glob("*.yaml"))),
)


def test_what_an_earlier_jalon_pinned_is_still_read_by_the_same_name() -> None:
    assert former().digest == "66b5183e5a0a91b50e42b8e090b752b12284dd66bfb905270780f24453198c3f"
    assert former().protocol.version == "1.0.0"


def said_whole(pathway: Pathway, ground: Ground) -> Plan:
    """Everything that is asked of a state, so that nothing in it is left over from another version."""
    wanted = plan(pathway, ground)
    stage(pathway, ground)
    flags(pathway, ground)
    alerts(pathway, ground)
    project(pathway, ground, wanted, SITE)
    return wanted


def names(wanted: Plan) -> dict[str, object]:
    """What is planned when, without the count of revisions: a plan that stands again is said under a new name."""
    return {re.sub(r"@[0-9.]+", "", item.key): item.at for item in wanted.items}


@pytest.mark.parametrize("seed", range(12))
def test_a_pathway_is_moved_whole_or_not_at_all_and_can_come_back(seed: int) -> None:
    chance = Random(seed)
    moved, sentences = 0, []
    for _ in range(6):
        first, second = chance.sample(VARIANTS, 2)
        old, new = first.ground, second.ground
        dice = Dice(Reading(old.protocol), chance)
        now = START
        pathway = enrol("random", "random", dice.referral(now), old, at=now)
        for _ in range(chance.choice((0, 3, 10, 30, 90))):
            now += dice.time()
            try:
                further = decide(pathway, dice.event(pathway, now), old, at=now)
            except Refused:
                continue
            pathway = further if further.runs else pathway
        # Any event at this hour: what it brings by itself is no doing of the move.
        before = decide(pathway, e.FactsRecorded(by=ADMIN, facts=()), old, at=now)
        wanted = said_whole(before, old)
        there = (before.protocol_digest, new.protocol.digest)
        try:
            after = migrate(
                before,
                e.Migrated(by=ADMIN, from_digest=there[0], to_digest=there[1], reason="x"),
                old,
                new,
                at=now,
            )
        except Refused as refused:
            sentences.append(refused.text.en)
            continue
        moved += 1
        said_whole(after, new)
        said_whole(leaving(before, after, now), old)
        compared(before, after, old, new)
        back = undo(
            after,
            e.MigrationUndone(by=ADMIN, from_digest=there[1], to_digest=there[0], reason="x"),
            new,
            old,
            at=now,
        )
        assert back.migrations == before.migrations
        again = said_whole(back, old)
        assert names(again) == names(wanted)
        assert {step.ref for step in back.steps} == {step.ref for step in before.steps}
        assert replace(back.hold, revision=0) == replace(before.hold, revision=0)
        for _ in range(20):  # it goes on by the new version
            now += dice.time()
            try:
                after = decide(after, Dice(Reading(new.protocol), chance).event(after, now), new, at=now)
            except Refused:
                continue
        said_whole(after, new)
    assert moved or sentences
    assert all(one.endswith(".") for one in sentences), "a refusal is a sentence"
