"""How `make soak` judges times: what was not measured is a fault, as what is slow is."""

from __future__ import annotations

from benchmarks.soak_people import Asked
from benchmarks.soak_times import ENOUGH, GRACE_S, Strike, judge_times

STRIKES = [Strike("web", 100.0, 105.0), Strike("disk", 140.0, 150.0)]
LEAST = {"web": 1, "disk": 1}


def requests(since: float, until: float, seconds: float, n: int = 2 * ENOUGH) -> list[Asked]:
    step = (until - since) / n
    return [Asked(since + step * (k + 0.5), seconds, "page /", 200) for k in range(n)]


def quick() -> list[Asked]:
    return [*requests(10, 100, 0.1), *requests(115, 140, 0.2), *requests(160, 190, 0.3)]


def test_each_kind_says_how_many_of_its_strikes_were_judged() -> None:
    times = judge_times(quick(), STRIKES, 10.0, 190.0)
    assert times.faults(LEAST) == []
    told = times.report()
    assert (told["judged"], told["of"]) == (2, 2)
    assert told["kinds"] == {
        "web": {"judged": 1, "of": 1, "p95_s": [0.2]},
        "disk": {"judged": 1, "of": 1, "p95_s": [0.3]},
    }


def test_a_strike_with_too_few_requests_is_a_fault() -> None:
    few = [*requests(10, 100, 0.1), *requests(115, 140, 0.2, ENOUGH - 1), *requests(160, 190, 0.3)]
    times = judge_times(few, STRIKES, 10.0, 190.0)
    assert times.faults(LEAST) == ["web: times judged after 0 strikes, 1 are needed"]
    assert (times.report()["judged"], times.report()["of"]) == (1, 2)


def test_slow_pages_are_named_with_what_they_followed() -> None:
    slow = [*quick(), *requests(160, 185, 2.5)]
    told = judge_times(slow, STRIKES, 10.0, 190.0).faults(LEAST)
    assert told == ["slow 10 s after disk: p95 2.50 s, limit 1.00 s"]


def test_the_first_seconds_after_a_strike_are_nobodys_fault() -> None:
    slow = [*quick(), *requests(105, 105 + GRACE_S, 9.0), *requests(150, 150 + GRACE_S, 9.0)]
    assert judge_times(slow, STRIKES, 10.0, 190.0).faults(LEAST) == []


def test_who_still_waits_when_the_next_strike_comes_has_waited() -> None:
    # Begun 10 s before the disk filled, answered 20 s after: slow without the disk.
    hung = [*quick(), *requests(129, 131, 30.0, 10)]
    told = judge_times(hung, STRIKES, 10.0, 190.0).faults(LEAST)
    assert len(told) == 1
    assert "slow 10 s after web" in told[0]
    # Begun in the last half a second: the disk made them slow.
    struck = [*quick(), *requests(139.5, 140, 30.0, 10)]
    assert judge_times(struck, STRIKES, 10.0, 190.0).faults(LEAST) == []


def test_unknown_is_not_well() -> None:
    told = judge_times([], STRIKES, 10.0, 190.0).faults(LEAST)
    assert told[0] == "too few requests before the first strike to know what is usual"
    assert len(told) == 3
