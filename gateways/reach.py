"""Where we may be sent by what a stranger writes: to public addresses, and to those that the installation names.

Whoever subscribes chooses what we call. Without this, the machine we run on and the hospital's network would be
called in our name (server-side request forgery).
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LOOPBACK = ("127.0.0.0/8", "::1/128")
"""This machine itself."""


class OutOfReach(Exception):
    """A host may not be called: one sentence."""


def resolved(host: str, port: int) -> list[str]:
    """The addresses of a host, the best first. OSError when nobody knows it."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


@dataclass(frozen=True, slots=True)
class Reach:
    """What may be called beside public addresses: ``hosts`` by name, wherever they are, and whole ``networks``."""

    hosts: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()
    resolve: Callable[[str, int], list[str]] = resolved

    @classmethod
    def of(cls, said: Iterable[str]) -> Reach:
        """From names of hosts, addresses and networks (``10.12.0.0/16``). ValueError names what is none of them."""
        hosts, networks = set(), []
        for each in said:
            try:
                networks.append(ip_network(each))
            except ValueError:
                plain = each.strip().lower().rstrip(".")
                if not plain.replace("-", "").replace(".", "").isalnum() or literal(plain) is not None:
                    raise ValueError(
                        f"{each} is neither a host nor a network; write hooks.chu.example or 10.12.0.0/16"
                    ) from None
                hosts.add(plain)
        return cls(frozenset(hosts), tuple(networks))

    def may_be_named(self, host: str) -> bool:
        """Whether an address with this host can be called at all; what a name leads to is seen when it is called."""
        plain = host.lower().rstrip(".")
        if plain in self.hosts:
            return True
        address = IPv4Address("127.0.0.1") if _is_localhost(plain) else literal(plain)
        return address is None or self._admits(address)

    def addresses(self, host: str, port: int) -> list[str]:
        """Where to connect to call this host. OutOfReach when any of it is no place for us; OSError when unknown."""
        plain = host.lower().rstrip(".")
        found = self.resolve(plain, port)
        # One that is public among others that are not is no mistake that anybody makes in good faith.
        if plain not in self.hosts and not all(self._admits(ip_address(each)) for each in found):
            raise OutOfReach(
                "The endpoint is on a network that is not called from here (JALON_SUBSCRIBER_NETWORKS)."
            )
        return found

    def _admits(self, address: Address) -> bool:
        plain = _plain(address)
        return _is_public(plain) or any(plain in network for network in self.networks)


def is_this_machine(host: str) -> bool:
    """Whether this host is written as the machine that we run on."""
    plain = host.lower().rstrip(".")
    address = literal(plain)
    return _is_localhost(plain) or (address is not None and _plain(address).is_loopback)


def _is_localhost(plain: str) -> bool:
    return plain == "localhost" or plain.endswith(".localhost")


def literal(host: str) -> Address | None:
    """The address that a host is written as, however a resolver reads it (``127.1``, ``0x7f000001``); None: a name."""
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host))
    except (OSError, ValueError):
        return None


def _plain(address: Address) -> Address:
    """An IPv4 address that is dressed as IPv6, undressed."""
    if isinstance(address, IPv6Address):
        return address.ipv4_mapped or address.sixtofour or address
    return address


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address.is_site_local:
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_link_local)
