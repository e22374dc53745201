"""Every name of a protocol that the indicators read, with its place in their file, so that a slip is seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

from pathway.codec import Malformed
from pathway.indicators.course import OR_ELSE
from pathway.indicators.definition import Definitions, Indicator, Median, Question, Reading, Share
from pathway.protocol import Protocol

Kind = Literal["step", "outcome", "answer", "choice", "fact", "end", "observation", "alarm"]


@dataclass(frozen=True, slots=True)
class Name:
    """A name as it is used: an outcome and an answer with their step (``dxa.done``), a choice ``step.answer=key``."""

    kind: Kind
    name: str
    path: str


def names(definitions: Definitions) -> Iterator[Name]:
    """Every name that the definitions use."""
    for key, exclusion in definitions.exclusions.items():
        yield from _question(exclusion.when, f"exclusions.{key}.when")
    for indicator in definitions.indicators:
        yield from _indicator(indicator, f"indicators.{indicator.key}")


def complaints(definitions: Definitions, protocol: Protocol) -> Iterator[Malformed]:
    """What the protocol does not know and the file does not say that it may lack."""
    known = _known(protocol)
    may = definitions.may_lack
    lacking = {
        "step": may.steps,
        "outcome": may.outcomes,
        "answer": may.answers,
        "choice": (),
        "fact": may.facts,
        "end": (),
    }
    for one in names(definitions):
        step = one.name.partition(".")[0]
        if one.name in known[one.kind] or one.name in lacking[one.kind]:
            continue
        if one.kind in ("outcome", "answer", "choice") and step in may.steps and step not in known["step"]:
            continue
        near = get_close_matches(one.name, known[one.kind], n=5, cutoff=0.5)
        remedy = (
            f"did you mean {', '.join(near)}?" if near else "if it may be without it, list it under may_lack"
        )
        yield Malformed(one.path, f"the protocol has no {one.kind} {one.name!r}; {remedy}")


def lacking(indicator: Indicator, protocol: Protocol) -> tuple[str, ...]:
    """The steps, answers and facts that this indicator reads and this protocol never asks for."""
    known = _known(protocol)
    asked = _indicator(indicator, "")
    return tuple(dict.fromkeys(one.name for one in asked if one.name not in known[one.kind]))


def _known(protocol: Protocol) -> dict[Kind, set[str]]:
    answers = {
        f"{step.key}.{answer.key}{below}": column or answer
        for step in protocol.steps
        for answer in step.answers
        for below, column in (("", None), *((f".{column.key}", column) for column in answer.columns))
    }
    return {
        "step": {step.key for step in protocol.steps},
        "outcome": {f"{step.key}.{outcome.key}" for step in protocol.steps for outcome in step.outcomes},
        "answer": set(answers),
        "choice": {f"{name}={key}" for name, answer in answers.items() for key in answer.choice_keys},
        "fact": {*protocol.facts, *(answer.key for step in protocol.steps for answer in step.answers)},
        "end": set(protocol.ends),
        "observation": {item.key for item in protocol.surveillance.items} if protocol.surveillance else set(),
        "alarm": {alarm.key for alarm in protocol.surveillance.alarms} if protocol.surveillance else set(),
    }


def _indicator(indicator: Indicator, path: str) -> Iterator[Name]:
    yield from _moment(indicator.period, f"{path}.period")
    if indicator.limit is not None:
        yield from _moment(indicator.limit.from_, f"{path}.limit.from")
    for index, end in enumerate(indicator.without_ends):
        yield Name("end", end, f"{path}.without_ends[{index}]")
    said = indicator.share or indicator.median
    if said is not None and said.of is not None:
        yield from _question(said.of, f"{path}.{'share' if indicator.share else 'median'}.of")
    if isinstance(said, Share):
        yield from _question(said.met, f"{path}.share.met")
    if isinstance(said, Median):
        for name in ("from", "to"):
            ref = getattr(said, "from_" if name == "from" else name)
            if ref is not None:
                yield from _moment(ref, f"{path}.median.{name}")
        for name in ("first", "last"):
            for index, reading in enumerate(getattr(said, name)):
                yield from _reading(reading, f"{path}.median.{name}[{index}]")
    if indicator.rule is not None:
        yield from _rule(indicator, f"{path}.rule")


def _rule(indicator: Indicator, path: str) -> Iterator[Name]:
    rule = indicator.rule
    assert rule is not None
    if rule.step is not None:
        yield Name("step", rule.step, f"{path}.step")
        for outcome in rule.outcome:
            yield Name("outcome", f"{rule.step}.{outcome}", f"{path}.outcome")
    if rule.answered is not None:
        if rule.name == "acknowledged":
            yield Name("step", rule.answered, f"{path}.answered")
        else:
            yield Name("answer", f"{rule.step}.{rule.answered}", f"{path}.answered")
    for cause in rule.causes:
        at = f"{path}.causes.{cause.key}"
        yield Name("step", cause.step, f"{at}.step")
        yield from (Name("outcome", f"{cause.step}.{one}", f"{at}.outcome") for one in cause.outcome)
        if cause.answer is not None:
            yield Name("answer", f"{cause.step}.{cause.answer}", f"{at}.answer")
            yield from _choices(f"{cause.step}.{cause.answer}", cause.is_, f"{at}.is")
    for field in rule.fields:
        yield from _question(field.known, f"{path}.fields.{field.key}.known")


def _question(question: Question, path: str) -> Iterator[Name]:
    if question.step is not None:
        yield Name("step", question.step, f"{path}.step")
        for outcome in question.outcome:
            yield Name("outcome", f"{question.step}.{outcome}", f"{path}.outcome")
    yield from _reading(question, path)
    if question.answer is not None:
        yield from _choices(question.answer, (question.is_, *question.is_not), f"{path}.is")
    for name in ("from", "to"):
        ref = question.from_ if name == "from" else question.to
        if ref is not None:
            yield from _moment(ref, f"{path}.{name}")
    for alarm in question.alarm:
        yield Name("alarm", alarm, f"{path}.alarm")
    if question.asked_if is not None:
        yield from _question(question.asked_if, f"{path}.asked_if")
    for name in ("all_of", "any_of", "none_of", "told_by"):
        for index, one in enumerate(getattr(question, name)):
            yield from _question(one, f"{path}.{name}[{index}]")


def _reading(reading: Reading | Question, path: str) -> Iterator[Name]:
    if reading.answer is not None:
        yield Name("answer", reading.answer, f"{path}.answer")
    if reading.fact is not None:
        yield Name("fact", reading.fact, f"{path}.fact")
    if isinstance(reading, Reading) and reading.observed is not None:
        yield Name("observation", reading.observed, f"{path}.observed")
    if reading.before is not None:
        yield from _moment(reading.before, f"{path}.before")


def _choices(answer: str, values: tuple[Any, ...], path: str) -> Iterator[Name]:
    """The words that an answer is compared with: each is one of its choices."""
    for value in values:
        if isinstance(value, str):
            yield Name("choice", f"{answer}={value}", path)


_PLAIN = ("referral", "fracture", "next_fracture", "death")


def _moment(refs: str, path: str) -> Iterator[Name]:
    for ref in refs.split(OR_ELSE):
        yield from _one_moment(ref, path)


def _one_moment(ref: str, path: str) -> Iterator[Name]:
    head, _, tail = ref.partition(":")
    if head in _PLAIN:
        return
    if head == "fact":
        yield Name("fact", tail, path)
    elif head == "data":
        yield Name("answer", tail, path)
    elif head in ("done", "start"):
        key, _, wanted = tail.partition("=")
        yield Name("step", key, path)
        for outcome in filter(None, wanted.split("|")):
            yield Name("outcome", f"{key}.{outcome}", path)
    else:
        raise Malformed(
            path,
            f"{ref!r} is no moment; write {', '.join(_PLAIN)}, done:STEP, start:STEP, data:STEP.KEY or fact:KEY",
        )
