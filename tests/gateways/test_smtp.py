"""Mail: what the letter looks like, and the two sides of the final dot."""

from __future__ import annotations

import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateways.letter import letter, message_id
from gateways.ports import DeliveryFailed, InDoubt
from gateways.smtp import SmtpGateway
from tests.gateways.conftest import smtp_to
from tests.gateways.mail_server import MailServer
from tests.gateways.messages import NINE_O_CLOCK, PATIENT, let_through, mail_message
from tests.peers.ports import free_port

LINK = "https://rdv.nord.example/stop/" + "aB3_-" * 30


def received(server: MailServer) -> EmailMessage:
    (mail,) = server.taken
    return mail


def text_of(mail: EmailMessage) -> str:
    """The text as a reader sees it: lines travel with CRLF."""
    return str(mail.get_content()).replace("\r\n", "\n")


def test_the_letter_arrives_word_for_word_dots_and_accents_included(
    mail_server: MailServer, smtp: SmtpGateway
) -> None:
    smtp.send(mail_message(), fence=let_through)
    mail = received(mail_server)
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content_charset() == "utf-8"
    assert text_of(mail) == mail_message().text
    assert mail["Subject"] == "Votre rendez-vous du mardi 24 mars 2026"
    assert mail["From"] == "Hôpital Nord <no-reply@nord.example>"
    assert mail["To"] == PATIENT


def test_an_unaccented_line_that_begins_with_a_dot_stays_one_line(
    mail_server: MailServer, smtp: SmtpGateway
) -> None:
    text = "Dear patient,\n.\n..two dots\nQUIT\n"
    smtp.send(replace(mail_message(), text=text), fence=let_through)
    assert text_of(received(mail_server)) == text


def test_machines_are_told_that_a_machine_wrote_it_when_and_how_to_make_it_stop(
    mail_server: MailServer, smtp: SmtpGateway
) -> None:
    smtp.send(replace(mail_message(), unsubscribe=LINK, reply_to="accueil@nord.example"), fence=let_through)
    mail = received(mail_server)
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"].datetime == NINE_O_CLOCK
    assert mail["List-Unsubscribe"] == f"<{LINK}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["Reply-To"] == "accueil@nord.example"


def test_a_long_link_travels_in_one_piece() -> None:
    """The standard library folds it into an encoded word, which no mailbox can follow."""
    raw = letter(
        replace(mail_message(), unsubscribe=LINK), sender="a@nord.example", now=NINE_O_CLOCK
    ).as_bytes()
    assert f"List-Unsubscribe: <{LINK}>\r\n".encode() in raw


def test_a_letter_is_seven_bit_with_short_lines_whatever_it_says() -> None:
    message = replace(mail_message(), text="é" * 3000 + "\n" + "a" * 3000, subject="Été à l’hôpital " * 20)
    raw = letter(message, sender="Hôpital Nord <a@nord.example>", now=NINE_O_CLOCK).as_bytes()
    assert raw.isascii()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 78


def test_a_mailto_link_is_not_called_one_click(mail_server: MailServer, smtp: SmtpGateway) -> None:
    smtp.send(replace(mail_message(), unsubscribe="mailto:stop@nord.example"), fence=let_through)
    assert received(mail_server)["List-Unsubscribe"] == "<mailto:stop@nord.example>"
    assert received(mail_server)["List-Unsubscribe-Post"] is None


def test_a_retry_carries_the_same_message_id_and_another_message_another(
    mail_server: MailServer, smtp: SmtpGateway
) -> None:
    mail_server.script("refuse")
    with pytest.raises(DeliveryFailed):
        smtp.send(mail_message("t/1"), fence=let_through)
    first = smtp.send(mail_message("t/1"), fence=let_through)
    other = smtp.send(mail_message("t/2"), fence=let_through)
    assert first.provider_id == message_id("t/1", "nord.example") == mail_server.taken[0]["Message-ID"]
    assert first.provider_id != other.provider_id
    assert "t/1" not in first.provider_id


def test_the_message_names_its_own_sender_when_it_wants_to(
    mail_server: MailServer, smtp: SmtpGateway
) -> None:
    receipt = smtp.send(replace(mail_message(), sender="Sud <rdv@sud.example>"), fence=let_through)
    assert received(mail_server)["From"] == "Sud <rdv@sud.example>"
    assert receipt.provider_id.endswith("@sud.example>")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("to", "a@b.example\r\nBcc: everyone@b.example"),
        ("to", "a@b.example, c@b.example"),
        ("to", "a@b.example>\r\nRCPT TO:<c@b.example"),
        ("to", "not an address"),
        ("to", "é@b.example"),
        ("subject", "Rendez-vous\r\nBcc: everyone@b.example"),
        ("subject", "Rendez-vous\u2028Bcc: everyone@b.example"),
        ("subject", None),
        ("sender", "Nord <a@b.example>\nBcc: c@b.example"),
        ("reply_to", "a@b.example\r\nX-Injected: yes"),
        ("unsubscribe", "https://b.example/\r\nX-Injected: yes"),
        ("unsubscribe", "https://b.example/> <mailto:c@b.example"),
        ("unsubscribe", "javascript:alert(1)"),
        ("channel", "sms"),
    ],
)
def test_a_field_that_would_smuggle_in_another_header_or_person_is_refused_for_good(
    mail_server: MailServer, smtp: SmtpGateway, field: str, value: str | None
) -> None:
    with pytest.raises(DeliveryFailed) as refused:
        smtp.send(replace(mail_message(), **{field: value}), fence=let_through)
    assert refused.value.permanent
    assert mail_server.commands == []


