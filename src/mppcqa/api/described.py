"""The API's description: what each operation may refuse stands beside what it answers."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from ninja import NinjaAPI

REFUSALS = (400, 401, 403, 404, 409, 410, 413, 422, 429, 500, 503, 507)
PARTS = (416,)
TOO_LONG: dict[str, Any] = {
    "description": "An address of more than 8190 bytes, which no program of ours sees.",
    "content": {"text/html": {"schema": {"type": "string"}}},
}
PROBLEM: dict[str, Any] = {
    "title": "Problem",
    "description": "What was refused (RFC 9457), and what to do.",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {
                    "field": {"type": "string"},
                    "message": {"type": "string"},
                    "row": {"type": "integer", "description": "From 0; at a station the slot."},
                },
            },
        },
    },
    "example": {
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,
        "detail": "row 3: the serial number A0001 is registered already",
        "errors": [
            {
                "field": "serial",
                "message": "the serial number A0001 is registered already",
                "row": 2,
            }
        ],
    },
}


class DescribedAPI(NinjaAPI):
    """Tells of its refusals as well."""

    def get_openapi_schema(self, **named: Any) -> Any:
        """OpenAPI 3.1."""
        found = super().get_openapi_schema(**named)
        found["components"]["schemas"]["Problem"] = PROBLEM
        body = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        for path, methods in found["paths"].items():
            more = PARTS if "/files/" in path else ()
            for one in methods.values():
                for status in (*REFUSALS, *more):
                    said = {"description": HTTPStatus(status).phrase, "content": body}
                    one["responses"].setdefault(status, said)
                one["responses"].setdefault(414, TOO_LONG)
        return found
