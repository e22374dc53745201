"""From a template to a page: the words of the reader, the banners, and what every page carries."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from app.health import look
from app.http_errors import Problem
from app.i18n import LANGUAGES, Speech
from app.web import labels
from app.web.signed import Signed, service_of, speech_of
from pathway.explaining.explanation import UNSOURCED

_APP = Path(__file__).parent.parent
STATIC = _APP / "static"
TEMPLATES = _APP / "templates"


@cache
def environment() -> Environment:
    """The templates; everything that is not marked safe is escaped, and an unknown name is an error."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(static=static, labels=labels, LANGUAGES=LANGUAGES, UNSOURCED=UNSOURCED)
    return made


@cache
def static(name: str) -> str:
    """The address of a static file; it changes with the content, so that browsers may keep it for ever."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


def page(
    request: Request, signed: Signed, template: str, *, status: int = 200, **context: Any
) -> HTMLResponse:
    """A page for somebody signed in. Rendered after the transaction that read what it shows."""
    return _rendered(
        request,
        template,
        signed.speech,
        {"person": signed.person, "csrf": signed.csrf, "now": signed.now, **context},
        status,
    )


def public_page(request: Request, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """A page for somebody who is not, or not yet, signed in: nothing of any patient is on it."""
    now = service_of(request).clock()
    bare = {"person": None, "csrf": "", "now": now, **context}
    return _rendered(request, template, speech_of(request), bare, status)


def trouble(request: Request, problem: Problem, signed: Signed | None = None) -> HTMLResponse:
    """A page that says in a sentence what went wrong."""
    if signed is None:
        return public_page(request, "trouble.html", status=problem.status, problem=problem)
    return page(request, signed, "trouble.html", status=problem.status, problem=problem)


def fault(request: Request) -> HTMLResponse:
    """A page for when something broke on our side: it asks nothing of the database, which may be what broke."""
    speech = speech_of(request)
    html = environment().get_template("fault.html").render(_=speech, speech=speech)
    return HTMLResponse(html, status_code=500)


def _rendered(
    request: Request, template: str, speech: Speech, context: Mapping[str, Any], status: int
) -> HTMLResponse:
    service = service_of(request)
    html = (
        environment()
        .get_template(template)
        .render(
            _=speech,
            speech=speech,
            many=speech.many,
            centre=service.centre["name"],
            has_mailbox=request.app.state.mailbox is not None,
            health=look(service),
            here=request.url.path + (f"?{request.url.query}" if request.url.query else ""),
            path=request.url.path,
            **context,
        )
    )
    return HTMLResponse(html, status_code=status)
