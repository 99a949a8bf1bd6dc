"""Pages of our own for what a server refuses: what happened, and what to do."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _


def problem(request: HttpRequest, status: int, heading: str, text: str) -> HttpResponse:
    """A page in the look of all others; live parts of a page get the text alone."""
    if request.headers.get("HX-Request"):
        return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")
    context = {"heading": heading, "text": text}
    return render(request, "web/layout/problem.html", context, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400; 413 where it was too much."""
    if isinstance(exception, RequestDataTooBig):
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE / 1e6
        return problem(
            request,
            413,
            _("Too long"),
            _(
                "A form takes at most %.1f MB of text. Go back, your browser still has it: put it "
                "into a file and upload that."
            )
            % most,
        )
    if isinstance(exception, TooManyFieldsSent | TooManyFilesSent):
        return problem(
            request,
            413,
            _("Too much"),
            _("The form has more fields or files than this server takes. Send it in parts."),
        )
    return problem(
        request,
        400,
        _("Bad request"),
        _("The server could not make sense of this request. Go back and try again."),
    )


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403: the right is lacking."""
    return problem(
        request,
        403,
        _("Not allowed"),
        _("Your account has no right to do this. Ask a person who runs this campaign for it."),
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404."""
    return problem(
        request,
        404,
        _("Not found"),
        _("There is nothing at this address. Was a serial number mistyped? Try the scan box."),
    )


def method_not_allowed(request: HttpRequest) -> HttpResponse:
    """405: somebody opened the address of a form's button, or sent a form to a page."""
    return problem(
        request,
        405,
        _("No page"),
        _(
            "This address only takes what a form sends, or is only to be looked at. Nothing was "
            "changed. Go back to the page that led here."
        ),
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """500: a fault of ours. The page asks nothing of the database, which may be what is gone."""
    text = render_to_string(
        "web/layout/server_error.html", {"LANGUAGE_CODE": translation.get_language()}
    )
    return HttpResponse(text, status=500)


def too_many_requests(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """429."""
    return problem(
        request,
        429,
        _("Too many tries"),
        _("There were too many tries in a short time. Wait some minutes and try again."),
    )
