"""What a referral leaves open that only a person can say, as questions for the coordinator's list.

A pathway that has begun lacks nothing by accident: each open question says who can answer it and whether
anything waits for the answer. Asked again after every answer, the list empties itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pathway.referral import Fact, Referral
from pathway.refusal import Text

CLOCKED_CAUSES = ("osteoporotic", "unknown")
"""Causes for which the age of the fracture is counted (protocol reference §1.3: off for a neoplastic
fracture)."""

NO_LONGER_TAKEN = frozenset({"stopped", "completed", "not-taken", "cancelled"})
"""MedicationStatement and MedicationRequest statuses of a drug that the patient does not take now."""


@dataclass(frozen=True, slots=True)
class Missing:
    """One open question, in French and English; `asked_of` are those who can answer.

    `blocks_start`: the pathway does not start before the answer, because its clocks count from it.
    """

    key: str
    question_fr: str
    question_en: str
    asked_of: tuple[str, ...]
    blocks_start: bool = False


def missing(referral: Referral) -> tuple[Missing, ...]:
    """The open questions of this referral, those that hold the start first."""
    clocked = referral.fracture.cause in CLOCKED_CAUSES
    found = [
        Missing(key, fr, en, asked_of, blocks_start=clocked and key == "fracture_onset")
        for key, is_open, fr, en, asked_of in _QUESTIONS
        if is_open(referral)
    ]
    return tuple(sorted(found, key=lambda each: not each.blocks_start))


def question(key: str) -> Text:
    """The question that an open point of a referral asks. KeyError for a key that is none."""
    return {each: Text(fr=fr, en=en) for each, _, fr, en, _ in _QUESTIONS}[key]


def antithrombotics_unknown(referral: Referral) -> bool:
    """Whether the referral does not say what the patient takes against clotting now."""
    return unanswered(referral.fact("antithrombotics"))


def unanswered(antithrombotics: Fact | None) -> bool:
    """Whether nobody has said what the patient takes against clotting now.

    An explicit "none" is an answer and a drug taken now is an answer. Silence is not, and neither is a list
    on which every antithrombotic has been stopped: it says what was taken once, not what replaced it.
    """
    if antithrombotics is None or not isinstance(antithrombotics.value, list):
        return True
    drugs = antithrombotics.value
    return bool(drugs) and all(
        not isinstance(drug, dict) or drug.get("status") in NO_LONGER_TAKEN for drug in drugs
    )


_QUESTIONS: tuple[tuple[str, Callable[[Referral], bool], str, str, tuple[str, ...]], ...] = (
    (
        "fracture_onset",
        lambda referral: referral.fracture.onset is None,
        "Quel jour la fracture est-elle survenue (début de la douleur) ?",
        "On which day did the fracture happen (start of the pain)?",
        ("referrer", "patient"),
    ),
    (
        "fracture_level",
        lambda referral: referral.fracture.level is None,
        "Quelle vertèbre est fracturée (T1 à L5) ?",
        "Which vertebra is fractured (T1 to L5)?",
        ("referrer", "radiologist"),
    ),
    (
        "contact",
        lambda referral: not referral.patient.contact.reachable,
        "Comment joindre le patient (mobile, téléphone fixe ou e-mail) ?",
        "How can the patient be reached (mobile, landline or e-mail)?",
        ("referrer", "admissions"),
    ),
    (
        "pain_nrs",
        lambda referral: referral.fact("pain_nrs") is None,
        "Quelle est l'intensité de la douleur depuis la fracture, de 0 à 10 ?",
        "How strong has the pain been since the fracture, from 0 to 10?",
        ("patient", "referrer"),
    ),
    (
        "antithrombotics",
        antithrombotics_unknown,
        "Le patient prend-il un anticoagulant ou un antiagrégant ? Lequel ? Sinon, l'indiquer explicitement.",
        "Does the patient take an anticoagulant or an antiplatelet? Which one? If none, say so explicitly.",
        ("referrer", "patient", "pharmacist"),
    ),
)
