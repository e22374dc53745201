"""One hospital's server as the worker knows it: how it is spoken to, what it wants, and who listens to its answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fhir_mappings.outbound import DEPENDENCE
from gateways.fhir_client import FhirClient
from gateways.smart import SmartToken
from scheduler.ground import Works

Resource = dict[str, Any]
Hear = Callable[[Works, str, Resource], None]
"""What to do with a resource that the hospital has changed on its own server: (works, pathway id, resource)."""


@dataclass(frozen=True)
class Destination:
    """A FHIR server that is to hear of every pathway, and who listens to what it answers.

    ``mode`` is ``push``, or ``hosted`` for one that reads here and to which nothing is written. ``resources`` are the
    types it wants; none: all. ``token`` is how we prove who we are, where that is more than a fixed text.
    """

    name: str
    client: FhirClient
    hear: Hear | None = None
    mode: str = "push"
    resources: tuple[str, ...] = ()
    token: SmartToken | None = None
    lease_seconds: float = field(default=120.0)

    def wants(self, type_: str) -> bool:
        """Whether resources of this type are said there."""
        return type_ in (self.resources or DEPENDENCE)

    def close(self) -> None:
        """Close the connections kept open."""
        self.client.close()
        if self.token is not None:
            self.token.close()
