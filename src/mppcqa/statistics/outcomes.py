"""Summaries of verdicts, kept up by the judging in its own transaction."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable

from django.db.models import F

from mppcqa.statistics.models import OutcomeCount
from mppcqa.testing.models import Verdict


def count_outcomes(stage: str, changes: Iterable[tuple[int, Verdict | None, Verdict]]) -> None:
    """Move devices between outcomes, each in the week of its verdict."""
    moves: Counter[tuple[dt.date, str]] = Counter()
    for _device, former, new in changes:
        if former is not None:
            moves[monday(former.judged_at), former.outcome] -= 1
        moves[monday(new.judged_at), new.outcome] += 1
    for (week, outcome), n in sorted(moves.items()):
        if n:
            OutcomeCount.objects.get_or_create(stage=stage, week=week, outcome=outcome)
            OutcomeCount.objects.filter(stage=stage, week=week, outcome=outcome).update(
                n=F("n") + n
            )


def monday(at: dt.datetime) -> dt.date:
    """The week of a moment: its Monday, in UTC."""
    day = at.astimezone(dt.UTC).date()
    return day - dt.timedelta(days=day.weekday())
