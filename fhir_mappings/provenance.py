"""Who moved a pathway, when it happened and when we heard: one Provenance for each line of its history.

It names the versions of the resources that the event changed. R4 gives Provenance no identifier, so it cannot be
put again by one on somebody else's server: it is served here, and never pushed.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from datetime import datetime

from fhir_mappings.read import Json
from fhir_mappings.site import Site, fhir_id
from fhir_mappings.write import concept, instant, pruned
from pathway import events as e
from pathway.protocol import Protocol
from pathway.state import Actor

PARTICIPANT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
OPERATION = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"
_SIGNATURES = {"system": "urn:iso-astm:E1762-95:2013"}
_AUTHORS = {**_SIGNATURES, "code": "1.2.840.10065.1.12.1.1", "display": "Author's Signature"}
_VERIFICATION = {**_SIGNATURES, "code": "1.2.840.10065.1.12.1.5", "display": "Verification Signature"}


def provenance(
    pathway_id: str,
    seq: int,
    event: e.Event,
    *,
    recorded: datetime,
    occurred: datetime,
    targets: Sequence[tuple[str, str, int]],
    protocol: Protocol,
    site: Site,
) -> Json:
    """The Provenance of the event that is line ``seq``; ``targets`` are (type, id, version), at least one.

    ``occurred`` is when it happened and ``recorded`` when we heard, both aware.
    """
    kind = type(event).__name__
    return pruned(
        {
            "resourceType": "Provenance",
            "id": fhir_id(pathway_id, "event", seq),
            "target": [{"reference": f"{type_}/{id_}/_history/{n}"} for type_, id_, n in targets],
            "occurredDateTime": instant(occurred),
            "recorded": instant(recorded),
            "reason": [concept(getattr(event, "reason", "") or "")],
            "activity": concept(
                "",
                site.coding("event", _dashed(kind)),
                {"system": OPERATION, "code": "CREATE" if isinstance(event, e.Enrolled) else "UPDATE"},
            ),
            "agent": [_agent(event.by, site)],
            "signature": _signatures(event, recorded, protocol),
        }
    )


def _agent(by: Actor, site: Site) -> Json:
    """A person answers for it; a system brings word of it; our own clock only puts two and two together."""
    role = "author" if by.role != "system" else "assembler" if by.name == "jalon" else "informant"
    return {
        "type": concept("", {"system": PARTICIPANT, "code": role}),
        "role": [concept("", site.coding("role", each)) for each in by.functions],
        "who": {"display": by.name},
        "onBehalfOf": site.reference() if role != "informant" else None,
    }


def _signatures(event: e.Event, recorded: datetime, protocol: Protocol) -> list[Json]:
    """What a named person signed: its exact words, in the ``data`` of the signature."""
    signed = _signed(event, protocol)
    if signed is None:
        return []
    kind, words = signed
    return [
        {
            "type": [kind],
            "when": instant(recorded),
            "who": {"display": event.by.name},
            "targetFormat": "application/fhir+json",
            "sigFormat": "text/plain; charset=utf-8" if isinstance(words, str) else "application/json",
            "data": base64.b64encode(_text(words).encode()).decode(),
        }
    ]


def _signed(event: e.Event, protocol: Protocol) -> tuple[Json, object] | None:
    if isinstance(event, e.HoldSigned):
        return _AUTHORS, event.text
    if isinstance(event, e.HoldNotRequired | e.HoldRejected | e.GateOverridden):
        return _AUTHORS, _said(event)
    if isinstance(event, e.StepCompleted) and protocol.step(event.step).signed_by:
        return _VERIFICATION, _said(event)
    return None


def _said(event: e.Event) -> Json:
    """The event without its author and its instants, which the Provenance says elsewhere."""
    data = e.to_data(event)
    return {name: value for name, value in data.items() if name not in ("by", "occurred")}


def _text(words: object) -> str:
    return words if isinstance(words, str) else json.dumps(words, ensure_ascii=False, sort_keys=True)


def _dashed(name: str) -> str:
    """``StepCompleted`` as ``step-completed``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()
