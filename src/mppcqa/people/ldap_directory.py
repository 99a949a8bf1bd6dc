"""What an LDAP directory says of a person: who it is, the groups, whether a password is right.

The person is looked for by an account of our own, and the password is tried by binding as the
person, so that no password is ever read. `python-ldap` (the extra ``ldap``) speaks the protocol.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from mppcqa.people.outside import Directory

log = logging.getLogger("mppcqa.people")
WAIT_S = 10


class Unreachable(Exception):
    """The directory does not answer, or not as it should: nothing is known of anybody."""


@dataclass(frozen=True)
class Entry:
    """A person of the directory."""

    dn: str
    subject: str
    groups: tuple[str, ...]
    email: str


def look_up(directory: Directory, name: str) -> Entry | None:
    """Who typed a name; None where it is nobody's, or several persons'. Raises `Unreachable`."""
    with _connected(directory) as (ldap, connection):
        return _entry(directory, ldap, connection, name)


def ask(directory: Directory, name: str, password: str) -> tuple[Entry | None, bool]:
    """The person and whether it is the password. Raises `Unreachable`."""
    with _connected(directory) as (ldap, connection):
        entry = _entry(directory, ldap, connection, name)
        # A directory takes a name without a password for a visitor, and says yes.
        if entry is None or not password or "\0" in password:
            return entry, False
        refusals = (
            *(ldap.INVALID_CREDENTIALS, ldap.INAPPROPRIATE_AUTH, ldap.INSUFFICIENT_ACCESS),
            *(ldap.UNWILLING_TO_PERFORM, ldap.CONSTRAINT_VIOLATION),
        )
        try:
            connection.simple_bind_s(entry.dn, password)
        except refusals:
            return entry, False
        return entry, True


@contextmanager
def _connected(directory: Directory) -> Iterator[tuple[Any, Any]]:
    try:
        import ldap
    except ImportError:
        text = "python-ldap is not installed: pip install mppcqa[ldap]"
        raise Unreachable(text) from None
    try:
        connection = ldap.initialize(directory.server)
        connection.set_option(ldap.OPT_REFERRALS, 0)
        connection.set_option(ldap.OPT_NETWORK_TIMEOUT, WAIT_S)
        connection.set_option(ldap.OPT_TIMEOUT, WAIT_S)
        connection.set_option(ldap.OPT_X_TLS_REQUIRE_CERT, ldap.OPT_X_TLS_DEMAND)
        if directory.ca_file:
            connection.set_option(ldap.OPT_X_TLS_CACERTFILE, directory.ca_file)
        connection.set_option(ldap.OPT_X_TLS_NEWCTX, 0)
        if directory.start_tls:
            connection.start_tls_s()
        connection.simple_bind_s(directory.bind_dn, directory.bind_password)
        try:
            yield ldap, connection
        finally:
            connection.unbind_s()
    except ldap.LDAPError as error:
        raise Unreachable(f"{directory.server}: {error}") from error


def _entry(directory: Directory, ldap: Any, connection: Any, name: str) -> Entry | None:
    asked = [directory.id, directory.email, directory.member_of]
    text = directory.person.replace("%s", _escaped(name))
    try:
        rows = connection.search_ext_s(
            directory.people, ldap.SCOPE_SUBTREE, text, asked, timeout=WAIT_S, sizelimit=2
        )
    except ldap.SIZELIMIT_EXCEEDED:
        rows = []
    found = [(dn, values) for dn, values in rows if dn]  # without those that lead elsewhere
    if len(found) != 1:
        return None
    dn, values = found[0]
    known = {key.casefold(): some for key, some in values.items()}
    groups = [_text(one) for one in known.get(directory.member_of.casefold(), ())]
    if directory.groups:
        text = directory.group.replace("%s", _escaped(dn)).replace("%u", _escaped(name))
        rows = connection.search_ext_s(
            directory.groups, ldap.SCOPE_SUBTREE, text, ["1.1"], timeout=WAIT_S
        )
        groups += [group for group, _values in rows if group]
    of_good = known.get(directory.id.casefold(), [b""])[0]
    email = _text(known.get(directory.email.casefold(), [b""])[0])
    return Entry(dn, _text(of_good) or dn.casefold(), tuple(groups), email)


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.hex()  # as Active Directory's objectGUID


def _escaped(text: str) -> str:
    """For a filter, as RFC 4515 has it."""
    from ldap.filter import escape_filter_chars

    escaped: str = escape_filter_chars(text)
    return escaped
