"""``jalon keys``: the keys we sign with when a hospital's authorisation server asks who we are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from app import settings
from app.commands.common import fail, remark
from gateways import keys as key_files
from gateways.keys import ALGORITHMS, BadKeys, Keys, PrivateKey, algorithm

app = typer.Typer(
    no_args_is_help=True, help="Our keys for SMART Backend Services, in JALON_SMART_KEYS_FILE or --file."
)

File = Annotated[Path | None, typer.Option(help="The key file, instead of JALON_SMART_KEYS_FILE.")]
Kid = Annotated[str, typer.Argument(help="The key's name (kid), as `jalon keys list` shows it.")]


@app.command()
def new(
    alg: Annotated[str, typer.Option(help=f"One of {', '.join(ALGORITHMS)}.")] = "ES384", file: File = None
) -> None:
    """Make a key: the first of its kind signs at once, a later one is published only, until `use`."""
    place = _place(file)
    try:
        keys = key_files.read(place) if place.exists() else Keys(())
        made = key_files.generate(alg)
    except BadKeys as error:
        fail(str(error))
    key_files.write(place, Keys((*keys.all, made)))
    typer.echo(made.kid)
    if any(algorithm(key) == alg for key in keys.all):
        remark("published beside the one that signs; once the hospitals have seen it: jalon keys use KID")


@app.command("list")
def list_(file: File = None) -> None:
    """The keys: kind, name, and which one signs."""
    signing: set[str] = set()
    for key in _read(_place(file)).all:
        kind = algorithm(key)
        typer.echo(f"{kind} {key.kid} {'published' if kind in signing else 'signs'}")
        signing.add(kind)


@app.command()
def show(file: File = None) -> None:
    """The public halves, as the JWK Set that is served at /.well-known/jwks.json."""
    typer.echo(json.dumps(_read(_place(file)).public(), indent=1))


@app.command()
def use(kid: Kid, file: File = None) -> None:
    """Sign with this key from the next start on; the one before stays published."""
    place = _place(file)
    keys = _read(place)
    chosen = _named(keys, kid)
    key_files.write(place, Keys((chosen, *(key for key in keys.all if key is not chosen))))
    typer.echo(f"{kid} signs from the next start on")


@app.command()
def drop(kid: Kid, file: File = None) -> None:
    """Take a key away: what is signed with it is not believed any more."""
    place = _place(file)
    keys = _read(place)
    gone = _named(keys, kid)
    key_files.write(place, Keys(tuple(key for key in keys.all if key is not gone)))
    typer.echo(f"{kid} is gone")


def _place(file: Path | None) -> Path:
    place = file or settings.load().smart_keys_file
    if place is None:
        fail("there is no key file: set JALON_SMART_KEYS_FILE, or say --file")
    return place


def _read(file: Path) -> Keys:
    try:
        return key_files.read(file)
    except BadKeys as error:
        fail(str(error))


def _named(keys: Keys, kid: str) -> PrivateKey:
    found = next((key for key in keys.all if key.kid == kid), None)
    if found is None:
        fail(f"there is no key {kid}; `jalon keys list` shows those there are")
    return found
