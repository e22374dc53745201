"""Who a story is about, and the referral that a hospital would send for her."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from typing import Any

from app.story.acts import fact_value
from app.story.format import ReferralSaid, Story
from app.story.moments import Days
from fhir_mappings.referral_example import example_referral
from pathway.referral import Contact, Fact, Fracture, Identifier, Party, Person

_HOSPITAL = "https://hospital.example/patients"
_ORDERS = "https://hospital.example/orders"
_REGISTER = "https://hospital.example/practitioners"


def person(story: Story) -> Person:
    """The patient as the hospital knows her."""
    said = story.patient
    number = said.identifier or _number(story.story, said.family, said.given, said.born.isoformat())
    contact = Contact(said.language, said.mobile, said.landline, said.email)
    return Person((Identifier(_HOSPITAL, number),), said.family, said.given, said.born, said.sex, contact)


def refer(story: Story, said: ReferralSaid, days: Days) -> dict[str, Any]:
    """The Bundle of this referral, which says nothing but what the story says."""
    at = days.instant(said.at)
    fracture = story.fracture
    return example_referral(
        person(story),
        Fracture(
            onset=days.day(fracture.onset) if fracture.onset else None,
            text=fracture.text or f"Fracture {fracture.level or ''}".strip(),
            level=fracture.level,
            cause=fracture.cause,
        ),
        identifier=Identifier(_ORDERS, said.number or _number(story.story, said.by, said.at, "order")),
        requester=Party(said.by, (Identifier(_REGISTER, _number(said.by)),), said.phone, said.email),
        facts=tuple(_fact(key, value, said.by, at, days) for key, value in said.facts.items()),
        authored=at,
        priority=said.priority,
    )


def _fact(key: str, value: Any, by: str, at: datetime, days: Days) -> Fact:
    if key == "mri_date":
        day: date = days.day(str(value))
        return Fact(key, day.isoformat(), days.start(day.isoformat()), by, "told")
    return Fact(key, fact_value(key, value), at, by, "told")


def _number(*said: str) -> str:
    """A number that is always the same for the same words."""
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:12]
