"""What is installed here: versions, stages, what packages add, and what is switched off."""

from __future__ import annotations

import platform

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from mppcqa import plugins
from mppcqa.plugins import HOOKS
from mppcqa.queue.untrusted import redact
from mppcqa.stages import all_stages, broken_stages
from mppcqa.stages.registry import GROUP


@require_GET
def about(request: HttpRequest) -> HttpResponse:
    """Versions, stages, what other packages add, and what is wrong with what is off."""
    plugins.ask_all()
    context = {
        "python": platform.python_version(),
        "database": f"{connection.display_name} {_database_version()}",
        "stages": [(stage.key, _(stage.title), stage.version) for stage in all_stages()],
        "added": [(HOOKS[one.group].what, one) for one in plugins.used()],
        "broken": [
            (one, [redact(fault) for fault in one.faults], redact(one.details))
            for one in (*broken_stages(), *(o for o in plugins.broken() if o.group != GROUP))
        ],
    }
    return render(request, "web/about/about.html", context)


def _database_version() -> str:
    return ".".join(str(part) for part in connection.get_database_version())
