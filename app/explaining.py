"""Explanations for whoever asks: as data for a program, and their inputs and sources in words for a person."""

from __future__ import annotations

from typing import Any

from pathway.codec import encode
from pathway.explaining.explanation import UNSOURCED, Explanation, Input
from pathway.protocol import Protocol
from pathway.protocol_words import step_title
from pathway.refusal import Text

_SOURCES = {
    "referral": Text(fr="demande", en="referral"),
    "hold": Text(fr="plan d'arrêt", en="hold plan"),
    "visit": Text(fr="rendez-vous", en="visit"),
    "override": Text(fr="dérogation", en="override"),
    "told": Text(fr="message envoyé", en="message sent"),
    "acknowledgement": Text(fr="prise en charge", en="acknowledgement"),
}
_UNKNOWN = Text(fr="inconnu", en="unknown")
_UNSOURCED = Text(fr="défaut du centre, sans source", en="centre default, unsourced")


def as_data(one: Explanation) -> dict[str, Any]:
    """An explanation as JSON: every field but those that say nothing, texts in both languages, instants in UTC."""
    data: dict[str, Any] = encode(one)
    return data


def input_line(given: Input, protocol: Protocol, language: str) -> str:
    """``Créatinine : 58 µmol/L (Dr Klein, Consultation d'anesthésie)``."""
    known = (given.value or _UNKNOWN).in_(language)
    told = [part for part in (given.by, read_from(given.source, protocol, language)) if part]
    colon = " : " if language == "fr" else ": "
    return f"{given.what.in_(language)}{colon}{known}" + (f" ({', '.join(told)})" if told else "")


def read_from(source: str, protocol: Protocol, language: str) -> str:
    """Where an input was read, in words: a step by its title, a resource of the referral by its name."""
    head, _, tail = source.partition("/")
    if head == "step":
        return step_title(tail, protocol).in_(language)
    if head in _SOURCES:
        return _SOURCES[head].in_(language)
    if protocol.has_step(head):
        return step_title(f"{head}/{tail.partition('/')[0]}", protocol).in_(language)
    return source


def source_line(source: str, language: str) -> str:
    """``Source : NICE TA279 §1.1``."""
    said = _UNSOURCED.in_(language) if source == UNSOURCED else source
    return f"Source : {said}" if language == "fr" else f"Source: {said}"
