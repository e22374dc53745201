"""Texts: what the provider is asked, how its answers are understood, and the moment a text leaves."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from gateways.ports import DeliveryFailed, InDoubt, LeaseLost, Receipt
from gateways.sms_http import SmsHttpGateway
from gateways.twin import Manners, Twin
from tests.gateways.messages import SOON, lease_lost, let_through, text_message
from tests.gateways.scripted_http import Answer, ScriptedServer
from tests.peers.ports import free_port


@pytest.fixture
def provider(scripted: ScriptedServer) -> Iterator[SmsHttpGateway]:
    """A gateway to a provider that answers by the script."""
    gateway = SmsHttpGateway(scripted.url + "/sms/", token="secret", sender="CHU Nord", timeout=SOON)
    yield gateway
    gateway.close()


def test_the_provider_is_asked_in_its_own_shape(scripted: ScriptedServer, provider: SmsHttpGateway) -> None:
    scripted.answers(Answer(200, {"ids": [7], "validReceivers": ["+33612345678"], "invalidReceivers": []}))
    message = text_message()
    assert provider.send(message, fence=let_through) == Receipt("7", "status 200")
    (asked,) = scripted.asked
    assert (asked.method, asked.path) == ("POST", "/sms/jobs")
    assert asked.headers["Authorization"] == "Bearer secret"
    assert asked.json() == {
        "receivers": ["+33612345678"],
        "message": message.text,
        "tag": message.tag,
        "sender": "CHU Nord",
        "noStopClause": True,
    }


def test_the_message_names_its_own_sender_when_it_wants_to(twin: Twin, sms: SmsHttpGateway) -> None:
    sms.send(replace(text_message(), sender="CHU Sud"), fence=let_through)
    sms.send(text_message("none"), fence=let_through)
    assert [line["sender"] for line in twin.accepted()] == ["CHU Sud", None]


@pytest.mark.parametrize(
    "to", ["0612345678", "+330", "+33 6 12 34 56 78", "+33612345678\n", "patient@example.org"]
)
def test_a_number_we_cannot_text_is_refused_before_anybody_is_asked(
    twin: Twin, sms: SmsHttpGateway, to: str
) -> None:
    with pytest.raises(DeliveryFailed) as refused:
        sms.send(text_message(to=to), fence=let_through)
    assert refused.value.permanent
    assert to not in refused.value.reason


def test_an_e_mail_is_not_texted(sms: SmsHttpGateway) -> None:
    with pytest.raises(DeliveryFailed) as refused:
        sms.send(replace(text_message(), channel="email"), fence=let_through)
    assert refused.value.permanent


@pytest.mark.parametrize(
    ("status", "permanent"),
    [
        (400, True),
        (401, True),
        (404, True),
        (408, False),
        (429, False),
        (500, False),
        (503, False),
        (302, False),
    ],
)
def test_a_refusal_says_whether_it_is_worth_trying_again(
    scripted: ScriptedServer, provider: SmsHttpGateway, status: int, permanent: bool
) -> None:
    scripted.answers(Answer(status, {"message": "No +33 6 12 34 56 78 for a@b.example"}, {"Location": "/x"}))
    with pytest.raises(DeliveryFailed) as refused:
        provider.send(text_message(), fence=let_through)
    assert (refused.value.permanent, refused.value.status) == (permanent, status)
    assert refused.value.reason == f"The SMS provider answered {status}: No … for …"
    assert len(scripted.asked) == 1


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("120", 120.0),
        ("Tue, 03 Mar 2026 09:01:30 GMT", 90.0),
        ("Tue, 03 Mar 2026 08:00:00 GMT", 0.0),
        ("soon", None),
    ],
)
def test_when_to_come_back_is_in_seconds_by_the_providers_own_clock(
    scripted: ScriptedServer, provider: SmsHttpGateway, said: str, seconds: float | None
) -> None:
    scripted.answers(Answer(429, {}, {"Retry-After": said}))
    with pytest.raises(DeliveryFailed) as refused:
        provider.send(text_message(), fence=let_through)
    assert refused.value.retry_after == seconds


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Answer(0), id="hung up"),
        pytest.param(Answer(502, {}), id="proxy lost the answer"),
        pytest.param(Answer(504, {}), id="proxy gave up waiting"),
        pytest.param(Answer(200, b"<html>Sign in to the hospital wifi"), id="not the provider's words"),
        pytest.param(Answer(200, {"ids": []}), id="no identifier"),
        pytest.param(Answer(200, b'{"ids": [1', {"Content-Length": "100"}), id="cut short"),
    ],
)
def test_an_answer_lost_or_not_understood_is_a_doubt(
    scripted: ScriptedServer, provider: SmsHttpGateway, answer: Answer
) -> None:
    scripted.answers(answer)
    with pytest.raises(InDoubt):
        provider.send(text_message(), fence=let_through)


def test_a_number_the_provider_lists_as_invalid_is_refused_for_good(
    scripted: ScriptedServer, provider: SmsHttpGateway
) -> None:
    scripted.answers(Answer(200, {"ids": [], "validReceivers": [], "invalidReceivers": ["+33612345678"]}))
    with pytest.raises(DeliveryFailed) as refused:
        provider.send(text_message(), fence=let_through)
    assert refused.value.permanent


def test_no_provider_at_all_is_worth_trying_again_and_cannot_be_asked() -> None:
    nobody = SmsHttpGateway(f"http://127.0.0.1:{free_port()}", token="secret", timeout=SOON)
    with pytest.raises(DeliveryFailed) as unsent:
        nobody.send(text_message(), fence=let_through)
    with pytest.raises(DeliveryFailed) as unasked:
        nobody.find("any")
    nobody.close()
    assert not unsent.value.permanent
    assert not unasked.value.permanent


@pytest.mark.parametrize(
    "answer", [Answer(0), Answer(503, {}), Answer(404, {}), Answer(200, {"not": "a list"})]
)
def test_a_search_that_fails_is_not_taken_for_an_empty_one(
    scripted: ScriptedServer, provider: SmsHttpGateway, answer: Answer
) -> None:
    scripted.answers(answer)
    with pytest.raises(DeliveryFailed) as failed:
        provider.find("any")
    assert not failed.value.permanent


def test_what_was_accepted_shows_in_a_search_only_after_a_while(twin: Twin, sms: SmsHttpGateway) -> None:
    twin.manners = Manners(search_delay=3600)
    sms.send(text_message(), fence=let_through)
    assert sms.find(text_message().tag) is None
    twin.manners = Manners()
    assert sms.find(text_message().tag) is not None


class Eavesdropper:
    """A listener that keeps every byte it is sent and never answers."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.connected = threading.Event()
        self.heard = b""
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        connection, _ = self._listener.accept()
        self.connected.set()
        with connection:
            while some := connection.recv(4096):
                self.heard += some

    def close(self) -> bytes:
        self._thread.join(5)
        self._listener.close()
        return self.heard


