"""Notices that go by mail: those that are due at once, and the digest of a day."""

from __future__ import annotations

from itertools import groupby

from django.contrib.auth.models import User
from django.core.mail import send_mail
from django.db.models import QuerySet
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mppcqa.exchange.telling.models import Subscription
from mppcqa.public_address import public_address
from mppcqa.queue import channels
from mppcqa.queue.models import Notice

AT_ONCE = 500
LISTED = 200
"""Notices that a digest has; it tells how many more there are."""


def mail_due() -> int:
    """Send what is to go at once, by every way that a person is told by; how many that were.

    Each is marked before it is sent: a process that dies in between tells nobody rather than
    everybody twice, and the notice stands in the pages.
    """
    sent = 0
    for notice in _due(Notice.Way.MAIL)[:AT_ONCE]:
        if Notice.objects.filter(pk=notice.pk, mailed_at=None).update(mailed_at=timezone.now()):
            channels.tell(channels.Told(notice.user, notice.text, _page(notice.link), 0))
            sent += 1
    return sent


def mail_digests() -> int:
    """Send each person what came since the last digest, as one mail; how many mails."""
    rows = _due(Notice.Way.DIGEST).order_by("user", "id")
    return sum(_digest(user, list(some)) for user, some in groupby(rows, lambda one: one.user))


def _due(way: Notice.Way) -> QuerySet[Notice]:
    rows = Notice.objects.filter(way=way, mailed_at=None, user__is_active=True)
    return rows.select_related("user").order_by("id")


def _digest(user: User, notices: list[Notice]) -> bool:
    keys = [one.pk for one in notices]
    fresh = Notice.objects.filter(pk__in=keys, mailed_at=None).update(mailed_at=timezone.now())
    if not fresh or not user.email:
        return False
    language = Subscription.objects.filter(user=user).order_by("-id").values_list("language")
    with translation.override((language.first() or ("en",))[0]):
        title = ngettext(
            "mppcqa: %d thing that you wanted to be told",
            "mppcqa: %d things that you wanted to be told",
            len(notices),
        )
        lines = [
            f"{timezone.localtime(one.at):%Y-%m-%d %H:%M}  {one.text}\n{_page(one.link)}".rstrip()
            for one in notices[:LISTED]
        ]
        if (rest := len(notices) - LISTED) > 0:
            lines.append(_("… and %d more, in the pages") % rest)
    send_mail(title % len(notices), "\n".join([*lines, ""]), None, [user.email])
    return True


def _page(path: str) -> str:
    """The page for a person; empty where nobody outside of the server could open it."""
    pages = public_address().url
    return f"{pages}{path}" if pages and path else ""
