"""What a hospital's resource means for its patient's pathways: one ear for what is written here and what is fetched.

Called in the transaction that keeps the resource. What cannot be matched, or what the door refuses, becomes an
anomaly that a person sees and may replay; it never undoes the keeping and never stops what comes after.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from fhir_mappings.outcome import Issue
from fhir_mappings.read import Json
from fhir_mappings.site import Site
from pathway.state import Actor
from store.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Understood:
    """``moved``: whether anything happened to a pathway. ``issues`` are for the sender, without patient data."""

    moved: bool = False
    issues: tuple[Issue, ...] = ()


def understand(
    session: Session,
    ledger: Ledger[Any],
    site: Site,
    resource: Json,
    *,
    patient_id: str | None,
    source: str,
    by: Actor,
    at: datetime,
) -> Understood:
    """Let what this resource says happen to the running pathways of its patient.

    ``resource`` has passed the gate. ``patient_id`` is our patient, whom the caller has found; None: nobody of
    ours. ``source`` is the system that said it (a token's or a destination's name). Never raises for what is in it.
    """
    return Understood()