def test_the_fence_stands_after_the_connection_and_before_the_first_byte() -> None:
    listener = Eavesdropper()
    gateway = SmsHttpGateway(f"http://127.0.0.1:{listener.port}", token="secret", timeout=SOON)

    def woken_too_late() -> None:
        assert listener.connected.wait(5)
        raise LeaseLost

    with pytest.raises(LeaseLost):
        gateway.send(text_message(), fence=woken_too_late)
    assert listener.close() == b""
    gateway.close()


def test_silence_ends_within_the_promised_time() -> None:
    listener = Eavesdropper()
    gateway = SmsHttpGateway(
        f"http://127.0.0.1:{listener.port}", token="secret", timeout=timedelta(milliseconds=200)
    )
    with pytest.raises(InDoubt):
        gateway.send(text_message(), fence=let_through)
    gateway.close()
    assert json.dumps(text_message().tag).encode() in listener.close()


def test_a_lost_lease_on_a_kept_connection_sends_nothing_either(twin: Twin, sms: SmsHttpGateway) -> None:
    sms.send(text_message("first"), fence=let_through)
    with pytest.raises(LeaseLost):
        sms.send(text_message("second"), fence=lease_lost)
    sms.send(text_message("third"), fence=let_through)
    assert [line["tag"] for line in twin.accepted()] == ["first", "third"]
