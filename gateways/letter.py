"""An e-mail as it travels: headers that machines can trust, and one plain text part.

The Message-ID comes from the tag, so that a mail server or a mailbox that sees a retry can know it for
what it is.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, parseaddr
from typing import Any

from gateways.ports import DeliveryFailed, Outgoing

# Plain ASCII addresses only: anything else needs SMTPUTF8, which too few hospital relays speak.
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
_UNSUBSCRIBE = re.compile(r"(?:https://|mailto:)[!-;=?-~]+")  # printable ASCII without "<", ">" and spaces
_KEPT_WHOLE = {"message-id", "list-unsubscribe"}


class _WholeIdentifiers(EmailPolicy):
    """CRLF lines and seven-bit bodies; identifiers and links are never folded.

    The library's own folding turns a link longer than a line into an encoded word, which no mailbox can
    follow.
    """

    def fold(self, name: str, value: Any) -> str:
        return f"{name}: {value}{self.linesep}" if name.lower() in _KEPT_WHOLE else super().fold(name, value)

    def fold_binary(self, name: str, value: Any) -> bytes:
        if name.lower() in _KEPT_WHOLE:
            return self.fold(name, value).encode("ascii")
        return super().fold_binary(name, value)


def mailbox(written: str) -> Address:
    """`Name <address>` or a bare address, as one address. ValueError in a sentence when it is not one."""
    name, address = parseaddr(written)
    if _has_controls(written) or not _ADDRESS.fullmatch(address):
        raise ValueError("must be one plain e-mail address, such as Centre <no-reply@example.org>")
    return Address(display_name=name, addr_spec=address)


def letter(message: Outgoing, *, sender: str, now: datetime) -> EmailMessage:
    """The message as an e-mail dated `now` (aware), from `message.sender` or else `sender`.

    DeliveryFailed(permanent=True) when a field cannot be a header: a line break in it, a list of
    addresses, a link that is neither https nor mailto. Nothing is cleaned up: a field like that is not
    what somebody meant to send.
    """
    if message.channel != "email":
        raise DeliveryFailed(f"A mail server cannot send a message for {message.channel}.", permanent=True)
    if not message.subject or _has_controls(message.subject):
        raise _unfit("subject", "must be one line of text")
    if not _ADDRESS.fullmatch(message.to):
        raise _unfit("recipient", "must be one bare e-mail address")
    author = _mailbox_of("sender", message.sender or sender)

    mail = EmailMessage(policy=_WholeIdentifiers(linesep="\r\n", cte_type="7bit"))
    mail["From"] = author
    mail["To"] = Address(addr_spec=message.to)
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = message_id(message.tag, author.domain)
    mail["Auto-Submitted"] = "auto-generated"
    if message.reply_to is not None:
        mail["Reply-To"] = _mailbox_of("reply address", message.reply_to)
    if message.unsubscribe is not None:
        if not _UNSUBSCRIBE.fullmatch(message.unsubscribe):
            raise _unfit("unsubscribe link", "must be an https or mailto URL")
        mail["List-Unsubscribe"] = f"<{message.unsubscribe}>"
        if message.unsubscribe.startswith("https:"):
            mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
    mail.set_content(message.text, charset="utf-8")
    return mail


def message_id(tag: str, domain: str) -> str:
    """The Message-ID of a tag at the sender's domain: always the same, silent about the patient."""
    return f"<{hashlib.sha256(tag.encode()).hexdigest()[:40]}@{domain}>"


def envelope_of(mail: EmailMessage) -> tuple[str, str]:
    """Return path and recipient, bare."""
    return mail["From"].addresses[0].addr_spec, mail["To"].addresses[0].addr_spec


def _mailbox_of(field: str, written: str) -> Address:
    try:
        return mailbox(written)
    except ValueError as error:
        raise _unfit(field, str(error)) from error


def _has_controls(text: str) -> bool:
    """Line breaks, NUL, and the separators that some mail software reads as line breaks."""
    return not text.isprintable() and any(not c.isprintable() and c not in "\u00a0\u202f" for c in text)


def _unfit(field: str, remedy: str) -> DeliveryFailed:
    return DeliveryFailed(f"This e-mail cannot be sent: its {field} {remedy}.", permanent=True)
