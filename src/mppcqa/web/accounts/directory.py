"""Name and password that a directory knows: asked after the accounts of this server."""

from __future__ import annotations

import logging
from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest

from mppcqa.people import ldap_directory
from mppcqa.people.models import Outside
from mppcqa.people.outside import OutsideFault, admit, elsewhere, shut_out
from mppcqa.refused import Refused
from mppcqa.web.accounts.backend import Backend

log = logging.getLogger("mppcqa.login")


class Directory(BaseBackend):
    """Rights are those of accounts, not of the directory: this one only says who it is."""

    def get_user(self, user_id: Any) -> Any:
        """As of everybody."""
        return Backend().get_user(user_id)

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **_more: Any,
    ) -> Any:
        """The account, made or changed as the directory's groups say; None for a wrong password."""
        try:
            directory = elsewhere().ldap
            if directory is None or not username or not password:
                return None
            entry, right = ldap_directory.ask(directory, username.strip(), password)
        except (OutsideFault, ldap_directory.Unreachable) as error:
            log.error("the directory can't be asked: %s", error)
            return None
        if entry is None:
            shut_out(Outside.Source.LDAP, name=username.strip())
            return None
        if not right:
            return None
        try:
            return admit(*(Outside.Source.LDAP, entry.subject, username), entry.groups, entry.email)
        except Refused as error:
            log.warning("log-in of %s by the directory refused: %s", entry.dn, error)
            return None
