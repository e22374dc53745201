"""What ``/fhir`` serves: one table. Routes are made from it and the CapabilityStatement is printed from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from store.search import Column

Interaction = Literal["read", "search-type", "update", "patch"]
Kind = Literal["token", "reference", "date"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A search parameter: its kind, the definition it has in R4 (None: ours), and for a date its column."""

    name: str
    kind: Kind
    definition: str | None
    column: Column | None = None


@dataclass(frozen=True, slots=True)
class Served:
    """A resource type, what may be done with it and what it is found by (beside ``_id`` and ``_lastUpdated``)."""

    type: str
    interactions: tuple[Interaction, ...]
    parameters: tuple[Parameter, ...] = ()

    @property
    def searched_by(self) -> dict[str, Parameter]:
        """Every parameter by name, those of all resources included."""
        return {one.name: one for one in (*EVERYWHERE, *self.parameters)}

    @property
    def sorted_by(self) -> tuple[str, ...]:
        """What ``_sort`` may say, each also with a minus before it."""
        return ("_id", *(name for name, one in self.searched_by.items() if one.column))


_R4 = "http://hl7.org/fhir/SearchParameter/"

EVERYWHERE = (
    Parameter("_id", "token", _R4 + "Resource-id"),
    Parameter("_lastUpdated", "date", _R4 + "Resource-lastUpdated", "updated"),
)
DUE = Parameter("due", "date", None, "due")
NOT_BEFORE = Parameter("not-before", "date", None, "not_before")


def _r4(name: str, kind: Kind, of: str) -> Parameter:
    return Parameter(name, kind, f"{_R4}{of}-{name}")


def _clinical(name: str) -> Parameter:
    return Parameter(name, "token" if name == "identifier" else "reference", f"{_R4}clinical-{name}")


_FOUND: tuple[Interaction, ...] = ("read", "search-type")
_HEARD: tuple[Interaction, ...] = (*_FOUND, "update", "patch")

SERVED: tuple[Served, ...] = (
    Served("Patient", _FOUND, (_r4("identifier", "token", "Patient"),)),
    Served(
        "Condition",
        _FOUND,
        (_clinical("identifier"), _clinical("patient"), _r4("subject", "reference", "Condition")),
    ),
    Served(
        "ServiceRequest",
        _FOUND,
        (
            _clinical("identifier"),
            _clinical("patient"),
            _r4("subject", "reference", "ServiceRequest"),
            _r4("status", "token", "ServiceRequest"),
        ),
    ),
    Served(
        "CarePlan",
        _FOUND,
        (
            _clinical("identifier"),
            _clinical("patient"),
            _r4("subject", "reference", "CarePlan"),
            _r4("status", "token", "CarePlan"),
        ),
    ),
    Served(
        "Task",
        _HEARD,
        (
            _r4("identifier", "token", "Task"),
            _r4("patient", "reference", "Task"),
            _r4("subject", "reference", "Task"),
            _r4("status", "token", "Task"),
            DUE,
            NOT_BEFORE,
        ),
    ),
    Served(
        "Appointment",
        _HEARD,
        (
            _r4("identifier", "token", "Appointment"),
            _r4("patient", "reference", "Appointment"),
            _r4("status", "token", "Appointment"),
            DUE,
        ),
    ),
    Served(
        "CommunicationRequest",
        _FOUND,
        (
            _r4("identifier", "token", "CommunicationRequest"),
            _r4("patient", "reference", "CommunicationRequest"),
            _r4("subject", "reference", "CommunicationRequest"),
            _r4("status", "token", "CommunicationRequest"),
            DUE,
        ),
    ),
    Served(
        "Communication",
        _FOUND,
        (
            _r4("identifier", "token", "Communication"),
            _r4("patient", "reference", "Communication"),
            _r4("subject", "reference", "Communication"),
            _r4("status", "token", "Communication"),
        ),
    ),
    Served("SearchParameter", ("read",)),
)

BY_TYPE = {one.type: one for one in SERVED}
