"""Which addresses are public, and which hosts are this machine itself."""

from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

_OWN_HOSTS: Final = frozenset({"127.0.0.1", "::1", "localhost"})

# Python's `is_global` takes multicast, 6to4, NAT64 and mapped addresses for public: whatever leads inside has its line
# here. https://www.iana.org/assignments/iana-ipv4-special-registry/
_NOT_PUBLIC: Final = (
    "0.0.0.0/8",  # this network; on Linux 0.0.0.0 is the machine itself
    "10.0.0.0/8",
    "100.64.0.0/10",  # carrier-grade NAT
    "127.0.0.0/8",
    "169.254.0.0/16",  # link-local, with the metadata of AWS
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",  # documentation, like the other two
    "192.88.99.0/24",  # relays of 6to4
    "192.168.0.0/16",
    "198.18.0.0/15",  # benchmarks
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",  # multicast
    "240.0.0.0/4",  # reserved, and broadcast
)
# Of IPv6 only 2000::/3 is given out at all: loopback, link-local, unique local, multicast and NAT64 lie outside.
# https://www.iana.org/assignments/iana-ipv6-special-registry/
_GIVEN_OUT: Final = "2000::/3"
_GIVEN_OUT_BUT_NOT_PUBLIC: Final = (
    "2001::/23",  # protocols, Teredo's tunnels among them
    "2001:db8::/32",  # documentation
    "2002::/16",  # 6to4: an IPv4 address in disguise
    "3fff::/20",  # documentation
)


def is_own_host(host: str) -> bool:
    """Tell whether a URL's host is this machine, by a name that nobody else can give an address to."""
    return host in _OWN_HOSTS


def is_loopback(address: str) -> bool:
    """Tell whether a resolved address stays on this machine."""
    return _plain(address).is_loopback


def is_public(address: str) -> bool:
    """Tell whether a resolved address, in the form of `getaddrinfo`, is anybody's on the internet."""
    plain = _plain(address)
    if isinstance(plain, IPv4Address):
        return not any(plain in network for network in _ipv4())
    given_out, *others = _ipv6()
    return plain in given_out and not any(plain in network for network in others)


def _plain(address: str) -> IPv4Address | IPv6Address:
    """Parse an address; an IPv4 one that is written as IPv6 is what it stands for."""
    parsed = ip_address(address)
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return mapped or parsed


@cache
def _ipv4() -> tuple[IPv4Network, ...]:
    return tuple(map(IPv4Network, _NOT_PUBLIC))


@cache
def _ipv6() -> tuple[IPv6Network, ...]:
    return tuple(map(IPv6Network, (_GIVEN_OUT, *_GIVEN_OUT_BUT_NOT_PUBLIC)))
