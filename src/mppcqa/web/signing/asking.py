"""How a page asks for a signature: in a dialog over it, or as a page where scripts are off.

A view that calls an action which takes a pen is decorated with `signs` and hands over
``pen(request)``. Its forms have ``data-signed``. What the form brings goes to the view first, so
all that is wrong is told before a password is asked for; the view is then asked again, with it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from mppcqa.signing.models import SignedAct
from mppcqa.signing.pen import Pen, Wanted
from mppcqa.web.access import person
from mppcqa.web.accounts.confirming import confirm

PASSWORD = "sign_password"  # noqa: S105
CODE = "sign_password_code"
"""Fields of the dialog; what has "password" in its name is never carried on to another page."""
HEADER = "X-Signing"
"""By which `signing.js` says that it can show a dialog, and knows that one came."""
STATUS = 428
"""Of the page: precondition required. Neither 401 nor 403: nobody is told to log in, or refused."""


def pen(request: HttpRequest) -> Pen:
    """Who acts, proven where the dialog's password came along and is right."""
    found = getattr(request, "_pen", None)
    return found if isinstance(found, Pen) else Pen(person(request))


def signs(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Of a view whose action may want a signature."""

    @wraps(view)
    def asked(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponse:
        if request.method == "POST" and PASSWORD in request.POST and request.user.is_authenticated:
            # Before any transaction: that a password was wrong must stay noted.
            given = (request.POST[PASSWORD], request.POST.get(CODE, ""))
            request._pen = confirm(request, *given)  # type: ignore[attr-defined]
        try:
            answer = view(request, *arguments, **named)
        except Wanted as wanted:
            return _ask(request, wanted)
        if answer.status_code == 302 and HEADER in request.headers:
            # The script goes there, so that the page's messages are not read by the script.
            return HttpResponse(status=204, headers={HEADER: answer.headers["Location"]})
        return answer

    return asked


def tell_waiting(request: HttpRequest) -> None:
    """The name stands, and nothing was done yet."""
    text = _("Your signature is kept. It is done once another person has signed as well.")
    messages.info(request, text)


def told_or_waits(request: HttpRequest, done: object, text: str) -> None:
    """The message after an act: `done` is what the action gave."""
    if done is None or done is False:
        tell_waiting(request)
    else:
        messages.success(request, text)


def _ask(request: HttpRequest, wanted: Wanted) -> HttpResponse:
    context = {
        "wanted": wanted,
        "title": SignedAct(act=wanted.act).get_act_display(),
        "fault": wanted.pen.fault,
        "fields": [
            (name, text)
            for name, texts in request.POST.lists()
            for text in texts
            if name != "csrfmiddlewaretoken" and "password" not in name
        ],
        "action": request.get_full_path(),
    }
    if HEADER in request.headers:
        # All is well for the script, and a browser would note any other answer as a fault.
        answer = render(request, "web/signing/dialog.html", context)
    else:
        answer = render(request, "web/signing/sign.html", context, status=STATUS)
    answer.headers[HEADER] = "wanted"
    answer.headers["Cache-Control"] = "no-store"
    return answer
