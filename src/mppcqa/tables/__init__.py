"""Tables and measured files of any laboratory: read as columns and arrays, or refused with words.

`open_source` reads a table (text, Excel, LibreOffice, Parquet) as columns; `numbers` are what
their cells mean and `conversion` what their units do. `propose` says how a file of raw data may be
read, and why; `read_foreign` reads it by a mapping.
"""

from mppcqa.tables.errors import Fault, TableError
from mppcqa.tables.headings import Column, is_known, named_columns
from mppcqa.tables.opening import open_source
from mppcqa.tables.source import Chunk, Reading, Source
from mppcqa.tables.words import use_translation

__all__ = [
    "Chunk",
    "Column",
    "Fault",
    "Reading",
    "Source",
    "TableError",
    "is_known",
    "named_columns",
    "open_source",
    "use_translation",
]
