"""Which addresses a webhook may have: none by which the server would ask its own network.

Whoever makes a webhook chooses an address that the server calls, from inside of its network. So
nothing is asked but hosts that the whole world reaches, and those that the server's administrator
names (`MPPCQA_HOOK_HOSTS`); and the number that was checked is the one that is called.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from mppcqa.refused import Fault, Refused

NAT64 = ipaddress.ip_network("64:ff9b::/96")
Number = ipaddress.IPv4Address | ipaddress.IPv6Address


class AddressRefused(Refused):
    """An address that is not called; says why."""


@dataclass(frozen=True)
class Target:
    """Where a delivery goes."""

    parts: SplitResult
    number: str
    """The address of the host that was looked at."""

    @property
    def secure(self) -> bool:
        return self.parts.scheme == "https"

    @property
    def host(self) -> str:
        return str(self.parts.hostname)

    @property
    def port(self) -> int:
        return self.parts.port or (443 if self.secure else 80)

    @property
    def path(self) -> str:
        query = f"?{self.parts.query}" if self.parts.query else ""
        return (self.parts.path or "/") + query


def check(url: str) -> SplitResult:
    """The parts of an address that may be called; `AddressRefused` says what is wrong with it."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        parts, host = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not host or not url.isascii() or _unseen(url):
        raise _refused(_("%s is no address of a receiver (https://…)") % url)
    if parts.username or parts.password or parts.fragment:
        raise _refused(_("the address may have no name, password or # in it"))
    if parts.scheme == "http" and not _is_named(host):
        text = _(
            "%s must begin with https, or others could read what is sent; http is for hosts that "
            "the server's administrator names in MPPCQA_HOOK_HOSTS"
        )
        raise _refused(text % url)
    if not _is_named(host):
        number = _as_number(host)
        if host == "localhost" or (number is not None and not is_public(number)):
            raise _refused(_not_public(host))
    return parts


def resolve(url: str) -> Target:
    """Where an address is now; `AddressRefused`, or `OSError` where its name is not known."""
    parts = check(url)
    host = str(parts.hostname)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    numbers = [str(one[4][0]) for one in found]
    if not _is_named(host) and not all(is_public(ipaddress.ip_address(one)) for one in numbers):
        raise _refused(_not_public(host))
    return Target(parts, numbers[0])


def is_public(number: Number) -> bool:
    """Whether it is a number that the whole world reaches, also what is wrapped in it."""
    inner = getattr(number, "ipv4_mapped", None) or getattr(number, "sixtofour", None)
    if isinstance(number, ipaddress.IPv6Address) and number in NAT64:
        inner = ipaddress.IPv4Address(int(number) & 0xFFFFFFFF)
    teredo = getattr(number, "teredo", None)
    if teredo is not None:
        inner = teredo[1]
    if inner is not None:
        return is_public(inner)
    return number.is_global and not number.is_multicast and not number.is_reserved


def _is_named(host: str) -> bool:
    return host in [one.lower() for one in settings.MPPCQA_HOOK_HOSTS]


def _as_number(host: str) -> Number | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        try:
            # The system's own look-up takes 127.1 and 2130706433 for 127.0.0.1 as well.
            return ipaddress.IPv4Address(socket.inet_aton(host))
        except (OSError, ValueError):
            return None


def _unseen(url: str) -> bool:
    return any(ord(one) <= 32 or ord(one) == 127 for one in url)


def _not_public(host: str) -> str:
    text = _(
        "%s is in the server's own network: nothing is sent there unless the server's "
        "administrator names it in MPPCQA_HOOK_HOSTS"
    )
    return text % host


def _refused(text: str) -> AddressRefused:
    return AddressRefused([Fault(text, field="url")])
