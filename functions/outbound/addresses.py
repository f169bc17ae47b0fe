"""Which addresses may be called, decided on the address itself and not on the name."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable
from typing import Final

from functions.outbound.failures import HttpCallError

Resolver = Callable[[str, int], Iterable[str]]
"""Gives every address of a host, as text; raises OSError where there is none."""

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Metadata services outside the link-local ranges; nothing that wants a webhook lives there.
# Source: https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16 (Azure),
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html (EC2 over IPv6).
_METADATA: Final = frozenset(
    ipaddress.ip_address(text) for text in ("168.63.129.16", "100.100.100.200", "fd00:ec2::254")
)
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")


def resolve_by_system(host: str, port: int) -> tuple[str, ...]:
    """Ask the system's resolver.

    Raises:
        OSError: There is no such host.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


def may_call(address: str, *, allow_private: bool) -> bool:
    """Say whether an address may be called.

    Link-local, multicast, unspecified and metadata addresses never; loopback, private, shared and
    reserved ones with `allow_private` only. An IPv4 address inside an IPv6 one (mapped, 6to4, NAT64,
    Teredo) counts as itself.

    >>> may_call("93.184.216.34", allow_private=False)
    True
    >>> may_call("::ffff:127.0.0.1", allow_private=False)
    False
    """
    try:
        parsed: _Address = ipaddress.ip_address(address)
    except ValueError:
        return False
    return all(_may_call(one, allow_private=allow_private) for one in _with_embedded(parsed))


def checked_addresses(host: str, port: int, *, resolver: Resolver, allow_private: bool) -> tuple[str, ...]:
    """Return every address of a host, after a check of each; connect to these and resolve no more.

    One address that may not be called refuses the host: which one a connection takes is chance.

    Raises:
        HttpCallError: `unresolved` or `refused_address`; nothing was sent.
    """
    try:
        addresses = tuple(resolver(host, port))
    except (OSError, UnicodeError):
        raise HttpCallError("unresolved") from None
    if not addresses:
        raise HttpCallError("unresolved")
    if not all(may_call(address, allow_private=allow_private) for address in addresses):
        raise HttpCallError("refused_address")
    return addresses


def _may_call(address: _Address, *, allow_private: bool) -> bool:
    if address.is_link_local or address.is_multicast or address.is_unspecified or address in _METADATA:
        return False
    return address.is_global or allow_private


def _with_embedded(address: _Address) -> tuple[_Address, ...]:
    """Return the IPv4 addresses that a packet to `address` may end up at, else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return (address,)
    if address.ipv4_mapped:
        return (address.ipv4_mapped,)
    if address.sixtofour:
        return (address, address.sixtofour)
    if address.teredo:
        return (address, *address.teredo)
    if address in _NAT64:
        return (ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF),)
    return (address,)
