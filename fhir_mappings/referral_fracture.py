"""The fracture of a referral: which vertebra, since which day, and why it broke, from the Condition that says
so."""

from __future__ import annotations

import re
from datetime import date

from fhir_mappings.bundle import Found
from fhir_mappings.codes import (
    ELSEWHERE_ICD10,
    FRACTURE_ICD10,
    FRACTURE_SNOMED,
    FRACTURE_WORDS,
    NEGATED,
    NEOPLASTIC_ICD10,
    NEOPLASTIC_SNOMED,
    SNOMED,
)
from fhir_mappings.outcome import error, information, warning
from fhir_mappings.read import Json, codings, day, has_code, object_at, objects_at, text_at, words
from fhir_mappings.reading import Reading
from pathway.referral import Fracture

_VITAMIN = r"(?<!vitamine )(?<!vitamin )(?<!vit )(?<!OH )(?<!OH-)"
"""D3 is a vitamin more often than a vertebra."""

_WRITTEN_LEVEL = re.compile(rf"\b(?:(Th|T|{_VITAMIN}D)\s?-?(1[0-2]|[1-9])|(L)\s?-?([1-5]))(?![\w.,]?\d)\b")
_REGION = r"(?:vert[eè]bre |vertebra )?(lombaire|lumbar|thoraci\w+|dorsale?)"
_ORDINALS = (
    r"first|premi[eè]re",
    r"second|deuxi[eè]me|seconde",
    r"third|troisi[eè]me",
    r"fourth|quatri[eè]me",
    r"fifth|cinqui[eè]me",
    r"sixth|sixi[eè]me",
    r"seventh|septi[eè]me",
    r"eighth|huiti[eè]me",
    r"ninth|neuvi[eè]me",
    r"tenth|dixi[eè]me",
    r"eleventh|onzi[eè]me",
    r"twelfth|douzi[eè]me",
)
_ABOUT_CAUSE = (
    ("neoplastic", re.compile(r"m[eé]tasta|my[eé]lom|n[eé]oplas|tumou?r|tumeur|cancer", re.IGNORECASE)),
    ("osteoporotic", re.compile(r"ost[eé]o-?poro", re.IGNORECASE)),
    ("traumatic", re.compile(r"\btrauma", re.IGNORECASE)),
)


def fracture(reading: Reading, request: Found, patient: Found) -> Fracture | None:
    """The fracture that this ServiceRequest is about; what is not known stays None. None with issues for a
    Condition that cannot be: unresolvable, malformed, refuted, or somebody else's.

    The Conditions of `reasonReference` speak first; without any, the patient's own vertebral fractures in the
    Bundle, the latest first; without any, `reasonCode`. The onset is `onsetDateTime` or `onsetPeriod.start`,
    on a full day.
    """
    before = len(reading.issues)
    named = _named_conditions(reading, request, patient)
    if any(issue.refuses for issue in reading.issues[before:]):
        return None
    fractures = [each for each in named if _is_fracture(each.resource)] or named[:1]
    if not fractures:
        fractures = _unnamed_fractures(reading, patient)
    if any(issue.refuses for issue in reading.issues[before:]):
        return None
    reasons = objects_at(request.resource, "reasonCode")
    concepts = [object_at(each.resource, "code") for each in fractures[:1]] or reasons[:1]
    concept = concepts[0] if concepts else {}
    condition = fractures[0].resource if fractures else {}
    if len(fractures) > 1:
        reading.issues.append(
            information(
                "More than one fracture is named; the pathway follows the first of them.",
                *(each.path for each in fractures[1:]),
            )
        )
    code, system = _code(concept)
    return Fracture(
        onset=_onset(reading, fractures[0]) if fractures else None,
        code=code,
        system=system,
        text=next(iter(words(concept)), ""),
        level=_level(condition, concept, request.resource),
        cause=_cause([*concepts, *(object_at(each.resource, "code") for each in named), *reasons]),
    )


# --- which Condition --------------------------------------------------------------------------------------


def _named_conditions(reading: Reading, request: Found, patient: Found) -> list[Found]:
    named = []
    for index, reference in enumerate(objects_at(request.resource, "reasonReference")):
        element = f"reasonReference[{index}]"
        if (text_at(reference, "type") or text_at(reference, "reference") or "").startswith(_OTHER_REASONS):
            continue
        if reading.contents.resolve(reference, request, *_OTHER_REASONS):
            continue
        found = reading.follow(request, element, reference, "Condition")
        if found is None:
            continue
        if not reading.is_about(patient, found):
            reading.issues.append(
                error(
                    "business-rule",
                    "Condition.subject is not the patient of the ServiceRequest; correct one of the two.",
                    f"{found.path}.subject",
                )
            )
        elif _is_denied(found.resource):
            reading.issues.append(
                error(
                    "business-rule",
                    "Condition.verificationStatus says that it is not so; name a Condition that stands.",
                    f"{found.path}.verificationStatus",
                )
            )
        else:
            named.append(found)
    return named


_OTHER_REASONS = ("Observation", "DiagnosticReport", "DocumentReference")


