"""``jalon db``, ``jalon user`` and ``jalon release``: what whoever runs an installation does now and then."""

from __future__ import annotations

import sys
from collections.abc import Collection
from typing import Annotated

import typer

from app import clock, settings
from app.commands.common import fail, opened
from store import accounts, instance, tokens
from store.database import Database

db = typer.Typer(no_args_is_help=True, help="The database.")
user = typer.Typer(no_args_is_help=True, help="People's accounts and systems' tokens.")

Function = Annotated[
    list[str] | None,
    typer.Option("--function", help="A role of the protocol this account holds; may be repeated."),
]


@db.command("upgrade")
def upgrade() -> None:
    """Bring the schema up to this version's. Safe to repeat."""
    database = Database(settings.load().database_url)
    try:
        database.upgrade()
    finally:
        database.close()
    typer.echo("the schema is up to date")


@user.command("add")
def add(
    login: Annotated[str, typer.Argument(help="What the person types to sign in.")],
    name: Annotated[str, typer.Option(help="The name that signs.")],
    role: Annotated[str, typer.Option(help=f"One of {', '.join(accounts.ROLES)}.")],
    function: Function = None,
    email: Annotated[str | None, typer.Option(help="Where pages go when on call.")] = None,
    phone: Annotated[str | None, typer.Option(help="The number to call.")] = None,
    language: Annotated[str, typer.Option(help="fr or en.")] = "fr",
    on_call: Annotated[
        bool, typer.Option("--on-call", help="Answers for these functions when the rota is empty.")
    ] = False,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from stdin.")
    ] = False,
) -> None:
    """Make an account; the password is asked for, and not shown."""
    password = _password(password_stdin)
    with opened() as service:
        _known(function or [], service.protocol.protocol.roles)
        with service.db.write() as session:
            accounts.add_account(
                session,
                login=login,
                name=name,
                password=password,
                role=role,
                functions=function or (),
                default_duty=on_call,
                email=email,
                phone=phone,
                language=language,
                now=service.clock(),
            )
    typer.echo(f"{login} may sign in")


@user.command("token")
def token(
    name: Annotated[str, typer.Argument(help="The system that will hold it.")],
    owner: Annotated[str | None, typer.Option(help="The organisation in whose name it moves Tasks.")] = None,
    requester: Annotated[bool, typer.Option("--requester", help="It may speak as their requester.")] = False,
    function: Function = None,
) -> None:
    """Make a token for a system, and print it: once, here."""
    with opened() as service:
        _known(function or [], service.protocol.protocol.roles)
        with service.db.write() as session:
            _, plain = tokens.add_token(
                session,
                name=name,
                owner=owner,
                requester=requester,
                functions=function or (),
                now=service.clock(),
            )
    typer.echo(plain)


def release(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Let a copied or restored database send messages from here."""
    with opened() as service:
        if service.at_home:
            typer.echo("This database is at home here: it sends already.")
            return
        typer.echo(
            "This database was copied or restored from another installation. Released, it will send every message"
            " that is due and speak to every hospital it is set up for, from this machine.\n"
            "If the other installation still runs, patients will hear everything twice: stop it first.",
            err=True,
        )
        if not yes and not typer.confirm("Release it?", default=False, err=True):
            fail("nothing was changed")
        with service.db.write() as session:
            instance.release(session, service.works.identity, now=clock.now())
    typer.echo("released: this database sends from here")


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        fail("there is no terminal to ask for the password: use --password-stdin")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))


def _known(names: list[str], roles: Collection[str]) -> None:
    for name in names:
        if name not in roles:
            fail(f"there is no function {name!r}; there are: {', '.join(sorted(roles))}", code=2)
