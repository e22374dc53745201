"""Answers as FHIR has them: JSON of 4.0, resources with their version and date, and outcomes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from fastapi import Response

from fhir_mappings.outcome import Issue, operation_outcome
from store.search import Found

FHIR_JSON = "application/fhir+json; fhirVersion=4.0"

Json = dict[str, Any]


def fhir(status: int, content: Json | None, headers: Mapping[str, str] | None = None) -> Response:
    """A FHIR answer. Nobody on the way may keep it: it speaks of a patient."""
    said = {"Cache-Control": "no-store", **(headers or {})}
    if content is None:
        return Response(status_code=status, headers=said)
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(body, status_code=status, headers=said, media_type=FHIR_JSON)


def outcome(
    status: int, issues: Iterable[Issue], request_id: str, headers: Mapping[str, str] | None = None
) -> Response:
    """An OperationOutcome, named by the request it answers."""
    return fhir(status, operation_outcome(issues, id=request_id), headers)


def etag(found: Found) -> str:
    """The version as an ETag."""
    return f'W/"{found.version}"'


def with_meta(found: Found) -> Json:
    """The resource with its version and the instant of its last change.

    To the microsecond, as it is stored: a poller that asks for ``_lastUpdated=gt`` what it saw last would miss
    what came later in the same second.
    """
    kind, id_ = found.content["resourceType"], found.content["id"]
    meta = {"versionId": str(found.version), "lastUpdated": _exactly(found.updated)}
    return {"resourceType": kind, "id": id_, "meta": meta, **found.content}


def _exactly(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def version_headers(found: Found) -> dict[str, str]:
    """ETag and Last-Modified."""
    return {"ETag": etag(found), "Last-Modified": format_datetime(found.updated, usegmt=True)}
