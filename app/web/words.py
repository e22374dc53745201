"""Planned things, reasons and events in the words of the ward: what a row of a list or of the history says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.i18n import Speech
from app.web import labels
from app.web.deeds_steps import measured, shown
from app.web.labels import N_
from pathway.planned import Kind
from pathway.protocol import Protocol
from pathway.protocol_words import answered
from pathway.reasons import reason


def step_title(ref: str, protocol: Protocol, speech: Speech) -> str:
    """The title of a step's occurrence (``consult/2``), with its number from the second time on."""
    key, _, occurrence = ref.partition("/")
    if not protocol.has_step(key):
        return speech("Parcours") if key in ("", "pathway") else key
    title = speech.text(protocol.step(key).title)
    return f"{title} ({occurrence})" if occurrence not in ("", "1") else title


def role_title(role: str, protocol: Protocol, speech: Speech) -> str:
    """The title of a role of the protocol."""
    known = protocol.roles.get(role)
    return speech.text(known.title) if known else role


def sentence(text: str, protocol: Protocol, speech: Speech) -> str:
    """A reason that Jalon gave, in the reader's language; one that a person wrote, as they wrote it."""
    return speech.text(reason(text, protocol))


def planned(kind: str, ref: str, data: Mapping[str, Any], protocol: Protocol, speech: Speech) -> str:
    """A planned thing in a few words: ``SMS au patient : Consultation de radiologie``."""
    title = step_title(ref, protocol, speech)
    if kind == Kind.MESSAGE:
        channel = speech(labels.CHANNEL.get(data.get("channel", ""), N_("Message")))
        return speech("{channel} au patient : {step}", channel=channel, step=title)
    if data.get("template") == "notice":
        return _notice(data, protocol, speech)
    if kind == Kind.CALL and data.get("template") == "undelivered":
        return speech("Message non remis, joindre le patient : {step}", step=title)
    if kind == Kind.CALL:
        return speech("Appeler le patient : {step}", step=title)
    if kind == Kind.LETTER:
        return speech("Écrire au patient : {step}", step=title)
    if kind == Kind.RUNG:
        level = speech(labels.LEVEL.get(data.get("level", ""), N_("Échéance")))
        return f"{level} : {title}" if speech.language == "fr" else f"{level}: {title}"
    label = speech(labels.KIND[Kind(kind)])
    return f"{label} : {title}" if speech.language == "fr" else f"{label}: {title}"


def _notice(data: Mapping[str, Any], protocol: Protocol, speech: Speech) -> str:
    """A word owed to a professional: by which way, to whom, and what it is about."""
    way = speech(labels.CHANNEL.get(data.get("channel", ""), N_("Message")))
    said = data.get("text", {})
    about = said.get(speech.language, said.get("fr", "")) if isinstance(said, dict) else str(said)
    to = role_title(data.get("to", ""), protocol, speech)
    return speech("{way} à {role} : {about}", way=way, role=to, about=about)


def happened(event: Mapping[str, Any], protocol: Protocol, speech: Speech) -> str:
    """What an event of the history says beyond its name."""
    said = []
    if step := event.get("step"):
        said.append(step_title(f"{step}/{event.get('occurrence') or ''}".rstrip("/"), protocol, speech))
        if protocol.has_step(step) and (outcome := protocol.step(step).outcome(event.get("outcome", ""))):
            said.append(speech.text(outcome.title))
    elif (key := event.get("key", "")).count("/") >= 2:
        said.append(step_title("/".join(key.split("/")[:2]), protocol, speech))
    if after := event.get("to_version"):
        said.append(f"{event.get('from_version', '')} → {after}")
    if start := event.get("start"):
        said.append(speech.when(datetime.fromisoformat(start)))
    if place := event.get("place"):
        said.append(str(place))
    said += [
        f"{fact_title(fact['key'], protocol, speech)} = {measured(fact['key'], fact['value'], protocol, speech)}"
        for fact in event.get("facts", ())
    ]
    said += [
        _answered(event.get("step", ""), key, value, protocol, speech)
        for key, value in event.get("data", {}).items()
    ]
    if values := event.get("values"):
        watch = protocol.surveillance
        for key, value in values.items():
            item = watch.item(key) if watch else None
            said.append(f"{speech.text(item.title) if item else key} = {shown(value, speech)}")
    for drug in event.get("drugs", ()):
        days = drug["last_intake_offset_days"]
        said.append(speech("{drug}, dernière prise J-{days}", drug=drug["text"], days=days))
    if end := event.get("end"):
        known = protocol.ends.get(end) if isinstance(end, str) else None
        said += [speech.text(known.title)] if known else []
    said += [str(event[name]) for name in ("gate", "channel", "how", "person") if event.get(name)]
    said += [
        f"« {sentence(event[name], protocol, speech)} »"
        for name in ("text", "reason", "note", "said")
        if event.get(name)
    ]
    return " · ".join(said)


def fact_title(key: str, protocol: Protocol, speech: Speech) -> str:
    """The title of a fact, as the protocol's facts or the steps' answers name it."""
    if key in protocol.facts:
        return speech.text(protocol.facts[key])
    for rule in protocol.steps:
        for answer in rule.answers:
            if answer.fact and answer.key == key:
                return speech.text(answer.title)
    return key.replace("_", " ")


def _answered(step: str, key: str, value: Any, protocol: Protocol, speech: Speech) -> str:
    """An answer of a step with its title: ``Fuite de ciment = Disque``."""
    asked = protocol.step(step).answers if protocol.has_step(step) else ()
    answer = next((one for one in asked if one.key == key), None)
    title = speech.text(answer.title) if answer else key
    return f"{title} = {speech.text(answered(answer, value, speech.calendar))}"
