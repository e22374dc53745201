"""The figures as programs read them: JSON with everything, CSV with a line for each indicator."""

from __future__ import annotations

import csv
import io
from typing import Any

from app.indicators import Report
from pathway.codec import encode
from pathway.indicators.figures import Figure

COLUMNS = (
    "centre",
    "from",
    "to",
    "key",
    "title",
    "unit",
    "says",
    "value",
    "numerator",
    "denominator",
    "excluded",
    "excluded_why",
    "not_recorded",
    "pending",
    "target",
    "on_target",
    "period_by",
    "source",
)


def as_data(report: Report) -> dict[str, Any]:
    """The report as JSON-ready data. Shares are between 0 and 1; ``value`` is null where nothing was counted."""
    return {
        "centre": report.centre,
        "from": report.period.first.isoformat(),
        "to": report.period.last.isoformat(),
        "as_of": report.now.isoformat(),
        "definitions": report.definitions.version,
        "indicators": [_figure(one) for one in report.figures],
    }


def as_csv(report: Report, language: str = "en") -> str:
    """The report as RFC 4180: one line for each indicator, decimals with a point, nothing where nothing was counted."""
    out = io.StringIO()
    lines = csv.DictWriter(out, COLUMNS, lineterminator="\r\n")
    lines.writeheader()
    for one in report.figures:
        indicator = one.indicator
        lines.writerow(
            {
                "centre": report.centre,
                "from": report.period.first.isoformat(),
                "to": report.period.last.isoformat(),
                "key": indicator.key,
                "title": indicator.title.in_(language),
                "unit": indicator.unit,
                "says": one.says,
                "value": "" if one.value is None else f"{one.value:.6g}",
                "numerator": "" if indicator.median else f"{one.numerator:g}",
                "denominator": f"{one.denominator:g}",
                "excluded": sum(one.excluded.values()),
                "excluded_why": " ".join(f"{why}={count}" for why, count in one.excluded.items()),
                "not_recorded": one.not_recorded,
                "pending": one.pending,
                "target": target(one),
                "on_target": "" if one.on_target is None else str(one.on_target).lower(),
                "period_by": indicator.period,
                "source": indicator.source,
            }
        )
    return out.getvalue()


def target(figure: Figure) -> str:
    """The target as a comparison: ``>= 0.95``; empty where there is none."""
    aimed = figure.indicator.target
    if aimed is None:
        return ""
    signs = (("at_least", ">="), ("at_most", "<="), ("above", ">"), ("below", "<"))
    return ", ".join(
        f"{sign} {getattr(aimed, name):g}" for name, sign in signs if getattr(aimed, name) is not None
    )


def _figure(one: Figure) -> dict[str, Any]:
    indicator = one.indicator
    return {
        "key": indicator.key,
        "group": indicator.group,
        "title": encode(indicator.title),
        "counts": encode(indicator.counts),
        "among": encode(indicator.among),
        "unit": indicator.unit,
        "period_by": indicator.period,
        "says": one.says,
        "value": one.value,
        "quartiles": list(one.quartiles) if one.quartiles else None,
        "numerator": None if indicator.median else one.numerator,
        "denominator": one.denominator,
        "excluded": one.excluded,
        "not_recorded": one.not_recorded,
        "pending": one.pending,
        "parts": {key: {"numerator": met, "denominator": asked} for key, (met, asked) in one.parts.items()},
        "target": encode(indicator.target) if indicator.target else None,
        "on_target": one.on_target,
        "benchmark": encode(indicator.benchmark) if indicator.benchmark else None,
        "source": indicator.source,
    }
