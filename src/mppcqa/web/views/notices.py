"""Notices of the person who is logged in: the bell and the list behind it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from mppcqa.queue.models import Notice

COUNTED = 99


@require_GET
def bell(request: HttpRequest) -> HttpResponse:
    """Number of unread notices; loaded by itself, so that no page waits for it."""
    unread = Notice.objects.filter(user=request.user, read_at=None)[: COUNTED + 1].count()
    return render(request, "web/parts/bell.html", {"unread": unread, "counted": COUNTED})


@require_GET
def notice_list(request: HttpRequest) -> HttpResponse:
    """The latest notices, unread ones marked."""
    rows = Notice.objects.filter(user=request.user).select_related("task").order_by("-id")[:100]
    return render(request, "web/notice_list.html", {"notices": rows})


@require_POST
def read(request: HttpRequest) -> HttpResponse:
    """Mark all of this person's notices as read."""
    Notice.objects.filter(user=request.user, read_at=None).update(read_at=timezone.now())
    return redirect("notice_list")
