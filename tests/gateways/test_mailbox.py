"""The mailbox: nothing leaves the machine, and nothing half-written is ever seen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gateways.mailbox import Kept, MailboxGateway
from gateways.ports import DeliveryFailed, LeaseLost
from tests.gateways.messages import NINE_O_CLOCK, lease_lost, let_through, mail_message, text_message


def each_hour() -> Iterator[datetime]:
    at = NINE_O_CLOCK
    while True:
        yield at
        at += timedelta(hours=1)


def test_messages_of_both_channels_are_read_newest_first_and_whole(tmp_path: Path) -> None:
    hours = each_hour()
    mailbox = MailboxGateway(tmp_path / "not yet there", clock=lambda: next(hours))
    assert mailbox.read_all() == []
    mailbox.send(text_message("a/1"), fence=let_through)
    mailbox.send(mail_message("b/1"), fence=let_through)
    assert mailbox.read_all() == [
        Kept(mail_message("b/1"), NINE_O_CLOCK + timedelta(hours=1)),
        Kept(text_message("a/1"), NINE_O_CLOCK),
    ]


def test_the_same_tag_twice_is_one_message(tmp_path: Path) -> None:
    hours = each_hour()
    mailbox = MailboxGateway(tmp_path, clock=lambda: next(hours))
    first = mailbox.send(text_message(), fence=let_through)
    again = mailbox.send(text_message(), fence=let_through)
    assert first.provider_id == again.provider_id
    assert [kept.at for kept in mailbox.read_all()] == [NINE_O_CLOCK]
    with pytest.raises(LeaseLost):
        mailbox.send(text_message(), fence=lease_lost)


@pytest.mark.parametrize("tag", ["../../etc/passwd", "..", ".", "", "é" * 300, "a" * 5000, "a/b", "a%2Fb"])
def test_no_tag_leads_out_of_the_directory_or_onto_another(tmp_path: Path, tag: str) -> None:
    mailbox = MailboxGateway(tmp_path, clock=lambda: NINE_O_CLOCK)
    mailbox.send(text_message("a" * 4999 + "b"), fence=let_through)
    mailbox.send(text_message(tag), fence=let_through)
    assert {kept.message.tag for kept in mailbox.read_all()} == {"a" * 4999 + "b", tag}
    assert len(list(tmp_path.iterdir())) == 2


def test_a_directory_that_cannot_be_written_is_worth_trying_again(tmp_path: Path) -> None:
    (tmp_path / "in the way").write_text("a file where the directory should be")
    mailbox = MailboxGateway(tmp_path / "in the way", clock=lambda: NINE_O_CLOCK)
    with pytest.raises(DeliveryFailed) as failed:
        mailbox.send(text_message(), fence=let_through)
    assert not failed.value.permanent
