"""A real SMTP server (aiosmtpd) that refuses, drops, hangs or loses its answer when the story says so."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.peers.ports import free_port


class MailServer:
    """`taken` is what it accepted, `commands` what it heard. `script` says what the next mails meet:

    ok; refuse (451 at RCPT); invalid (550 at RCPT); hang up at RCPT ("drop"); hang up in the middle of DATA
    ("drop in data"); take it and hang up ("lose"); take it and fall silent ("hang"); 452 or 554 after the
    final dot ("full", "spam").
    """

    def __init__(self, **smtp_options: Any) -> None:
        self.taken: list[EmailMessage] = []
        self.commands: list[str] = []
        self.port = free_port()
        self._script: deque[str] = deque()
        self._released = threading.Event()
        self._controller = _Controller(self, hostname="127.0.0.1", port=self.port, **smtp_options)

    def script(self, *behaviours: str) -> None:
        self._script.extend(behaviours)

    def behaviour(self) -> str:
        return self._script[0] if self._script else "ok"

    def next(self) -> None:
        if self._script:
            self._script.popleft()

    def __enter__(self) -> MailServer:
        self._controller.start()
        self.commands.clear()  # the controller greets its own server when it starts
        return self

    def __exit__(self, *_: object) -> None:
        self._released.set()
        self._controller.stop()

    async def handle_RCPT(  # noqa: N802 - aiosmtpd calls it so
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        match self.behaviour():
            case "refuse":
                self.next()
                return "451 4.3.0 Try again later"
            case "invalid":
                self.next()
                return f"550 5.1.1 <{address}>: user unknown"
            case "drop":
                self.next()
                server.transport.abort()
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd calls it so
        behaviour = self.behaviour()
        self.next()
        if behaviour == "full":
            return "452 4.2.2 Mailbox full"
        if behaviour == "spam":
            return "554 5.7.1 Rejected"
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=default)
        assert isinstance(mail, EmailMessage)
        self.taken.append(mail)
        if behaviour == "lose":
            server.transport.abort()
        while behaviour == "hang" and not self._released.is_set():
            await asyncio.sleep(0.02)
        return "250 2.0.0 Taken"


class _Controller(Controller):
    def factory(self) -> SMTP:
        return _Smtp(self.handler, **self.SMTP_kwargs)


class _Smtp(SMTP):
    async def _call_handler_hook(self, command: str, *args: Any) -> Any:
        self.event_handler.commands.append(command)
        return await super()._call_handler_hook(command, *args)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - aiosmtpd calls it so
        self.event_handler.commands.append("354")
        if self.event_handler.behaviour() == "drop in data":
            self.event_handler.next()
            await self.push("354 Go ahead")
            self.transport.abort()
            return
        await super().smtp_DATA(arg)
