"""A Patient as a hospital now knows them: reached otherwise, dead, one with another record, or not after all.

What contradicts itself goes to a person: a message to the wrong one cannot be taken back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from zoneinfo import ZoneInfo

from fhir_mappings.heard import relative
from fhir_mappings.read import Json, day, object_at, objects_at, text_at
from fhir_mappings.referral_people import identifiers
from fhir_mappings.searchable import VERSION, index
from fhir_mappings.site import fhir_id
from fhir_mappings.telecom import contact
from pathway import events as e
from pathway.refusal import Text
from scheduler.inbound_ground import Saying, Unclear
from store import heard, joins, patients, resources, search
from store.projection import Projected


def patient(said: Saying) -> None:
    """What this record says of the person: first who it is, then how they are and how to reach them."""
    _one_person_only(said)
    _parted(said)
    replaced = False
    for type_, other in _links(said):
        replaced = replaced or type_ == "replaced-by"
        _joined(said, type_, other)
    if said.patient_id is None or replaced:
        return
    said.patient_id = joins.goes_on_as(said.session, said.patient_id)
    pathways = heard.every(said.session, said.patient_id)
    if not pathways:
        return
    _told_of_death(said, pathways)
    _reached(said, pathways[-1])


def whose(said: Saying) -> str | None:
    """Our patient whom any resource is about, by what it says itself; None for nobody, and where it is not clear."""
    if said.type == "Patient":
        return _by_own_identifiers(said)
    for reference in _subjects(said.resource):
        named = object_at(reference, "identifier")
        system, value = text_at(named, "system"), text_at(named, "value")
        if system and value:
            found = _by_identifier(said, system, value)
        else:
            type_, _, id_ = relative(reference).partition("/")
            found = (
                heard.patient_behind(said.session, said.source, id_) if type_ == "Patient" and id_ else None
            )
        if found is not None:
            return joins.goes_on_as(said.session, found)
    return None


# --- who it is --------------------------------------------------------------------------------------------


def _one_person_only(said: Saying) -> None:
    """Unclear when the record bears the names of two patients of ours, or was born another day than ours."""
    found = {
        one
        for each in identifiers(said.resource)
        if (one := _by_identifier(said, each.system, each.value)) is not None
    }
    if len(found) > 1 and not objects_at(said.resource, "link"):
        raise Unclear(
            "contradictory",
            Text(
                fr="Ce dossier porte les identifiants de deux de nos patients, sans dire qu'ils n'en font qu'un.",
                en="This record bears the identifiers of two patients of ours and does not say that they are one.",
            ),
        )
    if said.patient_id is None and len(found) == 1:
        (said.patient_id,) = found
    if said.patient_id is None:
        return
    born = day(said.resource.get("birthDate"), ZoneInfo("UTC"))
    known = {
        said.ledger.load(said.session, one)[0].patient.birth_date
        for one in heard.every(said.session, said.patient_id)
    }
    if born is not None and known and born not in known:
        raise Unclear(
            "contradictory",
            Text(
                fr="L'hôpital donne à ce patient une autre date de naissance que la nôtre : vérifiez l'identité.",
                en="The hospital gives this patient another birth date than ours: check the identity.",
            ),
        )


def _links(said: Saying) -> Iterator[tuple[str, Json]]:
    for link in objects_at(said.resource, "link"):
        type_ = text_at(link, "type") or ""
        if type_ in ("replaced-by", "replaces"):
            yield type_, object_at(link, "other")


def _joined(said: Saying, type_: str, other: Json) -> None:
    """This record and another are one person: the one that is replaced goes on as the other."""
    them = _linked(said, other)
    if said.patient_id is None or them is None:
        if said.patient_id is None and them is None:
            return
        raise Unclear(
            "unmatched",
            Text(
                fr="Ce dossier est réuni à un autre que nous ne connaissons pas : ajoutez son identifiant.",
                en="This record is joined with another that we do not know: add its identifier.",
            ),
        )
    gone, kept = (said.patient_id, them) if type_ == "replaced-by" else (them, said.patient_id)
    try:
        row = joins.join(
            said.session,
            said.ledger,
            kept=kept,
            gone=gone,
            document=said.document,
            source=said.source,
            by=said.by,
            at=said.at,
        )
    except joins.Contradictory as contradictory:
        raise Unclear("contradictory", contradictory.text) from contradictory
    if row is not None:
        said.moved = True
        _say_replaced(said, gone=row.gone, kept=row.kept)


def _parted(said: Saying) -> None:
    """The joins that this record said and says no more are taken back."""
    linked = {them for _, other in _links(said) if (them := _linked(said, other)) is not None}
    for row in joins.said_by(said.session, said.document):
        ends = {joins.goes_on_as(said.session, one) for one in linked}
        if linked and (row.kept in ends or row.gone in linked):
            continue
        begun = joins.part(said.session, said.ledger, row, by=said.by, at=said.at)
        said.moved = True
        if begun:
            said.left = Unclear(
                "contradictory",
                Text(
                    fr="Identités séparées : vérifiez à qui sont les parcours commencés entre-temps.",
                    en="Identities parted: pathways begun meanwhile stay with the first record, to be checked.",
                ),
            )
        if said.patient_id == row.kept and _by_own_identifiers(said) == row.gone:
            said.patient_id = row.gone


def _linked(said: Saying, other: Json) -> str | None:
    named = object_at(other, "identifier")
    system, value = text_at(named, "system"), text_at(named, "value")
    if system and value:
        return _by_identifier(said, system, value)
    type_, _, id_ = relative(other).partition("/")
    return heard.patient_behind(said.session, said.source, id_) if type_ == "Patient" and id_ else None


def _by_own_identifiers(said: Saying) -> str | None:
    ours = f"{said.site.system}/id/patient"
    own = [each.value for each in identifiers(said.resource) if each.system == ours]
    if own:
        return _by_identifier(said, ours, own[0])
    return patients.by_identifiers(
        said.session, [(each.system, each.value) for each in identifiers(said.resource)]
    )


def _by_identifier(said: Saying, system: str, value: str) -> str | None:
    if system == f"{said.site.system}/id/patient":
        return patients.by_id(said.session, value)
    return patients.by_identifiers(said.session, [(system, value)])


def _subjects(resource: Json) -> Iterator[Json]:
    for name in ("subject", "patient", "for", "individual"):
        if reference := object_at(resource, name):
            yield reference
    for each in objects_at(resource, "participant"):
        if relative(actor := object_at(each, "actor")).startswith("Patient/") or "identifier" in actor:
            yield actor


def _say_replaced(said: Saying, *, gone: str, kept: str) -> None:
    """Our own record of the one who is no more says under which name they go on."""
    found = search.read(said.session, "Patient", fhir_id(gone))
    if found is None or found.pathway_id is None:
        return
    link = {"other": {"reference": f"Patient/{fhir_id(kept)}"}, "type": "replaced-by"}
    content = {**found.content, "active": False, "link": [link]}
    by = index(content)
    projected = Projected(
        type="Patient",
        id=found.id,
        content=content,
        tokens=by.tokens,
        spans=by.spans,
        indexed=VERSION,
        status=None,
        due=None,
        not_before=None,
    )
    resources.put(said.session, [projected], pathway_id=found.pathway_id, patient_id=gone, now=said.at)


# --- how they are, how to reach them ----------------------------------------------------------------------


def _told_of_death(said: Saying, pathways: list[str]) -> None:
    dead = said.resource.get("deceasedBoolean") is True or bool(said.resource.get("deceasedDateTime"))
    known = [said.ledger.load(said.session, one)[0].patient.deceased for one in pathways]
    if dead and not all(known):
        said.record(pathways[-1], e.PatientDied(by=said.by))
    elif any(known) and said.resource.get("deceasedBoolean") is False:
        raise Unclear(
            "contradictory",
            Text(
                fr="L'hôpital dit vivant un patient noté décédé ici : vérifiez l'identité.",
                en="The hospital says that a patient recorded here as dead is alive: check the identity.",
            ),
        )


def _reached(said: Saying, pathway_id: str) -> None:
    """A new number, address or language; a record that names none has not changed any."""
    pathway, ground = said.load(pathway_id)
    known = pathway.patient.contact
    new = contact(said.resource, said.at, said.zone(ground))
    if "telecom" not in said.resource:
        new = replace(known, language=new.language)
    if not objects_at(said.resource, "communication"):
        new = replace(new, language=known.language)
    if new != known:
        said.record(pathway_id, e.ContactChanged(by=said.by, contact=new))
