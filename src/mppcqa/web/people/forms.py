"""Forms of accounts: by an administrator, and by the person who comes in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy as _

from mppcqa.inventory.campaign import Campaign
from mppcqa.inventory.models import Institute
from mppcqa.people.roles import ROLES, Role, role_of

OWN = "own"
"""The role of an account whose rights are a mixture: leaving it leaves them."""


class PersonForm(forms.Form):
    """What a person may do and sees."""

    username = forms.CharField(label=_("User name"), max_length=150)
    email = forms.EmailField(label=_("E-mail"), required=False, max_length=254)
    role = forms.ChoiceField(label=_("Role"))
    institute = forms.ModelChoiceField(
        Institute.objects.all(),
        label=_("Sees only what this institute owns"),
        required=False,
        empty_label=_("all"),
    )
    campaign = forms.ModelChoiceField(
        Campaign.objects.all(),
        label=_("Sees only what is in this campaign"),
        required=False,
        empty_label=_("all"),
    )

    def __init__(self, data: Any = None, *, user: User | None = None) -> None:
        role = None if user is None else role_of(user)
        begins: dict[str, Any] = {"role": "operator"}
        if user is not None:
            begins = {
                "username": user.get_username(),
                "email": user.email,
                "role": role.key if role else OWN,
                "institute": user.person.institute_id,
                "campaign": user.person.campaign_id,
            }
        super().__init__(data, initial=begins)
        choices = [(key, one.title) for key, one in ROLES.items()]
        if user is not None:
            del self.fields["username"]
            if role is None:
                choices.append((OWN, _("Rights of its own")))
        self.fields["role"].choices = choices  # type: ignore[attr-defined]

    @property
    def chosen(self) -> Role | None:
        """The role; None where rights of its own stay."""
        return ROLES.get(self.cleaned_data["role"])


def _password(label: Any) -> forms.CharField:
    """Neither shown nor changed on its way."""
    hint = forms.PasswordInput(attrs={"autocomplete": "new-password"})
    return forms.CharField(label=label, strip=False, max_length=4096, widget=hint)


class PasswordForm(forms.Form):
    """A password, twice."""

    password = _password(_("Password"))
    again = _password(_("The same again"))

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = self.cleaned_data
        if {"password", "again"} <= set(cleaned) and cleaned["password"] != cleaned["again"]:
            self.add_error("again", _("The two passwords differ."))
        return cleaned


class FirstForm(PasswordForm):
    """The first administrator."""

    username = forms.CharField(label=_("User name"), max_length=150, initial="admin")
    field_order = ("username", "password", "again")
