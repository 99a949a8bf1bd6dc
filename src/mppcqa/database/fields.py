"""Columns that Django has no field for."""

from __future__ import annotations

from typing import Any

import numpy as np
from django.db import models


class TinyField(models.SmallIntegerField):  # type: ignore[type-arg]
    """A whole number from -128 to 127: one byte on MariaDB."""

    def db_type(self, connection: Any) -> str:
        return "smallint" if connection.vendor == "sqlite" else "tinyint"


class SingleField(models.FloatField):  # type: ignore[type-arg]
    """A number of single precision: 4 bytes on MariaDB, some 7 digits.

    SQLite keeps 8 bytes of whatever it is given, so it is given the rounded number: both hold the
    same.
    """

    def db_type(self, connection: Any) -> str:
        return "real" if connection.vendor == "sqlite" else "float"

    def get_prep_value(self, value: Any) -> float | None:
        plain = super().get_prep_value(value)
        return None if plain is None else float(np.float32(plain))

    def select_format(self, compiler: Any, sql: str, params: Any) -> tuple[str, Any]:
        if compiler.connection.vendor == "sqlite":
            return sql, params
        return f"({sql} + 0e0)", params  # the server writes a FLOAT with 6 digits, a DOUBLE whole
