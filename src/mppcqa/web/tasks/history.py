"""How long tasks took and how they ended, from summaries alone."""

from __future__ import annotations

import datetime as dt
from collections import Counter

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from mppcqa import charts
from mppcqa.queue.history import durations
from mppcqa.queue.models import State
from mppcqa.queue.registry import find
from mppcqa.web.charting import place_chart
from mppcqa.web.shown import say_of
from mppcqa.web.stages import stage_titles

WEEKS = {"4": 4, "12": 12, "52": 52, "all": None}
COLOURS = {
    State.SUCCEEDED: "#2fb344",
    State.FAILED: "#d63939",
    State.KILLED: "#f59f00",
    State.TIMED_OUT: "#ae3ec9",
    State.LOST: "#626976",
    State.EXPIRED: "#a8763e",
}


@require_GET
def history(request: HttpRequest) -> HttpResponse:
    """Median and spread of run times by stage, routine and station; outcomes as a pie."""
    weeks = WEEKS.get(request.GET.get("weeks", ""), 12)
    since = None if weeks is None else (timezone.now() - dt.timedelta(weeks=weeks)).date()
    titles = stage_titles()
    everything = durations(since)
    topic, lane = request.GET.get("topic"), request.GET.get("lane")
    found = [
        one
        for one in everything
        if (not topic or one.topic == topic) and (not lane or one.lane == lane)
    ]
    outcomes: Counter[str] = Counter()
    for one in found:
        outcomes += one.outcomes
        routine = find(one.name)
        say_of(
            one,
            title=str(routine.title) if routine else one.name,
            topic_title=titles.get(one.topic, one.topic),
            failed=one.n - one.outcomes[State.SUCCEEDED],
        )
    labels = {str(State(key).label): number for key, number in outcomes.items()}
    colours = {str(State(key).label): COLOURS[State(key)] for key in outcomes}
    context = {
        "rows": found,
        "outcomes": [(key, State(key).label, number) for key, number in outcomes.most_common()],
        "total": outcomes.total(),
        "chart": place_chart(
            "outcomes", _("Outcomes"), charts.pie(labels, title="", colours=colours)
        )
        if labels
        else None,
        "topics": sorted(
            {(one.topic, titles.get(one.topic, one.topic)) for one in everything if one.topic}
        ),
        "lanes": sorted({one.lane for one in everything}),
        "asked": request.GET,
        "weeks": request.GET.get("weeks", "12"),
    }
    return render(request, "web/tasks/history.html", context)
