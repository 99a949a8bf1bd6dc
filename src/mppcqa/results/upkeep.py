"""What the big table needs now and then."""

from __future__ import annotations

from django.db import connection

from mppcqa.results.models import Measurement

LOOSE_BYTES = 66
"""Bytes a value from which rebuilding pays."""
FEW_BYTES = 64 << 20


def bytes_per_value() -> tuple[float, int]:
    """Bytes a value on disk, and of the whole table, as MariaDB's statistics have them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT data_length, table_rows FROM information_schema.tables "
            "WHERE table_schema = DATABASE() AND table_name = %s",
            [Measurement._meta.db_table],
        )
        size, rows = cursor.fetchone()
    return size / max(1, rows), size


def compact_measurements(*, always: bool = False) -> bool:
    """Rebuild the big table where its pages are half empty; False where nothing was to be done.

    Values that were taken back leave pages half empty. MariaDB rebuilds while others read and write
    (LOCK=NONE); it needs the table's size in free space for that time. SQLite's table stays as it
    is: it packs well enough (47 bytes a value).
    """
    if connection.vendor != "mysql":
        return False
    each, size = bytes_per_value()
    if not always and (each <= LOOSE_BYTES or size < FEW_BYTES):
        return False
    with connection.cursor() as cursor:
        table = connection.ops.quote_name(Measurement._meta.db_table)
        cursor.execute(f"ALTER TABLE {table} ENGINE=InnoDB, ALGORITHM=INPLACE, LOCK=NONE")
        cursor.execute(f"ANALYZE TABLE {table}")
        cursor.fetchall()
    return True
