"""The patient's page, and the forms by which something is done to the pathway.

Each request is one transaction, committed before the answer. A form carries the ``seq`` its author looked at, so
that nobody overwrites what somebody else has just done; what was typed is never lost.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from app.http_errors import problem
from app.rights import allow
from app.web.callees import callees
from app.web.catalogue import DEEDS, SETTLE_CALL
from app.web.deeds import Deed, Scene
from app.web.fields import Field, Invalid, Said
from app.web.patient_view import ChangeView, PatientView, changes_of, view
from app.web.render import page
from app.web.scripts import script
from app.web.signed import Reader, Signed, Typed
from pathway import events as e
from pathway.completeness import missing, question
from pathway.planned import Kind
from pathway.referral import Referral
from pathway.refusal import Refused, Text
from store import worklist
from store.ledger import Recorded, Stale, history

router = APIRouter()

_SHOWN = (Kind.MESSAGE, Kind.PAGE, Kind.CALL, Kind.LETTER)


@router.get("/pathways/{pathway_id}", response_class=HTMLResponse)
def patient_page(request: Request, pathway_id: str, signed: Reader) -> Response:
    """Everything about one pathway, and what can be done now."""
    return _patient_page(request, pathway_id, signed)


@router.get("/pathways/{pathway_id}/{deed}", response_class=HTMLResponse)
def deed_form(
    request: Request,
    pathway_id: str,
    deed: str,
    signed: Reader,
    step: str = "",
    occurrence: int = 0,
    about: str = "",
) -> Response:
    """The form of one deed."""
    with signed.service.db.write() as session:
        scene = _scene(session, signed, pathway_id, step, occurrence, about)
        said = signed.service.ledger.shelf.get(session, scene.pathway.protocol_digest)
        rows = worklist.owed_of(session, pathway_id, worklist.CALLS) if deed == SETTLE_CALL.name else []
        _trace(session, signed, "read", scene)
    row = next((one for one in rows if one.key == about and one.status == "planned"), None)
    spoken = script(row, said, signed.service.centre, signed.speech) if row is not None else ""
    return _form(request, signed, scene, _deed(deed, scene), typed={}, spoken=spoken)


@router.post("/pathways/{pathway_id}/{deed}", response_class=HTMLResponse)
def do_deed(request: Request, pathway_id: str, deed: str, signed: Reader, form: Typed) -> Response:
    """Do it, or show the form again with what stands in the way."""
    occurrence = form.get("occurrence", "0")
    with signed.service.db.write() as session:
        scene = _scene(
            session,
            signed,
            pathway_id,
            form.get("step", ""),
            int(occurrence) if occurrence.isdigit() else 0,
            form.get("about", ""),
        )
        _trace(session, signed, "read", scene)
    doing = _deed(deed, scene)
    try:
        event = doing.event(scene, Said(form, signed.speech))
    except Invalid as invalid:
        return _form(request, signed, scene, doing, form, errors=invalid.errors, status=422)
    try:
        allow(signed.actor, type(event))
        if doing.previews and not _is_confirmed(request, form, event):
            return _previewed(request, signed, scene, doing, form, event)
        _record(signed, scene, event, form)
    except Refused as refused:
        return _refused(request, signed, scene, doing, form, refused)
    except Stale as stale:
        if doing.fields(scene):
            with signed.service.db.read() as session:
                fresh, _ = signed.service.ledger.load(session, pathway_id)
            scene = replace(scene, pathway=fresh)
            return _form(
                request,
                signed,
                scene,
                doing,
                form,
                top=problem(stale).text.in_(signed.speech.language),
                status=409,
            )
        return _patient_page(request, pathway_id, signed, top=problem(stale).text, status=409)
    return RedirectResponse(_back(request, pathway_id, form), status_code=303)


# --- reading ----------------------------------------------------------------------------------------------


def _patient_page(
    request: Request, pathway_id: str, signed: Signed, *, top: Text | None = None, status: int = 200
) -> Response:
    with signed.service.db.write() as session:
        scene = _scene(session, signed, pathway_id, "", 0, "")
        rows = worklist.owed_of(session, pathway_id, _SHOWN)
        lines = history(session, pathway_id)
        others = [
            who
            for who in worklist.of_patient(session, scene.pathway.patient_id)
            if who.pathway_id != pathway_id
        ]
        said = signed.service.ledger.shelf.get(session, scene.pathway.protocol_digest)
        numbers = callees(session, scene)
        _trace(session, signed, "read", scene)
    words = partial(script, said=said, centre=signed.service.centre, speech=signed.speech)
    shown: PatientView = view(scene, rows, lines, words)
    return page(
        request,
        signed,
        "patient.html",
        status=status,
        view=shown,
        numbers=numbers,
        pathway=scene.pathway,
        protocol=scene.ground.protocol,
        others=others,
        questions=_open_questions(scene),
        top=signed.speech.text(top) if top else "",
    )


def _open_questions(scene: Scene) -> list[str]:
    """What the referral left open and nobody has answered since; nothing is asked of a pathway that has stopped."""
    pathway = scene.pathway
    if not pathway.runs:
        return []
    known = Referral(
        key="",
        identifier=None,
        requester=pathway.referrer,
        patient=pathway.patient,
        fracture=pathway.fracture,
        facts=pathway.facts,
        authored=pathway.referred,
    )
    return [scene.speech.text(question(one.key)) for one in missing(known)]


def _scene(
    session: Session, signed: Signed, pathway_id: str, step: str, occurrence: int, about: str
) -> Scene:
    pathway, ground = signed.service.ledger.load(session, pathway_id)
    found = pathway.at(step, occurrence) if occurrence else pathway.last(step)
    return Scene(pathway, ground, signed.actor, signed.speech, signed.now, found, about)


def _trace(session: Session, signed: Signed, action: str, scene: Scene, **detail: object) -> None:
    entry = signed.trace(action, f"pathway/{scene.pathway.id}", scene.pathway.patient_id, **detail)
    signed.service.audit.write(session, entry)


def _deed(name: str, scene: Scene) -> Deed:
    """The deed of that name, if this scene has what it is done to. Refused (not-found) otherwise."""
    deed = DEEDS.get(name)
    if deed is not None:
        try:
            deed.title(scene)
            deed.sample(scene)
        except KeyError:
            deed = None
    if deed is None:
        raise Refused(
            Text(
                fr="Il n’y a rien de ce nom à faire sur ce parcours.",
                en="There is nothing of that name to do on this pathway.",
            ),
            kind="not-found",
        )
    return deed


# --- writing ----------------------------------------------------------------------------------------------


def _record(signed: Signed, scene: Scene, event: e.Event, form: Mapping[str, str]) -> Recorded:
    seen = form.get("seq", "")
    with signed.service.db.write() as session:
        recorded = signed.service.ledger.record(
            session,
            scene.pathway.id,
            event,
            at=signed.now,
            seen=int(seen) if seen.isdigit() else -1,
        )
        _trace(session, signed, "write", scene, event=type(event).__name__, seq=recorded.pathway.seq)
    return recorded


def _previewed(
    request: Request, signed: Signed, scene: Scene, deed: Deed, form: Mapping[str, str], event: e.Event
) -> Response:
    """What this would change, row by row; nothing is written but that somebody looked."""
    if form.get("seq", "") != str(scene.pathway.seq):
        raise Stale
    with signed.service.db.write() as session:
        recorded = signed.service.ledger.preview(session, scene.pathway.id, event, at=signed.now)
        _trace(session, signed, "read", scene, preview=type(event).__name__)
    return _form(
        request,
        signed,
        scene,
        deed,
        form,
        preview=changes_of(recorded.changes, scene),
        flags=[flag for flag in recorded.flags if flag.blocking or flag.step == _ref(scene)],
        fingerprint=_fingerprint(event),
    )


def _is_confirmed(request: Request, form: Mapping[str, str], event: e.Event) -> bool:
    """Whether somebody pressed the button under the very difference that this event makes.

    A preview that renews itself while a date is typed sends the same form: it never confirms anything.
    """
    pressed = form.get("confirm") == "yes" and "hx-request" not in request.headers
    return pressed and form.get("previewed") == _fingerprint(event)


def _ref(scene: Scene) -> str:
    return scene.step.ref if scene.step else ""


def _fingerprint(event: e.Event) -> str:
    """Names what was previewed, so that what is confirmed is what was shown."""
    return hashlib.sha256(repr(sorted(e.to_data(event).items())).encode()).hexdigest()[:32]


def _refused(
    request: Request, signed: Signed, scene: Scene, deed: Deed, form: Mapping[str, str], refused: Refused
) -> Response:
    found = problem(refused)
    sentence = found.text.in_(signed.speech.language)
    fields = deed.fields(scene)
    place = (refused.field or "").partition("[")[0]
    at = next((field.name for field in fields if field.name in (refused.field, place)), None)
    if not fields:
        return _patient_page(request, scene.pathway.id, signed, top=found.text, status=found.status)
    if at is not None:
        return _form(request, signed, scene, deed, form, errors={at: sentence}, status=found.status)
    return _form(request, signed, scene, deed, form, top=sentence, status=found.status)


_BACK = {"worklist": "/", "ward": "/ward"}


def _back(request: Request, pathway_id: str, form: Mapping[str, str]) -> str:
    """Back to where the deed was done: the worklist, or the step on the patient's page."""
    if form.get("back") in _BACK:
        return _BACK[form["back"]]
    step = form.get("step", "")
    anchor = f"#{step}-{form.get('occurrence', '')}" if step else ""
    return f"/pathways/{pathway_id}{anchor}"


