"""What went wrong, said so that the sender can put it right: issues, and the OperationOutcome around them.

An issue never holds patient data: it names the element and the remedy, not the value that was found there,
because OperationOutcomes end up in the logs of both sides.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

SEVERITIES = ("fatal", "error", "warning", "information")

ISSUE_CODES = frozenset(
    {
        "invalid",
        "structure",
        "required",
        "value",
        "invariant",
        "security",
        "login",
        "unknown",
        "expired",
        "forbidden",
        "suppressed",
        "processing",
        "not-supported",
        "duplicate",
        "multiple-matches",
        "not-found",
        "deleted",
        "too-long",
        "code-invalid",
        "extension",
        "too-costly",
        "business-rule",
        "conflict",
        "transient",
        "lock-error",
        "no-store",
        "exception",
        "timeout",
        "incomplete",
        "throttled",
        "informational",
    }
)
"""IssueType of R4 (http://hl7.org/fhir/ValueSet/issue-type)."""


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing to say about a request: how grave (`severity`), of what kind (`code`), a sentence, and where.

    `expression` holds FHIRPaths such as `Bundle.entry[3].resource.ofType(ServiceRequest).subject`.
    Raises ValueError for a severity or code that R4 does not know.
    """

    severity: str
    code: str
    diagnostics: str
    expression: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.severity not in SEVERITIES:
            raise ValueError(f"{self.severity} is not an issue severity of FHIR R4; use one of {SEVERITIES}.")
        if self.code not in ISSUE_CODES:
            raise ValueError(f"{self.code} is not an issue type of FHIR R4.")

    @property
    def refuses(self) -> bool:
        """Whether this issue alone is enough to refuse the request."""
        return self.severity in ("fatal", "error")


def error(code: str, diagnostics: str, *expression: str) -> Issue:
    """An issue that refuses the request."""
    return Issue("error", code, diagnostics, expression)


def warning(code: str, diagnostics: str, *expression: str) -> Issue:
    """An issue that the sender should look at, and that refuses nothing."""
    return Issue("warning", code, diagnostics, expression)


def information(diagnostics: str, *expression: str) -> Issue:
    """Something worth knowing, asking for nothing."""
    return Issue("information", "informational", diagnostics, expression)


def refused(issues: Iterable[Issue]) -> bool:
    """Whether any of these issues refuses the request."""
    return any(issue.refuses for issue in issues)


def operation_outcome(issues: Iterable[Issue], id: str | None = None) -> dict[str, Any]:
    """The OperationOutcome for these issues, gravest first; `id` is the request id that support will ask for.

    FHIR wants at least one issue: none at all becomes the one that says all went well.
    """
    ordered = sorted(issues, key=lambda issue: SEVERITIES.index(issue.severity))
    outcome: dict[str, Any] = {"resourceType": "OperationOutcome"}
    if id is not None:
        outcome["id"] = id
    outcome["issue"] = [_as_fhir(issue) for issue in ordered or (information("All went well."),)]
    return outcome


def _as_fhir(issue: Issue) -> dict[str, Any]:
    said: dict[str, Any] = {
        "severity": issue.severity,
        "code": issue.code,
        "diagnostics": issue.diagnostics,
    }
    if issue.expression:
        said["expression"] = list(issue.expression)
    return said
