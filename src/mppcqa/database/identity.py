"""Names that no two databases give: UUIDs of version 7, which sort by the moment they were made."""

from __future__ import annotations

import os
import time
import uuid
from typing import Any

from django.db import models


def uuid7() -> uuid.UUID:
    """A new UUID of version 7: milliseconds since 1970, then 74 random bits (RFC 9562, 5.7)."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    low = random & ((1 << 62) - 1)
    number = milliseconds << 80 | 0x7 << 76 | (random >> 68) << 64 | 0b10 << 62 | low
    return uuid.UUID(int=number)


def uuid_field() -> models.UUIDField[Any, Any]:
    """The column that names a row beside its number, which only its own database knows."""
    return models.UUIDField("UUID", default=uuid7, unique=True, editable=False)
