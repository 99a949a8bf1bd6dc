"""For programs that watch the server: does it live, is it ready, and its gauges."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from mppcqa.web.watching.gauges import Gauges

logger = logging.getLogger(__name__)

LEAST_FREE = 0.01
"""Share of the disk below which nothing that is sent here can be relied on to be kept."""


@login_not_required
@never_cache
@require_GET
def live(_request: HttpRequest) -> HttpResponse:
    """200 while the process answers; whoever restarts dead servers asks this."""
    return HttpResponse("ok\n", content_type="text/plain")


@login_not_required
@never_cache
@require_GET
def ready(_request: HttpRequest) -> JsonResponse:
    """200 while pages can be served, else 503; a load balancer asks this.

    Says of each thing that pages need whether it is there, and no more: anybody may ask. Why
    something is not stands in the log.
    """
    there = {name: _holds(name, check) for name, check in CHECKS.items()}
    status = 200 if all(there.values()) else 503
    return JsonResponse({"ready": status == 200, **there}, status=status)


def _holds(name: str, check: Callable[[], bool]) -> bool:
    try:
        return check()
    except (Error, OSError) as error:
        logger.warning("not ready, %s: %s", name, error)
        return False


def _database() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return bool(cursor.fetchone() == (1,))


def _schema() -> bool:
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def _disk() -> bool:
    usage = shutil.disk_usage(settings.MPPCQA_HOME)
    return usage.free > LEAST_FREE * usage.total


CHECKS = {"database": _database, "schema": _schema, "disk": _disk}


@login_not_required
@never_cache
@require_GET
def metrics(request: HttpRequest) -> HttpResponse:
    """Gauges as Prometheus reads them, for who sends the token or is an administrator."""
    if not _may_read(request):
        text = (
            "Send 'Authorization: Bearer TOKEN' with the token that the server's setting "
            "MPPCQA_METRICS_TOKEN holds, or log in as an administrator.\n"
        )
        answer = HttpResponse(text, status=401, content_type="text/plain")
        answer.headers["WWW-Authenticate"] = "Bearer"
        return answer
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Gauges())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _may_read(request: HttpRequest) -> bool:
    kind, _space, sent = request.headers.get("Authorization", "").partition(" ")
    wanted = settings.MPPCQA_METRICS_TOKEN
    if sent:
        return (
            bool(wanted)
            and kind.lower() == "bearer"
            and constant_time_compare(sent.strip(), wanted)
        )
    return bool(getattr(request.user, "is_superuser", False))
