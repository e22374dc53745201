"""Whom to telephone about an alert: who is on call now for each role that hears of it, with the number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlmodel import Session

from app.web.deeds import Scene
from app.web.words import role_title
from pathway.ladders import Alert, alerts
from store import rota


@dataclass(frozen=True, slots=True)
class Callee:
    """Somebody to call. ``role`` is the title of the role in whose place they answer."""

    role: str
    name: str
    phone: str


def callees(session: Session, scene: Scene) -> dict[str, tuple[Callee, ...]]:
    """By the key of each standing alert, who is on call for its roles at the scene's instant and has a number."""
    return {alert.key: tuple(_of(alert, session, scene)) for alert in alerts(scene.pathway, scene.ground)}


def _of(alert: Alert, session: Session, scene: Scene) -> Iterator[Callee]:
    roles = scene.ground.protocol.roles
    for role in (alert.role, *alert.also):
        duty = rota.on_call(
            session, role, scene.now, lambda name: roles[name].fallback if name in roles else None
        )
        if duty is not None and duty.phone:
            yield Callee(role_title(role, scene.ground.protocol, scene.speech), duty.name, duty.phone)
