"""``jalon explain``: why a date, a block or a message of a pathway is as it is."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.text import Text
from rich.tree import Tree

from app.commands.common import fail, opened, operator, stdout
from app.explaining import as_data, input_line, source_line
from app.service import Service
from pathway.explaining.explanation import Explanation
from pathway.explaining.whole import explain as explain_all
from pathway.explaining.whole import explain_one
from pathway.protocol import Protocol
from store.audit import Entry

Id = Annotated[str, typer.Argument(metavar="PATHWAY", help="The id of the pathway.")]
What = Annotated[
    str, typer.Option("--what", help="One key of the plan, like review/1/task or gate/G3; all without it.")
]
Json = Annotated[bool, typer.Option("--json", help="As JSON, both languages, instants in UTC.")]
Language = Annotated[str, typer.Option(help="fr or en.")]

_MARKS = {True: "✓ ", False: "✗ ", None: ""}


def explain(pathway_id: Id, what: What = "", as_json: Json = False, language: Language = "fr") -> None:
    """Say why: the rule, what it was told, and the source of its numbers."""
    if language not in ("fr", "en"):
        fail(f"--language is fr or en, not {language}", code=2)
    with opened() as service:
        found, protocol = _asked(service, pathway_id, what)
        if as_json:
            typer.echo(json.dumps([as_data(one) for one in found], ensure_ascii=False, indent=1))
            return
        tree = Tree(what or pathway_id, hide_root=not what)
        for one in found:
            _grow(tree, one, protocol, language, deep=bool(what))
        stdout().print(tree)


def _asked(service: Service, pathway_id: str, what: str) -> tuple[tuple[Explanation, ...], Protocol]:
    """What was asked for, with the trace that somebody read it."""
    who, now = operator(), service.clock()
    with service.db.write() as session:
        pathway, ground = service.ledger.load(session, pathway_id)
        entry = Entry(
            now, who.name, who.role, "read", f"pathway/{pathway_id}", pathway.patient_id, {"explain": what}
        )
        service.audit.write(session, entry)
    if not what:
        return explain_all(pathway, ground), ground.protocol
    one = explain_one(what, pathway, ground)
    if one is None:
        fail(f"pathway {pathway_id} has nothing named {what}; without --what every name is listed")
    return (one,), ground.protocol


def _grow(tree: Tree, one: Explanation, protocol: Protocol, language: str, *, deep: bool) -> None:
    """A branch for an explanation; its inputs and parts only when one thing was asked for."""
    title, because = one.title.in_(language), one.because.in_(language)
    branch = tree.add(Text(f"{_MARKS[one.holds]}{title}" + ("" if deep else f"  [{one.key}]")))
    branch.add(Text(because))
    if deep:
        if one.rule is not None and one.rule != one.title:
            branch.add(Text(one.rule.in_(language)))
        for given in one.inputs:
            branch.add(Text(input_line(given, protocol, language)))
        for part in one.parts:
            _grow(branch, part, protocol, language, deep=True)
    branch.add(Text(source_line(one.source, language)))
