"""The answer as JSON-ready data: one shape for the command line and the API, every key always there."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from pathway.codec import encode
from pathway.holding.answer import (
    NOTE,
    Bridge,
    DrugAnswer,
    HoldAnswer,
    LabCheck,
    LastIntake,
    Line,
    Other,
    Resumption,
    Warned,
)
from pathway.refusal import Text


def as_json(answer: HoldAnswer) -> dict[str, Any]:
    """The whole answer. Days are calendar days in the centre's zone, instants carry its offset; clearances are mL/min.

    Sentences are English, with the French beside them under the same name and ``_fr``.
    """
    zone = ZoneInfo(answer.zone)
    return {
        "status": answer.status,
        "signed": False,
        **_text("note", NOTE),
        "profile": answer.profile,
        "profile_version": answer.version,
        "profile_digest": answer.digest,
        "procedure": answer.procedure.astimezone(zone).isoformat(),
        "zone": answer.zone,
        "inputs": {key: value for key, value in encode(answer.inputs).items() if value},
        "renal": {
            "clearance": answer.clearance,
            "cockcroft_gault": answer.cockcroft_gault,
            "ckd_epi": answer.ckd_epi,
        },
        "longest_offset_days": answer.longest_offset_days,
        "sign_by": _iso(answer.sign_by),
        "first_message": _iso(answer.first_message),
        "drugs": [_drug(one, zone) for one in answer.drugs],
        "warnings": [_warned(one) for one in answer.warnings],
    }


def _drug(one: DrugAnswer, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "atc": one.atc,
        **_text("name", one.name),
        "status": one.status,
        "last_intake": _intake(one.last_intake, zone),
        "lines": [_line(line, zone) for line in one.lines],
        "lab": _lab(one.lab),
        "resume": _resume(one.resume),
        "bridge": _bridge(one.bridge, zone),
        **_text("reason", one.reason),
        "source": one.source,
        "revisit": _iso(one.revisit),
        "others": [_other(other, zone) for other in one.others],
    }


def _intake(one: LastIntake | None, zone: ZoneInfo) -> dict[str, Any] | None:
    if one is None:
        return None
    return {
        "date": one.day.isoformat(),
        "offset_days": one.offset_days,
        "not_after": one.not_after.astimezone(zone).isoformat() if one.not_after else None,
        "clock": one.clock,
        "earliest": _intake(one.earliest, zone),
    }


def _line(one: Line, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "label": one.label,
        **_text("title", one.title),
        "clearance": one.clearance,
        "status": one.status,
        "last_intake": _intake(one.last_intake, zone),
        **_text("reason", one.reason),
        "source": one.source,
    }


def _lab(one: LabCheck | None) -> dict[str, Any] | None:
    if one is None:
        return None
    return {
        "test": one.test,
        "loinc": one.loinc or None,
        "date": _iso(one.day),
        "again": _iso(one.again),
        "at_most": one.at_most,
        **_text("text", one.text),
        "source": one.source,
    }


def _resume(one: Resumption | None) -> dict[str, Any] | None:
    if one is None:
        return None
    return {
        "earliest": _iso(one.earliest),
        "latest": _iso(one.latest),
        "hours": one.hours,
        "max_hours": one.max_hours,
        "red_after": _iso(one.red_after),
        **_text("text", one.text),
        "source": one.source,
    }


def _bridge(one: Bridge | None, zone: ZoneInfo) -> dict[str, Any] | None:
    if one is None:
        return None
    return {
        "propose": one.propose,
        "first": _intake(one.first, zone),
        "last": _intake(one.last, zone),
        **_text("text", one.text),
        "source": one.source,
    }


def _other(one: Other, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "profile": one.profile,
        "version": one.version,
        "status": one.status,
        "last_intake": _intake(one.last_intake, zone),
        "lines": [_line(line, zone) for line in one.lines],
        "differs": one.differs,
        **_text("reason", one.reason),
        "source": one.source,
    }


def _warned(one: Warned) -> dict[str, Any]:
    return {"code": one.code, "atc": one.drug or None, **_text("text", one.text), "source": one.source}


def _text(name: str, text: Text) -> dict[str, str]:
    return {name: text.en, f"{name}_fr": text.fr}


def _iso(day: Any) -> str | None:
    return day.isoformat() if day is not None else None
