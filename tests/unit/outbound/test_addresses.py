"""Which addresses may be called."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.outbound.addresses import checked_addresses, may_call
from functions.outbound.failures import HttpCallError

PUBLIC = ["93.184.216.34", "8.8.8.8", "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::808:808"]

PRIVATE = [
    "127.0.0.1",
    "127.255.255.254",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "198.18.0.1",
    "192.0.2.1",
    "240.0.0.1",
    "255.255.255.255",
    "::1",
    "fc00::1",
    "fd12:3456::1",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "2002:7f00:1::",
    "2002:a00:1::",
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
]

NEVER = [
    "169.254.169.254",
    "169.254.170.2",
    "168.63.129.16",
    "100.100.100.200",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "224.0.0.1",
    "ff02::1",
    "0.0.0.0",
    "::",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::",
    "no-address",
    "",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_address_may_be_called(address: str) -> None:
    assert may_call(address, allow_private=False)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_address_needs_to_be_allowed(address: str) -> None:
    assert not may_call(address, allow_private=False)
    assert may_call(address, allow_private=True)


@pytest.mark.parametrize("address", NEVER)
def test_metadata_and_other_special_addresses_may_never_be_called(address: str) -> None:
    assert not may_call(address, allow_private=False)
    assert not may_call(address, allow_private=True)


@given(st.ip_addresses(v=4))
def test_ipv4_address_inside_ipv6_counts_as_itself(address: ipaddress.IPv4Address) -> None:
    mapped = f"::ffff:{address}"
    for allow_private in (False, True):
        assert may_call(mapped, allow_private=allow_private) == may_call(
            str(address), allow_private=allow_private
        )


def test_every_address_of_a_host_is_returned() -> None:
    found = checked_addresses("example.com", 443, resolver=lambda host, port: PUBLIC, allow_private=False)
    assert found == tuple(PUBLIC)


def test_one_address_that_may_not_be_called_refuses_the_host() -> None:
    with pytest.raises(HttpCallError) as caught:
        checked_addresses(
            "example.com", 443, resolver=lambda host, port: [*PUBLIC, "10.0.0.1"], allow_private=False
        )
    assert (caught.value.kind, caught.value.sent) == ("refused_address", False)


def test_host_without_an_address_is_unresolved() -> None:
    def nowhere(host: str, port: int) -> list[str]:
        raise OSError("no such host")

    def empty(host: str, port: int) -> list[str]:
        return []

    for resolver in (nowhere, empty):
        with pytest.raises(HttpCallError) as caught:
            checked_addresses("example.com", 443, resolver=resolver, allow_private=True)
        assert caught.value.kind == "unresolved"
