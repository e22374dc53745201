"""How a protocol's words and rules are written in FHIR definitions: in both languages, and exactly or not at all.

A condition has no standard language that says the same (it asks of steps, of the hold plan, of the fracture), so it
is an Expression in ours: the JSON of ``pathway.condition.Condition``, with the words of the ward as its description.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from fhir_mappings.read import Json
from fhir_mappings.site import Site
from pathway.codec import encode
from pathway.condition import Condition
from pathway.protocol import Protocol
from pathway.protocol_words import condition as in_words
from pathway.refusal import Refused, Text

TRANSLATION = "http://hl7.org/fhir/StructureDefinition/translation"
LANGUAGE = "application/vnd.jalon.condition+json"
"""``Expression.language`` (extensible in R4) of a condition: the JSON that a protocol's file would say."""

UCUM = "http://unitsofmeasure.org"
_CODE = re.compile(r"\S+( \S+)*")


def inexpressible(place: str, why_fr: str, why_en: str) -> Refused:
    """The refusal to write something down as FHIR: where in the protocol, and the reason."""
    return Refused(
        Text(
            fr=f"{place} ne peut pas être exporté en FHIR : {why_fr}",
            en=f"{place} cannot be exported as FHIR: {why_en}",
        ),
        kind="invalid",
        field=place,
    )


def both(name: str, text: Text, place: str) -> Json:
    """An element with its French words, and the English ones as a translation of them.

    Refused when either is empty, for FHIR has no empty values.
    """
    if not text.fr.strip() or not text.en.strip():
        raise inexpressible(
            place,
            "un texte y est vide ; écrivez-le.",
            "one of its texts is empty; write it in both languages.",
        )
    if text.fr == text.en:
        return {name: text.fr}
    english = [{"url": "lang", "valueCode": "en"}, {"url": "content", "valueString": text.en}]
    return {name: text.fr, f"_{name}": {"extension": [{"url": TRANSLATION, "extension": english}]}}


def in_both(url: str, text: Text, place: str) -> Json:
    """A part of an extension in both languages, each a part of its own. Refused when either is empty."""
    _filled(text, place)
    return {"url": url, "extension": [part("fr", "String", text.fr), part("en", "String", text.en)]}


def _filled(text: Text, place: str) -> None:
    if not text.fr.strip() or not text.en.strip():
        raise inexpressible(
            place,
            "un texte y est vide ; écrivez-le.",
            "one of its texts is empty; write it in both languages.",
        )


def code(said: str, place: str) -> str:
    """A key as FHIR's ``code``. Refused when it is empty or has spaces where a code may have none."""
    if not _CODE.fullmatch(said):
        raise inexpressible(
            place,
            "un code FHIR n'est ni vide ni bordé d'espaces ; corrigez la clé.",
            "a code of FHIR is not empty and has no outer or double spaces; correct the key.",
        )
    return said


def expression(asked: Condition, protocol: Protocol, name: str = "") -> Json:
    """A condition as an Expression: described in French, exact in our own language."""
    said: Json = {"name": name} if name else {}
    return {
        **said,
        "description": in_words(asked, protocol).fr,
        "language": LANGUAGE,
        "expression": canonical(encode(asked)),
    }


def canonical(data: Any) -> str:
    """JSON in one way only: sorted keys, no spaces."""
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def role(key: str, protocol: Protocol, site: Site) -> Json:
    """A role of the protocol as a concept of ours."""
    title = protocol.roles[key].title
    return {"coding": [site.coding("role", key, title.en)], "text": title.fr}


def participants(performer: str, signers: Iterable[str], protocol: Protocol, site: Site) -> list[Json]:
    """Who does a step, and after them whoever else may sign it."""
    return [
        {"type": "practitioner", "role": role(key, protocol, site)}
        for key in dict.fromkeys((performer, *signers))
    ]


def part(url: str, kind: str, value: Any) -> Json:
    """One part of an extension: ``{url, value<Kind>}``."""
    return {"url": url, f"value{kind}": value}


def whole(value: float) -> float | int:
    """A number without a fraction where it has none: 24 and not 24.0."""
    return int(value) if float(value).is_integer() else value


def quantity(value: float, unit: str) -> Json:
    """A Duration, or a bound of a Range, in a unit of time of UCUM: min, h or d."""
    return {"value": whole(value), "unit": unit, "system": UCUM, "code": unit}
