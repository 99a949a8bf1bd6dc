"""What a package carries beyond the sources: front-end, charts, translations, documentation.

A source package has them where the checkout has, so that a wheel is built of it without Node.js.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VENDOR = {
    "build/tabler": "mppcqa/web/static/vendor/tabler",
    "build/icons": "mppcqa/web/static/vendor/tabler-icons",
    "build/zxing": "mppcqa/web/static/vendor/zxing",
    "build/static": "mppcqa/web/static/vendor/vega",
    "build/docs": "mppcqa/web/documentation/site",
}


class Whole(BuildHookInterface[Any]):
    """Adds them; an editable install takes them from the checkout."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        root = Path(self.root)
        catalogues = sorted((root / "src").rglob("*.po"))
        made = {
            f"{po.parent}/{po.stem}.mo": str(po.parent.relative_to(root / "src") / f"{po.stem}.mo")
            for po in catalogues
        }
        if self.target_name == "sdist":
            places = {place: place for place in VENDOR}
            made = {one: str(Path(one).relative_to(root)) for one in made}
        else:
            places = VENDOR
        wanted = {str(root / place): inside for place, inside in places.items()} | made
        missing = [place for place in wanted if not Path(place).exists()]
        if missing:
            raise FileNotFoundError(
                f"a package needs {', '.join(missing)}; make them first with: make env docs"
            )
        build_data["force_include"].update(wanted)
