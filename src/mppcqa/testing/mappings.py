"""Mappings of foreign files, saved by name."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class ForeignMapping(models.Model):
    """How files of another program are read; used again by its name."""

    name = models.CharField(_("name"), max_length=60, unique=True)
    document = models.JSONField(_("mapping"), default=dict)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["name"]
        verbose_name = _("mapping of foreign files")

    def __str__(self) -> str:
        return self.name


def all_mappings() -> list[Any]:
    """Saved mappings first, then those that come with the program."""
    from mppcqa.runfile.foreign import SHIPPED, ForeignError, mapping_from_json

    saved = []
    for row in ForeignMapping.objects.all():
        try:
            saved.append(mapping_from_json(row.document))
        except ForeignError:
            continue  # made by a later version
    names = {mapping.name for mapping in saved}
    return saved + [mapping for mapping in SHIPPED if mapping.name not in names]


def find_mapping(name: str) -> Any:
    """The mapping of that name; `ForeignError` names those that there are."""
    from mppcqa.runfile.foreign import ForeignError

    there = all_mappings()
    for mapping in there:
        if mapping.name.lower() == name.strip().lower():
            return mapping
    listed = "; ".join(mapping.name for mapping in there)
    raise ForeignError(f"there is no mapping {name!r}; there are: {listed}")


def save_mapping(document: dict[str, Any], *, by: Any = None) -> ForeignMapping:
    """Check a mapping and keep it under its name; the former one of that name is replaced.

    Raises `ForeignError` that lists every fault of the document.
    """
    from mppcqa.runfile.foreign import SHIPPED, ForeignError, mapping_from_json

    mapping = mapping_from_json(document)
    if mapping.name in {shipped.name for shipped in SHIPPED}:
        raise ForeignError(f"{mapping.name!r} comes with the program; choose another name")
    row, _made = ForeignMapping.objects.update_or_create(
        name=mapping.name,
        defaults={"document": mapping.as_json(), "made_by_id": None if by is None else by.pk},
    )
    return row
