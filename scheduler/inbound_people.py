"""A Patient as a hospital now knows them: reached otherwise, dead, one with another record, or not after all.

What contradicts itself goes to a person: a message to the wrong one cannot be taken back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from zoneinfo import ZoneInfo

from fhir_mappings.read import Json, day, object_at, objects_at, text_at
from fhir_mappings.searchable import VERSION, index
from fhir_mappings.site import fhir_id
from fhir_mappings.telecom import contact
from pathway import events as e
from pathway.refusal import Text
from scheduler.inbound_ground import Saying, Unclear
from scheduler.whose import bearers, meant, names_of, number, one_of, only
from store import heard, joins, patients, resources, search
from store.inbound_tables import JoinRow
from store.projection import Projected


def patient(said: Saying) -> None:
    """What this record says of the person: first who it is, then how they are and how to reach them."""
    _one_person_only(said)
    if _parted(said):
        # Who bears the names of both, and says no more that they are one, has not parted them.
        _one_person_only(said)
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
    """Our patient whom any resource is about, by what it says itself; None for nobody. Unclear for several.

    Of a Patient with the names of several, None: what it says of them is judged where it is heard.
    """
    if said.type != "Patient":
        return one_of(said.session, said.resource, source=said.source, ours=_own_system(said))
    told = patients.called(said.session, said.source, str(said.resource.get("id", ""))).ours
    found = told or bearers(said.session, said.resource, _own_system(said))
    return next(iter(found)) if len(found) == 1 else None


# --- who it is --------------------------------------------------------------------------------------------


def _one_person_only(said: Saying) -> None:
    """Unclear when the record bears the names of several patients of ours, or was born another day than ours.

    Those that it says are the same person by a link are none other.
    """
    linked = {them for _, other in _links(said) if (them := _linked(said, other)) is not None}
    found = set(bearers(said.session, said.resource, _own_system(said)))
    others = found - linked
    if said.patient_id is not None:
        others -= {joins.goes_on_as(said.session, said.patient_id)}
    if len(others) > (said.patient_id is None):
        raise Unclear(
            "contradictory",
            Text(
                fr="Ce dossier porte les identifiants de deux de nos patients, sans dire qu'ils n'en font qu'un.",
                en="This record bears the identifiers of two patients of ours and does not say that they are one.",
            ),
        )
    if said.patient_id is None:
        own = others or found
        said.patient_id = next(iter(own)) if len(own) == 1 else None
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


def _parted(said: Saying) -> bool:
    """The joins that this record said and says no more are taken back. Whether there were any."""
    parted = False
    for row in joins.said_by(said.session, said.document):
        if _still_said(said, row):
            continue
        parted = True
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
        if bearers(said.session, said.resource, _own_system(said)) == {row.gone}:
            said.patient_id = row.gone
    return parted


def _still_said(said: Saying, row: JoinRow) -> bool:
    """Whether a link still says this join. Of several who were replaced, each is told by the names of before."""
    gone = {(_own_system(said), row.gone), *((system, value) for system, value in row.before["identifiers"])}
    for type_, other in _links(said):
        if _linked(said, other) == joins.goes_on_as(said.session, row.kept):
            names = names_of(said.session, other, source=said.source) if type_ == "replaces" else set()
            if not names or names & gone:
                return True
    return False


def _linked(said: Saying, other: Json) -> str | None:
    id_ = number(other)
    if id_ is None:
        return None
    return only(meant(said.session, other, id_, source=said.source, ours=_own_system(said)))


def _own_system(said: Saying) -> str:
    return f"{said.site.system}/id/patient"


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
    # Not locked yet: the event locks the person before any pathway of theirs, as everybody does.
    pathway, ground = said.ledger.load(said.session, pathway_id)
    known = pathway.patient.contact
    new = contact(said.resource, said.at, said.zone(ground))
    if "telecom" not in said.resource:
        new = replace(known, language=new.language)
    if not objects_at(said.resource, "communication"):
        new = replace(new, language=known.language)
    if new != known:
        said.record(pathway_id, e.ContactChanged(by=said.by, contact=new))
