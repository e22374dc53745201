"""``/healthz``: the process is up. ``/readyz``: work may be entrusted to it. And the banners alone."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from app.health import look
from app.web.render import page
from app.web.signed import Reader, service_of

router = APIRouter()


@router.get("/healthz")
def alive() -> dict[str, str]:
    """The process answers."""
    return {"status": "up"}


@router.get("/readyz")
def ready(request: Request) -> Response:
    """200 when work may be entrusted to this installation, 503 otherwise, with every finding either way."""
    health = look(service_of(request))
    said: dict[str, Any] = {
        "ready": health.ready,
        "database": health.database,
        "schema": health.schema,
        "at_home": health.at_home,
        "worker": not health.worker_silent,
        "worker_seen": health.worker_seen.isoformat() if health.worker_seen else None,
        "messages_waiting_since": health.waiting_since.isoformat() if health.waiting_since else None,
    }
    return JSONResponse(said, status_code=200 if health.ready else 503)


@router.get("/banners", response_class=HTMLResponse)
def banners(request: Request, signed: Reader) -> Response:
    """The banners as they stand, for a page that has been open for a while."""
    return page(request, signed, "banners.html")
