"""Every text that the protocol asks for is there, in both languages and for each way it may go."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from pathway.checking.fault import Fault
from pathway.protocol import Protocol
from pathway.refusal import Text

LANGUAGES = ("fr", "en")

ALWAYS: dict[str, tuple[str, ...]] = {
    "moved": ("sms", "email", "call", "letter"),
    "cancelled": ("sms", "email", "call", "letter"),
    "hold_stopped": ("call",),
    "undelivered": ("call",),
    "staff_page": ("email",),
}
"""Texts that are asked for whatever the protocol says."""


def asked_for(protocol: Protocol) -> dict[str, tuple[str, ...]]:
    """The templates that messages are made from, and the ways each may go; a call stands in for every message."""
    found = {name: set(ways) for name, ways in ALWAYS.items()}
    for step in protocol.steps:
        for message in step.messages:
            letter = ("letter",) if message.about == "visit" else ()
            found.setdefault(message.template, set()).update((*message.channels, "call", *letter))
    return {name: tuple(sorted(ways)) for name, ways in found.items()}


def unsaid(protocol: Protocol, texts: Mapping[str, Any]) -> Iterator[Fault]:
    """Texts that are missing: of messages (``{template: {language: {way: text}}}``) and in the protocol itself."""
    for name, ways in asked_for(protocol).items():
        if name not in texts:
            yield Fault("no-text", f"messages.{name}", "there is no such text, and the protocol asks for it.")
            continue
        for language in LANGUAGES:
            said = texts[name].get(language) if isinstance(texts[name], Mapping) else None
            for way in ways:
                if not (said.get(way) if isinstance(said, Mapping) else None):
                    problem = f"is missing, and the protocol sends it by {way}."
                    yield Fault("no-text", f"messages.{name}.{language}.{way}", problem)
    for path, text in _texts(protocol, ""):
        for language in LANGUAGES:
            if not text.in_(language).strip():
                yield Fault("no-text", f"{path}.{language}", "is empty.")


def _texts(value: Any, path: str) -> Iterator[tuple[str, Text]]:
    """Every text in a protocol, with its place by keys."""
    if isinstance(value, Text):
        yield path, value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _texts(one, f"{path}.{key}" if path else str(key))
    elif isinstance(value, tuple):
        for index, one in enumerate(value):
            key = getattr(one, "key", None)
            yield from _texts(one, f"{path}.{key}" if isinstance(key, str) else f"{path}[{index}]")
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from _texts(getattr(value, field.name), f"{path}.{field.name}" if path else field.name)
