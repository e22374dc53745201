"""Reasons that Jalon itself gave, in both languages. What a person wrote stays as they wrote it.

A reason is stored as a short English phrase, an outcome's key, an end's key or the rule that set a date
(``procedure -3 d 10:00``): what is stored never changes with a translation. This is the one place where it becomes
words, for the pages, the command line and FHIR alike.
"""

from __future__ import annotations

import re

from pathway.protocol import Protocol
from pathway.protocol_words import ANCHORS, CHANNELS, LEVELS, UNITS, anchor, fact_title
from pathway.refusal import Text
from pathway.wording import fill, joined, same

REASONS = {
    # of a step
    "not needed on this pathway": Text(fr="sans objet sur ce parcours", en="not needed on this pathway"),
    "the procedure has taken place": Text(fr="l'intervention a eu lieu", en="the procedure has taken place"),
    "no-show": Text(fr="non venu", en="did not come"),
    "complication": Text(fr="complication", en="complication"),
    "the reservation of the slot has expired": Text(
        fr="la réservation du créneau a expiré", en="the reservation of the slot has expired"
    ),
    # of a hold plan
    "the procedure has moved": Text(fr="l'intervention a été déplacée", en="the procedure has moved"),
    "the procedure's slot was given up": Text(
        fr="le créneau de l'intervention a été abandonné", en="the procedure's slot was given up"
    ),
    "the protocol's version has changed": Text(
        fr="la version du protocole a changé", en="the protocol's version has changed"
    ),
    "the procedure was not done": Text(fr="l'intervention n'a pas eu lieu", en="the procedure was not done"),
    "no delay can be proposed": Text(fr="aucun délai ne peut être proposé", en="no delay can be proposed"),
    # of a planned thing that is owed no longer, or not yet
    "the slot that was told no longer stands": Text(
        fr="le rendez-vous annoncé ne tient plus", en="the visit that was announced no longer stands"
    ),
    "the signed hold plan stands no longer": Text(
        fr="le plan d'arrêt signé ne tient plus", en="the signed hold plan stands no longer"
    ),
    "a later one says it": Text(fr="le suivant le dira", en="a later one says it"),
    "it would come too late": Text(fr="il arriverait trop tard", en="it would come too late"),
    "it comes too late to be of use": Text(fr="trop tard pour être utile", en="too late to be of use"),
    "the plan changed": Text(fr="le plan a changé", en="the plan has changed"),
    "no longer useful": Text(fr="il n'est plus utile", en="it is of no use any more"),
    "done by a person": Text(fr="fait par une personne", en="done by a person"),
    "a later one was due": Text(fr="un suivant était dû", en="a later one was due"),
    "the pathway is complete": Text(fr="le parcours est terminé", en="the pathway is complete"),
    "quiet hours": Text(fr="heures de repos", en="quiet hours"),
    "the patient is recovering": Text(
        fr="le patient récupère de l'intervention", en="the patient is recovering from the procedure"
    ),
    "the patient has been written to today": Text(
        fr="le patient a déjà été contacté aujourd'hui", en="the patient has been written to today"
    ),
    "the answer was lost and the gateway cannot be asked": Text(
        fr="la réponse s'est perdue et nul ne peut la demander",
        en="the answer was lost and nobody can be asked for it",
    ),
    "the answer was lost and the gateway does not say what it took": Text(
        fr="la réponse s'est perdue et l'opérateur ne dit pas ce qu'il a pris",
        en="the answer was lost and the gateway does not say what it took",
    ),
    "not at the gateway: again": Text(
        fr="l'opérateur ne l'a pas reçu : nouvel essai", en="not at the gateway: sent again"
    ),
    # of a message that did not arrive
    "failed": Text(fr="non remis", en="not delivered"),
    "bounced": Text(fr="revenu", en="bounced"),
    "uncertain": Text(fr="incertain", en="uncertain"),
    "too-late": Text(fr="trop tard", en="too late"),
    "withdrawn": Text(fr="retiré", en="withdrawn"),
    # how a step ended, where nothing else is said
    "done": Text(fr="faite", en="done"),
    "waived": Text(fr="dispense", en="waived"),
    "cancelled": Text(fr="annulée", en="cancelled"),
    "rejected": Text(fr="refusée", en="rejected"),
    # where a visit stands
    "pending": Text(fr="non confirmé", en="not confirmed"),
    "booked": Text(fr="confirmé", en="confirmed"),
    "arrived": Text(fr="patient arrivé", en="patient arrived"),
    "fulfilled": Text(fr="honoré", en="fulfilled"),
    "noshow": Text(fr="non venu", en="did not come"),
}