# --- the form ---------------------------------------------------------------------------------------------


def _typed_rows(field: Field, typed: Mapping[str, str]) -> tuple[tuple[Field, ...], ...]:
    """The cells of a table with what was typed into them."""
    return tuple(
        tuple(replace(cell, value=typed.get(cell.name, cell.value)) for cell in row) for row in field.rows
    )


def _form(
    request: Request,
    signed: Signed,
    scene: Scene,
    deed: Deed,
    typed: Mapping[str, str],
    *,
    errors: Mapping[str, str] | None = None,
    top: str = "",
    preview: Sequence[ChangeView] | None = None,
    flags: Sequence[Any] = (),
    fingerprint: str = "",
    spoken: str = "",
    status: int = 200,
) -> Response:
    fields: list[Field] = [
        replace(field, value=typed[field.name]) if field.name in typed else field
        for field in deed.fields(replace(scene, typed=typed))
    ]
    fields = [replace(f, rows=_typed_rows(f, typed)) if f.rows else f for f in fields]
    if typed and not errors:
        fields = [replace(f, value=typed.get(f.name, "")) if f.kind == "tick" else f for f in fields]
    choosing = deed.name == "fact" and not scene.about
    return page(
        request,
        signed,
        "deed.html",
        status=status,
        pathway=scene.pathway,
        deed=deed,
        title=deed.title(scene),
        notice="" if choosing else deed.notice(scene),
        button=deed.button(scene).rstrip("…"),
        fields=fields,
        errors=errors or {},
        top=top,
        step=scene.step.key if scene.step else "",
        occurrence=scene.step.occurrence if scene.step else 0,
        about=scene.about,
        choosing=choosing,
        preview=preview,
        flags=flags,
        fingerprint=fingerprint,
        spoken=spoken,
        piece="hx-request" in request.headers,
    )