def _unnamed_fractures(reading: Reading, patient: Found) -> list[Found]:
    fractures = [
        found
        for found in reading.contents.of("Condition")
        if _is_fracture(found.resource)
        and not _is_denied(found.resource)
        and not has_code(found.resource.get("clinicalStatus"), "resolved", "inactive", "remission")
        and reading.is_about(patient, found)
        and reading.well_formed(found)
    ]
    fractures.sort(key=lambda found: _given_onset(reading, found) or date.min, reverse=True)
    return fractures


def _is_denied(condition: Json) -> bool:
    return has_code(condition.get("verificationStatus"), "refuted", "entered-in-error")


def _is_fracture(condition: Json) -> bool:
    concept = object_at(condition, "code")
    for system, code, _ in codings(concept):
        plain = code.replace(".", "").upper()
        if _icd10(system) and plain.startswith(tuple(FRACTURE_ICD10)):
            return ELSEWHERE_ICD10.match(plain) is None
        if system == SNOMED and code in FRACTURE_SNOMED:
            return True
    return any(FRACTURE_WORDS.search(said) for said in words(concept))


# --- what it says -----------------------------------------------------------------------------------------


def _given_onset(reading: Reading, found: Found) -> date | None:
    condition = found.resource
    return day(condition.get("onsetDateTime"), reading.zone) or day(
        object_at(condition, "onsetPeriod").get("start"), reading.zone
    )


def _onset(reading: Reading, found: Found) -> date | None:
    onset = _given_onset(reading, found)
    if onset is not None and onset > reading.received.astimezone(reading.zone).date():
        reading.issues.append(
            warning(
                "value",
                "Condition.onset is in the future, so it was not used; a coordinator will ask for the day.",
                f"{found.path}.onset",
            )
        )
        return None
    return onset


def _code(concept: Json) -> tuple[str | None, str | None]:
    """The code that names the fracture: ICD-10 when there is one, else the first."""
    given = [(system, code) for system, code, _ in codings(concept) if code]
    given.sort(key=lambda each: not _icd10(each[0]))
    if not given:
        return None, None
    system, code = given[0]
    return code, system or None


def _icd10(system: str) -> bool:
    plain = system.lower().replace("-", "")
    return "icd10" in plain or "cim10" in plain or plain == "urn:oid:2.16.840.1.113883.6.3"


def _level(condition: Json, concept: Json, request: Json) -> str | None:
    """The vertebra, from the body site, else from the words, else from the body site of the request.

    Two different vertebrae in one place leave it open: which of them is meant is a question for a person.
    """
    for concepts in (objects_at(condition, "bodySite"), [concept], objects_at(request, "bodySite")):
        said = [text for each in concepts for text in [*words(each), *(code for _, code, _ in codings(each))]]
        levels = {level for text in said for level in levels_in(text)}
        if levels:
            return levels.pop() if len(levels) == 1 else None
    return None


def levels_in(text: str) -> set[str]:
    """Every vertebra named in a text, as T1–T12 and L1–L5: `D12`, `Th12`, `12e vertèbre thoracique`, `first
    lumbar vertebra`."""
    found = {f"{'L' if match[3] else 'T'}{match[2] or match[4]}" for match in _WRITTEN_LEVEL.finditer(text)}
    for number, names in enumerate(_ORDINALS, start=1):
        pattern = rf"\b(?:{names}|{number}\s?(?:st|nd|rd|th|e|[eè]me|re|[eè]re))\s{_REGION}"
        for match in re.finditer(pattern, text, re.IGNORECASE):
            lumbar = match[1].lower().startswith("l")
            if not lumbar or number <= 5:
                found.add(f"{'L' if lumbar else 'T'}{number}")
    return found


def _cause(concepts: list[Json]) -> str:
    """Why it broke. Codes decide before words, and a tumour before osteoporosis before a fall, for a tumour
    turns the fracture-age clock off and asks for an oncologist. Words may overrule one code, that of a
    trauma: falls at home are coded so. Words after a negation say nothing."""
    by_code = {cause for concept in concepts for cause in _coded_causes(concept)}
    said = [text for concept in concepts for text in words(concept)]
    by_words = {
        cause
        for cause, pattern in _ABOUT_CAUSE
        for text in said
        for match in pattern.finditer(text)
        if not NEGATED.search(text[: match.start()])
    }
    for causes in (by_code - {"traumatic"}, by_code | by_words):
        for cause, _ in _ABOUT_CAUSE:
            if cause in causes:
                return cause
    return "unknown"


def _coded_causes(concept: Json) -> set[str]:
    causes = set()
    for system, code, _ in codings(concept):
        if _icd10(system):
            plain = code.replace(".", "").upper()
            if plain.startswith(NEOPLASTIC_ICD10):
                causes.add("neoplastic")
            causes |= {cause for prefix, cause in FRACTURE_ICD10.items() if plain.startswith(prefix)}
        elif system == SNOMED:
            if code in NEOPLASTIC_SNOMED:
                causes.add("neoplastic")
            causes |= {FRACTURE_SNOMED[code]} if code in FRACTURE_SNOMED else set()
    return causes - {"unknown"}
