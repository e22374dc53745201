"""Is it so of the antithrombotic hold? The plan's status, what the calculator answered, and what it reasoned from."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from app.story.format import Statement
from app.story.scene import Finding, Scene
from pathway.holding.answer import DrugAnswer, HoldAnswer, Other
from pathway.refusal import Text


def status(said: Statement, scene: Scene) -> Finding:
    """The plan's status, whatever is on the table."""
    found = scene.pathway.hold.status.value if scene.pathway else "none"
    return Finding(found == (said.hold or "").replace("_", "-"), f"the hold plan is {found}")


def delay(said: Statement, scene: Scene) -> Finding:
    """What the calculator said of a drug, by the profile of the plan or by another that is shown beside it."""
    answer = _answer(scene)
    if answer is None:
        return Finding(False, "nothing was computed")
    drug = next((one for one in answer.drugs if one.atc == said.delay), None)
    if drug is None:
        return Finding(False, f"nothing was computed for {said.delay}")
    other = next((one for one in drug.others if one.profile == said.profile), None)
    if said.profile not in (None, answer.profile) and other is None:
        return Finding(False, f"{said.profile} is not shown")
    given = other or drug
    days = [*_days(given)]
    holds = said.status in (None, given.status) and (said.at is None or scene.days.day(said.at) in days)
    if said.clock is not None:
        holds = holds and given.last_intake is not None and given.last_intake.clock == said.clock
    if said.dated is not None:
        holds = holds and said.dated is any(True for _ in _every_day(drug))
    if said.bridge is not None:
        holds = holds and drug.bridge is not None and drug.bridge.propose == said.bridge
    if said.because is not None:
        reason = f"{given.reason.fr} {given.reason.en}".casefold()
        holds = holds and said.because.casefold() in reason
    shown = ", ".join(day.isoformat() for day in days) or "no date"
    bridge = f", bridge {drug.bridge.propose}" if drug.bridge else ""
    return Finding(holds, f"{said.delay}: {given.status}, last intake {shown}{bridge} ({given.reason.en})")


def warning(said: Statement, scene: Scene) -> Finding:
    """A warning that stands beside the calculator's answer."""
    answer = _answer(scene)
    codes = [one.code for one in answer.warnings] if answer else []
    return Finding(said.warning in codes, ", ".join(codes) or "no warning")


def reasoned_from(said: Statement, scene: Scene) -> Finding:
    """A value that the plan was reasoned from, a clearance to the unit, and the day it was measured."""
    answer = _answer(scene)
    if answer is None:
        return Finding(False, "nothing was computed")
    inputs = answer.inputs
    known: dict[str, tuple[float | None, date | None]] = {
        "weight_kg": (inputs.weight_kg, inputs.weight_day),
        "creatinine_umol_l": (inputs.creatinine_umol_l, inputs.creatinine_day),
        "age": (inputs.age, None),
        "cockcroft_gault": (_whole(answer.cockcroft_gault), None),
        "ckd_epi": (_whole(answer.ckd_epi), None),
    }
    value, day = known.get(said.input or "", (None, None))
    if value is None:
        return Finding(False, f"{said.input} is not known; there are {', '.join(known)}")
    holds = said.is_ in (None, value) and (said.at is None or (day == scene.days.day(said.at)))
    return Finding(holds, f"{said.input} is {value:g}" + (f" of {day.isoformat()}" if day else ""))


def spoken(drug: DrugAnswer) -> str:
    """Every sentence of an answer for one drug, in both languages, those of the other profiles with it."""
    texts: list[Text] = []
    for given in _by_profile(drug):
        texts += [given.reason, *(line.reason for line in given.lines)]
    texts += [one.text for one in (drug.lab, drug.resume, drug.bridge) if one is not None]
    return " ".join(f"{text.fr} {text.en}" for text in texts)


def _answer(scene: Scene) -> HoldAnswer | None:
    return scene.pathway.hold.answer if scene.pathway else None


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


def _by_profile(drug: DrugAnswer) -> Iterator[DrugAnswer | Other]:
    yield drug
    yield from drug.others


def _days(given: DrugAnswer | Other) -> Iterator[date]:
    if given.last_intake:
        yield given.last_intake.day
    yield from (line.last_intake.day for line in given.lines if line.last_intake)


def _every_day(drug: DrugAnswer) -> Iterator[Any]:
    """Whatever tells when a drug would be stopped, tested or taken again: its own profile's and every other's."""
    for given in _by_profile(drug):
        yield from _days(given)
    if drug.lab is not None and drug.lab.day is not None:
        yield drug.lab.day
    if drug.resume is not None:
        yield drug.resume
