"""From the object that a task is about to its page."""

from __future__ import annotations

from dataclasses import dataclass

from django.apps import apps


@dataclass(frozen=True)
class Link:
    text: str
    url: str


def link_about(model: str, key: str) -> Link | None:
    """Text and address of the object; None where it is gone or has no page."""
    if not model:
        return None
    try:
        found = apps.get_model(model)._default_manager.filter(pk=key).first()
    except (LookupError, ValueError):
        return None
    if found is None or not hasattr(found, "get_absolute_url"):
        return None
    return Link(str(found), found.get_absolute_url())
