"""Referrals that only a person can take further: complete one, start it as another fracture, or dismiss it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from app.http_errors import problem
from app.rights import need_ward
from app.web.deeds_patient import drug_lines
from app.web.deeds_steps import measured
from app.web.fields import Field, Invalid, Said
from app.web.render import page
from app.web.signed import Reader, Signed, Typed
from app.web.words import fact_title
from fhir_mappings.telecom import e164
from pathway.completeness import missing
from pathway.referral import Contact, Fact, Referral
from pathway.refusal import Refused, Text
from pathway.state import Pathway
from store import referrals, worklist
from store.referrals import Received
from store.tables import ReferralRow

router = APIRouter()

PAGE = 40
LEVELS = tuple([f"T{number}" for number in range(1, 13)] + [f"L{number}" for number in range(1, 6)])


@dataclass(frozen=True)
class Waiting:
    """A referral on the list: who, since when, and what a person must say."""

    id: str
    status: str
    received: datetime
    sender: str
    referral: Referral
    questions: tuple[str, ...]


@router.get("/referrals", response_class=HTMLResponse)
def waiting_list(request: Request, signed: Reader, page_number: int = 1) -> Response:
    """Every referral that waits for a person, the longest waiting first."""
    number = max(1, min(page_number, 1000))
    with signed.service.db.write() as session:
        rows = worklist.waiting_referrals(session, offset=(number - 1) * PAGE, limit=PAGE + 1)
        signed.service.audit.write_all(
            session, [signed.trace("read", f"referral/{row.id}", row.patient_id) for row in rows[:PAGE]]
        )
    return page(
        request,
        signed,
        "referrals.html",
        waiting=[_waiting(row, signed) for row in rows[:PAGE]],
        number=number,
        more=len(rows) > PAGE,
    )


@router.get("/referrals/{referral_id}", response_class=HTMLResponse)
def referral_page(request: Request, referral_id: str, signed: Reader) -> Response:
    """One referral, beside the pathway it may be a duplicate of, with what is missing."""
    return _page(request, signed, referral_id)


@router.post("/referrals/{referral_id}/start", response_class=HTMLResponse)
def start(request: Request, referral_id: str, signed: Reader, form: Typed) -> Response:
    """Start it with what was added; a possible duplicate as a fracture of its own."""
    need_ward(signed.actor)
    with signed.service.db.read() as session:
        row = _row(session, referral_id)
        referral = referrals.read(row)
    try:
        completed = _completed(referral, Said(form, signed.speech), signed)
        received = _start(signed, row, completed)
    except Invalid as invalid:
        return _page(request, signed, referral_id, typed=form, errors=invalid.errors, status=422)
    except Refused as refused:
        found = problem(refused)
        return _page(request, signed, referral_id, typed=form, top=found.text, status=found.status)
    if received.pathway_id is None:
        return RedirectResponse(f"/referrals/{referral_id}", status_code=303)
    return RedirectResponse(f"/pathways/{received.pathway_id}", status_code=303)


@router.post("/referrals/{referral_id}/dismiss", response_class=HTMLResponse)
def dismiss(request: Request, referral_id: str, signed: Reader, form: Typed) -> Response:
    """Start nothing from it, with a note that says why."""
    need_ward(signed.actor)
    try:
        with signed.service.db.write() as session:
            row = _row(session, referral_id)
            referrals.dismiss(session, referral_id, note=form.get("note", ""), by=signed.actor)
            entry = signed.trace("write", f"referral/{referral_id}", row.patient_id, status="dismissed")
            signed.service.audit.write(session, entry)
    except Refused as refused:
        found = problem(refused)
        if refused.field == "note":
            errors = {"note": signed.speech.text(found.text)}
            return _page(request, signed, referral_id, typed=form, errors=errors, status=found.status)
        return _page(request, signed, referral_id, typed=form, top=found.text, status=found.status)
    return RedirectResponse("/referrals", status_code=303)


def _start(signed: Signed, row: ReferralRow, completed: Referral) -> Received:
    with signed.service.db.write() as session:
        received = referrals.complete(
            session,
            signed.service.ledger,
            row.id,
            completed,
            digest=signed.service.begins_with(session),
            by=signed.actor,
            at=signed.now,
        )
        entry = signed.trace("write", f"referral/{row.id}", row.patient_id, status=received.status)
        signed.service.audit.write(session, entry)
    return received


# --- the page ---------------------------------------------------------------------------------------------


def _page(
    request: Request,
    signed: Signed,
    referral_id: str,
    *,
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    top: Text | None = None,
    status: int = 200,
) -> Response:
    other: Pathway | None = None
    with signed.service.db.write() as session:
        row = _row(session, referral_id)
        if row.duplicate_of is not None:
            other, _ = signed.service.ledger.load(session, row.duplicate_of)
        signed.service.audit.write(session, signed.trace("read", f"referral/{row.id}", row.patient_id))
    waiting = _waiting(row, signed)
    fields = [
        replace(field, value=typed[field.name]) if typed and field.name in typed else field
        for field in _fields(waiting.referral, signed)
    ]
    return page(
        request,
        signed,
        "referral.html",
        status=status,
        waiting=waiting,
        row=row,
        other=other,
        facts=_facts(waiting.referral.facts, signed),
        other_facts=_facts(other.facts, signed) if other else [],
        fields=fields,
        note=(typed or {}).get("note", ""),
        errors=errors or {},
        top=signed.speech.text(top) if top else "",
        open=row.status in worklist.UNDECIDED,
    )


def _row(session: Session, referral_id: str) -> ReferralRow:
    row = worklist.referral_of(session, referral_id)
    if row is None:
        raise Refused(
            Text(fr="Cette demande n’existe pas.", en="There is no such referral."), kind="not-found"
        )
    return row


def _waiting(row: ReferralRow, signed: Signed) -> Waiting:
    referral = referrals.read(row)
    english = signed.speech.language == "en"
    questions = tuple(one.question_en if english else one.question_fr for one in missing(referral))
    return Waiting(row.id, row.status, row.received, row.sender, referral, questions)


def _facts(facts: tuple[Fact, ...], signed: Signed) -> list[tuple[str, str, Fact]]:
    protocol, speech = signed.service.protocol.protocol, signed.speech
    return [
        (fact_title(one.key, protocol, speech), measured(one.key, one.value, protocol, speech), one)
        for one in facts
    ]


# --- what a person adds -----------------------------------------------------------------------------------


def _fields(referral: Referral, signed: Signed) -> list[Field]:
    """What is open, and nothing else: what the sender said is not asked again."""
    _ = signed.speech
    asked = {one.key: one for one in missing(referral)}
    found = []
    if "fracture_onset" in asked:
        needed = asked["fracture_onset"].blocks_start
        found.append(Field("onset", _("Date de la fracture (début de la douleur)"), "date", required=needed))
    if "fracture_level" in asked:
        found.append(Field("level", _("Vertèbre"), "choice", choices=tuple((one, one) for one in LEVELS)))
    if "contact" in asked:
        found += [
            Field("mobile", _("Mobile"), "tel"),
            Field("landline", _("Téléphone fixe"), "tel"),
            Field("email", _("E-mail"), "email"),
        ]
    if "pain_nrs" in asked:
        found.append(Field("pain_nrs", _("Douleur, de 0 à 10"), "number"))
    if "antithrombotics" in asked:
        found += [
            Field(
                "taken",
                _("Le patient prend-il un anticoagulant ou un antiagrégant ?"),
                "radio",
                choices=(("none", _("Non, aucun")), ("list", _("Oui, ceux-ci"))),
                help=_("Sans réponse, la question reste ouverte : une absence n’est pas un non."),
            ),
            Field("drugs", _("Médicaments, un par ligne"), "textarea"),
        ]
    return found


def _completed(referral: Referral, said: Said, signed: Signed) -> Referral:
    """The referral with what was added. Raises Invalid with a sentence at each field."""
    asked = {field.name: field for field in _fields(referral, signed)}
    fracture = referral.fracture
    if "onset" in asked:
        onset = said.day("onset", required=asked["onset"].required)
        if onset is not None and onset > signed.speech.calendar.day(signed.now):
            said.complain("onset", signed.speech("Indiquez une date passée."))
        fracture = replace(fracture, onset=onset)
    if "level" in asked:
        fracture = replace(fracture, level=said.choice("level", LEVELS) or None)
    patient = referral.patient
    if "mobile" in asked:
        patient = replace(patient, contact=_contact(patient.contact, said, signed))
    facts = (*referral.facts, *_added_facts(asked, said, signed))
    said.done()
    return replace(referral, fracture=fracture, patient=patient, facts=facts)


def _contact(contact: Contact, said: Said, signed: Signed) -> Contact:
    mobile, email = said.text("mobile"), said.text("email")
    if mobile and e164(mobile) is None:
        sentence = signed.speech("Indiquez un numéro complet, par exemple 06 39 98 00 11 ou +33639980011.")
        said.complain("mobile", sentence)
    if email and "@" not in email.strip("@"):
        said.complain("email", signed.speech("Indiquez une adresse, par exemple nom@exemple.fr."))
    landline = said.text("landline")
    return replace(
        contact,
        mobile=e164(mobile) if mobile else None,
        landline=(e164(landline) or landline) if landline else None,
        email=email or None,
    )


def _added_facts(asked: Mapping[str, Field], said: Said, signed: Signed) -> list[Fact]:
    found = []
    if "pain_nrs" in asked and (pain := said.number("pain_nrs")) is not None:
        if not 0 <= pain <= 10:
            said.complain("pain_nrs", signed.speech("Indiquez un nombre de 0 à 10."))
        found.append(Fact("pain_nrs", pain, signed.now, signed.person.name, "web"))
    if "taken" in asked:
        taken, drugs = said.choice("taken", ("none", "list")), drug_lines(said.text("drugs"))
        if taken == "none" and drugs:
            said.complain("drugs", signed.speech("« Aucun » et une liste se contredisent : choisissez."))
        if taken == "list" and not drugs:
            said.complain("drugs", signed.speech("Nommez au moins un médicament."))
        if taken:
            found.append(Fact("antithrombotics", list(drugs), signed.now, signed.person.name, "web"))
    return found
