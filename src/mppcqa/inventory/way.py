"""The way of a device through the stages of its campaign: what a campaign says of each stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

MOST = 1000
"""Devices of which a sample names how many are taken, at most."""


@dataclass(frozen=True)
class Condition:
    """What holds for one stage of a campaign; as it is made, every device passes it once."""

    take: int = 1
    of: int = 1
    """Of every so many devices, in the order of their registration, so many are tested."""
    repeat: bool = False
    """Whether a device that fails is tested once more."""
    hold: bool = False
    """Whether a device that fails (again) is put on hold, and goes no further."""
    trained: bool = False
    """Whether only people who are noted as trained for the stage do it."""

    @classmethod
    def of_stage(cls, conditions: Mapping[str, Any], stage: str) -> Condition:
        """As a campaign keeps it."""
        kept = conditions.get(stage, {})
        return cls(
            take=int(kept.get("take", 1)),
            of=int(kept.get("of", 1)),
            repeat=bool(kept.get("repeat")),
            hold=bool(kept.get("hold")),
            trained=bool(kept.get("trained")),
        )

    def as_kept(self) -> dict[str, Any]:
        """What a campaign keeps of it: no more than what is not so by itself."""
        kept: dict[str, Any] = {}
        if self.is_sample:
            kept |= {"take": self.take, "of": self.of}
        if self.repeat:
            kept["repeat"] = True
        if self.hold:
            kept["hold"] = True
        if self.trained:
            kept["trained"] = True
        return kept

    @property
    def is_sample(self) -> bool:
        return self.take < self.of

    def takes(self, number: int) -> bool:
        """Whether a device of a number is in the sample.

        Systematic sampling: of each `of` numbers that follow each other exactly `take` are in it,
        spread evenly, and nobody can choose. A queryset can ask the same (`results.way`).
        """
        return (number * self.take) % self.of < self.take

    def sample_text(self) -> str:
        """The sample in words."""
        if self.take == 1:
            return _("every %dth device") % self.of
        return _("%(take)d of %(of)d devices") % {"take": self.take, "of": self.of}
