"""The mailbox: what would have left, as the patient would see it, where no provider is set and nothing leaves."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from app.web.render import page
from app.web.signed import Reader
from gateways.mailbox import MailboxGateway
from pathway.refusal import Refused, Text

router = APIRouter()

PAGE = 50


@router.get("/mailbox", response_class=HTMLResponse)
def mailbox(request: Request, signed: Reader, page_number: int = 1) -> Response:
    """The messages kept on this machine, the latest first."""
    box: MailboxGateway | None = request.app.state.mailbox
    if box is None:
        raise Refused(
            Text(
                fr="Les messages partent par un prestataire : il n’y a pas de boîte sur cette machine.",
                en="Messages leave by a provider: there is no mailbox on this machine.",
            ),
            kind="not-found",
        )
    number = max(1, page_number)
    kept = box.read_all()
    with signed.service.db.write() as session:
        signed.service.audit.write(session, signed.trace("read", "mailbox"))
    start = (number - 1) * PAGE
    return page(
        request,
        signed,
        "mailbox.html",
        kept=kept[start : start + PAGE],
        number=number,
        more=len(kept) > start + PAGE,
        total=len(kept),
    )
