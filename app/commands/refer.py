"""``jalon refer``: referrals from files, through the same way in as those that hospitals send."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from app.commands.common import Complaint, opened, operator, progress, remark
from app.intake import receive_referral
from app.service import Service
from fhir_mappings.outcome import Issue
from store.referrals import Received

Files = Annotated[list[str], typer.Argument(metavar="FILE…", help="FHIR Bundles (JSON); - reads stdin.")]


def refer(files: Files) -> None:
    """Take referrals in, and say what became of each."""
    bodies = [(name, _body(name)) for name in files]
    refused = 0
    with opened() as service:
        for name, body in progress("referrals", bodies, len(bodies)):
            answer = receive_referral(service, body, sender=f"file {Path(name).name}", by=operator())
            if isinstance(answer, list):
                refused += 1
                for issue in answer:
                    if issue.refuses:
                        remark(f"{name}: {_sentence(issue)}")
            else:
                typer.echo(f"{name}: {_became(service, answer)}")
    if refused:
        raise typer.Exit(1)


def _body(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise Complaint(f"{name} cannot be read ({error.strerror})") from error


def _sentence(issue: Issue) -> str:
    where = f" ({', '.join(issue.expression)})" if issue.expression else ""
    return f"refused: {issue.diagnostics}{where}"


def _became(service: Service, received: Received) -> str:
    address = f"{service.settings.public_url.rstrip('/')}/patients/{received.patient_id}"
    asked = f"; to be asked: {', '.join(received.missing)}" if received.missing else ""
    if not received.new:
        return f"known already, {received.status}" + (
            f", pathway {received.pathway_id}" if received.pathway_id else ""
        )
    if received.status == "started":
        return f"started pathway {received.pathway_id}{asked}"
    if received.status == "duplicate":
        return f"waits for a coordinator: it may be the fracture of pathway {received.duplicate_of}{asked}"
    return f"waits for a coordinator{asked} ({address})"
