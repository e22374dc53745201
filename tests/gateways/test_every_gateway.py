"""What the clock may count on from any gateway, shown on each with its real other side."""

from __future__ import annotations

import pytest

from gateways.ports import DeliveryFailed, InDoubt, LeaseLost, Receipt
from gateways.sms_http import SmsHttpGateway
from gateways.smtp import SmtpGateway
from gateways.twin import Twin
from tests.gateways.conftest import OtherSide
from tests.gateways.messages import lease_lost, let_through, text_message


def test_a_message_is_sent_once_and_the_receipt_names_it(side: OtherSide) -> None:
    receipt = side.gateway.send(side.message(), fence=let_through)
    assert isinstance(receipt, Receipt)
    assert receipt.provider_id
    assert len(side.taken()) == 1


def test_the_fence_is_asked_once_and_before_the_other_side_hears_of_the_message(side: OtherSide) -> None:
    heard_at_the_fence = []
    side.gateway.send(side.message("first"), fence=let_through)
    before = len(side.heard())
    side.gateway.send(side.message("second"), fence=lambda: heard_at_the_fence.append(len(side.taken())))
    assert heard_at_the_fence == [1]
    assert len(side.heard()) > before


def test_a_worker_that_lost_its_lease_sends_nothing(side: OtherSide) -> None:
    with pytest.raises(LeaseLost):
        side.gateway.send(side.message(), fence=lease_lost)
    assert side.heard() == []
    assert side.taken() == []


def test_whatever_the_fence_raises_comes_out_as_it_is(side: OtherSide) -> None:
    def database_gone() -> None:
        raise ConnectionResetError("the fence's own database")

    with pytest.raises(ConnectionResetError, match="own database"):
        side.gateway.send(side.message(), fence=database_gone)
    assert side.taken() == []


def test_a_lost_lease_leaves_the_gateway_fit_for_the_next_message(side: OtherSide) -> None:
    with pytest.raises(LeaseLost):
        side.gateway.send(side.message("mine no longer"), fence=lease_lost)
    side.gateway.send(side.message("mine"), fence=let_through)
    assert len(side.taken()) == 1


def test_a_refusal_for_now_is_worth_trying_again(moody_side: OtherSide) -> None:
    moody_side.script("refuse")
    with pytest.raises(DeliveryFailed) as refused:
        moody_side.gateway.send(moody_side.message(), fence=let_through)
    assert not refused.value.permanent
    assert moody_side.taken() == []
    moody_side.gateway.send(moody_side.message(), fence=let_through)
    assert len(moody_side.taken()) == 1


def test_an_unknown_recipient_is_refused_for_good(moody_side: OtherSide) -> None:
    moody_side.script("invalid")
    with pytest.raises(DeliveryFailed) as refused:
        moody_side.gateway.send(moody_side.message(), fence=let_through)
    assert refused.value.permanent
    assert moody_side.taken() == []


def test_a_refusal_does_not_repeat_whom_it_was_for(moody_side: OtherSide) -> None:
    moody_side.script("invalid")
    message = moody_side.message()
    with pytest.raises(DeliveryFailed) as refused:
        moody_side.gateway.send(message, fence=let_through)
    assert message.to not in str(refused.value)
    assert message.to.lstrip("+") not in refused.value.reason


def test_an_answer_lost_after_the_message_left_is_a_doubt(moody_side: OtherSide) -> None:
    moody_side.script("lose")
    with pytest.raises(InDoubt):
        moody_side.gateway.send(moody_side.message(), fence=let_through)
    assert len(moody_side.taken()) == 1


def test_silence_after_the_message_left_is_a_doubt(moody_side: OtherSide) -> None:
    moody_side.script("hang")
    with pytest.raises(InDoubt):
        moody_side.gateway.send(moody_side.message(), fence=let_through)


def test_a_message_in_doubt_is_found_by_its_tag_if_it_was_taken(twin: Twin, sms: SmsHttpGateway) -> None:
    twin.script("lose", "hang")
    for tag in ("taken", "not taken"):
        with pytest.raises(InDoubt):
            sms.send(text_message(tag), fence=let_through)
    assert sms.find("taken") is not None
    assert sms.find("not taken") is None


def test_a_sent_message_is_found_under_the_identifier_of_its_receipt(searchable_side: OtherSide) -> None:
    gateway = searchable_side.gateway
    assert gateway.searchable
    sent = gateway.send(searchable_side.message("here/é ü?&=#"), fence=let_through)
    found = gateway.find("here/é ü?&=#")
    assert found is not None
    assert found.provider_id == sent.provider_id
    assert gateway.find("here") is None


def test_a_mail_server_cannot_be_searched_and_says_so(smtp: SmtpGateway) -> None:
    assert not smtp.searchable
    with pytest.raises(DeliveryFailed) as failed:
        smtp.find("any")
    assert not failed.value.permanent
