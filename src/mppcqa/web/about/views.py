"""What is installed here: versions, stages, and stages that are switched off."""

from __future__ import annotations

import platform

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from mppcqa.queue.untrusted import redact
from mppcqa.stages import all_stages, broken_stages


@require_GET
def about(request: HttpRequest) -> HttpResponse:
    """Versions, the stages with theirs, and what is wrong with those that are switched off."""
    context = {
        "python": platform.python_version(),
        "database": f"{connection.display_name} {_database_version()}",
        "stages": [(stage.key, _(stage.title), stage.version) for stage in all_stages()],
        "broken": [
            (one, [redact(fault) for fault in one.faults], redact(one.details))
            for one in broken_stages()
        ],
    }
    return render(request, "web/about/about.html", context)


def _database_version() -> str:
    return ".".join(str(part) for part in connection.get_database_version())
