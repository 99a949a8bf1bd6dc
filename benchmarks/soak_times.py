"""Whether pages were as quick as before, ten seconds after each strike of `soak`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.soak_people import Asked

GRACE_S = 10.0
"""After what was struck is back: until then pages may be slow, and links to the database break."""
ENOUGH = 40
"""Requests in a window, so that its 95th percentile is not its slowest one."""
FLOOR_S = 1.0
"""Nobody minds less."""
TIMES_USUAL = 3.0


@dataclass(frozen=True)
class Strike:
    """What was away, from when to when, in seconds of `time.monotonic`."""

    what: str
    since: float
    until: float


class Window:
    """The requests from `GRACE_S` after a strike until the next strike.

    Who still waits when the window closes has waited so long at least: that much counts. Left out,
    the slowest would be forgotten; counted in full, the next strike would be blamed on this one.
    """

    def __init__(self, asked: Sequence[Asked], since: float, until: float) -> None:
        inside = [one for one in asked if since < one.at < until]
        # No answer at all is judged by itself; it took no time that anybody would call a page's.
        took = [min(one.seconds, until - one.at) for one in inside if one.status]
        self.requests, self.took = len(took), took

    @property
    def p95(self) -> float | None:
        """In seconds; ``None`` if too few asked."""
        return float(np.percentile(self.took, 95)) if self.requests >= ENOUGH else None


@dataclass
class Times:
    """The judgement: per kind the 95th percentiles (s) of the windows that hold enough requests."""

    usual: float | None
    after: dict[str, list[float]]
    strikes: dict[str, int]

    @property
    def limit(self) -> float:
        return max(FLOOR_S, TIMES_USUAL * (self.usual or 0.0))

    def faults(self, least: dict[str, int]) -> list[str]:
        """What is slow, and what was not judged `least` times of its kind: unknown is not well."""
        found = []
        if self.usual is None:
            found.append("too few requests before the first strike to know what is usual")
        for what, needed in least.items():
            if len(self.after.get(what, [])) < needed:
                n = len(self.after.get(what, []))
                found.append(f"{what}: times judged after {n} strikes, {needed} are needed")
        for what, times in self.after.items():
            found += [
                f"slow {GRACE_S:.0f} s after {what}: p95 {one:.2f} s, limit {self.limit:.2f} s"
                for one in times
                if one > self.limit
            ]
        return found

    def report(self) -> dict[str, object]:
        """For the answer's JSON: judged and of, in all and by kind."""
        return {
            "usual_s": None if self.usual is None else round(self.usual, 2),
            "limit_s": round(self.limit, 2),
            "judged": sum(len(times) for times in self.after.values()),
            "of": sum(self.strikes.values()),
            "kinds": {
                what: {
                    "judged": len(self.after[what]),
                    "of": n,
                    "p95_s": [round(one, 2) for one in self.after[what]],
                }
                for what, n in self.strikes.items()
            },
        }


def judge_times(
    asked: Sequence[Asked], strikes: Sequence[Strike], settled: float, end: float
) -> Times:
    """Judge each strike by its own window.

    Args:
        asked: all requests, in any order.
        strikes: in the order of their time.
        settled: when everybody had begun to work, and what is usual begins to be measured.
        end: when nobody asked any more.
    """
    first = strikes[0].since if strikes else end
    times = Times(Window(asked, settled, first).p95, {}, {})
    for number, one in enumerate(strikes):
        later = strikes[number + 1 :]
        times.strikes[one.what] = times.strikes.get(one.what, 0) + 1
        found = Window(asked, one.until + GRACE_S, later[0].since if later else end).p95
        times.after.setdefault(one.what, []).extend([] if found is None else [found])
    return times
