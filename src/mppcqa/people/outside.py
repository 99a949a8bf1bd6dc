"""Who logs in elsewhere: at a directory (LDAP) or at a provider (OpenID Connect).

The file that `MPPCQA_DIRECTORY` names says where, and which groups there have which role here.
Each log-in asks anew: role, institute and campaign follow the groups, and who is not known there
any more, or is in no group that has a role, is kept out at once, with sessions, tokens, badges.
"""

from __future__ import annotations

import hashlib
import logging
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from mppcqa.inventory.campaign import Campaign
from mppcqa.inventory.models import Institute
from mppcqa.people import actions
from mppcqa.people.models import Outside
from mppcqa.people.roles import ROLES, role_of
from mppcqa.reach import Reach, reach

log = logging.getLogger("mppcqa.people")
NotDone = actions.NotDone
Part = TypeVar("Part")


class OutsideFault(Exception):
    """The file can't be used; the message names it and says why."""


@dataclass(frozen=True)
class Directory:
    """``[ldap]`` of the file."""

    server: str
    """``ldaps://ldap.example.org``; ``ldap://`` with `start_tls`, or of this computer."""
    people: str
    """Under which entry people are."""
    person: str = "(uid=%s)"
    """Finds who typed a name; what it doesn't find is kept out: leave disabled ones out of it."""
    id: str = "entryUUID"
    """Attribute that stays a person's for good; where it is not there, the entry's name."""
    email: str = "mail"
    groups: str = ""
    """Under which entry groups are; empty: those that `member_of` names."""
    group: str = "(member=%s)"
    """Finds the groups of an entry by its name (``%s``) or by what the person typed (``%u``)."""
    member_of: str = "memberOf"
    bind_dn: str = ""
    bind_password: str = ""
    start_tls: bool = False
    ca_file: str = ""
    second_factor: bool = True
    """Whether a second factor that was made here is asked for here."""


@dataclass(frozen=True)
class Provider:
    """``[oidc]`` of the file."""

    issuer: str
    client_id: str
    client_secret: str = ""
    title: str = "OpenID Connect"
    """What the button of the log-in says."""
    scope: str = "openid profile email"
    name: str = "preferred_username"
    """The claim that becomes the user name; one that people can't choose themselves."""
    groups: str = "groups"
    """The claim with the groups."""
    second_factor: bool = False
    """Whether a second factor that was made here is asked for, after the provider's own."""


@dataclass(frozen=True)
class Grant:
    """A ``[[groups]]`` of the file: what one group there has here."""

    group: str
    """Its name, or the whole name of its entry; ``*`` is everybody."""
    role: str
    institute: str = ""
    campaign: str = ""


@dataclass(frozen=True)
class Elsewhere:
    """All of the file."""

    ldap: Directory | None = None
    oidc: Provider | None = None
    grants: tuple[Grant, ...] = ()


def elsewhere() -> Elsewhere:
    """What the file says; nothing where there is none. Raises `OutsideFault`."""
    path = Path(settings.MPPCQA_DIRECTORY)
    try:
        changed = path.stat().st_mtime_ns
    except OSError:
        return Elsewhere()
    return _read(path, changed)


@lru_cache(maxsize=4)
def _read(path: Path, _changed: int) -> Elsewhere:
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OutsideFault(f"{path}: {error}") from None
    faults = [f"there is no part [{name}]" for name in told.keys() - {"ldap", "oidc", "groups"}]
    ldap = _part(Directory, told["ldap"], "ldap", faults) if "ldap" in told else None
    oidc = _part(Provider, told["oidc"], "oidc", faults) if "oidc" in told else None
    rows = told.get("groups", [])
    rows = rows if isinstance(rows, list) else [rows]
    grants = [_part(Grant, row, "groups", faults) for row in rows]
    for grant in grants:
        role = ROLES.get(grant.role) if grant else None
        if grant and role is None:
            faults.append(f"there is no role {grant.role!r}; there are {', '.join(ROLES)}")
        elif grant and role and role.needs_institute and not grant.institute:
            faults.append(f"the group {grant.group!r} has the role {role.key}: name its institute")
    if ldap and "%s" not in ldap.person:
        faults.append("[ldap] person has no %s, where the name goes")
    if ldap and not ldap.start_tls and _in_clear(ldap.server, "ldap"):
        faults.append("[ldap] server would get passwords in clear: ldaps://, or start_tls = true")
    if oidc and _in_clear(oidc.issuer, "http"):
        faults.append("[oidc] issuer is asked in clear: https://")
    if faults:
        raise OutsideFault(f"{path} can't be used: " + "; ".join(faults))
    return Elsewhere(ldap, oidc, tuple(one for one in grants if one))


def _in_clear(address: str, scheme: str) -> bool:
    return address.startswith(f"{scheme}://") and reach(address) is not Reach.NOBODY


