"""What an action refused, on a page: every page tells it in one of these ways."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest

from mppcqa.refused import Refused


def tell(request: HttpRequest, error: Refused) -> None:
    """Each fault above the page that comes next."""
    for fault in error.faults:
        messages.error(request, fault)


def tell_form(form: forms.BaseForm, error: Refused) -> None:
    """Each fault at the field that it is about, or above the form."""
    for fault in error.faults:
        form.add_error(fault.field if fault.field in form.fields else None, str(fault))
