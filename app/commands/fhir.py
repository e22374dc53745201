"""``jalon fhir check``: files held against FHIR R4, in sentences or as data. Nothing is written anywhere."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from fhir_mappings.body import parse
from fhir_mappings.outcome import Issue, error, refused
from fhir_mappings.validate import opinion

app = typer.Typer(no_args_is_help=True, help="Resources of FHIR R4 in files.")

Files = Annotated[list[str], typer.Argument(metavar="FILE…", help="FHIR resources (JSON); - reads stdin.")]


@app.callback()
def family() -> None:
    """Resources of FHIR R4 in files."""


@app.command()
def check(
    files: Files,
    as_data: Annotated[bool, typer.Option("--json", help="Print one list, an object for each file.")] = False,
) -> None:
    """Say what each file breaks of FHIR R4; 1 when any is refused."""
    found = [(name, _judged(name)) for name in files]
    if as_data:
        said = [_as_data(name, issues) for name, issues in found]
        typer.echo(json.dumps(said, ensure_ascii=False, indent=2))
    else:
        for name, issues in found:
            for line in _lines(name, issues):
                typer.echo(line)
    if any(refused(issues) for _, issues in found):
        raise typer.Exit(1)


def _judged(name: str) -> list[Issue]:
    try:
        body = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as trouble:
        missing = isinstance(trouble, FileNotFoundError)
        sentence = f"The file cannot be read ({trouble.strerror}); correct its name or its rights."
        return [error("not-found" if missing else "exception", sentence)]
    except ValueError:  # a NUL in the name
        return [error("not-found", "No file has such a name; correct it.")]
    resource, issues = parse(body)
    if resource is None:
        return [_SEVERAL] if _is_one_a_line(body) else list(issues)
    return opinion(resource)


_SEVERAL = error(
    "structure", "The file holds several JSON values, one a line; give each resource its own file."
)


def _is_one_a_line(body: bytes) -> bool:
    """Whether this is newline-delimited JSON: as bulk exports are, and as no one resource is."""
    lines = [line for line in body.splitlines() if line.strip()]
    return len(lines) > 1 and all(parse(line)[0] is not None for line in lines[:2])


def _lines(name: str, issues: list[Issue]) -> Iterator[str]:
    if not refused(issues):
        yield f"{name}: valid FHIR R4"
    for issue in issues:
        where = f" ({', '.join(issue.expression)})" if issue.expression else ""
        manner = "refused" if issue.refuses else "advice"
        yield f"{name}: {manner}: {issue.diagnostics}{where}"


def _as_data(name: str, issues: list[Issue]) -> dict[str, Any]:
    return {
        "file": name,
        "valid": not refused(issues),
        "issues": [
            {
                "severity": issue.severity,
                "code": issue.code,
                "expression": list(issue.expression),
                "diagnostics": issue.diagnostics,
            }
            for issue in issues
        ],
    }
