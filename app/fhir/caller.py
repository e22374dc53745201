"""Who speaks to ``/fhir``: a system with its token, or, for reading, somebody signed in. Nobody is anonymous."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from fastapi import Request

from app.fhir.errors import refuse
from app.http_errors import NotSignedIn
from app.service import Service
from app.signin import sign_in_cookie
from app.smart_server import holder_of_jwt, is_jwt
from fhir_mappings.read import Json, object_at
from fhir_mappings.task_moves import Role
from fhir_mappings.write import party
from gateways.scopes import LETTER_OF, LETTERS, permits
from pathway.state import Actor
from scheduler.hearing import Subject, is_party
from store import accounts, tokens
from store.audit import Entry
from store.tokens import Holder


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever sent this request, at this instant. ``holder`` is None for a person."""

    actor: Actor
    now: datetime
    holder: Holder | None = None

    def trace(self, action: str, what: str, patient_id: str | None = None, **detail: object) -> Entry:
        """The audit entry of something this caller does now."""
        return Entry(self.now, self.actor.name, self.actor.role, action, what, patient_id, dict(detail))


def caller(service: Service, request: Request) -> Caller:
    """Who sent this request. Raises NotSignedIn (401) when it shows neither a valid token nor a sign-in.

    Who shows a token is judged by the token alone: a wrong one is not made good by a cookie. Reads only, unless
    a sign of life is due.
    """
    now = service.clock()
    shown = request.headers.get("authorization")
    return _by_token(service, shown, now) if shown is not None else _by_sign_in(service, request, now)


def _by_token(service: Service, shown: str, now: datetime) -> Caller:
    scheme, _, plain = shown.partition(" ")
    plain = plain.strip() if scheme.lower() == "bearer" else ""
    if is_jwt(plain):
        jwt_holder = holder_of_jwt(service.db, service.issuers, plain, now)
        return Caller(replace(jwt_holder.actor, functions=()), now, jwt_holder)
    with service.db.read() as session:
        holder = tokens.token_holder(session, plain, now) if plain else None
    if holder is None:
        raise NotSignedIn
    if holder.stale:
        with service.db.write() as session:
            tokens.used(session, holder, now)
    # A signature names a person: what a system may claim from a queue does not let it sign.
    return Caller(replace(holder.actor, functions=()), now, holder)


def _by_sign_in(service: Service, request: Request, now: datetime) -> Caller:
    cookie = request.cookies.get(sign_in_cookie(service.settings.public_url)["key"], "")
    with service.db.read() as session:
        person = accounts.who(session, cookie, now) if cookie else None
    if person is None:
        raise NotSignedIn
    if person.stale:
        with service.db.write() as session:
            accounts.seen(session, person, now)
    return Caller(person.actor, now)


def system(caller: Caller) -> Holder:
    """The system that writes. 403 for a person: what people do, they do on our screens."""
    if caller.holder is None:
        raise refuse(403, "Systems write here, with a token; what a person does is done on the screens.")
    return caller.holder


def allowed(caller: Caller, type_: str, interaction: str) -> None:
    """403 when what this caller was granted does not cover this interaction (a code of FHIR) with this type.

    Our own tokens and people are limited by their role alone. A scope narrowed by a query (``?category=…``) is
    not understood here and grants nothing, for granting more than it says would be worse.
    """
    scopes = caller.holder.scopes if caller.holder is not None else None
    if scopes is None or permits(scopes, type_, interaction):
        return
    wanted = f"system/{type_}.{LETTER_OF.get(interaction, LETTERS)}"
    challenge = f'Bearer error="insufficient_scope", scope="{wanted}"'
    sentence = f"The token does not grant {wanted}; ask for that scope."
    raise refuse(403, sentence, headers={"WWW-Authenticate": challenge})


def task_role(holder: Holder, about: Subject, incoming: Json) -> Role:
    """As whom this system moves this Task. 403 when the Task is none of its business.

    Its owner where the Task's owner is the organisation of the token. A Task without an owner is claimed by a
    member of its queue, in its own name and nobody else's. Its requester where the token speaks as one.
    """
    current = about.current.content if about.current is not None else {}
    owner, claimed = object_at(current, "owner"), object_at(incoming, "owner")
    self_ = party(holder.owner) if holder.owner else {}
    if owner and self_ and is_party(owner, self_):
        return "owner"
    queued = about.rule.performer in holder.functions
    if queued and not owner and (claimed or not holder.requester):
        if claimed and not (self_ and is_party(claimed, self_)):
            sentence = "Task.owner must be the organisation of this token; nobody claims for another."
            raise refuse(403, sentence, "Task.owner")
        return "performer-queue"
    if holder.requester:
        return "requester"
    if queued:
        return "performer-queue"  # somebody else of the queue has it: the answer says so
    raise refuse(
        403,
        f"This token is neither the owner nor the requester of the Task, nor in its queue ({about.rule.performer}).",
        "Task.owner",
    )


def may_book(holder: Holder, about: Subject) -> None:
    """403 for a system that has nothing to do with this visit."""
    owned = holder.owner and about.step.owner and is_party(party(about.step.owner), party(holder.owner))
    if not (owned or holder.requester or about.rule.performer in holder.functions):
        sentence = f"This token may not change visits of this queue ({about.rule.performer})."
        raise refuse(403, sentence, "Appointment.participant")
