"""Sending what waits: each delivery by one sender at a time, however many workers look.

Whoever moves the time at which a delivery is due takes it: a lease, after which another may. One
that is not taken is due again after a growing pause, over a day in all. A webhook that gives no
answer is left alone for a while with all that waits for it, so that it holds up no other.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from django.db.models import F, Min, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa.exchange.hooks.models import RIGHT, Delivery, Webhook, scope_text
from mppcqa.exchange.hooks.sending import SECONDS, Answer, post
from mppcqa.exchange.hooks.signing import headers_of
from mppcqa.queue.models import Task
from mppcqa.queue.notices import tell_person
from mppcqa.queue.untrusted import told

PAUSES_S = (10, 60, 300, 900, 1800, 3600, 2 * 3600, 4 * 3600, 6 * 3600, 8 * 3600)
"""After each try that was not taken; after as many, and one more, it is given up: 22 hours."""
LEASE = dt.timedelta(seconds=6 * SECONDS)
AT_ONCE = 8
LONGEST_S = 60.0
"""No round is longer: what is left is due, and somebody is woken for it."""
KEPT = dt.timedelta(days=30)
TIDIED = 1000
State = Delivery.State


def is_anything_due() -> bool:
    """Whether a webhook in use has something that can be sent now."""
    return _due().exists()


def _due() -> QuerySet[Delivery]:
    now = timezone.now()
    rows = Delivery.objects.filter(state=State.WAITING, next_at__lte=now, hook__active=True)
    return rows.filter(hook__owner__is_active=True).exclude(hook__paused_until__gt=now)


def deliver(task: Task, alive: Callable[[], None] = lambda: None) -> dict[str, int]:
    """Send what is due, one at a time to each webhook and several webhooks at once.

    Returns how many were taken, not taken and withheld. `alive` raises where the task is stopped.
    """
    counts = {"taken": 0, "not_taken": 0, "withheld": 0}
    ends = time.monotonic() + LONGEST_S
    sent: dict[Future[Answer], Delivery] = {}
    # Threads send, and this one alone asks the database.
    with ThreadPoolExecutor(AT_ONCE) as pool:
        while True:
            if time.monotonic() < ends:
                busy = {one.hook_id for one in sent.values()}
                for row in _take(AT_ONCE - len(sent), busy):
                    owner = row.hook.owner
                    if row.scope != scope_text(owner) or not owner.has_perm(RIGHT):
                        _withhold(row)
                        counts["withheld"] += 1
                        continue
                    head = headers_of(row.hook, row, int(time.time()))
                    head["mppcqa-event"] = row.event
                    sent[pool.submit(post, row.hook.url, row.body, head)] = row
            if not sent:
                break
            done, _rest = wait(sent, timeout=1.0, return_when=FIRST_COMPLETED)
            for one in done:
                row, answer = sent.pop(one), one.result()
                counts["taken" if _note(row, answer, task) else "not_taken"] += 1
            alive()
    _tidy()
    return counts


def _take(most: int, busy: set[int]) -> list[Delivery]:
    """The oldest that is due of some webhooks, each with a lease: nobody else sends it."""
    if most <= 0:
        return []
    oldest = _due().exclude(hook__in=busy).order_by().values("hook")
    keys = list(oldest.annotate(first=Min("pk")).values_list("first", flat=True)[:most])
    taken = []
    for row in Delivery.objects.filter(pk__in=keys).select_related("hook__owner__person"):
        mine = Delivery.objects.filter(pk=row.pk, state=State.WAITING, next_at=row.next_at)
        now = timezone.now()
        if mine.update(next_at=now + LEASE, tries=F("tries") + 1, last_at=now):
            row.tries, row.next_at = row.tries + 1, now + LEASE
            taken.append(row)
    return taken


def _withhold(row: Delivery) -> None:
    """Its owner is bound to something else since: what was seen then may not be seen now."""
    why = _("its owner may do or see less, or other things, than when it was written")
    Delivery.objects.filter(pk=row.pk).update(state=State.WITHHELD, next_at=None, answer=why)


def _note(row: Delivery, answer: Answer, task: Task) -> bool:
    """Keep what came of a try; whether it was taken."""
    now = timezone.now()
    fields = {"status": answer.status, "answer": told(answer.text, 1000)}
    mine = Delivery.objects.filter(pk=row.pk, next_at=row.next_at, state=State.WAITING)
    hooks = Webhook.objects.filter(pk=row.hook_id)
    if answer.is_taken:
        # Also where the lease was over: it was taken, and is not sent again.
        rows = Delivery.objects.filter(pk=row.pk)
        rows.update(state=State.TAKEN, next_at=None, **fields)
        hooks.update(failures=0, paused_until=None, taken_at=now)
        return True
    if answer.status is None:
        failures = min(row.hook.failures, len(PAUSES_S) - 1)
        until = now + dt.timedelta(seconds=PAUSES_S[failures])
        hooks.update(failures=F("failures") + 1, paused_until=until)
    else:
        hooks.update(failures=0, paused_until=None)
    if row.tries <= len(PAUSES_S):
        later = now + dt.timedelta(seconds=PAUSES_S[row.tries - 1])
        mine.update(next_at=later, **fields)
    elif mine.update(state=State.GIVEN_UP, next_at=None, **fields):
        _give_up(row, answer, task)
    return False


def _give_up(row: Delivery, answer: Answer, task: Task) -> None:
    """Where it took nothing else meanwhile, the webhook is switched off and its owner is told."""
    said = str(answer.status) if answer.status else answer.text
    why = told(_("%(n)d tries were not taken; the last: %(said)s")
               % {"n": row.tries, "said": said}, 300)  # fmt: skip
    since = Webhook.objects.filter(pk=row.hook_id, active=True)
    dead = since.exclude(taken_at__gt=row.made_at)
    if dead.update(active=False, off_at=timezone.now(), off_why=why):
        words = {"hook": row.hook.title, "why": why}
        text = _("The webhook %(hook)s is switched off: %(why)s") % words
        tell_person(task, row.hook.owner, text)


def _tidy() -> None:
    """What ended long ago goes, some of it each time."""
    ended = Delivery.objects.exclude(state=State.WAITING)
    old = ended.filter(made_at__lt=timezone.now() - KEPT).order_by("pk")
    Delivery.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:TIDIED])).delete()
