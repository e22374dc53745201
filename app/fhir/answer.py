"""Answers as FHIR has them: JSON of 4.0, resources with their version and date, Bundles of them, and outcomes.

The words of a resource are never read and written again on the way out: ours leave as the database has them and
others' as they came, stamped with id and version (``fhir_mappings.raw``).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from fastapi import Response

from fhir_mappings.outcome import Issue, operation_outcome
from fhir_mappings.raw import stamped, stamped_ours, text_of
from store.resource_history import Version
from store.search import Found, Said

FHIR_JSON = "application/fhir+json; fhirVersion=4.0"

Json = dict[str, Any]
Kept = Found | Said | Version
"""A resource as one of the readers of the store hands it over."""


def fhir(status: int, content: Json | None, headers: Mapping[str, str] | None = None) -> Response:
    """A FHIR answer. Nobody on the way may keep it: it speaks of a patient."""
    return fhir_text(status, written(content) if content is not None else None, headers)


def fhir_text(status: int, text: str | None, headers: Mapping[str, str] | None = None) -> Response:
    """The same where the JSON is written already."""
    said = {"Cache-Control": "no-store", **(headers or {})}
    if text is None:
        return Response(status_code=status, headers=said)
    return Response(text.encode(), status_code=status, headers=said, media_type=FHIR_JSON)


def outcome(
    status: int, issues: Iterable[Issue], request_id: str, headers: Mapping[str, str] | None = None
) -> Response:
    """An OperationOutcome, named by the request it answers."""
    return fhir(status, operation_outcome(issues, id=request_id), headers)


def resource(status: int, kept: Kept, headers: Mapping[str, str] | None = None) -> Response:
    """A resource, with its version as ETag and its date."""
    return fhir_text(status, words(kept), {**version_headers(kept), **(headers or {})})


def written(content: Any) -> str:
    """JSON without needless spaces."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def words(kept: Kept) -> str:
    """The resource in its own words, with its id, its version and the instant of its last change.

    To the microsecond, as it is stored: a poller that asks for ``_lastUpdated=gt`` what it saw last would miss
    what came later in the same second.
    """
    if kept.body is not None:
        return stamped(text_of(kept.body), kept.id, kept.version, exactly(kept.updated))
    text = written(kept.content) if isinstance(kept, Found) else kept.text
    assert text is not None, "a resource is kept as our text or as another's bytes"
    return stamped_ours(text, kept.id, kept.version, exactly(kept.updated))


def with_meta(kept: Kept) -> Json:
    """The same, read."""
    said: Json = json.loads(words(kept))
    return said


def exactly(at: datetime) -> str:
    """An instant as FHIR writes it."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def etag(kept: Kept) -> str:
    """The version as an ETag."""
    return f'W/"{kept.version}"'


def version_headers(kept: Kept) -> dict[str, str]:
    """ETag and Last-Modified."""
    return {"ETag": etag(kept), "Last-Modified": format_datetime(kept.updated, usegmt=True)}


def bundle(type_: str, *, links: Sequence[tuple[str, str]], entries: Sequence[str], total: int | None) -> str:
    """A searchset or a history, put together from entries that are written already."""
    parts = ['"resourceType":"Bundle"', f'"type":"{type_}"']
    if total is not None:
        parts.append(f'"total":{total}')
    parts.append('"link":' + written([{"relation": relation, "url": url} for relation, url in links]))
    if entries:
        parts.append(f'"entry":[{",".join(entries)}]')
    return "{" + ",".join(parts) + "}"
