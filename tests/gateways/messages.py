"""Messages to send, and fences to send them through."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gateways.ports import LeaseLost, Outgoing

NINE_O_CLOCK = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
PATIENT = "patient@example.org"
SOON = timedelta(seconds=2)  # long enough for a busy machine, short enough to wait for


def text_message(tag: str = "p1/review/1/remind/2", to: str = "+33612345678") -> Outgoing:
    return Outgoing(tag, "sms", to, "Centre Nord: rendez-vous mardi 24 mars 2026 a 09:00. STOP au 36111")


def mail_message(tag: str = "p1/review/1/remind/2", to: str = PATIENT) -> Outgoing:
    return Outgoing(
        tag,
        "email",
        to,
        "Bonjour,\n\nVotre rendez-vous est fixé au mardi 24 mars 2026 à 09:00.\n.\nCentre Nord\n",
        subject="Votre rendez-vous du mardi 24 mars 2026",
    )


def let_through() -> None:
    """A fence of somebody who still owns the message."""


def lease_lost() -> None:
    raise LeaseLost
