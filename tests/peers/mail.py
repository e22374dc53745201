"""A real SMTP server (aiosmtpd, in its own thread) that keeps what it accepts and misbehaves on request."""

import asyncio
import email
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.peers.ports import free_port


@dataclass(frozen=True)
class Received:
    """A message as it arrived: the envelope, which decides where mail goes, and the message people read."""

    mail_from: str
    rcpt_to: tuple[str, ...]
    message: EmailMessage


class _Mailbox:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.messages: list[Received] = []
        self.refusals = 0
        self.refusal_code = 450
        self.losses = 0
        self.delay = 0.0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        await asyncio.sleep(self.delay)
        with self.lock:
            if self.refusals:
                self.refusals -= 1
                return f"{self.refusal_code} Refused, as the test asked"
            self._keep(envelope)
            lose_the_answer = self.losses > 0
            self.losses -= lose_the_answer
        if lose_the_answer:
            transport: Any = server.transport
            transport.abort()
        return "250 Message accepted"

    def _keep(self, envelope: Envelope) -> None:
        content = envelope.content
        message = email.message_from_bytes(
            content if isinstance(content, bytes) else b"", policy=policy.default
        )
        assert isinstance(message, EmailMessage)
        self.messages.append(Received(envelope.mail_from or "", tuple(envelope.rcpt_tos), message))


class MailServer:
    """An SMTP server on the loopback; `host` and `port` are for Jalon's settings, the rest for the test."""

    def __init__(self) -> None:
        self._mailbox = _Mailbox()
        self._controller: Controller | None = None
        self.host = "127.0.0.1"
        self.port = free_port()

    @property
    def messages(self) -> list[Received]:
        """What was accepted, in order of arrival; includes those whose acceptance was never told."""
        with self._mailbox.lock:
            return list(self._mailbox.messages)

    def refuse_next(self, n: int, code: int = 450) -> None:
        """Answer the next `n` messages with `code` after DATA (4xx: later, 5xx: never) and keep nothing."""
        with self._mailbox.lock:
            self._mailbox.refusals, self._mailbox.refusal_code = n, code

    def drop_after_data_next(self, n: int) -> None:
        """Keep the next `n` messages, then cut the connection without the answer that would say so."""
        with self._mailbox.lock:
            self._mailbox.losses = n

    def slow(self, seconds: float) -> None:
        """Think for `seconds` about every message before answering."""
        self._mailbox.delay = seconds

    def start(self) -> None:
        """Listen, on the same port as before."""
        self._controller = Controller(self._mailbox, hostname=self.host, port=self.port, ready_timeout=30)
        self._controller.start()

    def stop(self) -> None:
        """Stop listening; what was accepted stays in `messages`."""
        if self._controller is not None:
            self._controller.stop(no_assert=True)
            self._controller = None


@pytest.fixture
def smtp_server() -> Iterator[MailServer]:
    """A mail server with an empty mailbox."""
    server = MailServer()
    server.start()
    yield server
    server.stop()
