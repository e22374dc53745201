"""Words owed to professionals: what an outcome or an end calls for, until somebody records that it was said.

A letter, a secure mail or a call is written and made by people; Jalon owes it, shows it and asks until it is done.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from pathway.ground import Ground
from pathway.ladders import ladders
from pathway.lifecycle import StepStatus
from pathway.planned import Item, Kind
from pathway.protocol import Notice
from pathway.refusal import Text
from pathway.state import Pathway


def notices(pathway: Pathway, ground: Ground) -> list[Item]:
    """Every word still owed to a professional; none for the dead or after a silent end."""
    end = ground.protocol.ends.get(pathway.end or "")
    if pathway.patient.deceased or (end is not None and end.silent):
        return []
    called = {one.key for one in pathway.called}
    owed = [*_of_outcomes(pathway, ground), *_of_the_end(pathway, ground), *_of_rungs(pathway, ground)]
    return [item for item in owed if item.key not in called]


def _of_outcomes(pathway: Pathway, ground: Ground) -> Iterator[Item]:
    for step in pathway.steps:
        if step.status is not StepStatus.DONE or step.settled is None:
            continue
        outcome = ground.protocol.step(step.key).outcome(step.outcome or "")
        for notice in outcome.tells if outcome else ():
            yield _item(f"{step.ref}/notice/{notice.key}", notice, step.ref, step.settled, ground)


def _of_the_end(pathway: Pathway, ground: Ground) -> Iterator[Item]:
    end = ground.protocol.ends.get(pathway.end or "")
    if end is None or pathway.ended is None:
        return
    for notice in end.tells:
        yield _item(f"pathway/1/notice/{pathway.end}.{notice.key}", notice, "", pathway.ended, ground)


def _of_rungs(pathway: Pathway, ground: Ground) -> Iterator[Item]:
    """A rung that speaks by letter or call owes one to each role it names, from when it has fired."""
    fired = {one.key: one for one in pathway.fired if not one.passed_over}
    for rungs in ladders(pathway, ground):
        for standing in rungs:
            rung, record = standing.rung, fired.get(standing.key)
            if rung.by == "page" or record is None:
                continue
            title = ground.protocol.step(standing.step.key).title if standing.step else Text(fr="", en="")
            step = standing.step.ref if standing.step else ""
            for role in dict.fromkeys((rung.to, *rung.also)):
                notice = Notice(key=role, to=role, by=rung.by, text=rung.text or title)
                yield _item(f"{standing.key}/{rung.by}/{role}", notice, step, record.at, ground)


def _item(key: str, notice: Notice, step: str, since: datetime, ground: Ground) -> Item:
    return Item(
        key=key,
        kind=Kind.CALL if notice.by == "call" else Kind.LETTER,
        at=since,
        why=notice.by,
        role=ground.protocol.messaging.desk,
        step=step,
        data={
            "template": "notice",
            "channel": "phone" if notice.by == "call" else notice.by,
            "to": notice.to,
            "text": {"fr": notice.text.fr, "en": notice.text.en},
        },
    )
