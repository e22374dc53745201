"""From a story's file to a Story, strictly: what is misspelt, missing or out of order is pointed at by its line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import date, datetime
from pathlib import Path
from typing import Any

from app.story import moments
from app.story.counts import known
from app.story.format import (
    NOT_EVENTS,
    STEP_VERBS,
    SUBJECTS,
    VERBS,
    Line,
    Statement,
    Story,
    Told,
    known_names,
    subject_of,
    verb_of,
)
from app.story.gateway import MANNERS
from app.story.moments import Days
from app.yaml_file import read_yaml
from pathway.codec import Malformed, decode
from pathway.events import KINDS
from pathway.protocol import Protocol

_ALWAYS = ("at", "by", "note", "id", "refused")
_Named = Callable[[str, str, str | None], Iterator[Malformed]]
"""What holds a name against the protocol: the place, what it names, the name."""


def read_story(path: Path) -> Told:
    """The story in this file. Raises Unreadable: ``file:line: place: what is wrong, what would be right``."""
    file = read_yaml(path)
    try:
        story = decode(Story, _without_dates(file.data))
        for complaint in _complaints(story):
            raise complaint
    except Malformed as wrong:
        raise file.unreadable(wrong) from wrong
    return Told(story, file)


def check_against(told: Told, protocol: Protocol, days: Days) -> None:
    """Hold the story against the protocol it is played on: its names, and the order of its moments.

    Raises Unreadable.
    """
    for complaint in (*_unknown_names(told.story, protocol), *_disorder(told.story, days)):
        raise told.file.unreadable(complaint)


def _without_dates(data: Any) -> Any:
    """Days and times as they were written: which wall clock they are of is the story's to say, not YAML's."""
    if isinstance(data, datetime):
        return data.strftime("%Y-%m-%d %H:%M")
    if isinstance(data, date):
        return data.isoformat()
    if isinstance(data, dict):
        return {str(key): _without_dates(value) for key, value in data.items()}
    return [_without_dates(each) for each in data] if isinstance(data, list) else data


# --- what the shape alone cannot say ----------------------------------------------------------------------


def _complaints(story: Story) -> Iterator[Malformed]:
    yield from _moment("referral.at", story.referral.at, timed=True)
    if story.fracture.onset is not None:
        yield from _moment("fracture.onset", story.fracture.onset)
    if story.until is not None:
        yield from _moment("until", story.until)
    seen: dict[str, str] = {}
    for index, line in enumerate(story.lines):
        path = f"lines[{index}]"
        yield from _line(path, line, story)
        yield from _named_once(path, line.id, seen)
    for index, expectation in enumerate(story.finally_):
        path = f"finally[{index}]"
        yield from _named_once(path, expectation.id, seen)
        yield from _statement(f"{path}.expect", expectation.expect)
        if expectation.control is not None:
            yield from _statement(f"{path}.control", expectation.control)


def _named_once(path: str, id_: str, seen: dict[str, str]) -> Iterator[Malformed]:
    if id_ and id_ in seen:
        yield Malformed(f"{path}.id", f"{id_} is already the id at {seen[id_]}; give each its own")
    seen[id_] = path


def _line(path: str, line: Line, story: Story) -> Iterator[Malformed]:
    verbs = [verb for verb in VERBS if getattr(line, verb) is not None]
    if len(verbs) != 1:
        said = f"says {' and '.join(verbs)}; make it two lines" if verbs else "says nothing to do"
        yield Malformed(path, f"{said}; a line has one of {', '.join(VERBS)}")
        return
    [verb] = verbs
    yield from _moment(f"{path}.at", line.at, timed=True)
    for field in fields(Line):
        name = field.name.rstrip("_")
        given = getattr(line, field.name)
        if given in (None, "", (), {}) or name in VERBS or name in _ALWAYS:
            continue
        if name not in VERBS[verb]:
            yield Malformed(f"{path}.{name}", f"does not go with {verb}")
    if line.refused is not None and (verb in NOT_EVENTS or not line.id):
        yield Malformed(f"{path}.refused", "goes with something done, and is an expectation: add an id")
    if verb == "expect":
        if not line.id:
            yield Malformed(path, "is an expectation: add an id, like P01-hold-explicit")
        assert line.expect is not None
        yield from _statement(f"{path}.expect", line.expect)
        if line.control is not None:
            yield from _statement(f"{path}.control", line.control)
    yield from _details(path, verb, line)


def _details(path: str, verb: str, line: Line) -> Iterator[Malformed]:
    if verb == "complete" and line.outcome is None:
        yield Malformed(path, "lacks outcome: say how the step ended")
    for name in ("occurred", "revisit", "due"):
        if (given := getattr(line, name)) is not None:
            yield from _moment(f"{path}.{name}", given)
    for slot, name in ((line.book, "book"), (line.move, "move")):
        if slot is not None:
            yield from _moment(f"{path}.{name}.start", slot.start, timed=True)
            if slot.end is not None:
                yield from _moment(f"{path}.{name}.end", slot.end, timed=True)
    if line.dose is not None:
        yield from _moment(f"{path}.dose.taken", line.dose.taken, timed=True)
    if line.refer_again is not None:
        yield from _moment(f"{path}.refer_again.at", line.refer_again.at, timed=True)
    for channel, manner in (line.gateway or {}).items():
        if channel not in ("sms", "email"):
            yield Malformed(f"{path}.gateway.{channel}", "is no channel; there are sms and email")
        if manner not in MANNERS:
            yield Malformed(f"{path}.gateway.{channel}", f"{manner!r} is not one of {', '.join(MANNERS)}")
    if line.hold in ("propose", "sign") and not line.drugs and line.refused is None:
        yield Malformed(
            path, f"hold: {line.hold} needs drugs; to state that nothing is stopped say not_required"
        )


def _statement(path: str, said: Statement) -> Iterator[Malformed]:
    subjects = [subject for subject in SUBJECTS if getattr(said, subject) is not None]
    # ``step`` names what a message or an alert is about only under ``about``; so one subject each.
    if len(subjects) != 1:
        yield Malformed(path, f"must be about one thing: {', '.join(SUBJECTS)}")
        return
    [subject] = subjects
    for field in fields(Statement):
        name = field.name.rstrip("_")
        given = getattr(said, field.name)
        if given is None or name in SUBJECTS or name == "not":
            continue
        if name not in SUBJECTS[subject]:
            known = ", ".join(sorted(SUBJECTS[subject])) or "nothing"
            yield Malformed(f"{path}.{name}", f"does not go with {subject}; with it goes: {known}")
    for name in ("due", "not_before", "at", "from_", "to"):
        if (given := getattr(said, name)) is not None:
            yield from _moment(f"{path}.{name.rstrip('_')}", given)
    if subject == "nothing_sent" and (said.from_ is None or said.to is None):
        yield Malformed(path, "nothing_sent needs from and to")
    if subject == "fact" and said.is_ is None:
        yield Malformed(path, "fact needs is: the value it must have")


def _moment(path: str, text: str, *, timed: bool = False) -> Iterator[Malformed]:
    try:
        said = moments.parse(text)
    except ValueError as error:
        yield Malformed(path, str(error))
        return
    if timed and said.wall is None and said.unit not in ("h", "min"):
        yield Malformed(path, f"lacks the time: write it like “{text} 09:30”")


# --- against the protocol and the calendar ----------------------------------------------------------------


def _unknown_names(story: Story, protocol: Protocol) -> Iterator[Malformed]:
    known = known_names(protocol)

    def named(path: str, what: str, name: str | None) -> Iterator[Malformed]:
        if name is not None and name not in known[what]:
            there = ", ".join(sorted(known[what]))
            yield Malformed(path, f"there is no {what} {name!r} in {protocol.protocol}; there are: {there}")

    for key, who in story.people.items():
        for function in who.functions:
            yield from named(f"people.{key}.functions", "role", function)
    for index, line in enumerate(story.lines):
        path, verb = f"lines[{index}]", verb_of(line)
        if line.by is not None and line.by not in story.people:
            yield from named(f"{path}.by", "role", line.by)
        if verb in STEP_VERBS:
            yield from named(f"{path}.{verb}", "step", getattr(line, verb))
        for slot, name in ((line.book, "book"), (line.move, "move")):
            if slot is not None:
                yield from named(f"{path}.{name}.step", "step", slot.step)
        if line.new_fracture is not None and line.new_fracture.onset is not None:
            yield from _moment(f"{path}.new_fracture.onset", line.new_fracture.onset)
        yield from _observed(path, line, protocol)
        yield from named(f"{path}.override", "gate", line.override)
        yield from named(f"{path}.end", "end", line.end)
        if verb == "complete" and line.refused is None:
            yield from _outcome(path, line, protocol)
        for name in ("expect", "control"):
            yield from _statement_names(f"{path}.{name}", getattr(line, name), named)
    for index, one in enumerate(story.finally_):
        yield from _statement_names(f"finally[{index}].expect", one.expect, named)
        yield from _statement_names(f"finally[{index}].control", one.control, named)


def _observed(path: str, line: Line, protocol: Protocol) -> Iterator[Malformed]:
    if line.observe is None:
        return
    watch = protocol.surveillance
    known = [item.key for item in watch.items] if watch else []
    for key in line.observe:
        if key not in known:
            there = ", ".join(known) or "nothing"
            yield Malformed(
                f"{path}.observe.{key}", f"is not looked at in {protocol.protocol}; looked at: {there}"
            )


def _outcome(path: str, line: Line, protocol: Protocol) -> Iterator[Malformed]:
    rule = protocol.step(line.complete or "")
    if rule.outcome(line.outcome or "") is None:
        there = ", ".join(outcome.key for outcome in rule.outcomes)
        yield Malformed(f"{path}.outcome", f"{line.outcome!r} is no outcome of {rule.key}; outcomes: {there}")
    asked = [answer.key for answer in rule.answers]
    for key in line.answers:
        if key not in asked:
            there = ", ".join(asked) or "nothing"
            yield Malformed(f"{path}.answers.{key}", f"is not asked by {rule.key}; it asks for: {there}")


def _statement_names(path: str, said: Statement | None, named: _Named) -> Iterator[Malformed]:
    if said is None:
        return
    subject = subject_of(said)
    name = getattr(said, subject)
    if subject in ("step", "task", "visit"):
        yield from named(f"{path}.{subject}", "step", name)
    elif subject == "gate":
        yield from named(f"{path}.gate", "gate", name)
    elif subject == "alert" and name != "any":
        yield from named(f"{path}.alert", "role", name)
    elif subject in ("call", "letter") and name not in ("any", "pathway"):
        yield from named(f"{path}.{subject}", "step", name)
    elif subject == "recorded" and name not in KINDS:
        yield Malformed(f"{path}.recorded", f"{name!r} is no event; events are {', '.join(sorted(KINDS))}")
    elif subject == "finding":
        yield from named(f"{path}.finding", "finding", name)
    elif subject == "alarm" and name != "any":
        yield from named(f"{path}.alarm", "alarm", name)
    elif subject == "indicator" and (keys := known(name)):
        yield Malformed(f"{path}.indicator", f"{name!r} is no indicator; there are: {', '.join(keys)}")
    if said.step_of is not None:
        yield from named(f"{path}.step_of", "step", said.step_of)
    if said.towards is not None:
        yield from named(f"{path}.towards", "role", said.towards)
    if said.about not in (None, "pathway"):
        yield from named(f"{path}.about", "step", said.about)
    if said.end is not None:
        yield from named(f"{path}.end", "end", said.end)


def _disorder(story: Story, days: Days) -> Iterator[Malformed]:
    last = days.instant(story.referral.at)
    for index, line in enumerate(story.lines):
        at = days.instant(line.at)
        if at < last:
            yield Malformed(
                f"lines[{index}].at", f"{line.at} comes before the line above it; put it in order"
            )
        last = max(last, at)
    if story.until is not None and days.instant(story.until) < last:
        yield Malformed("until", f"{story.until} comes before the last line")
