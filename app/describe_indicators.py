"""The indicators as a page people can read: their definitions as tables in Markdown, printed from the file."""

from __future__ import annotations

from collections.abc import Iterator

from pathway.indicators.definition import Definitions, Indicator, Target

_HEAD = """# Quality indicators

The tables are printed by `jalon docs` from `protocols/indicators.yaml`, which is the file to change. Not validated for
clinical use.

Every figure is computed from the history of the pathways when it is asked for: on the page *Indicateurs*, by
`GET /api/indicators?from=2027-01-01&to=2027-12-31` (`&format=csv`), and by `jalon indicators --from 2027-01-01
--to 2027-12-31` (`--json`, `--csv`). A centre is an installation: the figures are its own. Coordinators, clinicians and
administrators may see them; a system's token may not.

Nothing is kept beside the history. A year of 500 patients takes about half a second; 20,000 pathways of 16 events each
took 14 s of one core and 182 MiB on SQLite.

How a pathway counts:

- **Period.** Each indicator names the day that decides, at the centre: of the referral, of the fracture, of the
  procedure, of a result. Both ends of the period are included.
- **Excluded.** Counted apart, by reason, and in no denominator. A fracture found to be neoplastic (at the referral or
  at the biopsy) or infected is in no bone indicator.
- **Not recorded.** An answer that nobody gave, or that this centre's protocol never asks for. Counted apart and never
  taken for a no: where nothing was counted the figure is *not recorded*, or *nobody*, and never 0 %.
- **Pending.** The limit is not over. Until then a pathway counts for nothing, met already or not, for those who are
  early would else be counted before those who are late.
- **Median.** Days are calendar days at the centre; the page shows the quartiles too.

Which step, answer and outcome an indicator reads is in the file. A name that the built-in protocol does not know is
refused with its line, unless it is listed there under `may_lack`.
"""


def page(definitions: Definitions) -> str:
    """The whole page."""
    return "\n".join(_page(definitions)).rstrip() + "\n"


def _page(definitions: Definitions) -> Iterator[str]:
    yield _HEAD
    for key, title in definitions.groups.items():
        yield f"## {title.en}"
        yield ""
        yield "| Indicator | Counts | Among | Period by | Excluded | Target | Published | Source |"
        yield "|---|---|---|---|---|---|---|---|"
        for one in definitions.indicators:
            if one.group == key:
                yield _row(one)
        yield ""
    yield "## Exclusions"
    yield ""
    yield "| Name | Who | Why |"
    yield "|---|---|---|"
    for name, exclusion in definitions.exclusions.items():
        yield f"| `{name}` | {_cell(exclusion.title.en)} | {_cell(exclusion.source)} |"
    yield ""
    may = definitions.may_lack
    lacking = [*may.steps, *may.outcomes, *may.answers, *may.facts, *may.observations, *may.alarms]
    if lacking:
        yield "## What a protocol may lack"
        yield ""
        yield "Indicators that read one of these are *not recorded* where the protocol does not ask for it:"
        yield ", ".join(f"`{name}`" for name in lacking) + "."


def _row(one: Indicator) -> str:
    cells = [
        f"**{_cell(one.title.en)}** `{one.key}`",
        _cell(one.counts.en),
        _cell(one.among.en),
        f"`{one.period}`",
        ", ".join(f"`{name}`" for name in (*one.excludes, *one.without_ends)) or "–",
        _cell(_target(one)),
        _cell(one.benchmark.en) if one.benchmark else "–",
        _cell(one.source),
    ]
    return f"| {' | '.join(cells)} |"


def _target(one: Indicator) -> str:
    aimed: Target | None = one.target
    if aimed is None:
        return "–"
    signs = (("at_least", "≥"), ("at_most", "≤"), ("above", ">"), ("below", "<"))
    said = [(sign, value) for name, sign in signs if (value := getattr(aimed, name)) is not None]
    units = {"days": " d", "points": " points", "fields": " fields"}
    if one.unit == "share":
        return ", ".join(f"{sign} {value * 100:g} %" for sign, value in said)
    return ", ".join(f"{sign} {value:g}{units[one.unit]}" for sign, value in said)


def _cell(said: str) -> str:
    return said.replace("|", r"\|")
