"""Planned things, reasons and events in the words of the ward: what a row of a list or of the history says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.i18n import Speech
from app.web import labels
from app.web.deeds_steps import shown
from app.web.labels import N_
from pathway.planned import Kind
from pathway.protocol import Protocol

_SPOKEN = re.compile(r"(\S+)(?: ([+-][\d.]+) (h|d|wd))?(?: (\d\d:\d\d))?")

_ANCHORS = {
    "referral": N_("demande"),
    "fracture": N_("fracture"),
    "opened": N_("ouverture de l’étape"),
    "due": N_("échéance"),
    "slot": N_("rendez-vous"),
    "missed": N_("rendez-vous manqué"),
    "procedure": N_("intervention"),
    "hold_start": N_("début de l’arrêt"),
    "last_intake": N_("dernière prise"),
    "revisit": N_("date de réexamen"),
}
_UNITS = {"h": N_("h"), "d": N_("j"), "wd": N_("j ouvrés")}
_SENTENCES = {
    "the slot that was told no longer stands": N_("le rendez-vous annoncé ne tient plus"),
    "a later one says it": N_("le suivant le dira"),
    "it would come too late": N_("il arriverait trop tard"),
    "the plan changed": N_("le plan a changé"),
    "no longer useful": N_("il n’est plus utile"),
    "done by a person": N_("fait par une personne"),
    "a later one was due": N_("un suivant était dû"),
    "the pathway is complete": N_("le parcours est terminé"),
    "quiet hours": N_("heures de repos"),
    "the patient is recovering": N_("le patient récupère de l’intervention"),
    "the patient has been written to today": N_("le patient a déjà été contacté aujourd’hui"),
    "it comes too late to be of use": N_("trop tard pour être utile"),
    "the procedure has moved": N_("l’intervention a été déplacée"),
    "the procedure was not done": N_("l’intervention n’a pas eu lieu"),
    "the signed hold plan stands no longer": N_("le plan d’arrêt signé ne tient plus"),
    "not needed on this pathway": N_("sans objet sur ce parcours"),
    "the answer was lost and the gateway cannot be asked": N_(
        "la réponse s’est perdue et nul ne peut la demander"
    ),
    "no-show": N_("non venu"),
}


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


def reason(why: str, protocol: Protocol, speech: Speech) -> str:
    """Why a thing is planned when it is: ``procedure -3 d 10:00`` as people say it, or the sentence it is."""
    if why in _SENTENCES:
        return sentence(why, speech)
    found = _SPOKEN.fullmatch(why)
    if found is None:
        return why
    name, count, unit, wall = found.groups()
    parts = [_anchor(name, protocol, speech)]
    if count:
        parts.append(f"{count.replace('-', '−')} {speech(_UNITS[unit])}")
    if wall:
        parts.append(wall)
    return " ".join(parts)


def sentence(text: str, speech: Speech) -> str:
    """A reason that Jalon gave, in the reader's language; one that a person wrote, as they wrote it."""
    return speech(_SENTENCES[text]) if text in _SENTENCES else text


def _anchor(name: str, protocol: Protocol, speech: Speech) -> str:
    if name in _ANCHORS:
        return speech(_ANCHORS[name])
    head, _, tail = name.partition(":")
    key, _, answer = tail.partition(".")
    if head in ("done", "data") and protocol.has_step(key):
        rule = protocol.step(key)
        asked = next((one for one in rule.answers if one.key == answer), None)
        return speech.text(asked.title if asked else rule.title)
    if name in labels.VISIT:
        return speech(labels.VISIT[name])  # type: ignore[index]
    return name


def planned(kind: str, ref: str, data: Mapping[str, Any], protocol: Protocol, speech: Speech) -> str:
    """A planned thing in a few words: ``SMS au patient : Consultation de radiologie``."""
    title = step_title(ref, protocol, speech)
    if kind == Kind.MESSAGE:
        channel = speech(labels.CHANNEL.get(data.get("channel", ""), N_("Message")))
        return speech("{channel} au patient : {step}", channel=channel, step=title)
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


def happened(event: Mapping[str, Any], protocol: Protocol, speech: Speech) -> str:
    """What an event of the history says beyond its name."""
    said = []
    if step := event.get("step"):
        said.append(step_title(f"{step}/{event.get('occurrence') or ''}".rstrip("/"), protocol, speech))
        if protocol.has_step(step) and (outcome := protocol.step(step).outcome(event.get("outcome", ""))):
            said.append(speech.text(outcome.title))
    elif (key := event.get("key", "")).count("/") >= 2:
        said.append(step_title("/".join(key.split("/")[:2]), protocol, speech))
    if start := event.get("start"):
        said.append(speech.when(datetime.fromisoformat(start)))
    if place := event.get("place"):
        said.append(str(place))
    said += [
        f"{fact_title(fact['key'], protocol, speech)} = {shown(fact['value'], speech)}"
        for fact in event.get("facts", ())
    ]
    said += [
        f"{_answer_title(event.get('step', ''), key, protocol, speech)} = {shown(value, speech)}"
        for key, value in event.get("data", {}).items()
    ]
    for drug in event.get("drugs", ()):
        days = drug["last_intake_offset_days"]
        said.append(speech("{drug}, dernière prise J-{days}", drug=drug["text"], days=days))
    if end := event.get("end"):
        known = protocol.ends.get(end) if isinstance(end, str) else None
        said += [speech.text(known.title)] if known else []
    said += [str(event[name]) for name in ("gate", "channel", "how", "person") if event.get(name)]
    said += [f"« {sentence(event[name], speech)} »" for name in ("text", "reason", "note") if event.get(name)]
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


def _answer_title(step: str, key: str, protocol: Protocol, speech: Speech) -> str:
    answers = protocol.step(step).answers if protocol.has_step(step) else ()
    return next((speech.text(one.title) for one in answers if one.key == key), key)
