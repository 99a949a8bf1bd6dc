"""Mappings of foreign files, saved by name."""

from __future__ import annotations

from typing import Any

from mppcqa.exchange.foreign.kinds import takers
from mppcqa.exchange.models import ForeignMapping


def all_mappings() -> list[Any]:
    """Saved mappings first, then those that stages bring, then those of known formats."""
    from mppcqa.tables.errors import TableError
    from mppcqa.tables.mapping_document import mapping_from_json
    from mppcqa.tables.shipped import shipped

    saved = []
    for row in ForeignMapping.objects.all():
        try:
            saved.append(mapping_from_json(row.document))
        except TableError:
            continue  # made by a later version
    names = {mapping.name for mapping in saved}
    return saved + [mapping for mapping in (*of_stages(), *shipped()) if mapping.name not in names]


def of_stages() -> list[Any]:
    """Mappings that stages declare."""
    return [mapping for stage in takers() for kind in stage.foreign for mapping in kind.mappings]


def find_mapping(name: str) -> Any:
    """The mapping of that name; `TableError` names those that there are."""
    from mppcqa.tables.errors import TableError

    there = all_mappings()
    for mapping in there:
        if mapping.name.lower() == name.strip().lower():
            return mapping
    listed = "; ".join(mapping.name for mapping in there)
    raise TableError(f"there is no mapping {name!r}; there are: {listed}")


def save_mapping(document: dict[str, Any], *, by: Any = None) -> ForeignMapping:
    """Check a mapping and keep it under its name; the former one of that name is replaced.

    Raises `TableError` that lists every fault of the document.
    """
    from mppcqa.tables.errors import TableError
    from mppcqa.tables.mapping_document import mapping_from_json
    from mppcqa.tables.shipped import shipped

    mapping = mapping_from_json(document)
    if mapping.name in {one.name for one in (*of_stages(), *shipped())}:
        raise TableError(f"{mapping.name!r} comes with the program; choose another name")
    row, _made = ForeignMapping.objects.update_or_create(
        name=mapping.name,
        defaults={"document": mapping.as_json(), "made_by_id": None if by is None else by.pk},
    )
    return row
