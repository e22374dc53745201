"""Who is looking: the sign-in of a browser, the token of its forms, and the language it reads.

The cookie holds a random token and nothing else. Every form carries a token made from a secret of the sign-in
that never leaves the server; on top of it a POST sent from another site is refused by what the browser says of
its origin.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.responses import Response
from starlette.datastructures import UploadFile

from app.http_errors import Forged, NotSignedIn
from app.i18n import LANGUAGES, Speech
from app.service import Service
from app.signin import form_is_ours, form_token, sign_in_cookie
from pathway.state import Actor
from store import accounts
from store.accounts import Person, SignedIn
from store.audit import Entry

LANGUAGE_COOKIE = "jalon-language"


@dataclass(frozen=True)
class Signed:
    """Somebody signed in, at this instant, with the service they speak to."""

    person: Person
    token: str
    service: Service
    speech: Speech
    now: datetime

    @property
    def actor(self) -> Actor:
        """As whom this person's events go through the door."""
        return self.person.actor

    @property
    def csrf(self) -> str:
        """A token for this person's forms."""
        return form_token(self.person.csrf_secret)

    def trace(self, action: str, what: str, patient_id: str | None = None, **detail: object) -> Entry:
        """The audit entry of something this person does now."""
        return Entry(
            at=self.now,
            actor=self.person.name,
            role=self.person.role,
            action=action,
            what=what,
            patient_id=patient_id,
            detail=dict(detail),
        )


def service_of(request: Request) -> Service:
    """The service this application speaks for."""
    service: Service = request.app.state.service
    return service


def language_of(request: Request, person: Person | None = None) -> str:
    """What was chosen here, else the account's language, else what the browser prefers, else French."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    if chosen in LANGUAGES:
        return chosen
    if person is not None:
        return person.language
    preferred = request.headers.get("accept-language", "")[:2].lower()
    return preferred if preferred in LANGUAGES else "fr"


def speech_of(request: Request, person: Person | None = None) -> Speech:
    """How to speak to whoever sends this request."""
    return Speech(language_of(request, person), service_of(request).protocol.ground.calendar)


def remember(response: Response, service: Service, signed_in: SignedIn) -> None:
    """Give the browser its sign-in."""
    response.set_cookie(value=signed_in.token, **sign_in_cookie(service.settings.public_url))


def forget(response: Response, service: Service) -> None:
    """Take the sign-in back from the browser."""
    rules = sign_in_cookie(service.settings.public_url)
    rules["max_age"] = 0
    response.set_cookie(value="", **rules)


def signed_in(request: Request) -> Signed:
    """Who sends this request. NotSignedIn when nobody is signed in; reads only, unless a sign of life is due."""
    service = service_of(request)
    now = service.clock()
    token = request.cookies.get(sign_in_cookie(service.settings.public_url)["key"], "")
    with service.db.read() as session:
        person = accounts.who(session, token, now) if token else None
    if person is None:
        raise NotSignedIn
    if person.stale:
        with service.db.write() as session:
            accounts.seen(session, person, now)
    return Signed(person, token, service, speech_of(request, person), now)


def refuse_foreign(request: Request) -> None:
    """Forged when the browser says that this request was sent from a page that is not ours."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Forged
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise Forged


async def typed(request: Request) -> dict[str, str]:
    """What was typed into the form of this request; Starlette reads bodies in coroutines only."""
    form = await request.form(max_files=0, max_fields=200)
    return {
        name: value.replace("\0", "") for name, value in form.items() if not isinstance(value, UploadFile)
    }


def posted(
    request: Request,
    signed: Annotated[Signed, Depends(signed_in)],
    form: Annotated[dict[str, str], Depends(typed)],
) -> Mapping[str, str]:
    """What somebody signed in typed into a form of ours. Forged when the form is not theirs."""
    refuse_foreign(request)
    if not form_is_ours(signed.person.csrf_secret, form.get("csrf")):
        raise Forged
    return form


Reader = Annotated[Signed, Depends(signed_in)]
Typed = Annotated[Mapping[str, str], Depends(posted)]
