"""The twin: a provider whose misbehaviour is on record."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import httpx
import pytest

from gateways.ports import DeliveryFailed, InDoubt
from gateways.sms_http import SmsHttpGateway
from gateways.twin import Manners, Twin, read_log
from tests.gateways.messages import SOON, let_through, text_message


def fates(directory: Path, seed: int) -> list[str]:
    twin = Twin(log=directory / f"{seed}.jsonl", manners=Manners(refuse=0.2, lose_answer=0.3), seed=seed)
    drawn = [twin.behaviour() for _ in range(1000)]
    twin.stop()
    return drawn


def test_the_same_seed_draws_the_same_misfortunes_in_the_promised_shares(tmp_path: Path) -> None:
    assert fates(tmp_path, 1) == fates(tmp_path, 1) != fates(tmp_path, 2)
    seen = Counter(fates(tmp_path, 1))
    assert 150 < seen["refuse"] < 250
    assert 250 < seen["lose"] < 350
    assert seen["hang"] == seen["invalid"] == 0


def test_a_message_sent_twice_is_two_lines_of_the_log(twin: Twin, sms: SmsHttpGateway) -> None:
    sms.send(text_message(), fence=let_through)
    sms.send(text_message(), fence=let_through)
    first, second = twin.accepted()
    assert (first["tag"], first["to"], first["text"]) == (
        text_message().tag,
        text_message().to,
        text_message().text,
    )
    assert (first["id"], second["id"]) == (1, 2)
    assert first["at"] <= second["at"]


def test_the_log_is_continued_after_a_crash_that_cut_its_last_line(tmp_path: Path) -> None:
    log = tmp_path / "accepted.jsonl"
    log.write_bytes(b'{"id": 1, "at": 1e12, "tag": "old"}\n{"id": 2, "at": 1')
    with Twin(log=log) as twin:
        gateway = SmsHttpGateway(twin.url, token="secret", timeout=SOON)
        assert gateway.find("old") is not None
        gateway.send(text_message("new"), fence=let_through)
        gateway.close()
        assert [line["tag"] for line in twin.accepted()] == ["old", "new"]


def test_a_story_is_scripted_over_http(twin: Twin, sms: SmsHttpGateway) -> None:
    httpx.post(f"{twin.url}/_script", json={"next": ["refuse", "lose", "ok"]}).raise_for_status()
    with pytest.raises(DeliveryFailed):
        sms.send(text_message("a"), fence=let_through)
    with pytest.raises(InDoubt):
        sms.send(text_message("b"), fence=let_through)
    sms.send(text_message("c"), fence=let_through)
    assert [line["tag"] for line in twin.accepted()] == ["b", "c"]


@pytest.mark.parametrize("script", [{"next": ["dance"]}, {}, {"next": 3}, []])
def test_a_script_it_does_not_know_is_refused(twin: Twin, script: object) -> None:
    assert httpx.post(f"{twin.url}/_script", json=script).status_code == 400


def test_a_job_without_its_parts_is_refused(twin: Twin) -> None:
    assert httpx.post(f"{twin.url}/jobs", json={"message": "to whom?"}).status_code == 400
    assert httpx.post(f"{twin.url}/jobs", content=b"not json").status_code == 400
    assert httpx.post(f"{twin.url}/elsewhere", json={}).status_code == 404
    assert twin.accepted() == []


def test_a_wrong_token_opens_nothing_and_a_busy_twin_says_when_to_return(tmp_path: Path) -> None:
    with Twin(log=tmp_path / "log.jsonl", manners=Manners(token="right", retry_after=30)) as twin:
        stranger = SmsHttpGateway(twin.url, token="wrong", timeout=SOON)
        with pytest.raises(DeliveryFailed) as refused:
            stranger.send(text_message(), fence=let_through)
        assert refused.value.status == 401
        with pytest.raises(DeliveryFailed):
            stranger.find("any")
        twin.script("refuse")
        known = SmsHttpGateway(twin.url, token="right", timeout=SOON)
        with pytest.raises(DeliveryFailed) as busy:
            known.send(text_message(), fence=let_through)
        assert busy.value.retry_after == 30
        stranger.close()
        known.close()


def test_an_unknown_number_is_refused_for_good(tmp_path: Path) -> None:
    with Twin(log=tmp_path / "log.jsonl", manners=Manners(unknown_numbers={"+33600000000"})) as twin:
        gateway = SmsHttpGateway(twin.url, token="secret", timeout=SOON)
        with pytest.raises(DeliveryFailed) as refused:
            gateway.send(text_message(to="+33600000000"), fence=let_through)
        assert refused.value.permanent
        gateway.close()


def test_many_senders_at_once_each_find_their_line(twin: Twin) -> None:
    gateway = SmsHttpGateway(twin.url, token="secret")

    def send_ten(sender: int) -> None:
        for n in range(10):
            gateway.send(text_message(f"{sender}/{n}"), fence=let_through)

    senders = [threading.Thread(target=send_ten, args=(n,)) for n in range(8)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    gateway.close()
    lines = twin.accepted()
    assert {line["tag"] for line in lines} == {f"{s}/{n}" for s in range(8) for n in range(10)}
    assert sorted(line["id"] for line in lines) == list(range(1, 81))


def test_it_runs_as_a_program_of_its_own_and_its_log_outlives_it(tmp_path: Path) -> None:
    log = tmp_path / "accepted.jsonl"
    arguments = ["--log", str(log), "--lose-answer", "1.0", "--seed", "3"]
    with subprocess.Popen(
        [sys.executable, "-m", "gateways.twin", *arguments], stdout=subprocess.PIPE, text=True
    ) as program:
        try:
            assert program.stdout is not None
            address = program.stdout.readline().removeprefix("address: ").strip()
            gateway = SmsHttpGateway(address, token="secret", timeout=SOON)
            with pytest.raises(InDoubt):
                gateway.send(text_message(), fence=let_through)
            assert gateway.find(text_message().tag) is not None
            gateway.close()
        finally:
            program.kill()
    assert [line["tag"] for line in read_log(log)] == [text_message().tag]
