"""In which time zone pages show moments to a person, kept by the browser as the language is."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from mppcqa.queue.clock import zone_name as zone_of_laboratory
from mppcqa.web.zones import COOKIE, KEPT_S, UTC, zone_name, zone_names


class OwnZoneForm(forms.Form):
    """Where the person's clock hangs."""

    zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        help_text=gettext_lazy(
            "Lists and pages show moments by its clock, at this browser. Moments that you type, "
            "files, reports and logs stay in UTC."
        ),
    )

    def __init__(self, *args: object, **named: object) -> None:
        super().__init__(*args, **named)  # type: ignore[arg-type]
        first = dict.fromkeys((UTC, zone_of_laboratory()))
        others = sorted(zone_names() - first.keys())
        self.fields["zone"].choices = [  # type: ignore[attr-defined]
            (name, name) for name in (*first, *others)
        ]


@require_http_methods(["GET", "POST"])
def time_zone(request: HttpRequest) -> HttpResponse:
    """Show and choose it."""
    form = OwnZoneForm(request.POST or None, initial={"zone": zone_name()})
    if request.method != "POST" or not form.is_valid():
        status = 422 if request.method == "POST" else 200
        context = {"form": form, "now": timezone.now()}
        return render(request, "web/accounts/zone.html", context, status=status)
    chosen = form.cleaned_data["zone"]
    answer = redirect("time_zone")
    answer.set_cookie(
        COOKIE,
        chosen,
        max_age=KEPT_S,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    messages.success(request, _("Pages show moments by the clock of %s.") % chosen)
    return answer
