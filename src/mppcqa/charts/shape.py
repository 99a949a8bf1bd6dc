"""Charts whose numbers are apart from their shape, so that a shape is made once.

To make a chart with Altair costs tens of milliseconds, most of it copying; a page may have six. The
shape depends on titles, units and the number of series, of which there are few.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, wraps
from typing import TYPE_CHECKING, Any, ParamSpec

from mppcqa.loading import Later

if TYPE_CHECKING:
    import altair as alt
else:
    alt = Later("mppcqa.charts._quick")


P = ParamSpec("P")
SHAPES = 500
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Drawn:
    """A chart: its shape, which others share, and its own data by name."""

    shape: dict[str, Any]
    data: dict[str, Rows]

    def to_dict(self, **_options: Any) -> dict[str, Any]:
        """The Vega-Lite definition."""
        return {**self.shape, "datasets": self.data}

    def properties(self, **changed: Any) -> Drawn:
        """The chart with another title, width or height."""
        return Drawn({**self.shape, **changed}, self.data)


def with_texts(shape: Any, texts: Mapping[str, str]) -> Any:
    """A shape with words in place of placeholders; of charts that differ in nothing else."""
    if isinstance(shape, str):
        return texts.get(shape, shape)
    if isinstance(shape, dict):
        return {name: with_texts(part, texts) for name, part in shape.items()}
    if isinstance(shape, list):
        return [with_texts(part, texts) for part in shape]
    return shape


def named(name: str) -> Any:
    """A base chart on the data of that name."""
    return alt.Chart(alt.NamedData(name))


def shape(draw: Callable[P, Any]) -> Callable[P, dict[str, Any]]:
    """Keep what a function draws, by its arguments, which must be hashable."""

    @lru_cache(maxsize=SHAPES)
    def made(*args: Any, **kwargs: Any) -> dict[str, Any]:
        definition: dict[str, Any] = draw(*args, **kwargs).to_dict(validate=False)
        return definition

    @wraps(draw)
    def kept(*args: P.args, **kwargs: P.kwargs) -> dict[str, Any]:
        return made(*args, **kwargs)  # type: ignore[arg-type]

    return kept
