"""Whatever goes wrong under ``/fhir`` is an OperationOutcome: one table, and the one place that catches.

An outcome names the element and the remedy, carries the request id, and holds nothing of a patient. What we did
not foresee is a 500 with that id; the log has the id and the place in the code, never the values.
"""

from __future__ import annotations

import logging
import traceback
import uuid
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect

from app.fhir.answer import outcome
from app.http_errors import ERRORS, problem
from fhir_mappings.outcome import Issue, error
from pathway.refusal import Refused
from store.ledger import Stale
from store.locks import Busy, gave_up

log = logging.getLogger("jalon.fhir")

ISSUE_OF_STATUS: dict[int, str] = {
    400: "invalid",
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    406: "not-supported",
    409: "conflict",
    410: "deleted",
    412: "conflict",
    413: "too-long",
    415: "not-supported",
    422: "processing",
    500: "exception",
}
"""HTTP status → IssueType of R4, where nothing more exact is known."""


class FhirError(Exception):
    """A request that is refused, with its HTTP status and what is to be said about it."""

    def __init__(self, status: int, *issues: Issue, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status}: " + " ".join(issue.diagnostics for issue in issues))
        self.status = status
        self.issues = issues
        self.headers = dict(headers or {})


def refuse(
    status: int, sentence: str, *expression: str, code: str = "", headers: Mapping[str, str] | None = None
) -> FhirError:
    """The refusal in one sentence, with the issue type of its status unless ``code`` says better."""
    return FhirError(status, error(code or ISSUE_OF_STATUS[status], sentence, *expression), headers=headers)


def request_id(request: Request) -> str:
    """The id that support will ask for: given by whatever is around us, else made here, once a request."""
    given = getattr(request.state, "request_id", None)
    if given is None:
        given = request.state.request_id = uuid.uuid4().hex
    return str(given)


class FhirRoute(APIRoute):
    """A route whose every failure is an OperationOutcome, and whose every answer carries the request id."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's own handler inside the one that catches (a coroutine, as Starlette has it)."""
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                answer = await handle(request)
            except Exception as caught:
                answer = failed(request, caught)
            answer.headers.setdefault("X-Request-Id", request_id(request))
            return answer

        return guarded


_WRITTEN = "The database is busy with what others write, and nothing was recorded; send it again."


def refusal(caught: Exception) -> FhirError | None:
    """What is to be said of this error where it is a refusal; None where the fault is ours."""
    if isinstance(caught, FhirError):
        return caught
    if isinstance(caught, Busy):
        sentence = "Others are writing the same at this moment, and nothing was recorded; send it again."
        return refuse(409, sentence, code="lock-error")
    if gave_up(caught):
        return refuse(503, _WRITTEN, code="lock-error", headers={"Retry-After": "1"})
    if not isinstance(caught, ERRORS):
        return None
    said = problem(caught)
    issue = said.as_issue()
    if isinstance(caught, Refused | Stale):
        # The field is one of our event, not an element of what was sent: named in words, not as a path.
        named = f" ({said.field})" if said.field else ""
        issue = error(said.issue, said.text.en + named)
    return FhirError(said.status, issue, headers={"WWW-Authenticate": "Bearer"} if said.status == 401 else {})


def failed(request: Request, caught: Exception) -> Response:
    """The answer to a request that raised."""
    id_ = request_id(request)
    refused = refusal(caught)
    if refused is not None:
        return outcome(refused.status, refused.issues, id_, refused.headers)
    if isinstance(caught, ClientDisconnect):
        return outcome(400, (error("structure", "The body broke off; send it again, whole."),), id_)
    place = [
        f"{frame.filename}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(caught.__traceback__)
    ]
    log.error(
        "request failed: %s at %s",
        type(caught).__name__,
        " < ".join(reversed(place[-8:])),
        extra={"request_id": id_, "method": request.method},
    )
    sentence = "Something went wrong on our side and nothing was recorded; tell us this outcome's id."
    return outcome(500, (error(ISSUE_OF_STATUS[500], sentence),), id_)
