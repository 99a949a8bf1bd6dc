"""Compiled code that is older than the source it was made from is thrown away on import.

Numba keeps compiled functions beside their source and looks at the one file that a function stands
in, not at those of the functions that it calls: after an update of one file, others would go on
with what they had compiled in before.
"""

from __future__ import annotations

from pathlib import Path


def drop_stale(folder: Path) -> None:
    """Delete Numba's index files in a folder of sources that are older than any source there."""
    newest = max(path.stat().st_mtime for path in folder.glob("*.py"))
    for index in (folder / "__pycache__").glob("*.nbi"):
        try:
            if index.stat().st_mtime < newest:
                index.unlink()
        except OSError:  # another process was quicker, or the folder may not be written to
            continue


drop_stale(Path(__file__).parent)
