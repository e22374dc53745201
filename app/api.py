"""The application: pages, JSON API, FHIR and vital signs over one service. Made by ``create_app``, never at import."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from app.fhir.router import fhir_router
from app.http_errors import ERRORS, NotSignedIn, Problem, problem
from app.service import Service
from app.web import (
    again,
    anomalies,
    board,
    entrance,
    exchanges,
    explain_api,
    explained,
    hold_api,
    json_api,
    mailbox,
    patient,
    referrals,
    slots,
    smart_pages,
    subscriptions,
    vitals,
    ward,
)
from app.web.guard import HEADERS, Guard
from app.web.indicators import router as indicators_router
from app.web.render import STATIC, fault, trouble
from app.web.signed import language_of, signed_in
from fhir_mappings.outcome import operation_outcome
from gateways.mailbox import MailboxGateway
from pathway.refusal import Text


def create_app(service: Service) -> FastAPI:
    """The application over this service. The caller starts and stops the worker, and closes the service."""
    app = FastAPI(title="Jalon", openapi_url="/api/openapi.json", docs_url=None, redoc_url=None)
    app.state.service = service
    app.state.mailbox = _mailbox(service)
    app.add_middleware(Guard, https=service.settings.public_url.startswith("https:"))
    app.include_router(smart_pages.router)
    # Early, for it knows at once whether a path is its own, and the others try each of theirs.
    app.include_router(fhir_router(service))
    for family in (
        vitals,
        entrance,
        json_api,
        explain_api,
        explained,
        hold_api,
        board,
        ward,
        again,
        referrals,
        mailbox,
        exchanges,
        subscriptions,
        anomalies,
        slots,
        patient,
    ):
        app.include_router(family.router)
    app.include_router(anomalies.api)
    app.include_router(slots.api)
    app.include_router(indicators_router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    for error in ERRORS:
        app.add_exception_handler(error, _answer)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _our_fault)
    return app


def _mailbox(service: Service) -> MailboxGateway | None:
    boxes = (one for one in service.works.gateways.values() if isinstance(one, MailboxGateway))
    return next(boxes, None)


def _answer(request: Request, error: Exception) -> Response:
    """A refusal in the language of who asked: an OperationOutcome, JSON or a page."""
    return _said(request, problem(error), error)


def _invalid(request: Request, error: Exception) -> Response:
    """A parameter of the address that is not what it should be."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    name = str(first["loc"][-1])
    text = Text(
        fr=f"Le paramètre {name} n’est pas valable.", en=f"The parameter {name} is not valid: {first['msg']}."
    )
    return _said(request, Problem(422, "invalid", "value", text, field=name), error)


_WORDS: dict[int, tuple[str, str, Text]] = {
    404: ("not-found", "not-found", Text(fr="Cette page n’existe pas.", en="There is no such page.")),
    405: (
        "invalid",
        "not-supported",
        Text(fr="Cette adresse ne connaît pas ce verbe.", en="This address does not know that verb."),
    ),
}


def _http(request: Request, error: Exception) -> Response:
    """What the router itself refuses."""
    assert isinstance(error, HTTPException)
    kind, issue, text = _WORDS.get(
        error.status_code,
        ("invalid", "processing", Text(fr="Demande non comprise.", en="Request not understood.")),
    )
    return _said(
        request, Problem(error.status_code, kind, issue, text), error, headers=dict(error.headers or {})
    )


_OUR_FAULT = Problem(
    500,
    "fault",
    "exception",
    Text(
        fr="Erreur de notre côté : rien n’a été enregistré.", en="An error on our side: nothing was recorded."
    ),
)


def _our_fault(request: Request, error: Exception) -> Response:
    """What nobody foresaw. The server logs it; whoever asked learns that nothing was done, and nothing else."""
    answer = _to_a_program(request, _OUR_FAULT) or fault(request)
    for name, value in {**HEADERS, "cache-control": "no-store"}.items():
        answer.headers[name] = value
    return answer


def _said(
    request: Request, found: Problem, error: Exception, headers: dict[str, str] | None = None
) -> Response:
    answer = _to_a_program(request, found, headers)
    if answer is not None:
        return answer
    if isinstance(error, NotSignedIn):
        return _to_the_door(request)
    try:
        signed = signed_in(request)
    except NotSignedIn:
        return trouble(request, found)
    return trouble(request, found, signed)


def _to_a_program(
    request: Request, found: Problem, headers: dict[str, str] | None = None
) -> JSONResponse | None:
    """The problem as FHIR or as the JSON of the API, by where it happened; None where people look at pages."""
    path = request.url.path
    if path == "/fhir" or path.startswith("/fhir/"):
        outcome = operation_outcome([found.as_issue()])
        return JSONResponse(outcome, found.status, headers, media_type="application/fhir+json")
    if path.startswith("/api/"):
        challenge = {"www-authenticate": "Bearer"} if found.status == 401 else {}
        return JSONResponse(
            found.as_json(language_of(request)), found.status, {**(headers or {}), **challenge}
        )
    return None


def _to_the_door(request: Request) -> Response:
    """To the sign-in page, and back here after it; a piece of a page asks the browser to go there whole."""
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    address = (
        "/sign-in" if here == "/" or request.method != "GET" else f"/sign-in?next={quote(here, safe='')}"
    )
    if request.headers.get("hx-request"):
        return Response(status_code=204, headers={"hx-redirect": "/sign-in"})
    return RedirectResponse(address, status_code=303)
