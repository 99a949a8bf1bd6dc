"""Notices of the person who is logged in: the bell and the list behind it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from mppcqa.queue.models import Notice
from mppcqa.web.access import person
from mppcqa.web.listing.views import show_list
from mppcqa.web.notices.listing import NOTICES

COUNTED = 99


@require_GET
def bell(request: HttpRequest) -> HttpResponse:
    """Number of unread notices; loaded by itself, so that no page waits for it."""
    unread = Notice.objects.filter(user=person(request), read_at=None)[: COUNTED + 1].count()
    return render(request, "web/notices/bell.html", {"unread": unread, "counted": COUNTED})


@require_http_methods(["GET", "POST"])
def notice_list(request: HttpRequest) -> HttpResponseBase:
    """A person's notices, the newest first."""
    return show_list(request, NOTICES, "web/notices/list.html")


@require_POST
def read(request: HttpRequest) -> HttpResponse:
    """Mark all of this person's notices as read."""
    Notice.objects.filter(user=person(request), read_at=None).update(read_at=timezone.now())
    return redirect("notice_list")
