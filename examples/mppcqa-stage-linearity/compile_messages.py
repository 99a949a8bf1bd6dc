"""Build hook: the catalogue of translations is compiled into the package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompileMessages(BuildHookInterface[Any]):
    """Makes each ``django.po`` a ``django.mo`` beside it."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        for source in (Path(self.root) / "src").rglob("django.po"):
            with source.open("rb") as catalogue, source.with_suffix(".mo").open("wb") as target:
                write_mo(target, read_po(catalogue))
