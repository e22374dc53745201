"""Measurements, drugs and answers that a hospital sends: facts of the patient's pathways, and signs of the watch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from fhir_mappings.heard import relative
from fhir_mappings.heard_answers import ANSWERED, read_answers
from fhir_mappings.heard_facts import (
    DRUG_LISTS,
    TAKEN_BACK,
    Read,
    denied_later,
    read_facts,
    said_at,
    taken_back,
    with_drugs,
    without_drugs,
)
from fhir_mappings.heard_vitals import vital_signs
from fhir_mappings.read import Json, first_instant, object_at, text_at
from pathway import events as e
from pathway.ground import Ground
from pathway.lifecycle import LIVE
from pathway.referral import Fact
from pathway.refusal import Text
from pathway.state import Pathway
from pathway.watch import began
from scheduler.inbound_ground import Saying, Unclear, several
from store import search

OF_THE_FRACTURE = ("pain_nrs",)
"""Facts that belong to one fracture: with several pathways, the resource has to name the one it is about."""


def observation(said: Saying) -> None:
    """A measurement, corrected or taken back like the first time; vital signs go to the watch while one is on."""
    status = text_at(said.resource, "status")
    if status in TAKEN_BACK:
        forget(said)
        return
    signs = vital_signs(said.resource)
    for pathway_id in said.pathways():
        pathway, ground = said.load(pathway_id)
        found = read_facts(said.resource, source=said.source, received=said.at, zone=said.zone(ground))
        said.issues += [issue for issue in found.issues if issue not in said.issues]
        facts = (*found.facts, *_signs(said, signs, {fact.key for fact in found.facts}, ground))
        if any(fact.key in OF_THE_FRACTURE for fact in facts):
            _only_one(said)
        if not facts and not signs and status in ("registered", "preliminary"):
            continue
        if _watched(pathway, ground, said, signs):
            continue
        learn(said, pathway, facts)


def medication(said: Saying) -> None:
    """A drug that is taken or no longer is. A signed hold plan expires when the list of antithrombotics changes."""
    back = text_at(said.resource, "status") == "entered-in-error"
    for pathway_id in said.pathways():
        pathway, ground = said.load(pathway_id)
        if back:
            _forget_drugs(said, pathway)
            continue
        found = read_facts(
            said.resource,
            source=said.source,
            received=said.at,
            zone=said.zone(ground),
            beside=_medications(said),
        )
        said.issues += [issue for issue in found.issues if issue not in said.issues]
        facts = [fact for one in found.facts if (fact := with_drugs(pathway, one)) is not None]
        if any(denied_later(pathway, one) for one in found.facts if one.key == "antithrombotics"):
            raise Unclear(
                "contradictory",
                Text(
                    fr="Un antithrombotique est cité, alors que « aucun » a été noté depuis : demandez au patient.",
                    en="An antithrombotic is named although “none” was recorded since: ask the patient.",
                ),
            )
        elsewhere = _from_another_list(said, pathway, {one.key for one in found.facts})
        instead: tuple[str, ...] = ()
        if elsewhere is not None:
            # All that it said before goes: of the lists that it still speaks of, say again how they stand.
            heard = {one.key for one in facts}
            again = [pathway.fact(one.key) for one in found.facts if one.key not in heard]
            facts = [*facts, *(one for one in again if one is not None), *elsewhere]
            instead = (said.document,)
        if facts or instead:
            said.record(pathway_id, e.FactsRecorded(by=said.by, facts=tuple(facts), instead_of=instead))


def answers(said: Saying) -> None:
    """The answers of a form, by the keys of what the protocol asks."""
    status = text_at(said.resource, "status")
    if status == "entered-in-error":
        forget(said)
        return
    if status not in ANSWERED:
        return
    pathways = said.pathways()
    named = said.names()
    if len(pathways) > 1 and not named:
        raise several(said)
    for pathway_id in pathways:
        pathway, ground = said.load(pathway_id)
        at = said_at(said.resource, said.zone(ground)) or said.at
        read: Read = read_answers(
            said.resource,
            ground.protocol,
            said.site,
            source=said.document,
            at=min(at, said.at),
            by=text_at(said.resource, "author", "display") or said.source,
        )
        said.issues += read.issues
        learn(said, pathway, read.facts)


# --- what they share --------------------------------------------------------------------------------------


def learn(said: Saying, pathway: Pathway, facts: tuple[Fact, ...]) -> None:
    """Record these, in place of what the same resource said before."""
    before = taken_back(pathway, said.document)
    if set(_values(before)) == set(_values(facts)) and len(before) == len(facts):
        return
    instead = (said.document,) if before else ()
    said.record(pathway.id, e.FactsRecorded(by=said.by, facts=facts, instead_of=instead))


def _values(facts: Iterable[Fact]) -> list[tuple[str, str, object]]:
    return [(fact.key, repr(fact.value), fact.at) for fact in facts]


def forget(said: Saying) -> None:
    """What this resource said stands no more. A sign of the watch cannot be unsaid: a person must look."""
    for pathway_id in said.running():
        pathway, _ = said.load(pathway_id)
        if taken_back(pathway, said.document):
            said.record(pathway_id, e.FactsRecorded(by=said.by, facts=(), instead_of=(said.document,)))
        if any(one.by == _observer(said) for one in pathway.observed):
            said.left = Unclear(
                "contradictory",
                Text(
                    fr="Un relevé de surveillance est annulé par l'hôpital : vérifiez les alarmes qui en ont découlé.",
                    en="The hospital takes back a sign of the watch: check the alarms that came of it.",
                ),
            )


def _forget_drugs(said: Saying, pathway: Pathway) -> None:
    if not taken_back(pathway, said.document):
        return
    facts = tuple(
        replace(fact, source=f"{said.document}/withdrawn")
        for key in DRUG_LISTS
        if (fact := without_drugs(pathway, key, said.document)) is not None
    )
    said.record(pathway.id, e.FactsRecorded(by=said.by, facts=facts, instead_of=(said.document,)))


def _from_another_list(said: Saying, pathway: Pathway, keys: set[str]) -> list[Fact] | None:
    """The other list without the drug that this statement said by mistake before. None where it had said none there.

    What cannot be read takes nothing back: then the drug that was named stands until a person has looked.
    """
    before = {fact.key for fact in taken_back(pathway, said.document)}
    left = [key for key in DRUG_LISTS if key in before and key not in keys]
    if not keys or not left:
        return None
    without = (without_drugs(pathway, key, said.document) for key in left)
    return [replace(fact, source=f"{said.document}/withdrawn") for fact in without if fact is not None]


def _only_one(said: Saying) -> None:
    if len(said.pathways()) > 1 and not said.names():
        raise several(said)


def _medications(said: Saying) -> tuple[Json, ...]:
    """The Medication that the statement refers to, where it is kept here."""
    type_, _, id_ = relative(object_at(said.resource, "medicationReference")).partition("/")
    found = search.read(said.session, type_, id_) if type_ == "Medication" and id_ else None
    return (found.content,) if found is not None else ()


# --- the watch --------------------------------------------------------------------------------------------


def _watched(pathway: Pathway, ground: Ground, said: Saying, signs: dict[str, float | int]) -> bool:
    """Whether these signs were taken by the watch after the procedure, as a set between two rounds."""
    watch, start = ground.protocol.surveillance, began(pathway, ground)
    taken = _taken(said, ground)
    if not signs or watch is None or start is None or taken is None or not start <= taken <= said.at:
        return False
    step = pathway.last(watch.step)
    if step is None or step.status not in LIVE:
        return False
    known = {key: value for key, value in signs.items() if watch.item(key) is not None}
    if any(one.by == _observer(said) and one.values == known for one in pathway.observed):
        return True
    observer = replace(said.by, name=_observer(said))
    said.record(pathway.id, e.ObservationsRecorded(by=observer, occurred=taken, values=known))
    return True


def _signs(said: Saying, signs: dict[str, float | int], known: set[str], ground: Ground) -> tuple[Fact, ...]:
    """Vital signs as facts, beside those that a referral may bring too."""
    at = min(_taken(said, ground) or said.at, said.at)
    return tuple(
        Fact(key, value, at, said.source, said.document) for key, value in signs.items() if key not in known
    )


def _observer(said: Saying) -> str:
    """Who saw, named so that the same resource is known again."""
    return f"{said.by.name} ({said.type}/{said.resource.get('id', '')})"


def _taken(said: Saying, ground: Ground) -> datetime | None:
    period = object_at(said.resource, "effectivePeriod")
    return first_instant(
        said.zone(ground),
        said.resource.get("effectiveDateTime"),
        said.resource.get("effectiveInstant"),
        period.get("end"),
        said.resource.get("issued"),
    )
