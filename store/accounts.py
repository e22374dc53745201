"""People: their accounts, how they sign in, and as whom they act. Systems are in ``store.tokens``.

``who`` only reads, so that a page that changes nothing takes no write lock. When the person it returns is
``stale``, the caller notes the sign of life with ``seen``, in a transaction that writes.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sqlmodel import Session, col, delete, or_, select

from pathway.refusal import Refused, Text
from pathway.state import Actor
from store import passwords
from store.account_tables import AccountRow, SignInFailureRow, SignInRow
from store.database import Database
from store.upsert import insert_if_absent

ROLES = ("coordinator", "clinician", "admin")
LANGUAGES = ("fr", "en")
SIGNED_IN_FOR = timedelta(hours=12)
SIGNED_IN_AT_MOST = timedelta(days=7)
NOTED_EVERY = timedelta(minutes=5)

# Failures in a row and the seconds to wait before the next try: slow for a guesser, never a lock-out for a nurse.
WAITS = {5: 30, 6: 60, 7: 120, 8: 240, 9: 300}
FORGOTTEN_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody signed in. ``csrf_secret`` is the key of this session's form tokens, never sent as it is."""

    account_id: str
    login: str
    name: str
    role: str
    functions: tuple[str, ...]
    language: str
    csrf_secret: str
    digest: str
    stale: bool = False

    @property
    def actor(self) -> Actor:
        """As whom this person's events go through the door."""
        return Actor(name=self.name, role=self.role, functions=self.functions)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A sign-in that succeeded. ``token`` is for the cookie and exists nowhere else."""

    token: str
    expires: datetime
    person: Person


def add_account(
    session: Session,
    *,
    login: str,
    name: str,
    password: str,
    role: str,
    now: datetime,
    functions: Iterable[str] = (),
    default_duty: bool = False,
    email: str | None = None,
    phone: str | None = None,
    language: str = "fr",
) -> AccountRow:
    """Make an account. Refused when the login or the name is taken, or a field is not what it should be."""
    stored = passwords.chosen(password)
    row = AccountRow(
        id=uuid4().hex,
        login=_plain(login),
        name=name.strip(),
        role=role,
        functions=sorted(set(functions)),
        default_duty=default_duty,
        email=(email or "").strip() or None,
        phone=(phone or "").strip() or None,
        language=language,
        password_hash=stored,
        created=now,
    )
    _check(session, row)
    session.add(row)
    session.flush()
    return row


def change_account(
    session: Session,
    account_id: str,
    *,
    name: str | None = None,
    role: str | None = None,
    functions: Iterable[str] | None = None,
    default_duty: bool | None = None,
    email: str | None = None,
    phone: str | None = None,
    language: str | None = None,
    active: bool | None = None,
) -> AccountRow:
    """Change what is given; an empty e-mail or phone removes it. An account made inactive is signed out."""
    row = _account(session, account_id)
    with session.no_autoflush:
        row.name = row.name if name is None else name.strip()
        row.role = row.role if role is None else role
        row.functions = row.functions if functions is None else sorted(set(functions))
        row.default_duty = row.default_duty if default_duty is None else default_duty
        row.email = row.email if email is None else email.strip() or None
        row.phone = row.phone if phone is None else phone.strip() or None
        row.language = row.language if language is None else language
        row.active = row.active if active is None else active
        _check(session, row)
    if not row.active:
        _sign_out_everywhere(session, account_id)
    session.flush()
    return row


def set_password(session: Session, account_id: str, password: str) -> None:
    """Give a new password and sign the account out everywhere."""
    stored = passwords.chosen(password)
    _account(session, account_id).password_hash = stored
    _sign_out_everywhere(session, account_id)
    session.flush()


def accounts(session: Session) -> list[AccountRow]:
    """Every account, by name."""
    return list(session.exec(select(AccountRow).order_by(AccountRow.name)))


def account_of(session: Session, login: str) -> AccountRow | None:
    """The account of that login, active or not."""
    return session.exec(select(AccountRow).where(AccountRow.login == _plain(login))).first()


def sign_in(database: Database, login: str, password: str, now: datetime) -> SignedIn | None:
    """Sign a person in; None when the login or the password is wrong or the login has to wait.

    Two short transactions with the hashing between them, so that nobody waits for it. The try is counted as a
    failure before the password is looked at: fifty tries at once are fifty failures, not one.
    """
    with database.write() as session:
        if not _may_try(session, login, now):
            return None
        row = account_of(session, login)
        stored = row.password_hash if row is not None and row.active else None
    if not passwords.proves(password, stored) or row is None or stored is None:
        return None
    renewed = passwords.hashed(password) if passwords.is_dated(stored) else None
    with database.write() as session:
        account = session.get(AccountRow, row.id, with_for_update=True)
        # Deactivated, or given another password, while we were hashing.
        if account is None or not account.active or account.password_hash != stored:
            return None
        account.password_hash = renewed or stored
        session.exec(delete(SignInFailureRow).where(col(SignInFailureRow.digest) == _login_digest(login)))
        return _let_in(session, account, now)


def waits_until(session: Session, login: str, now: datetime) -> datetime | None:
    """Until when this login has to wait after too many failures, or None. Says nothing of whether it exists."""
    row = session.get(SignInFailureRow, _login_digest(login))
    return row.blocked_until if row is not None and row.blocked_until > now else None


def who(session: Session, token: str, now: datetime) -> Person | None:
    """Who is signed in with this token, or None when it is unknown, expired or of an inactive account."""
    row = session.get(SignInRow, _digest(token))
    if row is None or row.expires <= now:
        return None
    account = session.get(AccountRow, row.account_id)
    return _person(account, row, now) if account is not None and account.active else None


def seen(session: Session, person: Person, now: datetime) -> None:
    """Note a sign of life: the sign-in lasts 12 h from here, and seven days at most."""
    row = session.get(SignInRow, person.digest)
    if row is not None:
        row.seen = now
        row.expires = min(now + SIGNED_IN_FOR, row.created + SIGNED_IN_AT_MOST)


def sign_out(session: Session, token: str) -> None:
    """End one sign-in. An unknown token is no error."""
    session.exec(delete(SignInRow).where(col(SignInRow.digest) == _digest(token)))


def sweep(session: Session, now: datetime) -> None:
    """Forget expired sign-ins and failures that no longer count."""
    session.exec(delete(SignInRow).where(col(SignInRow.expires) <= now))
    session.exec(delete(SignInFailureRow).where(col(SignInFailureRow.last) < now - FORGOTTEN_AFTER))


def _may_try(session: Session, login: str, now: datetime) -> bool:
    """Count one more failure of this login, or say that it has to wait."""
    digest = _login_digest(login)
    insert_if_absent(session, SignInFailureRow(digest=digest, last=now, blocked_until=now))
    row = session.exec(
        select(SignInFailureRow).where(SignInFailureRow.digest == digest).with_for_update()
    ).one()
    if row.blocked_until > now:
        return False
    row.failures = 1 if now - row.last > FORGOTTEN_AFTER else row.failures + 1
    row.last = now
    row.blocked_until = now + timedelta(seconds=WAITS.get(min(row.failures, max(WAITS)), 0))
    return True


def _let_in(session: Session, account: AccountRow, now: datetime) -> SignedIn:
    token = secrets.token_urlsafe(32)
    row = SignInRow(
        digest=_digest(token),
        account_id=account.id,
        csrf_secret=secrets.token_urlsafe(32),
        created=now,
        seen=now,
        expires=now + SIGNED_IN_FOR,
    )
    session.add(row)
    return SignedIn(token=token, expires=row.expires, person=_person(account, row, now))


def _person(account: AccountRow, row: SignInRow, now: datetime) -> Person:
    return Person(
        account_id=account.id,
        login=account.login,
        name=account.name,
        role=account.role,
        functions=tuple(account.functions),
        language=account.language,
        csrf_secret=row.csrf_secret,
        digest=row.digest,
        stale=now - row.seen >= NOTED_EVERY,
    )


def _check(session: Session, row: AccountRow) -> None:
    if not row.login:
        raise _invalid("login", "L'identifiant manque.", "The login is missing.")
    if not row.name:
        raise _invalid("name", "Le nom manque.", "The name is missing.")
    if row.role not in ROLES:
        raise _invalid(
            "role", f"Le rôle est l'un de {', '.join(ROLES)}.", f"The role is one of {', '.join(ROLES)}."
        )
    if row.language not in LANGUAGES:
        raise _invalid("language", "La langue est fr ou en.", "The language is fr or en.")
    if row.email is not None and "@" not in row.email.strip("@"):
        raise _invalid(
            "email", f"« {row.email} » n'est pas une adresse.", f"{row.email} is not an e-mail address."
        )
    same = or_(col(AccountRow.login) == row.login, col(AccountRow.name) == row.name)
    taken = session.exec(select(AccountRow).where(AccountRow.id != row.id, same)).first()
    if taken is not None and taken.login == row.login:
        raise _taken("login", f"L'identifiant {row.login} est déjà pris.", f"The login {row.login} is taken.")
    if taken is not None:
        raise _taken(
            "name",
            f"Un autre compte porte le nom {row.name} : ajoutez de quoi les distinguer, car le nom signe.",
            f"Another account is named {row.name}: add what tells them apart, for the name is what signs.",
        )


def _account(session: Session, account_id: str) -> AccountRow:
    row = session.get(AccountRow, account_id)
    if row is None:
        raise Refused(Text(fr="Ce compte n'existe pas.", en="There is no such account."), kind="not-found")
    return row


def _sign_out_everywhere(session: Session, account_id: str) -> None:
    session.exec(delete(SignInRow).where(col(SignInRow.account_id) == account_id))


def _plain(login: str) -> str:
    return login.strip().casefold()


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _login_digest(login: str) -> str:
    return _digest(_plain(login))[:10]


def _invalid(field: str, fr: str, en: str) -> Refused:
    return Refused(Text(fr=fr, en=en), kind="invalid", field=field)


def _taken(field: str, fr: str, en: str) -> Refused:
    return Refused(Text(fr=fr, en=en), kind="conflict", field=field)
