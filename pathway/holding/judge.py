"""One drug in one profile: which rule applies, and what it gives. The same for the chosen profile and the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from pathway.calendar import Calendar
from pathway.holding import words
from pathway.holding.answer import SEVERITY, LastIntake, Line, Status
from pathway.holding.asked import Drug, Inputs
from pathway.holding.days import held_days, last_intake
from pathway.holding.profile import Band, DrugRule, Profile, Rule, Rules
from pathway.refusal import Text

ANTITHROMBOTIC = "B01A"


@dataclass(frozen=True, slots=True)
class Case:
    """One patient, one procedure (UTC), one centre's calendar: what every drug is judged in."""

    drugs: tuple[Drug, ...]
    procedure: datetime
    calendar: Calendar
    inputs: Inputs

    def clearances(self, profile: Profile) -> Mapping[str, float]:
        """The clearances that this profile looks at, by name; empty when none is known. Unrounded."""
        if self.inputs.clearance is not None:
            return {"clearance": self.inputs.clearance}
        both = self.inputs.kidneys
        return {metric: both.by(metric) for metric in profile.renal_metric} if both else {}


@dataclass(frozen=True, slots=True)
class Judged:
    """What a profile says of a drug. ``known`` False: nothing at all."""

    status: Status
    reason: Text
    source: str
    last_intake: LastIntake | None = None
    lines: tuple[Line, ...] = ()
    lab: str | None = None
    held: int = 0
    known: bool = True

    @property
    def undated(self) -> Judged:
        """The same without any day: what a refusal shows of every text."""
        lines = tuple(replace(line, last_intake=None) for line in self.lines)
        return replace(self, last_intake=None, lines=lines, held=0)


def judge(drug: Drug, profile: Profile, case: Case) -> Judged:
    """What ``profile`` says of ``drug`` for this case."""
    rule = profile.drug(drug.atc)
    if rule is None:
        return _unknown(drug, profile)
    choices = rule.choices
    chosen = choices.get(drug.dose_class or "") or choices.get(drug.indication or "")
    if choices and chosen is None:
        return _which(drug, rule, profile, case)
    found = _by_rules(chosen or rule, rule, drug, profile, case)
    if rule.lead_in is not None and drug.dose_class == "lead-in" and found.status != "refused":
        return replace(found.undated, status="ask", reason=rule.lead_in, lines=())
    if rule.once_daily_morning is not None and _may_be_once_in_the_morning(drug):
        said = rule.once_daily_morning
        return replace(
            found, reason=Text(fr=f"{found.reason.fr} {said.fr}", en=f"{found.reason.en} {said.en}")
        )
    return found


def _may_be_once_in_the_morning(drug: Drug) -> bool:
    return drug.taken != "evening" and drug.frequency in ("once", None)


def _unknown(drug: Drug, profile: Profile) -> Judged:
    if drug.atc and not drug.atc.startswith(ANTITHROMBOTIC) and not ANTITHROMBOTIC.startswith(drug.atc):
        return Judged("continue", words.not_concerned(drug.atc), profile.source, known=False)
    return Judged("refused", words.unknown_code(drug.atc, profile.profile), profile.source, known=False)


def _which(drug: Drug, rule: DrugRule, profile: Profile, case: Case) -> Judged:
    """Nobody has said which dose, route or indication: every possibility is shown, none is chosen."""
    lines: list[Line] = []
    held = 0
    for key, rules in rule.choices.items():
        found = _by_rules(rules, rule, drug, profile, case)
        held = max(held, found.held)
        if found.lines:
            lines += [_within(key, line) for line in found.lines]
        else:
            title = words.label(key)
            lines.append(Line(key, title, found.status, found.last_intake, found.reason, found.source))
    reason = words.ask_which(rule, rule.choices)
    return Judged("ask", reason, rule.source or profile.source, lines=tuple(lines), lab=rule.lab, held=held)


def _within(key: str, line: Line) -> Line:
    title = words.label(key)
    both = Text(fr=f"{title.fr} : {line.title.fr}", en=f"{title.en}: {line.title.en}")
    return replace(line, label=f"{key}: {line.label}", title=both)


def _by_rules(rules: Rules, drug_rule: DrugRule, drug: Drug, profile: Profile, case: Case) -> Judged:
    """One rule, or one for each equation that the profile looks at."""
    source = rules.source or drug_rule.source or profile.source
    lab = rules.lab or drug_rule.lab
    if rules.last is not None:
        return _by_rule(rules.last, lab, source, drug, profile, case)
    clearances = case.clearances(profile)
    if not clearances:
        if rules.if_unknown is not None:
            return _by_rule(rules.if_unknown, lab, source, drug, profile, case)
        return Judged("refused", words.no_clearance(drug_rule, case.inputs.missing), source)
    bands = {metric: _band(rules, value) for metric, value in clearances.items()}
    first, *more = bands.values()
    if all(band is first for band in more):
        return _in_band(first, clearances, lab, source, drug_rule, drug, profile, case)
    found = {
        metric: _in_band(band, {metric: clearances[metric]}, lab, source, drug_rule, drug, profile, case)
        for metric, band in bands.items()
    }
    lines = tuple(
        Line(
            metric,
            words.label(metric),
            one.status,
            one.last_intake,
            one.reason,
            one.source,
            clearances[metric],
        )
        for metric, one in found.items()
    )
    worst = max(found.values(), key=lambda one: SEVERITY.index(one.status))
    held = max(one.held for one in found.values())
    return Judged("ask", words.metrics_differ(), source, lines=lines, lab=worst.lab or lab, held=held)


def _band(rules: Rules, clearance: float) -> Band:
    return next(band for band in rules.bands if band.holds(clearance))


def _in_band(
    band: Band,
    values: Mapping[str, float],
    lab: str | None,
    source: str,
    drug_rule: DrugRule,
    drug: Drug,
    profile: Profile,
    case: Case,
) -> Judged:
    found = _by_rule(band, lab, source, drug, profile, case)
    if found.status == "refused" and band.reason is None:
        return replace(found, reason=words.refused_by_clearance(drug_rule, values, band))
    return replace(found, reason=words.with_clearances(found.reason, values, band))


def _by_rule(rule: Rule, lab: str | None, source: str, drug: Drug, profile: Profile, case: Case) -> Judged:
    found = last_intake(rule, drug, case.procedure, case.calendar, profile.clocks)
    lines = tuple(
        Line(
            words.option(option).en,
            words.option(option),
            "continue" if option.action == "continue" else "hold",
            last_intake(option, drug, case.procedure, case.calendar, profile.clocks),
            words.by_rule(option),
            option.source or rule.source or source,
        )
        for option in rule.options
    )
    held = [held_days(rule, found)]
    held += [held_days(o, line.last_intake) for o, line in zip(rule.options, lines, strict=True)]
    return Judged(
        _status(rule),
        words.by_rule(rule),
        rule.source or source,
        found,
        lines,
        rule.lab or lab,
        max(held),
    )


def _status(rule: Rule) -> Status:
    """A range and a date to confirm are questions: the calculator does not choose for the signer."""
    if rule.action is not None:
        said: dict[str, Status] = {"refuse": "refused", "continue": "continue", "ask": "ask"}
        return said[rule.action]
    is_range = rule.max_offset is not None or rule.max_hours is not None
    return "ask" if rule.confirm or is_range else "hold"
