"""A referral as the ward would tell it: who sends whom, with which fracture, and what is already known.

Nothing here knows FHIR: `fhir_mappings.referral` reads a Bundle into these values, the ledger starts a
pathway from them, and the screens show them. Every value goes to JSON and back without loss (`to_dict`,
`from_dict`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import Any, TypeAlias

JsonValue: TypeAlias = "str | int | float | bool | list[Any] | dict[str, Any] | None"

CAUSES = ("osteoporotic", "neoplastic", "traumatic", "unknown")

SAME_FRACTURE_DAYS = 7
"""Two onsets this many days apart may be one fracture told twice: people remember the week better than the
day. Centre default, no guideline behind it."""


@dataclass(frozen=True, slots=True, order=True)
class Identifier:
    """A name given by a system: `system` is the URI of who gave it, `value` is unique in that system."""

    system: str
    value: str

    def __str__(self) -> str:
        return f"{self.system}|{self.value}"


@dataclass(frozen=True, slots=True)
class Contact:
    """How to reach a patient.

    `language` is a two or three letter code. `mobile` is always E.164 (`+33612345678`), because a text goes
    there. `landline` is E.164 where the number could be understood and as given otherwise: a person can still
    dial it.
    """

    language: str = "fr"
    mobile: str | None = None
    landline: str | None = None
    email: str | None = None

    @property
    def reachable(self) -> bool:
        """Whether there is any number or address at all."""
        return bool(self.mobile or self.landline or self.email)


@dataclass(frozen=True, slots=True)
class Party:
    """Who refers: a practitioner or an organisation, with the way to answer them."""

    name: str
    identifiers: tuple[Identifier, ...] = ()
    phone: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """The patient. `gender` is male, female, other, unknown or not said; `given` is all given names,
    spaced."""

    identifiers: tuple[Identifier, ...]
    family: str
    given: str
    birth_date: date
    gender: str | None = None
    contact: Contact = Contact()
    deceased: bool = False


@dataclass(frozen=True, slots=True)
class Fracture:
    """The fracture to treat.

    `onset` is the day it happened, in the centre's zone; None when only a month, a story or nothing was
    given. `level` is written T1–T12 or L1–L5. `cause` is one of `CAUSES`; the fracture-age clock is off when
    neoplastic.
    """

    onset: date | None = None
    code: str | None = None
    system: str | None = None
    text: str = ""
    level: str | None = None
    cause: str = "unknown"


@dataclass(frozen=True, slots=True)
class Fact:
    """Something known about the patient: `value` under `key`, true `at` an instant (UTC), said `by` someone.

    `source` says what it was read from: `Observation/72514-3`, `MedicationStatement`, `ImagingStudy`.
    """

    key: str
    value: JsonValue
    at: datetime
    by: str
    source: str


@dataclass(frozen=True, slots=True)
class Referral:
    """Everything a pathway starts from. `key` is the same however often the same referral is sent.

    `authored` is UTC. `priority` is routine, urgent, asap or stat. `inpatient`: in a hospital bed when
    referred.
    """

    key: str
    identifier: Identifier | None
    requester: Party
    patient: Person
    fracture: Fracture
    facts: tuple[Fact, ...]
    authored: datetime
    priority: str = "routine"
    inpatient: bool = False

    def fact(self, key: str) -> Fact | None:
        """The latest fact under this key, or None when nothing is known."""
        known = [fact for fact in self.facts if fact.key == key]
        return max(known, key=lambda fact: fact.at) if known else None


# --- the same referral, the same fracture -----------------------------------------------------------------


def referral_key(identifier: Identifier | None, requester: Party, patient: Person, fracture: Fracture) -> str:
    """The key under which a referral starts one pathway and no more.

    Its own identifier (`system|value`) when it has one; else `sha256:` and a digest of who refers whom for
    what, in which the order of identifiers, upper and lower case and spaces of names do not count.
    """
    if identifier is not None:
        return str(identifier)
    said = [
        sorted(str(each) for each in requester.identifiers) or [_plain(requester.name)],
        sorted(str(each) for each in patient.identifiers),
        [fracture.onset.isoformat() if fracture.onset else "", fracture.level or ""],
        [fracture.system or "", fracture.code or ""] if fracture.code else [_plain(fracture.text)],
    ]
    canonical = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()


def fracture_keys(identifiers: Iterable[Identifier]) -> tuple[str, ...]:
    """Where to look for the same fracture sent by somebody else: one key for each identifier of the patient.

    Two referrals that share a key are about the same patient; `same_fracture` then says if it may be one
    fracture. A single key cannot hold the fracture too, for "within a few days" has no canonical form.
    """
    return tuple(sorted({str(each) for each in identifiers}))


def same_fracture(
    one: tuple[Person, Fracture], other: tuple[Person, Fracture], *, days: int = SAME_FRACTURE_DAYS
) -> bool:
    """Whether two senders may be speaking of the same fracture, so that a person must look before a second
    start.

    The same patient by any shared identifier, and nothing known that tells the fractures apart: not two
    different levels, not two onsets more than `days` calendar days apart. What is unknown on either side
    never separates, and neither do codes: one fracture is M48.5 to one sender and M80.08 to the next.
    """
    (patient, fracture), (other_patient, other_fracture) = one, other
    if not set(patient.identifiers) & set(other_patient.identifiers):
        return False
    if fracture.level and other_fracture.level and fracture.level != other_fracture.level:
        return False
    if fracture.onset and other_fracture.onset:
        return abs((fracture.onset - other_fracture.onset).days) <= days
    return True


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


# --- JSON -------------------------------------------------------------------------------------------------


def to_dict(referral: Referral) -> dict[str, Any]:
    """The referral as JSON values: dates `YYYY-MM-DD`, instants ISO 8601 in UTC, tuples as lists."""
    return {key: _to_json(value) for key, value in asdict(referral).items()}


def from_dict(said: Mapping[str, Any]) -> Referral:
    """The referral that `to_dict` wrote. Raises KeyError or ValueError for what it did not write."""
    patient, fracture, requester = said["patient"], said["fracture"], said["requester"]
    return Referral(
        key=said["key"],
        identifier=Identifier(**said["identifier"]) if said["identifier"] else None,
        requester=Party(**{**requester, "identifiers": _identifiers(requester)}),
        patient=Person(
            **{
                **patient,
                "identifiers": _identifiers(patient),
                "birth_date": date.fromisoformat(patient["birth_date"]),
                "contact": Contact(**patient["contact"]),
            }
        ),
        fracture=Fracture(
            **{
                **fracture,
                "onset": date.fromisoformat(fracture["onset"]) if fracture["onset"] else None,
            }
        ),
        facts=tuple(Fact(**{**fact, "at": datetime.fromisoformat(fact["at"])}) for fact in said["facts"]),
        authored=datetime.fromisoformat(said["authored"]),
        priority=said["priority"],
        inpatient=said["inpatient"],
    )


def _to_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: _to_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_to_json(each) for each in value]
    return value


def _identifiers(said: Mapping[str, Any]) -> tuple[Identifier, ...]:
    return tuple(Identifier(**each) for each in said["identifiers"])
