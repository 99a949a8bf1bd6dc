"""Bodies that are too large or too deep, at every address that takes one.

Those that never end are what nginx is before the server for: `tools/deployment/look.py`.
"""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.test import Client

from mppcqa.api.urls import api
from mppcqa.audit.models import Waiting
from tests.api.conftest import program_of
from tests.people.test_api_matrix import operations
from tests.thoroughness import THOROUGH
from tests.web.test_typed import address_of, all_patterns


def some(bodies: tuple[str, ...], turn: int) -> tuple[str, ...]:
    """One of them in turn; all where there is time."""
    return bodies if THOROUGH else (bodies[turn % len(bodies)],)


def test_no_address_takes_more_than_it_can_hold(
    browser_client: Client, world: dict[str, Any], tried: list[int], operator: Any
) -> None:
    most = int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0)
    large = "x=" + "a" * (most + 1)
    many = "&".join(f"f{n}=1" for n in range(settings.DATA_UPLOAD_MAX_NUMBER_FIELDS + 1))
    form = "application/x-www-form-urlencoded"
    wrong, asked, before = [], 0, Waiting.objects.count()
    for pattern in all_patterns():
        if str(pattern.name) == "account_logout":
            continue
        address = address_of(pattern, world)
        for body in some((large, many), asked):
            asked += 1
            answer = browser_client.post(address, body, content_type=form)
            # What reads no form does not read it; what does, says that it is too much.
            if answer.status_code not in (302, 400, 403, 404, 405, 413, 422):
                wrong.append(f"{address}: {answer.status_code}")
    program, described = program_of(operator), api.get_openapi_schema()["paths"]
    deep = "[" * 100_000 + "]" * 100_000
    wide = json.dumps({f"f{n}": n for n in range(50_000)})
    for name, path in operations().items():
        method = name.partition(" ")[0].lower()
        if "requestBody" not in described[f"/api/v1{path}"][method]:
            continue
        address = path[1:].replace("{number}", "1").replace("{", "").replace("}", "")
        for body in some((deep, wide, "a" * (most + 1), '{"a":' * 5000), asked):
            asked += 1
            answer = getattr(program.client, method)(
                f"/api/v1/{address}", body, content_type="application/json", headers=program.headers
            )
            if answer.status_code >= 500 or answer.status_code < 400:
                wrong.append(f"{name}: {answer.status_code} {answer.content[:60]!r}")
    changed = [f"{one.table} {one.action}" for one in Waiting.objects.order_by("pk")[before:]]
    tried.append(asked)
    assert not wrong, "\n".join(wrong)
    assert not [one for one in changed if not one.startswith(("store_", "bundles_", "people_"))]
