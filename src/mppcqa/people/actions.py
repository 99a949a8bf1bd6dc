"""Inviting a person, changing what one may and sees, and keeping one out.

Nobody gets a password from somebody else: an account is made without one, and the person chooses
it behind a link that counts once, for a week. Every change of who may do what is logged with who
did it.
"""

from __future__ import annotations

import logging
from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode
from django.utils.translation import gettext as _

from mppcqa.inventory.campaign import Campaign
from mppcqa.inventory.models import Institute, Person
from mppcqa.people.roles import ROLES, Role, give_role, role_of
from mppcqa.refused import Fault, Refused

log = logging.getLogger("mppcqa.people")


class NotDone(Refused):
    """An account was not made or changed; the faults say why."""


class _Tokens(PasswordResetTokenGenerator):
    """Of links by which a person chooses a password: each counts until one is chosen."""

    key_salt = "mppcqa.people.way_in"


_tokens = _Tokens()


def invite(
    name: str,
    role: Role,
    *,
    email: str = "",
    institute: Institute | None = None,
    campaign: Campaign | None = None,
    by: User | None,
) -> User:
    """Make an account without a password; `way_in` gives the link to hand over.

    Raises `NotDone` where the name is taken or not possible, or the role needs an institute.
    """
    name, email = name.strip(), email.strip()
    faults: list[str] = []
    field = User._meta.get_field("username")
    try:
        field.clean(name, None)
    except ValidationError as error:
        faults += [Fault(text, field="username") for text in error.messages]
    # MariaDB compares names without case: they are one name everywhere.
    if User.objects.filter(username__iexact=name).exists():
        faults.append(
            Fault(_("There is an account %s already: change that one.") % name, field="username")
        )
    if email:
        try:
            validate_email(email)
        except ValidationError as error:
            faults += [Fault(text, field="email") for text in error.messages]
    faults += _missing(role, institute)
    if faults:
        raise NotDone(faults)
    with transaction.atomic():
        user = User.objects.create_user(name, email=email)
        give_role(user, role)
        Person.objects.filter(user=user).update(institute=institute, campaign=campaign)
    log.warning("account %s made as %s by %s", name, role.key, by or "this program")
    return user


def change(
    user: User,
    role: Role | None,
    *,
    institute: Institute | None,
    campaign: Campaign | None,
    email: str = "",
    by: User | None,
) -> None:
    """Another role, another institute or campaign that a person is bound to.

    `role` None leaves what the account may. Raises `NotDone` for the last administrator, and for
    one's own role: whoever takes the own rights away can't give them back.
    """
    with transaction.atomic():
        row = User.objects.select_for_update().get(pk=user.pk)
        was = role_of(row)
        if role is not None and role is not was:
            _refuse_own(row, by, _("Your own role is changed by another administrator."))
            _refuse_last(row, will_be=role.everything)
        if faults := _missing(role or was, institute):
            raise NotDone(faults)
        if role is not None and role is not was:
            give_role(row, role)
        User.objects.filter(pk=row.pk).update(email=email.strip())
        Person.objects.filter(user=row).update(institute=institute, campaign=campaign)
    log.warning(
        "account %s changed by %s: role %s, institute %s, campaign %s",
        *(row, by or "this program", role.key if role else "as before"),
        *(institute or "all", campaign or "all"),
    )


def keep_out(user: User, *, by: User | None) -> None:
    """The account opens nothing from the next request on; what the person did stays."""
    with transaction.atomic():
        row = User.objects.select_for_update().get(pk=user.pk)
        _refuse_own(row, by, _("You can't keep yourself out."))
        _refuse_last(row, will_be=False)
        User.objects.filter(pk=row.pk).update(is_active=False)
    log.warning("account %s kept out by %s", row, by or "this program")


def let_in(user: User, *, by: User | None) -> None:
    """The account counts again, with its password and role of before."""
    User.objects.filter(pk=user.pk).update(is_active=True)
    log.warning("account %s let in again by %s", user, by or "this program")


def take_password(user: User, *, by: User | None) -> None:
    """The password counts no more and the person is logged out everywhere; see `way_in`."""
    with transaction.atomic():
        row = User.objects.select_for_update().get(pk=user.pk)
        _refuse_own(row, by, _("Change your own password on its page."))
        if logs_in_elsewhere(row):
            raise NotDone(_("%s logs in elsewhere, and has no password here.") % row)
        row.set_unusable_password()
        row.save(update_fields=["password"])
    log.warning("password of %s taken back by %s", row, by or "this program")


def waits_for_password(user: User) -> bool:
    """Whether the person has not chosen a password yet, and logs in nowhere else."""
    return not user.has_usable_password() and not logs_in_elsewhere(user)


def logs_in_elsewhere(user: Any) -> bool:
    """Whether a directory or a provider says who it is: such an account has no password here."""
    return getattr(user, "outside", None) is not None


def way_in(user: User) -> tuple[str, str]:
    """Account and token of a link behind which the person chooses a password, once."""
    return urlsafe_base64_encode(str(user.pk).encode()), _tokens.make_token(user)


def who_comes(account: str, token: str) -> User | None:
    """Whose link it is; None where it was used, is older than a week, or was never made."""
    try:
        number = int(urlsafe_base64_decode(account).decode())
    except (ValueError, UnicodeDecodeError):
        return None
    user = User.objects.filter(pk=number, is_active=True).first() if number < 2**63 else None
    if user is not None and logs_in_elsewhere(user):
        return None
    return user if user is not None and _tokens.check_token(user, token) else None


def come_in(account: str, token: str, password: str) -> User:
    """Set the password that a person chose behind the link; the link ends with that."""
    with transaction.atomic():
        found = who_comes(account, token)
        row = found and User.objects.select_for_update().get(pk=found.pk)
        if row is None or not _tokens.check_token(row, token):
            raise NotDone(_("This link was used, or is too old. Ask for another one."))
        _set_password(row, password)
    log.warning("account %s has a password of its own", row)
    return row


def make_first_administrator(name: str, password: str) -> User:
    """The account with which an installation begins; refused once there is an administrator."""
    name = name.strip()
    with transaction.atomic():
        if has_administrator():
            raise NotDone(_("There is an administrator already. Log in, or ask for an account."))
        user = invite(name, ROLES["administrator"], by=None)
        _set_password(user, password)
    return user


def has_administrator() -> bool:
    """Whether somebody can administer this installation."""
    return User.objects.filter(is_superuser=True, is_active=True).exists()


def _set_password(user: User, password: str) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise NotDone([Fault(text, field="password") for text in error.messages]) from None
    user.set_password(password)
    user.save(update_fields=["password"])


def _missing(role: Role | None, institute: Institute | None) -> list[str]:
    if role is None or not role.needs_institute or institute is not None:
        return []
    text = _("Say which institute a partner is of: the person sees what it owns.")
    return [Fault(text, field="institute")]


def _refuse_own(user: User, by: User | None, text: str) -> None:
    if by is not None and by.pk == user.pk:
        raise NotDone(text)


def _refuse_last(user: User, *, will_be: bool) -> None:
    """Two who demote each other at once: the rows of all administrators are held."""
    if not user.is_superuser or will_be:
        return
    others = User.objects.select_for_update().filter(is_superuser=True, is_active=True)
    if not [one for one in others if one.pk != user.pk]:
        raise NotDone(
            _("%s is the last administrator: make another person one first.") % user.get_username()
        )
