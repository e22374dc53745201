"""The other sides a gateway meets, each told alike: what it should do next, and what it took."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from gateways.mailbox import MailboxGateway
from gateways.ports import MessageGateway, Outgoing
from gateways.sms_http import SmsHttpGateway
from gateways.smtp import SmtpGateway
from gateways.twin import Twin
from tests.gateways.mail_server import MailServer
from tests.gateways.messages import NINE_O_CLOCK, SOON, mail_message, text_message
from tests.gateways.scripted_http import ScriptedServer


@dataclass
class OtherSide:
    """A gateway with whoever stands behind it."""

    gateway: MessageGateway
    message: Callable[..., Outgoing]
    taken: Callable[[], list[str]]
    """Tags (or Message-IDs) of what the other side took, in order."""
    script: Callable[..., None] = field(default=lambda *_: None)
    """How the next messages are met, for those whose other side has moods."""
    heard: Callable[[], list[object]] = list
    """Whatever reached the other side of the message itself, taken or not."""


@pytest.fixture(autouse=True)
def _no_proxy_between_us(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def twin(tmp_path: Path) -> Iterator[Twin]:
    with Twin(log=tmp_path / "accepted.jsonl") as running:
        yield running


@pytest.fixture
def sms(twin: Twin) -> Iterator[SmsHttpGateway]:
    gateway = SmsHttpGateway(twin.url, token="secret", timeout=SOON, search_delay=timedelta(0))
    yield gateway
    gateway.close()


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    with MailServer() as running:
        yield running


@pytest.fixture
def smtp(mail_server: MailServer) -> SmtpGateway:
    return smtp_to(mail_server)


def smtp_to(server: MailServer, **options: object) -> SmtpGateway:
    settings: dict[str, object] = {
        "sender": "Hôpital Nord <no-reply@nord.example>",
        "clock": lambda: NINE_O_CLOCK,
        "starttls": False,
        "timeout": SOON,
        "hostname": "jalon.nord.example",
    }
    return SmtpGateway("127.0.0.1", server.port, **(settings | options))  # type: ignore[arg-type]


@pytest.fixture
def scripted() -> Iterator[ScriptedServer]:
    with ScriptedServer() as running:
        yield running


@pytest.fixture(params=["sms_http", "smtp", "mailbox for sms", "mailbox for e-mail"])
def side(request: pytest.FixtureRequest) -> OtherSide:
    """Each gateway we ship, with its real other side."""
    return _side(request)


@pytest.fixture(params=["sms_http", "smtp"])
def moody_side(request: pytest.FixtureRequest) -> OtherSide:
    """Those whose other side can misbehave on request."""
    return _side(request)


@pytest.fixture(params=["sms_http", "mailbox for sms", "mailbox for e-mail"])
def searchable_side(request: pytest.FixtureRequest) -> OtherSide:
    """Those that can be asked for a tag."""
    return _side(request)


def _side(request: pytest.FixtureRequest) -> OtherSide:
    if request.param == "sms_http":
        twin: Twin = request.getfixturevalue("twin")
        return OtherSide(
            request.getfixturevalue("sms"),
            text_message,
            lambda: [line["tag"] for line in twin.accepted()],
            twin.script,
            lambda: list(twin.accepted()),
        )
    if request.param == "smtp":
        server: MailServer = request.getfixturevalue("mail_server")
        return OtherSide(
            request.getfixturevalue("smtp"),
            mail_message,
            lambda: [mail["Message-ID"] for mail in server.taken],
            server.script,
            lambda: [command for command in server.commands if command in {"354", "DATA"}],
        )
    directory = request.getfixturevalue("tmp_path") / "mailbox"
    mailbox = MailboxGateway(directory, clock=lambda: NINE_O_CLOCK)
    return OtherSide(
        mailbox,
        text_message if request.param == "mailbox for sms" else mail_message,
        lambda: [kept.message.tag for kept in mailbox.read_all()],
        heard=lambda: list(directory.iterdir()),
    )
