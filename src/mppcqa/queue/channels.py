"""Ways by which a notice reaches a person outside of the pages: e-mail, and what packages add.

A package adds one by an entry point of the group ``mppcqa.notifications`` that names a `Channel`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from django.core.mail import send_mail

from mppcqa.plugins import gather, instance_of
from mppcqa.queue.untrusted import one_line

if TYPE_CHECKING:
    from django.contrib.auth.models import User

GROUP = "mppcqa.notifications"
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Told:
    """What a person is told."""

    user: User
    text: str
    """In the language of whoever runs the queue; control signs are taken out."""
    link: str
    """Page of the task; empty where nobody outside of the server could open it."""
    task: int
    """Its number."""


@dataclass(frozen=True)
class Channel:
    """A way to tell a person."""

    key: str
    title: str
    send: Callable[[Told], None]
    """Called in the process that saw the task end, which waits for it: it returns within seconds,
    and does nothing for a person whom it can't reach. What it raises goes into the log."""


def _by_email(told: Told) -> None:
    if address := getattr(told.user, "email", ""):
        # A link that leads nowhere is worse than none; the number is in the text.
        link = f"\n{told.link}\n" if told.link else ""
        send_mail(one_line(told.text, 150), f"{told.text}\n{link}", None, [address])


EMAIL = Channel("email", "E-mail", _by_email)


@cache
def channels() -> dict[str, Channel]:
    """Every way by its key: e-mail, then those of packages."""
    return {one.key: one for one in (EMAIL, *gather(GROUP, instance_of(Channel), (EMAIL.key,)))}


def tell(told: Told) -> None:
    """Tell a person by every way; one that fails holds up neither the others nor the queue."""
    for channel in channels().values():
        try:
            channel.send(told)
        except Exception as error:
            # The notice stands in the pages.
            text = "no notice by %s about task %s to %s: %s"
            logger.warning(text, channel.key, told.task, told.user, error)
