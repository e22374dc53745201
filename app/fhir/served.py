"""What ``/fhir`` serves: one table. Routes are made from it and the CapabilityStatement is printed from it.

What each type is found by is ``fhir_mappings.searchable``; here stands what may be done with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from fhir_mappings.search_parameters import PARAMETERS, Parameter

Interaction = Literal[
    "read",
    "vread",
    "history-instance",
    "history-type",
    "search-type",
    "create",
    "update",
    "patch",
]
SystemInteraction = Literal["transaction", "batch", "history-system"]

_R4 = "http://hl7.org/fhir/SearchParameter/"

EVERYWHERE = (
    Parameter("_id", "token", (), _R4 + "Resource-id"),
    Parameter("_lastUpdated", "date", (), _R4 + "Resource-lastUpdated"),
)
"""What every type is found by beside its own."""


@dataclass(frozen=True, slots=True)
class Served:
    """A resource type, what may be done with it, and what it is found by (beside EVERYWHERE).

    ``conditional_create``, ``conditional_update``: by ``If-None-Exist`` and by a search in the URL of a PUT, which
    must name one resource. ``update_create``: a PUT to an id that is not there makes it. ``operations`` are the
    operations on this type, by name, with their definitions (empty: one of ours, see the site).
    """

    type: str
    interactions: tuple[Interaction, ...]
    parameters: tuple[Parameter, ...] = ()
    conditional_create: bool = False
    conditional_update: bool = False
    update_create: bool = False
    operations: tuple[tuple[str, str], ...] = ()
    kept: bool = True
    """False: no row is kept of it, it is made of the trace when it is asked for, by routes of its own."""

    @property
    def searched_by(self) -> dict[str, Parameter]:
        """Every parameter by name, those of all resources included."""
        return {one.name: one for one in (*EVERYWHERE, *self.parameters)}

    @property
    def sorted_by(self) -> tuple[str, ...]:
        """What ``_sort`` may say, each also with a minus before it."""
        own = (one.name for one in self.parameters if one.kind == "date" or one.name == "status")
        return ("_id", "_lastUpdated", *own)

    @property
    def includes(self) -> tuple[str, ...]:
        """What ``_include`` may say of this type: its own references."""
        referring = (one for one in self.parameters if one.kind == "reference" and self.kept)
        return tuple(f"{self.type}:{one.name}" for one in referring)

    @property
    def reverse_includes(self) -> tuple[str, ...]:
        """What ``_revinclude`` may say of this type: whatever may refer to it."""
        return tuple(_referring_to(self.type)) if self.kept else ()


def _referring_to(type_: str) -> Iterator[str]:
    for name, parameters in PARAMETERS.items():
        for one in parameters:
            if one.kind == "reference" and (not one.targets or type_ in one.targets):
                yield f"{name}:{one.name}"


_FOUND: tuple[Interaction, ...] = ("read", "vread", "history-instance", "history-type", "search-type")
_WRITTEN: tuple[Interaction, ...] = (*_FOUND, "create", "update", "patch")

_VALIDATE = ("validate", "http://hl7.org/fhir/OperationDefinition/Resource-validate")
_BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/backport-subscription-"
_OPERATIONS: dict[str, tuple[tuple[str, str], ...]] = {
    "PlanDefinition": (("apply", ""),),
    "Subscription": (("status", f"{_BACKPORT}status"), ("events", f"{_BACKPORT}events")),
}


def _served(type_: str) -> Served:
    return Served(
        type_,
        _WRITTEN,
        PARAMETERS[type_],
        conditional_create=True,
        conditional_update=True,
        update_create=True,
        operations=(_VALIDATE, *_OPERATIONS.get(type_, ())),
    )


_TRACE = (
    Parameter("patient", "reference", (), f"{_R4}AuditEvent-patient", ("Patient",)),
    Parameter("date", "date", (), f"{_R4}AuditEvent-date"),
    Parameter("action", "token", (), f"{_R4}AuditEvent-action"),
)

SERVED: tuple[Served, ...] = (
    *(_served(type_) for type_ in PARAMETERS),
    Served("AuditEvent", ("read", "search-type"), _TRACE, kept=False),
    Served("SearchParameter", ("read",)),
    Served("CapabilityStatement", ("read",)),
    Served("OperationDefinition", ("read",)),
    Served("StructureDefinition", ("read",)),
)

SYSTEM: tuple[SystemInteraction, ...] = ("transaction", "batch", "history-system")
"""What may be done with everything at once."""

BY_TYPE = {one.type: one for one in SERVED}
