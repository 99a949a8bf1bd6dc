"""Who may reach an address, as far as the address itself tells. No Django: the settings ask."""

from __future__ import annotations

import ipaddress
import socket
from enum import Enum
from urllib.parse import urlsplit

INSIDE = ("local", "lan", "home", "internal", "localdomain", "home.arpa", "intranet", "corp")
"""Ends of names that a network gives for itself."""


class Reach(Enum):
    """Who may reach an address."""

    NOBODY = "nobody"
    """This computer alone, or nothing at all."""
    NETWORK = "network"
    """Computers of the same network."""
    ALL = "all"


def reach(url: str) -> Reach:
    """Who may reach an address, as far as the address itself tells."""
    try:
        host = (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return Reach.NOBODY
    number = _number(host)
    if number is not None:
        if number.is_loopback or number.is_unspecified:
            return Reach.NOBODY
        return Reach.ALL if number.is_global else Reach.NETWORK
    if not host or host == "localhost" or host.endswith((".localhost", "localhost.localdomain")):
        return Reach.NOBODY
    own = "." not in host or any(host.endswith(f".{end}") for end in INSIDE)
    return Reach.NETWORK if own else Reach.ALL


def _number(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        try:
            # Browsers take 127.1 and 2130706433 for 127.0.0.1 as well.
            return ipaddress.IPv4Address(socket.inet_aton(host))
        except (OSError, ValueError):
            return None
    mapped = getattr(found, "ipv4_mapped", None)
    return mapped or found
