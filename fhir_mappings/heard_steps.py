"""What a report, a procedure or a stay says of a step: read here, with the step it speaks of by its kind.

Which steps await which documents is a table. A protocol that has no step of that name is not spoken of.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from typing import Any

from fhir_mappings.codes import LOINC, MRI_WORDS, PROCEDURE_CODES, PROCEDURE_WORDS, SPINE_MRI
from fhir_mappings.heard import said_reason
from fhir_mappings.inbound import answer_value, our_codes
from fhir_mappings.read import (
    Json,
    codings,
    day,
    first_instant,
    has_code,
    instant,
    object_at,
    objects_at,
    text_at,
    words,
)
from fhir_mappings.site import Site
from pathway.protocol import StepRule

DISCHARGE = "discharge"
REPORT_STEPS: Mapping[str, tuple[str, ...]] = {
    "pathology": ("biopsy_result",),
    "microbiology": ("exam_blood_cultures", "biopsy_result"),
    "mri": ("exam_mri_urgent", "exam_mri"),
    "dxa": ("dxa",),
}
"""Which steps await which kind of report, the likeliest first."""

FINAL = ("final", "amended", "corrected", "appended")
CHANGED = ("amended", "corrected", "appended")
WITHDRAWN = ("cancelled", "entered-in-error")

_SECTIONS = {
    "SP": "pathology",
    "PAT": "pathology",
    "CP": "pathology",
    "MB": "microbiology",
    "MCB": "microbiology",
}
"""HL7 v2-0074 diagnostic service sections; radiology says too little by its section alone."""
_LOINC = {
    "11526-1": "pathology",
    "38267-1": "dxa",
    "38263-0": "dxa",
    "38264-8": "dxa",
    "24966-4": "dxa",
    "24701-5": "dxa",
}
_CCAM = {"PAQK007": "dxa", **dict.fromkeys(SPINE_MRI, "mri"), "LHHH002": "pathology", "LHHH003": "pathology"}
_DXA_WORDS = re.compile(r"ost[eé]o-?densitom|densitom[eé]tri|\bDE?XA\b|absorptiom", re.IGNORECASE)
_PATHOLOGY_WORDS = re.compile(r"anatomo-?pathologi|\bACP\b|patholog(?:y|ie)|histolog", re.IGNORECASE)
_CULTURE_WORDS = re.compile(r"bact[eé]riolog|microbiolog|h[eé]mocultur|blood culture", re.IGNORECASE)
_IMPLANTS = ("LHMH197", "LHMH238", "LHMH391", "LHMH648", "LHMH705", "LHMH780")
_BIOPSIES = ("LHHH002", "LHHH003")


# --- reports ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Report:
    """A DiagnosticReport: of what, how far it is, and what it concludes. ``at`` is when it was issued (UTC)."""

    kind: str
    status: str
    conclusion: str
    at: datetime | None
    on: date | None
    outcome: str | None

    @property
    def is_final(self) -> bool:
        """Whether a physician may rely on it."""
        return self.status in FINAL


def report(resource: Json, site: Site, zone: tzinfo) -> Report | None:
    """What this DiagnosticReport is about; None when it is of no kind that a pathway awaits."""
    kind = _kind(resource)
    if kind is None:
        return None
    coded = [said_reason(each) for each in objects_at(resource, "conclusionCode")]
    outcomes = (
        code
        for each in objects_at(resource, "conclusionCode")
        for code in our_codes(each, site.code_system("outcome"))
    )
    effective = resource.get("effectiveDateTime") or object_at(resource, "effectivePeriod").get("start")
    return Report(
        kind,
        text_at(resource, "status") or "",
        text_at(resource, "conclusion") or ", ".join(filter(None, coded)),
        first_instant(zone, resource.get("issued"), effective),
        day(effective, zone),
        next(outcomes, None),
    )


def report_answers(said: Report, rule: StepRule) -> dict[str, Any]:
    """What the report answers of what its step asks: its conclusion, and the day of the examination."""
    told = {"report": said.conclusion, "mri_finding": said.conclusion, "finding": said.conclusion}
    if said.on is not None:
        told["mri_date"] = said.on.isoformat()
    return {answer.key: told[answer.key] for answer in rule.answers if told.get(answer.key)}


def _kind(resource: Json) -> str | None:
    code, categories = object_at(resource, "code"), objects_at(resource, "category")
    for system, value, _ in codings(code):
        if value in _CCAM:
            return _CCAM[value]
        if system == LOINC and value in _LOINC:
            return _LOINC[value]
    for each in categories:
        for _, value, _ in codings(each):
            if value in _SECTIONS:
                return _SECTIONS[value]
    said = " ".join([*words(code), *(text for each in categories for text in words(each))])
    if _DXA_WORDS.search(said):
        return "dxa"
    if MRI_WORDS.search(said):
        return "mri"
    if _PATHOLOGY_WORDS.search(said):
        return "pathology"
    return "microbiology" if _CULTURE_WORDS.search(said) else None


# --- procedures -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Done:
    """A Procedure. ``ended`` is T0, the end of cement injection where it is said, else the end of the procedure."""

    status: str
    reason: str
    started: datetime | None
    ended: datetime | None
    outcome: str | None
    data: dict[str, Any] = field(default_factory=dict)


def is_the_procedure(resource: Json, site: Site, step: str) -> bool:
    """Whether this Procedure is the one of the pathway: by our code of the step, by CCAM, or by name."""
    code = object_at(resource, "code")
    if step in our_codes(code, site.code_system("step")):
        return True
    if has_code(code, *PROCEDURE_CODES, *_IMPLANTS):
        return True
    return any(PROCEDURE_WORDS.search(said) for said in words(code))


def procedure(resource: Json, rule: StepRule, site: Site) -> Done:
    """What this Procedure says of the step: when, how it ended, and the answers it carries.

    Answers stand in extensions ``StructureDefinition/answer`` of ours (``code`` and ``value``), T0 in
    ``StructureDefinition/cement-injection-end``; a biopsy is known by its CCAM code, too.
    """
    period = object_at(resource, "performedPeriod")
    data: dict[str, Any] = {}
    cement = None
    asked = {answer.key: answer for answer in rule.answers}
    for each in objects_at(resource, "extension"):
        if text_at(each, "url") == f"{site.system}/StructureDefinition/cement-injection-end":
            cement = _exact(each.get("valueDateTime") or each.get("valueInstant"))
        elif text_at(each, "url") == f"{site.system}/StructureDefinition/answer":
            parts = {text_at(part, "url"): part for part in objects_at(each, "extension")}
            key = text_at(parts.get("code", {}), "valueCode") or ""
            value = answer_value(asked[key], parts.get("value", {}), site) if key in asked else None
            if value is not None:
                data[key] = value
    if "biopsy_taken" in asked and has_code(object_at(resource, "code"), *_BIOPSIES):
        data.setdefault("biopsy_taken", True)
    reason = said_reason(object_at(resource, "statusReason"))
    if "reason" in asked and reason:
        data.setdefault("reason", reason)
    outcomes = our_codes(object_at(resource, "outcome"), site.code_system("outcome"))
    return Done(
        text_at(resource, "status") or "",
        reason,
        _exact(period.get("start")),
        cement or _exact(period.get("end")) or _exact(resource.get("performedDateTime")),
        next(outcomes, None),
        data,
    )


def performed_on(resource: Json, zone: tzinfo) -> date | None:
    """The day in ``zone`` on which this Procedure was done, or was to be; None when it does not say one."""
    period = object_at(resource, "performedPeriod")
    said = (period.get("start"), resource.get("performedDateTime"), period.get("end"))
    return next((on for each in said if (on := day(each, zone)) is not None), None)


def _exact(value: Any) -> datetime | None:
    """An instant that was really said: a bare day is none."""
    return instant(value, UTC) if isinstance(value, str) and "T" in value else None


# --- stays ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stay:
    """An Encounter: in a bed or not, how far it is, and where the patient went.

    ``first`` and ``last`` are its days in the zone of the centre, also where no hour is said.
    """

    status: str
    in_bed: bool
    started: datetime | None
    ended: datetime | None
    home: bool | None
    first: date | None = None
    last: date | None = None

    def covers(self, at: datetime, on: date) -> bool | None:
        """Whether this instant, of that day, lies within the stay. None where its beginning or its end is not said."""
        if (self.started and self.started > at) or (self.first and self.first > on):
            return False
        if (self.ended and self.ended < at) or (self.last and self.last < on):
            return False
        return True if self.first and self.last else None


_HOME = ("home",)
_ELSEWHERE = ("alt-home", "other-hcf", "hosp", "long", "rehab", "psy", "snf")
"""http://terminology.hl7.org/CodeSystem/discharge-disposition"""


def stay(resource: Json, zone: tzinfo, in_bed: tuple[str, ...]) -> Stay:
    """What this Encounter says. ``in_bed`` are the classes of a stay in a hospital bed."""
    period = object_at(resource, "period")
    disposition = object_at(resource, "hospitalization", "dischargeDisposition")
    home = True if has_code(disposition, *_HOME) else False if has_code(disposition, *_ELSEWHERE) else None
    return Stay(
        text_at(resource, "status") or "",
        text_at(resource, "class", "code") in in_bed,
        _exact(period.get("start")),
        _exact(period.get("end")),
        home,
        day(period.get("start"), zone),
        day(period.get("end"), zone),
    )
