"""``jalon``: the command line. Each family of commands is a file in ``app/commands``."""

from __future__ import annotations

from typing import NoReturn

import typer
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from app.commands import (
    admin,
    anomalies,
    demo,
    destinations,
    docs,
    explain,
    fhir,
    hold,
    keys,
    plan,
    protocol,
    protocol_export,
    protocol_migrate,
    protocol_simulate,
    protocol_versions,
    refer,
    scenario,
    serve,
    worklist,
)
from app.commands.common import Complaint
from app.commands.indicators import indicators
from app.settings import Misconfigured
from app.yaml_file import Unreadable
from pathway.codec import Malformed
from pathway.refusal import Refused
from store.audit import WrongKey

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Takes a patient through vertebroplasty without anything being forgotten.",
)
app.command()(serve.serve)
app.command()(serve.work)
app.command()(refer.refer)
app.command()(worklist.worklist)
app.command()(demo.demo)
app.command()(admin.release)
app.command()(docs.docs)
app.command()(indicators)
app.command()(explain.explain)
app.add_typer(scenario.app, name="scenario")
protocol.app.command("simulate")(protocol_simulate.simulated)
protocol.app.command()(protocol_versions.publish)
protocol.app.command("list")(protocol_versions.versions_list)
protocol.app.command()(protocol_versions.use)
protocol.app.command()(protocol_migrate.migrate)
protocol.app.command()(protocol_export.export)
app.add_typer(protocol.app, name="protocol")
app.add_typer(plan.app, name="plan")
app.add_typer(hold.app, name="hold")
app.add_typer(fhir.app, name="fhir")
app.add_typer(destinations.app, name="destinations")
app.add_typer(anomalies.app, name="anomalies")
app.add_typer(keys.app, name="keys")
app.add_typer(admin.db, name="db")
app.add_typer(admin.user, name="user")


def main() -> None:
    """Run a command. What a person can put right is one line on stderr and a non-zero exit, never a traceback."""
    try:
        raise SystemExit(app(standalone_mode=False))
    except typer.TyperException as wrong:
        said = wrong.format_message()
        if "\n" in said:  # the help of a family named without a command
            typer.echo(said, err=True)
            raise SystemExit(2) from None
        _end(f"{said} (`--help` says what is known)", wrong.exit_code)
    except Complaint as complaint:
        _end(str(complaint), complaint.code)
    except (Misconfigured, Unreadable, Malformed, WrongKey) as error:
        _end(str(error), 1)
    except Refused as refused:
        _end(refused.text.en, 1)
    except DBAPIError as error:
        first = next(iter(str(error.orig).splitlines()), type(error).__name__)
        _end(f"the database of JALON_DATABASE_URL cannot be used: {first}", 1)
    except (ArgumentError, NoSuchModuleError):
        _end(
            "JALON_DATABASE_URL is no address of a database; write sqlite:///var/jalon.sqlite"
            " or postgresql+psycopg://user:password@host/name",
            1,
        )
    except OSError as error:
        _end(f"{error.filename or 'the system'}: {error.strerror or error}", 1)
    except (KeyboardInterrupt, typer.Abort):
        typer.echo(err=True)
        _end("stopped", 130)


def _end(sentence: str, code: int) -> NoReturn:
    typer.echo(" ".join(sentence.split()), err=True)
    raise SystemExit(code)
