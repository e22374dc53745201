"""Nobody makes us call this machine or the hospital's network by subscribing."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from gateways.hooks import HookClient
from gateways.ports import DeliveryFailed
from gateways.reach import LOOPBACK, Reach
from tests.peers.subscriber import Subscriber

INSIDE = [
    *(
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.0.0.1.",
        "localhost",
        "a.localhost.",
    ),
    *("169.254.169.254", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "224.0.0.1"),
    *("240.0.0.1", "255.255.255.255", "::1", "[::1]", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fec0::1"),
    *("ff02::1", "::ffff:127.0.0.1", "::ffff:a00:1", "::7f00:1", "2002:7f00:1::", "64:ff9b::7f00:1"),
]


@pytest.mark.parametrize("host", INSIDE)
def test_an_address_inside_is_out_of_reach_however_it_is_written(host: str) -> None:
    assert not Reach().may_be_named(host)


@pytest.mark.parametrize(
    "host", ["hooks.chu.example", "9.9.9.9", "2620:fe::fe", "::ffff:9.9.9.9", "0x.example"]
)
def test_names_and_public_addresses_are_in_reach(host: str) -> None:
    assert Reach().may_be_named(host)


def test_the_installation_names_what_else_is_called() -> None:
    reach = Reach.of(["10.12.0.0/16", "hooks.chu.local", "192.168.7.7"])
    assert all(reach.may_be_named(each) for each in ("10.12.3.4", "::ffff:10.12.3.4", "192.168.7.7"))
    assert not any(reach.may_be_named(each) for each in ("10.13.0.1", "192.168.7.8", "127.0.0.1"))
    elsewhere = Reach(reach.hosts, reach.networks, lambda _host, _port: ["10.99.0.1"])
    assert elsewhere.addresses("Hooks.CHU.local.", 443) == ["10.99.0.1"]


@pytest.mark.parametrize("said", ["10.12.0.1/16", "https://hooks.chu.local", "300.1.1.1/8", "0x7f000001", ""])
def test_what_is_no_network_is_told_in_a_sentence(said: str) -> None:
    with pytest.raises(ValueError, match="neither a host nor a network"):
        Reach.of([said])


def call(reach: Reach, subscriber: Subscriber) -> None:
    port = urlsplit(subscriber.url).port
    client = HookClient(reach)
    try:
        url = f"http://hook.example:{port}/hook"
        client.send("POST", url, headers={}, body=b"", timeout=timedelta(seconds=5))
    finally:
        client.close()


@pytest.mark.parametrize("led", [["127.0.0.1"], ["9.9.9.9", "127.0.0.1"], ["::ffff:127.0.0.1"]])
def test_a_name_that_leads_inside_is_not_called(subscriber: Subscriber, led: list[str]) -> None:
    with pytest.raises(DeliveryFailed, match="JALON_SUBSCRIBER_NETWORKS") as failed:
        call(Reach(resolve=lambda _host, _port: led), subscriber)
    assert not failed.value.permanent
    assert subscriber.calls == []


def test_what_was_judged_is_what_is_called(subscriber: Subscriber) -> None:
    said = iter([["127.0.0.1"]])
    networks = Reach.of(LOOPBACK).networks
    call(Reach(networks=networks, resolve=lambda _host, _port: next(said)), subscriber)
    (heard,) = subscriber.calls
    assert heard.headers["host"].startswith("hook.example:")


def test_a_host_that_nobody_knows_is_a_failure_like_another(subscriber: Subscriber) -> None:
    def unknown(_host: str, _port: int) -> list[str]:
        raise OSError("no such host")

    with pytest.raises(DeliveryFailed, match="cannot be reached"):
        call(Reach(resolve=unknown), subscriber)
