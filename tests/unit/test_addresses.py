"""Which addresses anything may be sent to."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codereview.domain.addresses import is_loopback, is_own_host, is_public

# As a person would list them, not as the code does.
INSIDE = [
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"),
    *("192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
    *("224.0.0.0/4", "240.0.0.0/4", "255.255.255.255/32"),
    *("::/128", "::1/128", "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/32", "2001:10::/28"),
    *("2001:20::/28", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7", "fd00:ec2::254/128"),
    *("fe80::/10", "fec0::/10", "ff00::/8"),
]
# GitHub's, Cloudflare's, AWS's, and each neighbour of what is inside.
OUTSIDE = [
    *("140.82.112.0/20", "1.1.1.0/24", "9.255.255.255/32", "11.0.0.0/8", "100.63.255.255/32", "100.128.0.0/32"),
    *("126.255.255.255/32", "128.0.0.0/32", "169.253.255.255/32", "169.255.0.0/32", "172.15.255.255/32"),
    *("172.32.0.0/32", "192.167.255.255/32", "192.169.0.0/32", "198.17.255.255/32", "198.20.0.0/32"),
    *("223.255.255.255/32", "2606:4700::/32", "2a0a:a440::/29", "2001:200::/23", "2001:4860::/32", "2003::/16"),
]


def addresses_of(network: str) -> st.SearchStrategy[str]:
    parsed = ip_network(network)
    numbers = st.integers(int(parsed.network_address), int(parsed.broadcast_address))
    return numbers.map(lambda number: str(IPv4Address(number) if parsed.version == 4 else IPv6Address(number)))


@pytest.mark.parametrize("network", INSIDE)
def test_b77_no_address_of_a_network_that_leads_inside_is_public(network: str) -> None:
    @given(addresses_of(network))
    def hold(address: str) -> None:
        assert not is_public(address)

    hold()
    first, last = ip_network(network)[0], ip_network(network)[-1]
    assert not is_public(str(first))
    assert not is_public(str(last))


@pytest.mark.parametrize("network", OUTSIDE)
def test_every_address_of_a_public_network_is(network: str) -> None:
    @given(addresses_of(network))
    def hold(address: str) -> None:
        assert is_public(address)

    hold()


@given(st.one_of([addresses_of(network) for network in (*INSIDE, *OUTSIDE) if "." in network]))
def test_b77_an_ipv4_address_that_is_written_as_ipv6_is_judged_as_what_it_is(address: str) -> None:
    for written in (f"::ffff:{address}", str(IPv6Address(f"::ffff:{address}"))):
        assert is_public(written) == is_public(address)
        assert is_loopback(written) == is_loopback(address)


@given(st.ip_addresses(network=IPv4Network("0.0.0.0/0")) | st.ip_addresses(network=IPv6Network("::/0")))
def test_what_python_calls_private_is_never_public(address: IPv4Address | IPv6Address) -> None:
    assert not (is_public(str(address)) and not address.is_global)


def test_a_link_local_address_with_its_interface_is_not_public() -> None:
    assert not is_public("fe80::1%eth0")


@pytest.mark.parametrize("host", ["localhost.", "Localhost", "127.0.0.2", "127.1", "0.0.0.0", "localhost.example", ""])
def test_b77_only_three_names_are_this_machine(host: str) -> None:
    assert not is_own_host(host)
    assert {each for each in ("localhost", "127.0.0.1", "::1") if is_own_host(each)} == {
        "localhost",
        "127.0.0.1",
        "::1",
    }
