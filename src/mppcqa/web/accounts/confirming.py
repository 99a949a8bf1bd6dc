"""That it is still the person who logged in: by password, and by code where there is a phone."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from django.forms import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _

from mppcqa.people.second import second_factor_of
from mppcqa.signing.models import Method
from mppcqa.signing.pen import Pen
from mppcqa.web.access import person
from mppcqa.web.accounts.provider import signs_there, take_proof
from mppcqa.web.accounts.second import fault_of_code


def confirm(request: HttpRequest, password: str, code: str = "") -> Pen:
    """The pen of who is logged in; proven, or with the fault in words.

    Wrong tries count, slow down and are logged as those of a log-in.
    """
    user = person(request)
    if signs_there(user):
        if take_proof(request):
            return Pen(user, Method.ELSEWHERE)
        return Pen(user, fault=_("Log in there again first, by the link."))
    try:
        found = get_adapter().authenticate(request, username=user.get_username(), password=password)
    except ValidationError as error:
        return Pen(user, fault="; ".join(error.messages))
    if found is None or found.pk != user.pk:
        return Pen(user, fault=_("The password is wrong."))
    if second_factor_of(user) is None:
        return Pen(user, Method.PASSWORD)
    if fault := fault_of_code(request, user, code):
        return Pen(user, fault=fault)
    return Pen(user, Method.CODE)
