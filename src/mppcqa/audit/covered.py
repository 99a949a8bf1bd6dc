"""Which tables and columns the audit covers: all, but for those that are named here with a reason.

A table that is new is covered; a test holds that each is one or the other.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import models

LEFT_OUT = {
    "audit.Waiting": "the audit itself",
    "audit.Entry": "the audit itself",
    "audit.Writer": "the audit itself",
    "results.Measurement": "appended to alone; each analysis has the hash of its values",
    "results.FitRecords": "what fits said of themselves, of an analysis that has its entry",
    "results.Standing": "derived: what counts by the analyses and verdicts, which are covered",
    "statistics.Series": "derived: summaries of values",
    "statistics.Bucket": "derived: summaries of values",
    "statistics.DeviceSummary": "derived: summaries of values",
    "statistics.OutcomeCount": "derived: counts of verdicts",
    "statistics.WeekYield": "derived: counts of verdicts",
    "statistics.QuantityCount": "derived: counts of values",
    "queue.TaskTally": "derived: counts of tasks",
    "queue.Worker": "heartbeats of workers",
    "queue.LogPart": "parts of logs, which are files of their own",
    "queue.Message": "what programs said, as in the log",
    "queue.Notice": "what was told to somebody of a task, and whether it was read",
    "queue.Attempt": "written by the queue with each change of its task, which is covered",
    "exchange.Delivery": "what webhooks were told, a record of its own",
    "runs.StationContact": "heartbeats of stations",
    "web.SharedCache": "a cache",
    "people.Uploaded": "counts of bytes for two days; what was brought is covered",
    "web.LastSave": "what was typed last into a form",
    "sessions.Session": "keys of who is logged in",
    "contenttypes.ContentType": "written by migrations alone",
    "auth.Permission": "written by migrations alone",
    "django_celery_beat.PeriodicTasks": "when a schedule changed last; the schedules are covered",
}
"""Label of a model -> why its changes are not entered."""

UNHEEDED = {
    "auth.User": {"last_login"},
    "queue.Task": {
        *("progress_done", "progress_total", "progress_text", "lease_until", "lease_s"),
        *("supervisor_id", "process_id", "tallied", "served_by", "peak_memory_bytes"),
        *("traceback", "open_key", "queued_at", "result"),
    },
    "queue.Lane": {"holder_id", "held_since"},
    "runs.StationToken": {"used_at", "used_from"},
    "people.PersonToken": {"used_at", "used_from"},
    "people.Badge": {"used_at", "used_from"},
    "people.SecondFactor": {"last_step"},
    "runs.StationOrder": {"messages_seen"},
    "exchange.Webhook": {"failures", "paused_until", "taken_at"},
    "django_celery_beat.PeriodicTask": {"last_run_at", "total_run_count", "date_changed"},
}
"""Columns that programs write all the time, of no decision of anybody."""

HIDDEN = {
    "auth.User": {"password"},
    "runs.StationToken": {"sha256"},
    "people.PersonToken": {"sha256"},
    "people.Badge": {"sha256"},
    "people.SecondFactor": {"secret", "codes"},
    "account.EmailConfirmation": {"key"},
}
"""Columns of which is told that they changed, and never what they hold."""


def covered_models() -> list[type[models.Model]]:
    """Models of which each change is entered, those between many-to-many relations too."""
    return [
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy and model._meta.label not in LEFT_OUT
    ]


def heeded(model: type[models.Model]) -> list[Any]:
    """The fields of a model whose changes are entered."""
    unheeded = UNHEEDED.get(model._meta.label, set())
    return [
        field
        for field in model._meta.concrete_fields
        if field.column and field.column not in unheeded
    ]


def is_hidden(model: type[models.Model], column: str) -> bool:
    """Whether the audit keeps to itself what the column holds."""
    return column in HIDDEN.get(model._meta.label, ())
