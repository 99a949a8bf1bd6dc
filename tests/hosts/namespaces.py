"""Hosts of our own inside this machine: network namespaces on a bridge, each with its address."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

NETWORK = "10.91.{net}"


def why_not() -> str:
    """Why there can be no namespaces here; empty where there can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None:
        return "network namespaces need the program ip (Debian: iproute2)"
    probe = f"mq{secrets.token_hex(3)}"
    done = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True)
    if done.returncode:
        return f"network namespaces are not allowed here: {done.stderr.strip()}"
    subprocess.run(["ip", "netns", "delete", probe], check=False)
    return ""


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


@dataclass(frozen=True)
class Host:
    """A namespace with one address; `cable` is its end at the switch."""

    name: str
    address: str
    switch: str
    cable: str

    @property
    def prefix(self) -> tuple[str, ...]:
        """Stands before a command that shall run on this host."""
        return ("ip", "netns", "exec", self.name, "unshare", "--uts", "--", *self._named())

    def _named(self) -> tuple[str, ...]:
        # A name of its own, as the queue tells hosts apart by their names.
        return ("sh", "-c", f'hostname {self.name}; exec "$@"', "sh")

    def cut_off(self) -> None:
        _ip("-n", self.switch, "link", "set", self.cable, "down")

    def connect(self) -> None:
        _ip("-n", self.switch, "link", "set", self.cable, "up")


@contextmanager
def hosts(number: int) -> Iterator[list[Host]]:
    """So many hosts on one switch, gone afterwards. Nothing of it touches the machine's network."""
    tag = secrets.token_hex(2)
    net = NETWORK.format(net=int(tag[:2], 16))
    switch = f"mq{tag}s"
    made = [switch]
    try:
        _ip("netns", "add", switch)
        _ip("-n", switch, "link", "add", "switch", "type", "bridge")
        _ip("-n", switch, "link", "set", "switch", "up")
        found = []
        for n in range(number):
            host = Host(f"mq{tag}h{n}", f"{net}.{n + 1}", switch, f"port{n}")
            _ip("netns", "add", host.name)
            made.append(host.name)
            _ip("-n", host.name, "link", "set", "lo", "up")
            _ip(
                *("-n", switch, "link", "add", host.cable, "type", "veth"),
                *("peer", "name", "eth0", "netns", host.name),
            )
            _ip("-n", switch, "link", "set", host.cable, "master", "switch")
            _ip("-n", switch, "link", "set", host.cable, "up")
            _ip("-n", host.name, "address", "add", f"{host.address}/24", "dev", "eth0")
            _ip("-n", host.name, "link", "set", "eth0", "up")
            found.append(host)
        yield found
    finally:
        for name in made:
            subprocess.run(["ip", "netns", "delete", name], check=False)
