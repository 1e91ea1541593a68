"""Which addresses webhooks may go to: those of the public internet, and nothing behind or beside it.

Whoever names a webhook makes our servers speak to an address of their choice. The rule is what may be reached, not
what may not: an address that nobody thought of is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# `is_global` is true of some of them, depending on the version of Python.
_NO_RECEIVER_V4: Final = (
    IPv4Network("100.64.0.0/10"),  # behind a provider's NAT; a cloud has its metadata there
    IPv4Network("168.63.129.16/32"),  # public in name: what a cloud tells its own machines
    IPv4Network("192.0.0.0/24"),  # protocol assignments; a cloud has its metadata there
    IPv4Network("192.88.99.0/24"),  # relays of 6to4
    IPv4Network("198.18.0.0/15"),  # benchmarks
    IPv4Network("224.0.0.0/4"),  # multicast
    IPv4Network("240.0.0.0/4"),  # reserved, and broadcast
)
# All that was ever given out. NAT64 (64:ff9b::/96, 64:ff9b:1::/48), addresses that are mapped to or compatible with
# IPv4, unique local, link local, site local and multicast ones lie outside of it.
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
_NO_RECEIVER_V6: Final = (
    IPv6Network("2001::/23"),  # protocol assignments, among them Teredo, which leads to any IPv4 address
    IPv6Network("2001:db8::/32"),  # documentation
    IPv6Network("2002::/16"),  # 6to4, which leads to any IPv4 address
    IPv6Network("3fff::/20"),  # documentation
)


def is_public(address: Address) -> bool:
    """Whether a server on the public internet may have this address."""
    if not address.is_global or address.is_multicast or address.is_reserved or address.is_unspecified:
        return False
    if isinstance(address, IPv4Address):
        return not _is_in(address, _NO_RECEIVER_V4)
    return address in _GLOBAL_UNICAST and not _is_in(address, _NO_RECEIVER_V6)


@dataclass(frozen=True)
class AddressRules:
    """The operator's word beside that: ports, own networks to allow, public networks to refuse."""

    ports: frozenset[int]
    private_networks: Sequence[Network] = ()
    refused_networks: Sequence[Network] = ()

    def is_own(self, address: Address) -> bool:
        return _is_in(address, self.private_networks)

    def allow(self, address: Address, *, port: int, is_encrypted: bool) -> bool:
        """Whether a webhook may be sent there; to private networks by http and at any port, too."""
        if self.is_own(address):
            return True
        is_ordinary = is_encrypted and port in self.ports
        return is_ordinary and is_public(address) and not _is_in(address, self.refused_networks)


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)
