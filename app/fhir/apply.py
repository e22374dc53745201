"""``PlanDefinition/$apply``: GET shows what would begin and stores nothing, POST begins it, once for a key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fastapi import Request, Response
from sqlmodel import Session

from app.definitions import Status, standings
from app.fhir import asked, asking
from app.fhir.answer import fhir, outcome, resource, version_headers
from app.fhir.apply_asked import Applying, from_parameters, from_query
from app.fhir.apply_bundle import Composed, Composer
from app.fhir.caller import Caller, allowed, system
from app.fhir.creating import may_read
from app.fhir.errors import FhirError, refuse, request_id
from app.fhir.reads import base, zone
from app.fhir.referrals import questions, waiting
from app.intake import take_in
from app.protocols import LoadedProtocol
from app.service import Service
from fhir_mappings.plan_definition import plan_id
from fhir_mappings.plan_preview import preview
from fhir_mappings.project import project
from fhir_mappings.referral import Intake, read_referral_bundle
from fhir_mappings.site import fhir_id
from fhir_mappings.validate import check
from pathway.enrolment import enrol
from pathway.plan import plan
from pathway.referral import Referral, same_fracture
from store import locks, referrals, search, starts
from store.referrals import Received
from store.start_tables import StartRow


@dataclass(frozen=True, slots=True)
class _Version:
    """A published version of a protocol, by the names it may be applied under."""

    id: str
    status: Status
    loaded: LoadedProtocol

    @property
    def canonical(self) -> str:
        """``url|version``."""
        return f"{self.loaded.protocol.url}|{self.loaded.protocol.version}"


def show(service: Service, request: Request, who: Caller, id_: str | None = None) -> Response:
    """``GET``: the CarePlan that would begin, as a proposal. Nothing is stored but the trace of the look."""
    asking.need_acceptable(request)
    for type_ in ("PlanDefinition", "Patient", "Condition"):
        allowed(who, type_, "read")
    applying = from_query(asked.pairs(request.query_params.multi_items()))
    with service.db.write() as session:
        version = _version(service, session, applying, id_)
        _need_active(version)
        composed, intake, referral = _read(service, session, who, applying, version)
        protocol, ground = version.loaded.protocol, version.loaded.ground
        pathway = enrol("preview", composed.patient_id or "subject", referral, ground, at=who.now)
        said = project(pathway, ground, plan(pathway, ground), service.site)
        proposal = preview(
            said, subject=composed.subject, notes=list(_notes(session, composed, intake, referral))
        )
        what = f"PlanDefinition/{plan_id(protocol)}/$apply"
        service.audit.write(session, who.trace("read", what, composed.patient_id))
    return fhir(200, proposal)


def start(service: Service, request: Request, who: Caller, body: bytes, id_: str | None = None) -> Response:
    """``POST``: 201 with the CarePlan that has begun, 200 for a key that began one before, 202 when a person decides.

    409 for a key that began something else, 422 for what cannot begin and for a version that is not in use.
    """
    name = system(who).name
    asking.need_acceptable(request)
    asking.need_type(request, *asking.RESOURCE_TYPES)
    allowed(who, "PlanDefinition", "read")
    allowed(who, "CarePlan", "create")
    sent = asking.resource(body)
    if sent.get("resourceType") != "Parameters":
        raise refuse(
            400, "The body must be a Parameters; put subject and start-key into one.", "resourceType"
        )
    if issues := check(sent):
        raise FhirError(422, *issues)
    applying = from_parameters(sent)
    key = applying.key
    if key is None:
        sentence = "start-key is missing; name this start, so that sending it again begins nothing new."
        raise refuse(400, sentence, "Parameters.parameter", code="required")

    def begin(session: Session) -> Received:
        starts.lock(session, name, key)
        begun = starts.begun(session, name, key)
        version = _version(service, session, applying, id_)
        if begun is None:
            _need_active(version)
        composed, intake, referral = _read(service, session, who, applying, version)
        if begun is not None:
            exactly = id_ is not None or applying.exactly(version.id, version.canonical)
            received = _again(session, begun, version, composed, referral, exactly=exactly)
            what = f"CarePlan/{received.pathway_id}" if received.pathway_id else f"referral/{received.id}"
            service.audit.write(session, who.trace("read", what, received.patient_id))
            return received
        received = take_in(service, session, intake, referral, composed.body, name, who.actor, who.now)
        starts.remember(session, name, key, plan=version.canonical, received=received, at=who.now)
        return received

    return _answer(service, request, who, locks.write(service.db, begin))


def _again(
    session: Session,
    begun: StartRow,
    version: _Version,
    composed: Composed,
    referral: Referral,
    *,
    exactly: bool,
) -> Received:
    """What has become of what this key began. 409 when that was something else.

    Who does not name a version ``exactly`` means whichever was in use then; the fracture may be known better by now.
    """
    received = referrals.heard_before(session, begun.referral_id)
    before = starts.referral_of(session, begun).fracture
    url = begun.plan.rpartition("|")[0]
    same = {
        "plan": begun.plan == version.canonical if exactly else url == version.loaded.protocol.url,
        "subject": received.patient_id == composed.patient_id,
        "fracture": same_fracture((referral.patient, before), (referral.patient, referral.fracture)),
    }
    if other := [what for what, holds in same.items() if not holds]:
        sentence = f"This start-key began a pathway for another {' and '.join(other)}; choose a new key."
        raise refuse(409, sentence, "Parameters.parameter", code="conflict")
    return received


def _answer(service: Service, request: Request, who: Caller, received: Received) -> Response:
    """The CarePlan, where the caller may read it; else only where it is."""
    if received.status != "started" or received.pathway_id is None:
        said = [waiting(received), *questions(received)]
        return outcome(200 if received.status == "dismissed" else 202, said, request_id(request))
    with service.db.read() as session:
        begun = search.read(session, "CarePlan", fhir_id(received.pathway_id))
    assert begun is not None, "a pathway that has started says its CarePlan"
    headers = {"Location": f"{base(service)}/CarePlan/{begun.id}"}
    status = 201 if received.new else 200
    if asking.preference(request).returns == "minimal" or not may_read(who, "CarePlan"):
        return fhir(status, None, {**version_headers(begun), **headers})
    return resource(status, begun, headers)


# --- which protocol ---------------------------------------------------------------------------------------


def _version(service: Service, session: Session, applying: Applying, id_: str | None) -> _Version:
    """The version that is meant: at the instance by its id, else by ``url`` or ``planDefinition``. 404 for none."""
    named = [one for one in (applying.url, applying.plan) if one is not None]
    if id_ is not None and named:
        sentence = "The URL says which PlanDefinition it is; leave url and planDefinition out."
        raise refuse(400, sentence, "url" if applying.url else "planDefinition", code="value")
    if id_ is None and len(named) != 1:
        sentence = "Say which protocol: one of url (url or url|version) and planDefinition."
        raise refuse(400, sentence, "url", code="required")
    known = [
        _Version(plan_id(loaded.protocol), status, loaded)
        for one, status in standings(session)
        for loaded in (service.ledger.shelf.get(session, one.digest),)
    ]
    wanted = id_ or named[0].removeprefix(f"{base(service)}/").removeprefix("PlanDefinition/")
    found = [one for one in known if wanted in (one.id, one.canonical)]
    if not found:
        in_use = [one for one in known if one.status == "active"]
        found = [one for one in in_use if one.loaded.protocol.url == wanted]
    if not found:
        raise refuse(404, "There is no published PlanDefinition of that name; GET PlanDefinition lists them.")
    return found[-1]


def _need_active(version: _Version) -> None:
    if version.status == "active":
        return
    why = "is retired" if version.status == "retired" else "is published, but not in use yet"
    sentence = f"PlanDefinition/{version.id} {why}; new pathways begin with the one that is active."
    raise refuse(422, sentence, "PlanDefinition.status", code="business-rule")


# --- whom, and why ----------------------------------------------------------------------------------------


def _read(
    service: Service, session: Session, who: Caller, applying: Applying, version: _Version
) -> tuple[Composed, Intake, Referral]:
    """The referral that this application stands for, read as every other is. 422 with what is wrong with it."""
    composer = Composer(session, service.site, base(service), applying, who)
    composed = composer.compose(version.loaded.protocol, authored=who.now, key=applying.key)
    intake = read_referral_bundle(
        composed.bundle,
        received=who.now,
        zone=zone(service),
        test_identities=service.settings.test_identities,
    )
    if intake.referral is None:
        raise composed.refused(intake.issues)
    return composed, intake, intake.referral


def _notes(session: Session, composed: Composed, intake: Intake, referral: Referral) -> Iterator[str]:
    """What stands in the way of beginning, or would be asked first."""
    if composed.patient_id is not None:
        running = referrals.under_way(session, composed.patient_id, referral)
        if running is not None:
            plan_ = fhir_id(running)
            yield f"Un parcours est déjà en cours pour cette fracture (CarePlan/{plan_}) : la coordination décidera."
    for each in intake.missing:
        yield each.question_fr
