"""E-mail over SMTP, one connection a message, careful about the one moment that matters: the end of DATA.

Until the final dot has left, the server has nothing and a failure is a retry. Once it has left and no
answer came, nobody knows: the message is in doubt, and SMTP cannot be asked afterwards.
"""

from __future__ import annotations

import re
import smtplib
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

from gateways.hearsay import hearsay
from gateways.letter import envelope_of, letter, mailbox
from gateways.ports import DeliveryFailed, InDoubt, Outgoing, Receipt

_FINAL_DOT = b".\r\n"
_LINE_WITH_A_DOT = re.compile(rb"^\.", re.MULTILINE)


class SmtpGateway:
    """One mail server. Not searchable: what is in doubt stays so until a person decides.

    `sender` is the From of every message that names none: `Name <address>` or a bare address;
    ValueError when it is neither. `clock` returns the present instant (aware), for the Date header.
    With `starttls` (the default) a server that does not offer it gets nothing; `tls` replaces the
    machine's trusted authorities; `login` is (user, password). `timeout` bounds each answer before the
    fence, and everything after it together. `hostname` is how we introduce ourselves, by default this
    machine's name.
    """

    searchable = False

    def __init__(
        self,
        host: str,
        port: int = 587,
        *,
        sender: str,
        clock: Callable[[], datetime],
        starttls: bool = True,
        login: tuple[str, str] | None = None,
        timeout: timedelta = timedelta(seconds=60),
        tls: ssl.SSLContext | None = None,
        hostname: str | None = None,
        name: str = "smtp",
    ) -> None:
        mailbox(sender)
        self.name = name
        self.timeout = timeout
        self.search_delay = timedelta(0)
        self._host, self._port, self._hostname = host, port, hostname
        self._sender, self._clock = sender, clock
        self._starttls, self._login = starttls, login
        self._tls = tls if tls is not None else ssl.create_default_context()

    def send(self, message: Outgoing, *, fence: Callable[[], None]) -> Receipt:
        """Hand the letter to the server; the receipt's `provider_id` is its Message-ID, the same on
        every retry.

        A 5xx answer is permanent; a 4xx, and a connection refused or dropped before the end of DATA, are not.
        """
        mail = letter(message, sender=self._sender, now=self._clock())
        sender, recipient = envelope_of(mail)
        with _nothing_taken_yet():
            server = self._connect()
        try:
            with _nothing_taken_yet():
                _expect(250, server.mail(sender))
                _expect(250, server.rcpt(recipient))
            fence()
            said = _hand_over(server, mail.as_bytes(), until=time.monotonic() + self.timeout.total_seconds())
            with suppress(smtplib.SMTPException, OSError):
                server.putcmd(
                    "QUIT"
                )  # said, not waited for: every second before the mark is a second in doubt
        finally:
            server.close()
        return Receipt(str(mail["Message-ID"]), hearsay(said))

    def find(self, tag: str) -> Receipt | None:
        """SMTP cannot be asked what it took: always DeliveryFailed."""
        raise DeliveryFailed("A mail server cannot be asked for a message it took.", permanent=False)

    def _connect(self) -> smtplib.SMTP:
        server = smtplib.SMTP(self._host, self._port, self._hostname, self.timeout.total_seconds())
        try:
            server.ehlo_or_helo_if_needed()
            if self._starttls:
                server.starttls(context=self._tls)
                server.ehlo_or_helo_if_needed()
            if self._login is not None:
                server.login(*self._login)
        except BaseException:
            server.close()
            raise
        return server


def _hand_over(server: smtplib.SMTP, content: bytes, *, until: float) -> bytes:
    """DATA, the content, the final dot; what the server said to it. `until` is on the monotonic clock."""
    with _nothing_taken_yet():
        _wait_until(server, until)
        _expect(354, server.docmd("DATA"))
        _wait_until(server, until)
        _write(server, _LINE_WITH_A_DOT.sub(b"..", content))
        _wait_until(server, until)
    try:
        _write(server, _FINAL_DOT)
    except (
        ConnectionError
    ) as error:  # the kernel took none of the three bytes: the server has no whole message
        raise _dropped(error) from error
    except OSError as error:
        raise _unanswered() from error
    try:
        code, said = server.getreply()
    except (smtplib.SMTPException, OSError) as error:
        raise _unanswered() from error
    if 200 <= code < 300:
        return said
    if 400 <= code < 600:
        raise _refusal(code, said)
    raise _unanswered()


def _wait_until(server: smtplib.SMTP, until: float) -> None:
    if server.sock is not None:
        server.sock.settimeout(max(0.05, until - time.monotonic()))


def _write(server: smtplib.SMTP, content: bytes) -> None:
    # Not server.send(): it hides whether the connection was dropped or the time was up, and here it matters.
    if server.sock is None:
        raise ConnectionResetError
    server.sock.sendall(content)


def _expect(wanted: int, answer: tuple[int, bytes]) -> None:
    code, said = answer
    if code // 10 != wanted // 10:
        raise _refusal(code, said)


@contextmanager
def _nothing_taken_yet() -> Iterator[None]:
    """Whatever goes wrong in here goes wrong before the server has a message."""
    try:
        yield
    except smtplib.SMTPResponseException as error:
        raise _refusal(error.smtp_code, error.smtp_error) from error
    except smtplib.SMTPNotSupportedError as error:
        raise DeliveryFailed(
            "The mail server offers no STARTTLS or no login: are the settings meant for another?",
            permanent=False,
        ) from error
    except (smtplib.SMTPException, OSError) as error:
        raise _dropped(error) from error


def _refusal(code: int, said: bytes | str) -> DeliveryFailed:
    return DeliveryFailed(
        f"The mail server answered {code}: {hearsay(said)}", permanent=500 <= code < 600, status=code
    )


def _dropped(error: Exception) -> DeliveryFailed:
    return DeliveryFailed(
        "The mail server could not be reached, or hung up before the message was complete "
        f"({type(error).__name__}).",
        permanent=False,
    )


def _unanswered() -> InDoubt:
    return InDoubt("The mail server had the whole message and did not say whether it took it.")