def _part(kind: type[Part], told: Any, name: str, faults: list[str]) -> Part | None:
    if not isinstance(told, Mapping):
        faults.append(f"[{name}] has no keys")
        return None
    known: dict[str, Any] = {one.name: one for one in fields(kind)}  # type: ignore[arg-type]
    before = len(faults)
    faults += [f"[{name}] has no key {key}" for key in told if key not in known]
    faults += [
        f"[{name}] lacks {key}"
        for key, one in known.items()
        if one.default is MISSING and not told.get(key)
    ]
    for key, value in told.items():
        wanted = bool if key in known and known[key].type == "bool" else str
        if key in known and not isinstance(value, wanted):
            faults.append(f"[{name}] {key} is {'true or false' if wanted is bool else 'a text'}")
    return kind(**told) if len(faults) == before else None


def granted(groups: Iterable[str], grants: Iterable[Grant]) -> Grant | None:
    """The first line of the file that is of one of these groups, whatever their case."""
    there = {group.casefold() for group in groups}
    # cn=managers,ou=groups,dc=example,dc=org is called managers as well.
    there |= {one.partition(",")[0].partition("=")[2] for one in there if "=" in one}
    return next((one for one in grants if one.group == "*" or one.group.casefold() in there), None)


def admit(source: str, subject: str, name: str, groups: Iterable[str], email: str = "") -> User:
    """The account of a person whom a directory or provider vouches for, as its groups say.

    `subject` is what the person is called there for good. An account is made where there is none;
    one that has a password of its own is never taken over. Raises `NotDone`.
    """
    grant = granted(groups, elsewhere().grants)
    if grant is None:
        shut_out(source, subject=subject)
        raise NotDone(
            _("None of your groups has a role here: ask an administrator of this server.")
        )
    try:
        with transaction.atomic():
            return _admit(source, subject, name.strip(), grant, email)
    except IntegrityError:
        raise NotDone(_("Two of your log-ins came at once: try again.")) from None


def _admit(source: str, subject: str, name: str, grant: Grant, email: str) -> User:
    role = ROLES[grant.role]
    institute = _known(Institute, grant.institute)
    campaign = _known(Campaign, grant.campaign)
    digest = digest_of(subject)
    row = Outside.objects.filter(source=source, subject=digest).select_related("user").first()
    if row is None:
        user = User.objects.filter(username__iexact=name).first()
        if user is None:
            bound = {"institute": institute, "campaign": campaign}
            user = actions.invite(name, role, email=email, **bound, by=None)
        elif user.has_usable_password() or Outside.objects.filter(user=user).exists():
            log.warning("log-in at %s refused: the account %s is another person's", source, user)
            raise NotDone(
                _("The account %s here is not yours: ask an administrator of this server.") % name
            )
        row = Outside.objects.create(user=user, source=source, subject=digest)
        log.warning("account %s is tied to %s: %s", user, source, subject)
    user = User.objects.select_related("person").get(pk=row.user_id)
    if not user.is_active:
        if not row.kept_out:
            raise NotDone(_("This account is kept out: ask an administrator of this server."))
        actions.let_in(user, by=None)
        user.is_active = True
    if row.kept_out:
        Outside.objects.filter(pk=row.pk).update(kept_out=False)
    person = user.person
    if role_of(user) is not role or (person.institute, person.campaign) != (institute, campaign):
        address = user.email or email
        actions.change(user, role, institute=institute, campaign=campaign, email=address, by=None)
    return User.objects.get(pk=user.pk)


def _known(model: Any, name: str) -> Any:
    if not name:
        return None
    found = model.objects.filter(name=name).first()
    if found is None:
        log.error("%s names %s, which there is not", settings.MPPCQA_DIRECTORY, name)
        raise NotDone(_("This server has no %s: ask its administrator.") % name)
    return found


def digest_of(subject: str) -> str:
    """As it is kept: some databases take a and A for the same, providers do not."""
    return hashlib.sha256(subject.encode()).hexdigest()


def shut_out(source: str, *, subject: str = "", name: str = "") -> User | None:
    """Keep out at once who is not known there any more; None where no account here was."""
    rows = Outside.objects.filter(source=source, kept_out=False, user__is_active=True)
    rows = (
        rows.filter(subject=digest_of(subject))
        if subject
        else rows.filter(user__username__iexact=name)
    )
    row = rows.select_related("user").first()
    if row is None:
        return None
    try:
        actions.keep_out(row.user, by=None)
    except NotDone as error:
        log.error("%s should be kept out, says %s: %s", row.user, source, error)
        return None
    Outside.objects.filter(pk=row.pk).update(kept_out=True)
    return row.user


def untie(user: User, *, by: User | None) -> bool:
    """Whether it was an account of elsewhere; now it is one of here, and waits for a password."""
    there, _rows = Outside.objects.filter(user=user).delete()
    if there:
        log.warning("account %s is of this server alone now, by %s", user, by or "this program")
    return bool(there)
