"""What makes a condition true, and what makes it fail: read from the protocol's gates, so that any protocol will do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from app.simulation.people import Patient
from pathway.gates import holds
from pathway.ground import Ground
from pathway.protocol import Answer, Condition, Protocol
from pathway.state import Pathway

_LONG_AGO = timedelta(days=900)
_FRESH_DAYS = 31


class Wanted:
    """The values that a protocol's gates want of each fact, and values that fail them."""

    def __init__(self, protocol: Protocol) -> None:
        self._wants: dict[str, Condition] = {}
        self._fears: dict[str, Condition] = {}
        for gate in protocol.gates:
            for need in protocol.gate(gate.key).needs:
                self._learn(need.when)
        for flag in protocol.red_flags:
            self._learn(Condition(none_of=(flag.when,)))
        answers = [answer for step in protocol.steps for answer in step.answers]
        self._answers = {answer.key: answer for answer in answers}

    def _learn(self, condition: Condition) -> None:
        if condition.fact is not None:
            self._wants.setdefault(condition.fact, condition)
        for one in condition.any_of:
            self._learn(one)
        for one in condition.none_of:
            for feared in _facts_in(one):
                if feared.fact is not None:
                    self._fears.setdefault(feared.fact, feared)

    def asked(self, key: str) -> bool:
        """Whether some gate or finding looks at this fact."""
        return key in self._wants or key in self._fears

    def ages(self, key: str) -> bool:
        """Whether the gates want it fresh, so that it is asked each time."""
        wants = self._wants.get(key)
        return wants is not None and wants.max_age_days is not None and wants.max_age_days < _FRESH_DAYS

    def value(self, key: str, patient: Patient, pathway: Pathway, ground: Ground) -> Any:
        """A value under which the gates are met, true of the patient where it is a measure of his.

        None where saying nothing is the good answer.
        """
        if key == "antithrombotics":
            return patient.antithrombotics
        if key == "weight_kg":
            return patient.weight_kg
        if key == "creatinine_umol_l":
            return patient.creatinine_umol_l
        wants, fears = self._wants.get(key), self._fears.get(key)
        if wants is not None and (_is_particular(wants) or fears is None):
            return self._good(wants, pathway, ground)
        if fears is None:
            return self.plain(key, pathway, ground)
        answer = self._answers.get(key)
        if wants is None and answer is not None and answer.kind in ("date", "instant"):
            return None  # a day on which what is feared has happened: it has not
        return self._bad(fears, pathway, ground)

    def violation(self, key: str, pathway: Pathway, ground: Ground) -> Any:
        """A value under which a gate fails, or a finding is there."""
        wants, fears = self._wants.get(key), self._fears.get(key)
        if fears is not None:
            return self._good(fears, pathway, ground)
        if wants is not None:
            return self._bad(wants, pathway, ground)
        return self.plain(key, pathway, ground)

    def plain(self, key: str, pathway: Pathway, ground: Ground) -> Any:
        """A value of the answer's kind that says nothing in particular."""
        answer = self._answers.get(key)
        return _plain(answer, pathway, ground) if answer is not None else True

    def supply(
        self, condition: Condition, patient: Patient, pathway: Pathway, ground: Ground
    ) -> dict[str, Any] | None:
        """Facts that make the condition hold; empty when it does already, None when no fact can."""
        if holds(condition, pathway, ground):
            return {}
        if condition.any_of:
            offers = (self.supply(one, patient, pathway, ground) for one in condition.any_of)
            return next((offer for offer in offers if offer and None not in offer.values()), None)
        if condition.rule == "antithrombotics-answered":
            return {"antithrombotics": patient.antithrombotics}
        if condition.rule == "drawn-for-procedure" and condition.fact is not None:
            return {condition.fact: self.value(condition.fact, patient, pathway, ground)}
        if condition.fact is not None:
            if pathway.fact(condition.fact) is not None and condition.max_age_days is None:
                return None  # said, and so it is
            value = self.value(condition.fact, patient, pathway, ground)
            return {condition.fact: value} if condition.is_ in (None, value) else None
        return None

    def facts_of(self, condition: Condition) -> frozenset[str]:
        """The facts that could make the condition hold."""
        mine = {condition.fact} if condition.fact is not None else set()
        return frozenset(mine.union(*(self.facts_of(one) for one in condition.any_of)))

    def _good(self, condition: Condition, pathway: Pathway, ground: Ground) -> Any:
        """A value of the condition's fact for which it holds."""
        if condition.is_ is not None:
            return condition.is_
        if condition.at_least is not None and condition.at_most is not None:
            return (condition.at_least + condition.at_most) / 2
        if condition.at_most is not None:
            return round(condition.at_most - 0.02 * abs(condition.at_most), 3)
        if condition.at_least is not None:
            return round(condition.at_least + 0.1 * abs(condition.at_least), 3)
        if condition.older_than_days is not None or condition.older_than_months is not None:
            return ground.calendar.day(pathway.as_of - _LONG_AGO).isoformat()
        return self.plain(condition.fact or "", pathway, ground)

    def _bad(self, condition: Condition, pathway: Pathway, ground: Ground) -> Any:
        """A value of the condition's fact for which it does not hold; the plain one where there is none."""
        if isinstance(condition.is_, bool):
            return not condition.is_
        if condition.at_most is not None:
            return round(condition.at_most + 0.02 * abs(condition.at_most) + 0.1, 3)
        if condition.at_least is not None:
            return round(condition.at_least - 0.1 * abs(condition.at_least), 3)
        if condition.older_than_days is not None or condition.older_than_months is not None:
            return ground.calendar.day(pathway.as_of).isoformat()
        answer = self._answers.get(condition.fact or "")
        others = [key for key in answer.choice_keys if key != condition.is_] if answer else []
        return others[0] if others else self.plain(condition.fact or "", pathway, ground)


def steps_of(condition: Condition) -> Iterator[str]:
    """The steps that the condition asks about."""
    if condition.step is not None:
        yield condition.step
    for one in (*condition.any_of, *condition.none_of):
        yield from steps_of(one)


def _is_particular(condition: Condition) -> bool:
    """Whether it asks for certain values, and not only that something be known."""
    return condition.is_ is not None or condition.at_least is not None or condition.at_most is not None


def _facts_in(condition: Condition) -> Iterator[Condition]:
    yield condition
    for one in (*condition.any_of,):
        yield from _facts_in(one)


def _plain(answer: Answer, pathway: Pathway, ground: Ground) -> Any:
    if answer.kind == "number":
        low, high = answer.at_least or 0, answer.at_most
        return (low + high) / 2 if high is not None else low + 1
    if answer.kind == "yes-no":
        return False
    if answer.kind == "date":
        return ground.calendar.day(pathway.as_of).isoformat()
    if answer.kind == "instant":
        return pathway.as_of.isoformat()
    if answer.kind == "choice":
        return answer.choice_keys[0]
    if answer.kind == "table":
        return [{column.key: _plain(column, pathway, ground) for column in answer.columns}]
    return "noted"
