"""Questions about a course, answered yes, no, or None: nobody has recorded it. What is not recorded is never a no."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any

from pathway.indicators.course import OR_ELSE, Course, start_of
from pathway.indicators.definition import Limit, Question, Reading

Answered = bool | None


def ask(question: Question, course: Course) -> Answered:
    """Whether every part of the question holds; None when one is not recorded and none says no."""
    if question.asked_if is not None and ask(question.asked_if, course) is not True:
        return None
    parts = dict.fromkeys(_PARTS[name] for name in question.given if name in _PARTS)
    return every(part(question, course) for part in parts)


def every(answers: Iterable[Answered]) -> Answered:
    """No as soon as one says no; else None when one is not recorded."""
    unknown = False
    for answer in answers:
        if answer is False:
            return False
        unknown = unknown or answer is None
    return None if unknown else True


def some(answers: Iterable[Answered]) -> Answered:
    """Yes as soon as one says yes; else None when one is not recorded."""
    unknown = False
    for answer in answers:
        if answer is True:
            return True
        unknown = unknown or answer is None
    return None if unknown else False


def read(reading: Reading | Question, course: Course) -> list[Any]:
    """The values that a reading finds: one, or one a row of a table. None stands for what is not recorded."""
    if reading.answer is not None:
        key, *names = reading.answer.split(".")
        step = course.done(key)
        value = step.get("data", {}).get(names[0]) if step else None
        if len(names) == 1 or not isinstance(value, list):
            return [None if len(names) > 1 else value]
        return [row.get(names[1]) for row in value] or [None]
    if isinstance(reading, Reading) and reading.observed is not None:
        return [_seen_last(reading.observed, course)]
    if reading.fact is None:
        return [None]
    if reading.before is None:
        fact = course.fact(reading.fact)
    else:
        step = course.done(reading.before.partition(":")[2].partition("=")[0])
        start = start_of(step) if step else None
        fact = course.fact(reading.fact, before=start) if start else None
    return [fact.get("value") if fact else None]


def number(readings: Iterable[Reading], course: Course) -> float | None:
    """The first number among these readings."""
    for reading in readings:
        for value in read(reading, course):
            if isinstance(value, int | float) and not isinstance(value, bool):
                return float(value)
    return None


def _seen_last(item: str, course: Course) -> Any:
    seen = [one for one in course.state.get("observed", ()) if one.get("values", {}).get(item) is not None]
    return max(seen, key=lambda one: one["taken"])["values"][item] if seen else None


def is_over(limit: Limit | None, course: Course, today: date) -> bool | None:
    """Whether the last day of the limit has passed; None when nobody knows from when it counts."""
    if limit is None:
        return True
    start = course.day(limit.from_)
    return None if start is None else today > start + timedelta(days=limit.days)


# --- parts ------------------------------------------------------------------------------------------------


def _of_step(question: Question, course: Course) -> Answered:
    assert question.step is not None
    if not course.protocol.has_step(question.step):
        return None
    return course.done(question.step, question.outcome) is not None


def _of_value(question: Question, course: Course) -> Answered:
    return some(_fits(question, value) for value in read(question, course))


def _fits(question: Question, value: Any) -> Answered:
    if value is None or value == "":
        return None
    if question.is_ is not None and value != question.is_:
        return False
    if question.is_not and value in question.is_not:
        return False
    bounds = (question.at_least, question.at_most, question.below)
    if bounds == (None, None, None):
        return True
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    low, high, below = bounds
    return (
        (low is None or value >= low) and (high is None or value <= high) and (below is None or value < below)
    )


def _of_days(question: Question, course: Course) -> Answered:
    """Days between two moments. What has not happened is no; a day that somebody had to record and did not is None."""
    assert question.from_ is not None
    assert question.to is not None
    days = []
    for ref in (question.from_, question.to):
        day = course.day(ref)
        if day is None:
            last = ref.split(OR_ELSE)[-1]
            by_hand = last.partition(":")[0] in ("fracture", "fact", "data")
            return None if by_hand or not course.knows(last) else False
        days.append(day)
    between = (days[1] - days[0]).days
    low, high = question.at_least_days, question.at_most_days
    return (low is None or between >= low) and (high is None or between <= high)


def _of_fracture(question: Question, course: Course) -> Answered:
    fracture = course.state.get("fracture", {})
    answers: list[Answered] = []
    if question.cause:
        answers.append(fracture.get("cause", "unknown") in question.cause)
    if question.level:
        level = fracture.get("level")
        answers.append(level.startswith(question.level) if level else None)
    return every(answers)


def _of_held(question: Question, course: Course) -> Answered:
    return any(str(drug.get("atc", "")).startswith(question.held) for drug in course.held if drug.get("atc"))


def _of_age(question: Question, course: Course) -> Answered:
    assert question.older_than is not None
    born = date.fromisoformat(course.state["patient"]["birth_date"])
    on = course.day("fracture") or course.day("referral")
    assert on is not None
    age = on.year - born.year - ((on.month, on.day) < (born.month, born.day))
    return age > question.older_than


def _of_contact(question: Question, course: Course) -> Answered:
    contact = course.state["patient"].get("contact", {})
    ways = sum(bool(contact.get(way)) for way in ("mobile", "landline", "email"))
    answers: list[Answered] = []
    if question.reachable is not None:
        answers.append(ways >= question.reachable)
    if question.opted_out is not None:
        answers.append(bool(course.state.get("opted_out")) is question.opted_out)
    return every(answers)


def _of_alarm(question: Question, course: Course) -> Answered:
    """Whether the watch raised one of these alarms; None when it was not kept here: no data is never a no."""
    raised = {str(alarm["alarm"]) for alarm in course.state.get("alarms", ())}
    if raised & set(question.alarm):
        return True
    return False if any(seen.get("values") for seen in course.state.get("observed", ())) else None


def _of_all(question: Question, course: Course) -> Answered:
    return every(ask(one, course) for one in question.all_of)


def _of_any(question: Question, course: Course) -> Answered:
    return some(ask(one, course) for one in question.any_of)


def _of_none(question: Question, course: Course) -> Answered:
    found = some(ask(one, course) for one in question.none_of)
    return None if found is None else not found


def _of_told(question: Question, course: Course) -> Answered:
    """Yes if one says yes, no if one says no and none yes; None when nobody says anything."""
    said = {ask(one, course) for one in question.told_by} - {None}
    return any(said) if said else None


Part = Callable[[Question, Course], Answered]

_PARTS: dict[str, Part] = {
    "step": _of_step,
    "answer": _of_value,
    "fact": _of_value,
    "from_": _of_days,
    "cause": _of_fracture,
    "level": _of_fracture,
    "held": _of_held,
    "older_than": _of_age,
    "reachable": _of_contact,
    "opted_out": _of_contact,
    "alarm": _of_alarm,
    "all_of": _of_all,
    "any_of": _of_any,
    "none_of": _of_none,
    "told_by": _of_told,
}
"""What each part of a question asks; the parts that only bound another are not here."""
