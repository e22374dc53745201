"""Signing in and out, and choosing a language."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from app.i18n import LANGUAGES
from app.web.render import public_page
from app.web.signed import LANGUAGE_COOKIE, Reader, Typed, forget, refuse_foreign, remember, service_of, typed
from store import accounts
from store.audit import Entry

router = APIRouter()


@router.get("/sign-in", response_class=HTMLResponse)
def sign_in_form(request: Request, next: str = "/") -> Response:
    """Who are you?"""
    return public_page(request, "sign_in.html", next=_inside(next), login="", failed=False, waits=None)


@router.post("/sign-in", response_class=HTMLResponse)
def sign_in(request: Request, form: Annotated[dict[str, str], Depends(typed)]) -> Response:
    """Let somebody in. The same answer for a wrong login and a wrong password."""
    refuse_foreign(request)
    service = service_of(request)
    now = service.clock()
    login, password = form.get("login", ""), form.get("password", "")
    signed_in = accounts.sign_in(service.db, login, password, now)
    if signed_in is None:
        with service.db.read() as session:
            waits = accounts.waits_until(session, login, now)
        return public_page(
            request,
            "sign_in.html",
            status=429 if waits else 401,
            next=_inside(form.get("next", "/")),
            login=login,
            failed=True,
            waits=waits,
        )
    person = signed_in.person
    with service.db.write() as session:
        accounts.sweep(session, now)
        entry = Entry(at=now, actor=person.name, role=person.role, action="sign-in", what="web")
        service.audit.write(session, entry)
    response = RedirectResponse(_inside(form.get("next", "/")), status_code=303)
    remember(response, service, signed_in)
    return response


@router.post("/sign-out")
def sign_out(signed: Reader, form: Typed) -> Response:
    """End this sign-in."""
    with signed.service.db.write() as session:
        accounts.sign_out(session, signed.token)
        signed.service.audit.write(session, signed.trace("sign-out", "web"))
    response = RedirectResponse("/sign-in", status_code=303)
    forget(response, signed.service)
    return response


@router.post("/language")
def choose_language(request: Request, form: Annotated[dict[str, str], Depends(typed)]) -> Response:
    """Read the pages in another language, on this browser."""
    refuse_foreign(request)
    response = RedirectResponse(_inside(form.get("back", "/")), status_code=303)
    if form.get("language") in LANGUAGES:
        response.set_cookie(
            LANGUAGE_COOKIE, form["language"], max_age=31_536_000, samesite="lax", httponly=True
        )
    return response


def _inside(address: str) -> str:
    """The address when it is one of ours, else the first page: nobody is sent elsewhere from here."""
    parts = urlsplit(address)
    ours = address.startswith("/") and not address.startswith(("//", "/\\")) and not parts.netloc
    return address if ours and "\\" not in address and address.isprintable() else "/"
