"""Words owed to professionals: what an outcome or an end calls for, until somebody records that it was said.

A letter, a secure mail or a call is written and made by people; Jalon owes it, shows it and asks until it is done.
"""

from __future__ import annotations

from datetime import datetime

from pathway.courses import Standing
from pathway.ground import Ground
from pathway.known import known
from pathway.ladders import ladders
from pathway.lifecycle import StepStatus
from pathway.messages import is_silent
from pathway.planned import Item, Kind
from pathway.protocol import Notice
from pathway.refusal import Text
from pathway.state import Pathway, Step


def notices(pathway: Pathway, ground: Ground) -> list[Item]:
    """Every word still owed to a professional; none for the dead or after a silent end."""
    owed = [item for step in pathway.steps for item in notices_of(step, pathway, ground)]
    for rungs in ladders(pathway, ground):
        owed += notices_of_rungs(rungs, pathway, ground)
    return [*owed, *notices_of_the_end(pathway, ground)]


def notices_of(step: Step, pathway: Pathway, ground: Ground) -> list[Item]:
    """The words that the outcome of a step owes."""
    if step.status is not StepStatus.DONE or step.settled is None or is_silent(pathway, ground):
        return []
    outcome = ground.protocol.step(step.key).outcome(step.outcome or "")
    owed = [
        _item(f"{step.ref}/notice/{notice.key}", notice, step.ref, step.settled, ground)
        for notice in (outcome.tells if outcome else ())
    ]
    return _unsaid(owed, pathway)


def notices_of_the_end(pathway: Pathway, ground: Ground) -> list[Item]:
    """The words that the end of the pathway owes."""
    end = ground.protocol.ends.get(pathway.end or "")
    if end is None or pathway.ended is None or is_silent(pathway, ground):
        return []
    owed = [
        _item(f"pathway/1/notice/{pathway.end}.{notice.key}", notice, "", pathway.ended, ground)
        for notice in end.tells
    ]
    return _unsaid(owed, pathway)


def notices_of_rungs(rungs: tuple[Standing, ...], pathway: Pathway, ground: Ground) -> list[Item]:
    """A rung that speaks by letter or call owes one to each role it names, from when it has fired."""
    fired = known(pathway, ground).fired
    owed = []
    for standing in rungs:
        rung, record = standing.rung, fired.get(standing.key)
        if rung.by == "page" or record is None or record.passed_over or is_silent(pathway, ground):
            continue
        step = standing.step
        title = ground.protocol.step(step.rpartition("/")[0]).title if step else Text(fr="", en="")
        for role in dict.fromkeys((rung.to, *rung.also)):
            notice = Notice(key=role, to=role, by=rung.by, text=rung.text or title)
            owed.append(_item(f"{standing.key}/{rung.by}/{role}", notice, step, record.at, ground))
    return _unsaid(owed, pathway)


def _unsaid(owed: list[Item], pathway: Pathway) -> list[Item]:
    called = {one.key for one in pathway.called} if owed else set()
    return [item for item in owed if item.key not in called]


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