_AND_USELESS = ", and later it is of no use"


def reason(stored: str, protocol: Protocol | None = None) -> Text:
    """The words of a stored reason; empty when there is none. Without its protocol, keys of it stay keys."""
    if stored in REASONS:
        return REASONS[stored]
    if stored in LEVELS:
        return LEVELS[stored]
    if stored in CHANNELS:
        return CHANNELS[stored]
    if protocol is not None and stored in protocol.ends:
        return protocol.ends[stored].title
    for head, fr, en in (
        ("pathway ended: ", "parcours arrêté : {end}", "the pathway has ended: {end}"),
        ("the pathway ended: ", "parcours arrêté : {end}", "the pathway has ended: {end}"),
    ):
        if stored.startswith(head):
            return fill(fr, en, end=reason(stored.removeprefix(head), protocol))
    if stored.startswith("changed: "):
        keys = stored.removeprefix("changed: ").split(", ")
        changed = joined(fact_title(key, protocol) if protocol else same(key) for key in keys)
        return fill("a changé : {facts}", "changed: {facts}", facts=changed)
    if stored.endswith(_AND_USELESS):
        first = reason(stored.removesuffix(_AND_USELESS), protocol)
        return fill(
            "{first}, et plus tard il ne sert plus", "{first}, and later it is of no use", first=first
        )
    channel, _, how = stored.partition(": ")
    if channel in CHANNELS and how in REASONS:
        return fill("{channel} : {how}", "{channel}: {how}", channel=CHANNELS[channel], how=REASONS[how])
    if protocol is None:
        return same(stored)
    return (
        _outcome(stored, protocol)
        or _finding(stored.removeprefix("finding "), protocol)
        or _of_the_watch(stored.removeprefix("alarm "), protocol)
        or _moment(stored, protocol)
        or same(stored)
    )


def _outcome(stored: str, protocol: Protocol) -> Text | None:
    """An outcome that did more than end its step left its key as the reason: its title says it.

    With its step, where only one step has an outcome of that key.
    """
    found = [
        (step, outcome)
        for step in protocol.steps
        if (outcome := step.outcome(stored)) is not None
        and (outcome.suspend or outcome.unbook or outcome.end or outcome.repeat or outcome.opens)
    ]
    if not found:
        return None
    (step, outcome), *others = found
    if others:
        return outcome.title
    return fill("{step} : {outcome}", "{step}: {outcome}", step=step.title, outcome=outcome.title)


def _finding(stored: str, protocol: Protocol) -> Text | None:
    found = next((one for one in protocol.red_flags if one.key == stored), None)
    return fill("{key} : {title}", "{key}: {title}", key=found.key, title=found.title) if found else None


def _of_the_watch(stored: str, protocol: Protocol) -> Text | None:
    """An alarm of the watch by its key, or a set of observations that is missing (``hourly 2 +15 min``)."""
    watch = protocol.surveillance
    if watch is None:
        return None
    if (alarm := watch.alarm(stored)) is not None:
        return alarm.title
    found = _MISSING.fullmatch(stored)
    rounds = {one.key: one for one in watch.rounds}
    if found is None or found[1] not in rounds:
        return None
    return fill(
        "relevé manquant depuis {min} min : {title} n° {n}",
        "observations missing for {min} min: {title} {n}",
        min=found[3],
        title=rounds[found[1]].title,
        n=found[2],
    )


_MISSING = re.compile(r"(\S+) (\d+) \+(\d+) min")
_SPOKEN = re.compile(r"(\S+)(?: ([+-][\d.]+) (h|d|wd))?(?: (\d\d:\d\d))?")
"""A moment as ``anchors.spoken`` writes it."""


def _moment(stored: str, protocol: Protocol) -> Text | None:
    """A rule that set a date, as people say it."""
    found = _SPOKEN.fullmatch(stored)
    if found is None:
        return None
    name, count, unit, wall = found.groups()
    head, _, tail = name.partition(":")
    known = head in ANCHORS or (head in ("done", "data") and protocol.has_step(tail.partition(".")[0]))
    if not known:
        return None
    said = anchor(name, protocol)
    if count:
        number = count.replace("-", "−")
        said = fill("{said} {n} {unit}", "{said} {n} {unit}", said=said, n=number, unit=UNITS[unit])
    return fill("{said} {wall}", "{said} {wall}", said=said, wall=wall) if wall else said
