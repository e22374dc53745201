"""A played story for the eye (rich) and for a machine (JSON)."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from app.story.moments import Days
from app.story.runner import Played, Verdict

_STYLES = {
    "referral": "bold",
    "event": "",
    "task": "dim",
    "visit": "cyan",
    "message": "green",
    "page": "magenta",
    "alert": "yellow",
    "call": "magenta",
    "letter": "magenta",
    "refused": "red",
}


def summary(played: Played) -> str:
    """``12 expectations: 12 passed, 0 failed``."""
    failed = len(played.failed)
    return f"{len(played.verdicts)} expectations: {len(played.verdicts) - failed} passed, {failed} failed"


def show(played: Played, days: Days, console: Console) -> None:
    """Print what happened, then what was expected of it, then the summary line."""
    console.print(f"[bold]{escape(played.story.story)}[/bold] {escape(played.story.title)}")
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for entry in played.entries:
        said = Text(entry.text, style=_STYLES.get(entry.kind, ""))
        if entry.detail:
            said.append(f"\n  {entry.detail}", style="dim")
        table.add_row(days.calendar.local(entry.at).strftime("%a %Y-%m-%d %H:%M"), entry.kind, said)
    console.print(table)
    for verdict in played.verdicts:
        console.print(_line(verdict), soft_wrap=True)
    console.print(summary(played), style="bold" if not played.failed else "bold red", highlight=False)


def _line(verdict: Verdict) -> Text:
    if verdict.passed:
        return Text.assemble(("  ok    ", "green"), verdict.id)
    return Text.assemble(("  FAILED ", "bold red"), verdict.id, f" ({verdict.place}): {verdict.why}")


def as_data(played: Played) -> dict[str, Any]:
    """The same as JSON-ready data; instants are UTC."""
    pathway = played.pathway
    return {
        "story": played.story.story,
        "title": played.story.title,
        "referral": played.received.status if played.received else "refused",
        "pathway": pathway and {"id": pathway.id, "status": pathway.status.value, "end": pathway.end},
        "timeline": [
            {"at": entry.at.isoformat(), "kind": entry.kind, "text": entry.text, "detail": entry.detail}
            for entry in played.entries
        ],
        "expectations": [
            {
                "id": verdict.id,
                "passed": verdict.passed,
                "at": verdict.at.isoformat(),
                "found": verdict.why,
                "place": verdict.place,
            }
            for verdict in played.verdicts
        ],
        "counts": played.counts,
        "summary": {
            "expectations": len(played.verdicts),
            "passed": len(played.verdicts) - len(played.failed),
            "failed": len(played.failed),
        },
    }
