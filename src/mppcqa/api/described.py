"""The API's description: what each operation may refuse stands beside what it answers.

And what every body has in common: numbers that are some, and texts that can be written down.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest
from ninja import NinjaAPI
from ninja.parser import Parser

from mppcqa import typed

REFUSALS = (400, 401, 403, 404, 409, 410, 413, 422, 429, 500, 503, 507)
PARTS = (416,)
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


class Bodies(Parser):
    """Reads bodies of JSON: a number without end or half a character is 400, and in no column."""

    def parse_body(self, request: HttpRequest) -> Any:
        """What was sent; any error becomes the refusal of the request."""
        return typed.json_body(request.body)


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
                # By the web server itself, which no operation of ours sees.
                too_long = {"description": "An address of more than 8190 bytes.", "content": body}
                one["responses"].setdefault(414, too_long)
        return found
