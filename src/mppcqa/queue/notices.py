"""Notices for the person who asked: in the pages, and by the ways of `mppcqa.queue.channels`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.utils.translation import gettext as _

from mppcqa.public_address import public_address
from mppcqa.queue import channels
from mppcqa.queue.models import Notice, State, Task
from mppcqa.queue.untrusted import told

if TYPE_CHECKING:
    from django.contrib.auth.models import User

TELLING = (State.FAILED, State.TIMED_OUT, State.LOST, State.EXPIRED)


def notify(task: Task) -> None:
    """Tell whoever asked for a task that it failed; a kill was somebody's wish and is not told."""
    if task.state not in TELLING or task.requested_by is None:
        return
    text = _("%(title)s #%(number)d ended as %(state)s: %(why)s") % {
        "title": task.title,
        "number": task.pk,
        "state": task.get_state_display(),
        "why": (task.error_text.splitlines() or [""])[-1],
    }
    tell_person(task, task.requested_by, text)


def notify_late(task: Task) -> None:
    """Tell whoever asked for a task that was said to be lost that it is not."""
    if task.requested_by is not None:
        text = _("%(title)s #%(number)d was not lost after all: %(state)s") % {
            "title": task.title,
            "number": task.pk,
            "state": State(task.state).label,
        }
        tell_person(task, task.requested_by, text)


def notify_attention(task: Task, text: str) -> None:
    """Tell whoever asked for a running task that its program wants a person to look."""
    if task.requested_by is not None:
        words = {"title": task.title, "number": task.pk, "text": text}
        tell_person(task, task.requested_by, _("%(title)s #%(number)d needs you: %(text)s") % words)


def remind(
    task: Task, text: str, permission: str, may_know: Callable[[User], bool] = lambda user: True
) -> int:
    """Tell everybody who has a right, such as ``runs.change_station``; how many that are.

    Of them, those who may know what the text names.
    """
    there = get_user_model().objects.with_perm(
        permission, backend="django.contrib.auth.backends.ModelBackend"
    )
    people = [one for one in there if may_know(one)]
    for user in people:
        tell_person(task, user, text)
    return len(people)


def tell_person(task: Task, user: User, text: str) -> None:
    """Tell somebody of a task, in the pages and by every way."""
    text = told(text, 500)
    Notice.objects.create(user=user, task=task, text=text)
    pages = public_address().url
    channels.tell(channels.Told(user, text, f"{pages}/queue/{task.pk}/" if pages else "", task.pk))
