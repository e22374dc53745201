"""What a hospital's OperationOutcome says, as lines that a person can read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fhir_mappings.read import objects_at, text_at

_MOST = 10


def in_words(outcome: Mapping[str, Any]) -> list[str]:
    """One line for each issue: what the server says, and of which element. It may quote the patient."""
    return [_line(issue) for issue in objects_at(outcome, "issue")[:_MOST]]


def _line(issue: Mapping[str, Any]) -> str:
    said = text_at(issue, "details", "text") or text_at(issue, "diagnostics") or text_at(issue, "code") or "?"
    where = [str(each) for each in (issue.get("expression") or issue.get("location") or [])]
    return said + (f" ({', '.join(where)})" if where else "")