def test_a_tag_with_a_line_break_reaches_no_header(mail_server: MailServer, smtp: SmtpGateway) -> None:
    smtp.send(mail_message("tag\r\nBcc: everyone@b.example"), fence=let_through)
    assert received(mail_server)["Bcc"] is None


def test_a_gateway_is_not_built_with_a_sender_that_is_no_address(mail_server: MailServer) -> None:
    with pytest.raises(ValueError, match="one plain e-mail address"):
        smtp_to(mail_server, sender="Hôpital Nord")


@pytest.mark.parametrize(
    ("mood", "permanent", "status"), [("refuse", False, 451), ("invalid", True, 550), ("drop", False, None)]
)
def test_trouble_before_data_is_told_by_its_code(
    mail_server: MailServer, smtp: SmtpGateway, mood: str, permanent: bool, status: int | None
) -> None:
    mail_server.script(mood)
    with pytest.raises(DeliveryFailed) as failed:
        smtp.send(mail_message(), fence=let_through)
    assert (failed.value.permanent, failed.value.status) == (permanent, status)
    assert "354" not in mail_server.commands


@pytest.mark.parametrize(("mood", "permanent", "status"), [("full", False, 452), ("spam", True, 554)])
def test_a_refusal_after_the_final_dot_is_no_doubt(
    mail_server: MailServer, smtp: SmtpGateway, mood: str, permanent: bool, status: int
) -> None:
    mail_server.script(mood)
    with pytest.raises(DeliveryFailed) as failed:
        smtp.send(mail_message(), fence=let_through)
    assert (failed.value.permanent, failed.value.status) == (permanent, status)
    assert mail_server.taken == []


def test_a_connection_dropped_in_the_middle_of_the_letter_is_no_doubt(
    mail_server: MailServer, smtp: SmtpGateway
) -> None:
    mail_server.script("drop in data")
    long = replace(mail_message(), text="Bonjour. " * 2_000_000)  # more than the sockets can hold
    with pytest.raises(DeliveryFailed) as failed:
        smtp.send(long, fence=let_through)
    assert not failed.value.permanent


def test_a_server_silent_after_the_final_dot_is_waited_for_no_longer_than_promised(
    mail_server: MailServer,
) -> None:
    mail_server.script("hang")
    with pytest.raises(InDoubt):
        smtp_to(mail_server, timeout=timedelta(milliseconds=200)).send(mail_message(), fence=let_through)


def test_no_server_at_all_is_worth_trying_again() -> None:
    nobody = SmtpGateway(
        "127.0.0.1", free_port(), sender="a@nord.example", clock=lambda: NINE_O_CLOCK, starttls=False
    )
    with pytest.raises(DeliveryFailed) as failed:
        nobody.send(mail_message(), fence=let_through)
    assert not failed.value.permanent


def test_a_server_without_starttls_gets_nothing_when_encryption_is_wanted(mail_server: MailServer) -> None:
    with pytest.raises(DeliveryFailed) as failed:
        smtp_to(mail_server, starttls=True).send(mail_message(), fence=let_through)
    assert not failed.value.permanent
    assert mail_server.taken == []


def test_a_letter_goes_encrypted_and_signed_in_to_a_server_whose_certificate_we_trust(tmp_path: Path) -> None:
    certificate, key = own_certificate(tmp_path)
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(certificate, key)
    with MailServer(tls_context=theirs, require_starttls=True, authenticator=only_jalon) as server:
        trusted = ssl.create_default_context(cafile=str(certificate))
        smtp_to(server, starttls=True, tls=trusted, login=("jalon", "sesame")).send(
            mail_message("encrypted"), fence=let_through
        )
        assert len(server.taken) == 1

        with pytest.raises(DeliveryFailed) as wrong:
            smtp_to(server, starttls=True, tls=trusted, login=("jalon", "wrong")).send(
                mail_message(), fence=let_through
            )
        assert wrong.value.status == 535

        with pytest.raises(DeliveryFailed) as stranger:
            smtp_to(server, starttls=True).send(mail_message(), fence=let_through)
        assert not stranger.value.permanent
        assert len(server.taken) == 1


def only_jalon(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
) -> AuthResult:
    return AuthResult(success=getattr(data, "password", None) == b"sesame", handled=False)


def own_certificate(directory: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key, as PEM files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail.nord.example")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2099, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = directory / "certificate.pem", directory / "key.pem"
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return certificate_file, key_file
