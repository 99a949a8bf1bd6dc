"""What taking a bundle in finds: counted, and told a line each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext_lazy as _

MOST_LINES = 500

WHAT = {
    "new": _("new"),
    "same": _("the same here"),
    "more": _("has more than here"),
    "differs": _("differs; ours stays"),
    "renamed": _("has another serial number there"),
    "unknown": _("stage or quantity not known here"),
    "left_out": _("left out"),
}
THINGS = {
    "devices": _("devices"),
    "shipments": _("shipments"),
    "runs": _("runs"),
    "files": _("files"),
    "analyses": _("analyses"),
    "values": _("values"),
    "verdicts": _("verdicts of the partner"),
    "signatures": _("signatures"),
}


@dataclass
class Said:
    """What became, or would become, of the things in a bundle."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    lines: list[tuple[str, str]] = field(default_factory=list)
    """What it is about (a key of `WHAT`), and the line."""

    def count(self, thing: str, what: str, n: int = 1) -> None:
        self.counts[thing, what] += n

    def tell(self, thing: str, what: str, line: str) -> None:
        """Count it and say it."""
        self.count(thing, what)
        self.line(what, line)

    def line(self, what: str, line: str) -> None:
        """Say more of something that was counted."""
        if len(self.lines) < MOST_LINES and (what, line) not in self.lines[-50:]:
            self.lines.append((what, line))

    def as_json(self) -> dict[str, Any]:
        counts: dict[str, dict[str, int]] = {}
        for (thing, what), n in self.counts.items():
            if n:
                counts.setdefault(thing, {})[what] = n
        return {"counts": counts, "lines": [list(one) for one in self.lines]}
