"""The quality indicators: a page with a period to choose, and the same figures as JSON and CSV for programs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from babel.numbers import format_decimal, format_percent
from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from app.i18n import Speech
from app.indicator_figures import as_csv, as_data
from app.indicators import Report, may_see, period_of, report
from app.web.callers import By, Caller
from app.web.labels import N_
from app.web.render import page
from app.web.signed import Reader, Signed
from app.web.words import step_title
from pathway.indicators.definition import Indicator
from pathway.indicators.figures import Figure, Period
from pathway.protocol import Protocol
from pathway.refusal import Refused

router = APIRouter()

Day = Annotated[str, Query(max_length=20)]
First = Annotated[str, Query(alias="from", max_length=20)]

SAYS = {"not-recorded": N_("non enregistré"), "nobody": N_("aucun parcours")}
SIGNS = {
    "at_least": N_("au moins {value}"),
    "at_most": N_("au plus {value}"),
    "above": N_("plus de {value}"),
    "below": N_("moins de {value}"),
}
PARTS = {"other": N_("autre motif"), "no-show": N_("patient absent")}


@dataclass(frozen=True)
class Shown:
    """One line of the page: everything as words in the reader's language."""

    figure: Figure
    value: str
    spread: str
    fraction: str
    target: str
    left_out: tuple[str, ...]
    parts: tuple[str, ...]
    by: str


@router.get("/indicators", response_class=HTMLResponse)
def indicators(request: Request, signed: Reader, first: First = "", to: Day = "") -> Response:
    """The figures of a period; without one, of the twelve months up to today."""
    may_see(signed.actor)
    today = signed.speech.calendar.day(signed.now)
    refused: Refused | None = None
    try:
        period = period_of(first, to, today)
    except Refused as refusal:
        refused, period = refusal, period_of("", "", today)
    found = report(signed.service, period)
    with signed.service.db.write() as session:
        signed.service.audit.write(session, signed.trace("read", f"indicators/{period.first}..{period.last}"))
    speech, protocol = signed.speech, signed.service.protocol.protocol
    groups = [
        (
            key,
            speech.text(title),
            [_shown(one, found, speech, protocol) for one in found.figures if one.indicator.group == key],
        )
        for key, title in found.definitions.groups.items()
    ]
    return page(
        request,
        signed,
        "indicators.html",
        status=422 if refused else 200,
        refusal=speech.text(refused.text) if refused else "",
        first=first if refused else period.first.isoformat(),
        last=to if refused else period.last.isoformat(),
        period=period,
        presets=_presets(today, signed),
        csv=f"/api/indicators?{_asked(period)}&format=csv&language={speech.language}",
        groups=groups,
    )


@router.get("/api/indicators")
def read_indicators(
    by: By,
    first: First = "",
    to: Day = "",
    format: Literal["json", "csv"] = "json",
    language: Literal["fr", "en"] = "en",
) -> Any:
    """The same figures for a program: JSON, or CSV with ``format=csv`` (titles in ``language``)."""
    found = _traced(by, first, to)
    if format == "json":
        return as_data(found)
    name = f"indicators-{found.period.first}-{found.period.last}.csv"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(as_csv(found, language), media_type="text/csv; charset=utf-8", headers=headers)


def _traced(by: Caller, first: str, last: str) -> Report:
    may_see(by.actor)
    period = period_of(first, last, by.service.protocol.calendar.day(by.now))
    found = report(by.service, period)
    with by.service.db.write() as session:
        by.service.audit.write(session, by.trace("read", f"indicators/{period.first}..{period.last}"))
    return found


def _presets(today: date, signed: Signed) -> list[tuple[str, str]]:
    """Periods people ask for: a title and an address each."""
    speech = signed.speech
    this_year, month = date(today.year, 1, 1), today.replace(day=1)
    last_of_month = month - timedelta(days=1)
    found = (
        (speech("12 derniers mois"), period_of("", "", today)),
        (speech("Mois dernier"), Period(last_of_month.replace(day=1), last_of_month)),
        (speech("Cette année"), Period(this_year, today)),
        (speech("L’an dernier"), Period(date(today.year - 1, 1, 1), this_year - timedelta(days=1))),
    )
    return [(title, f"/indicators?{_asked(period)}") for title, period in found]


def _asked(period: Period) -> str:
    return urlencode({"from": period.first.isoformat(), "to": period.last.isoformat()})


def _shown(figure: Figure, found: Report, speech: Speech, protocol: Protocol) -> Shown:
    indicator = figure.indicator
    return Shown(
        figure=figure,
        value=_amount(figure.value, indicator, speech)
        if figure.value is not None
        else speech(SAYS[figure.says]),
        spread=_spread(figure, speech),
        fraction=_fraction(figure, speech),
        target=_target(indicator, speech),
        left_out=tuple(
            f"{_why(why, found, speech, protocol)} : {count}" for why, count in figure.excluded.items()
        ),
        parts=tuple(_part(key, met, asked, indicator, speech) for key, (met, asked) in figure.parts.items()),
        by=_by(indicator.period, speech, protocol),
    )


def _amount(value: float, indicator: Indicator, speech: Speech) -> str:
    if indicator.unit == "share":
        return format_percent(
            value, "#,##0.# %" if speech.language == "fr" else "#,##0.#%", locale=speech.language
        )
    said = format_decimal(value, "#,##0.#", locale=speech.language)
    if indicator.unit == "days":
        return speech("{number} j", number=said)
    if indicator.unit == "points":
        return speech("{number} pt", number=said)
    return said


def _spread(figure: Figure, speech: Speech) -> str:
    if figure.quartiles is None:
        return ""
    low, high = (_amount(value, figure.indicator, speech) for value in figure.quartiles)
    return speech("la moitié entre {low} et {high}", low=low, high=high)


def _fraction(figure: Figure, speech: Speech) -> str:
    asked = format_decimal(figure.denominator, "#,##0", locale=speech.language)
    if figure.indicator.median is not None:
        return f"n = {asked}"
    return f"{format_decimal(figure.numerator, '#,##0', locale=speech.language)} / {asked}"


def _target(indicator: Indicator, speech: Speech) -> str:
    aimed = indicator.target
    if aimed is None:
        return ""
    said = [
        speech(sign, value=_amount(getattr(aimed, name), indicator, speech))
        for name, sign in SIGNS.items()
        if getattr(aimed, name) is not None
    ]
    return ", ".join(said)


def _why(why: str, found: Report, speech: Speech, protocol: Protocol) -> str:
    """Why somebody is left out: an exclusion of the file, or a named end of the protocol."""
    head, _, end = why.partition(":")
    if head == "end":
        return speech.text(protocol.ends[end].title) if end in protocol.ends else end
    return speech.text(found.definitions.exclusions[why].title)


def _part(key: str, met: int, asked: int, indicator: Indicator, speech: Speech) -> str:
    rule = indicator.rule
    titles = {one.key: one.title for one in rule.causes} if rule else {}
    titles |= {one.key: one.title for one in rule.fields} if rule else {}
    if key in titles:
        name = speech.text(titles[key])
    else:
        name = speech(PARTS[key]) if key in PARTS else key
    return f"{name} : {met} / {asked}"


def _by(moment: str, speech: Speech, protocol: Protocol) -> str:
    """By which day a pathway counts in a period."""
    head, _, tail = moment.partition(":")
    if head == "referral":
        return speech("jour de la demande")
    if head == "fracture":
        return speech("jour de la fracture")
    return speech("jour de : {step}", step=step_title(tail.partition("=")[0], protocol, speech))
