"""The report of one variant or of two side by side: as text, CSV or JSON, all from the same figures."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from app.simulation.cohort import Cohort
from app.simulation.figures import KINDS, Figure, a_week, busiest, busiest_rungs, figures, work
from app.simulation.tally import Tally
from pathway.indicators.definition import Definitions

_CSV = ("variant", "section", "key", "title", "week", "value", "of")


@dataclass(frozen=True)
class Variant:
    """One column of the report: its name, what it counted, and what is chosen in it."""

    name: str
    tally: Tally
    settings: dict[str, str]
    protocol: str


@dataclass(frozen=True)
class Report:
    """One variant, or two to compare. Nothing in it depends on how long the simulation took."""

    variants: tuple[Variant, ...]
    cohort: Cohort
    definitions: Definitions | None
    patients: int
    seed: int

    @property
    def title(self) -> str:
        """What was simulated, in one line."""
        return (
            f"{self.patients:,} synthetic patients of the cohort {self.cohort.cohort}, seed {self.seed}, "
            f"referred over {self.cohort.referral_weeks} weeks from {self.cohort.start.isoformat()}"
        )

    def figures(self) -> list[tuple[Figure, ...]]:
        """Every figure of every variant, lined up by its name; one that a variant lacks is 0 or None there."""
        rungs = busiest_rungs([variant.tally for variant in self.variants])
        columns = [
            {
                (one.section, one.key): one
                for one in figures(variant.tally, self.cohort, self.definitions, rungs)
            }
            for variant in self.variants
        ]
        names = list(columns[0])
        for column in columns[1:]:
            names += [name for name in column if name not in columns[0]]
        order = list(dict.fromkeys(section for section, _ in names))
        names.sort(key=lambda name: order.index(name[0]))
        return [tuple(column.get(name) or _absent(name, columns) for column in columns) for name in names]


def _absent(name: tuple[str, str], columns: list[dict[tuple[str, str], Figure]]) -> Figure:
    known = next(column[name] for column in columns if name in column)
    return Figure(known.section, known.key, known.title, 0 if known.digits == 0 else None, known.digits)


# --- text -------------------------------------------------------------------------------------------------


def as_text(report: Report, console: Console) -> None:
    """Tables for people: the figures by section, then the work by role."""
    console.print(report.title + ".", highlight=False)
    for variant in report.variants:
        chosen = ", ".join(f"{key} {value}" for key, value in variant.settings.items()) or "no settings"
        console.print(f"{variant.name}: {variant.protocol}; {chosen}.", highlight=False)
    section, table = "", Table()
    for row in report.figures():
        if row[0].section != section:
            if section:
                console.print(table)
            section, table = row[0].section, _table(report, row[0].section)
        table.add_row(*_cells(row))
    console.print(table)
    console.print(_work_table(report))


def _table(report: Report, section: str) -> Table:
    table = Table(title=section, title_justify="left", title_style="bold", show_edge=False, pad_edge=False)
    table.add_column("", min_width=44)
    for variant in report.variants:
        table.add_column(variant.name, justify="right", no_wrap=True)
    table.add_column("difference" if len(report.variants) > 1 else "of", justify="right", no_wrap=True)
    return table


def _cells(row: tuple[Figure, ...]) -> Iterator[str]:
    yield row[0].title
    yield from (_number(one.value, one.digits) for one in row)
    if len(row) == 1:
        yield f"{row[0].of:,}" if row[0].of is not None else ""
    else:
        yield _difference(row)


def _difference(row: tuple[Figure, ...]) -> str:
    first, last = row[0].value, row[-1].value
    if first is None or last is None:
        return ""
    return f"{last - first:+,.{row[0].digits}f}" if round(last - first, row[0].digits) else "="


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"


def _work_table(report: Report) -> Table:
    """Work a week by role; two variants in one cell, as *left → right* where they differ."""
    weeks = report.cohort.referral_weeks
    table = Table(
        title="Work a week (for each week of referrals)",
        title_justify="left",
        title_style="bold",
        show_edge=False,
        pad_edge=False,
    )
    for heading in ("role", *KINDS, "all", "busiest week"):
        table.add_column(heading, justify="left" if heading == "role" else "right", no_wrap=True)
    columns = [work(variant.tally) for variant in report.variants]
    for role in dict.fromkeys(role for column in columns for role in column):
        cells = [
            [_number(a_week(column.get(role, {}), weeks, kind), 1) for column in columns] for kind in KINDS
        ]
        cells.append([_number(a_week(column.get(role, {}), weeks), 1) for column in columns])
        cells.append([_number(busiest(column.get(role, {})), 0) for column in columns])
        table.add_row(role, *(" → ".join(dict.fromkeys(cell)) for cell in cells))
    return table


# --- CSV and JSON -----------------------------------------------------------------------------------------


def as_csv(report: Report) -> str:
    """One line for every figure and for every role, kind and week of work. Weeks count from 0; no locale."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_CSV)
    rows = report.figures()
    for index, variant in enumerate(report.variants):
        for row in rows:
            one = row[index]
            writer.writerow([variant.name, one.section, one.key, one.title, "", _plain(one), one.of])
        for role, kinds in work(variant.tally).items():
            for kind in KINDS:
                for week, count in sorted(kinds.get(kind, {}).items()):
                    writer.writerow(
                        [variant.name, "Work", f"{role}.{kind}", f"{role}: {kind}", week, count, ""]
                    )
    return out.getvalue()


def as_json(report: Report) -> str:
    """The same as an object: ``{patients, seed, cohort, variants: [{name, settings, figures, work}], differences}``."""
    rows = report.figures()
    said: dict[str, Any] = {
        "patients": report.patients,
        "seed": report.seed,
        "cohort": report.cohort.cohort,
        "start": report.cohort.start.isoformat(),
        "referral_weeks": report.cohort.referral_weeks,
        "variants": [
            {
                "name": variant.name,
                "protocol": variant.protocol,
                "settings": variant.settings,
                "figures": _by_section(rows, index),
                "work": {
                    role: {
                        kind: {str(week): count for week, count in sorted(weeks.items())}
                        for kind, weeks in kinds.items()
                    }
                    for role, kinds in work(variant.tally).items()
                },
                "faults": [f"patient {number}: {sentence}" for number, sentence in variant.tally.faults],
            }
            for index, variant in enumerate(report.variants)
        ],
    }
    if len(report.variants) > 1:
        said["differences"] = {
            f"{row[0].section}/{row[0].key}": round(row[-1].value - row[0].value, 6)
            for row in rows
            if row[0].value is not None and row[-1].value is not None
        }
    return json.dumps(said, ensure_ascii=False, indent=2) + "\n"


def _by_section(rows: list[tuple[Figure, ...]], index: int) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        one = row[index]
        found.setdefault(one.section, {})[one.key] = {"title": one.title, "value": _plain(one), "of": one.of}
    return found


def _plain(one: Figure) -> float | int | None:
    if one.value is None:
        return None
    return int(one.value) if one.digits == 0 else round(one.value, 6)
