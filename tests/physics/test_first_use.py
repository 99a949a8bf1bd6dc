"""Compiled code: where it is kept, and that it is thrown away when it is old."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from select import select

import numpy as np
import pytest

from mppcqa.physics import _kept, fit_spectra, histogram_charges, simulate_charges
from mppcqa.physics._apart import LATER, NAMES, addresses

HOLD = """
import sys, time
from mppcqa.physics._kept import alone
with alone():
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_code_older_than_any_source_is_thrown_away(tmp_path: Path) -> None:
    """Another file than the one that a function stands in may have been called into it."""
    source, old, new = tmp_path / "called.py", tmp_path / "caller.nbi", tmp_path / "fresh.nbi"
    for path in (source, old, new):
        path.write_text("from numba import njit\n")
    now = time.time()
    os.utime(old, (now - 20, now - 20))
    os.utime(source, (now - 10, now - 10))
    _kept.drop_stale(tmp_path, tmp_path)
    assert not old.exists()
    assert new.exists()


def test_a_second_process_waits_for_the_one_that_compiles(tmp_path: Path) -> None:
    """Else both would compile the same for half a minute."""
    surroundings = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", HOLD]
    both = [
        subprocess.Popen(
            command, env=surroundings, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        for _ in range(2)
    ]
    try:
        outs = [one.stdout for one in both]
        (first,), _, _ = select(outs, [], [], 120)
        assert first is not None
        assert first.readline() == b"held\n"
        (other,) = (one for one in outs if one is not first)
        assert select([other], [], [], 0.5)[0] == []
        both[outs.index(first)].communicate(b"\n")
        assert select([other], [], [], 120)[0] == [other]
    finally:
        for one in both:
            one.kill()
            one.communicate()


def test_a_folder_of_somebody_elses_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is loaded from there is run: only a folder that no other user may write to will do."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    open_to_all = tmp_path / f"mppcqa-compiled-{os.getuid()}"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    chosen = _kept.own_folder()
    assert chosen != open_to_all
    assert chosen.stat().st_mode & 0o077 == 0


def test_physics_can_be_used_where_nothing_can_be_kept(tmp_path: Path) -> None:
    """An installation that its service may not write to, and a user without a home."""
    program = (
        "import numba.core.caching as c\n"
        "real = c.UserWideCacheLocator, c.InTreeCacheLocator\n"
        "none = classmethod(lambda cls, *given: None)\n"
        "[setattr(one, 'from_function', none) for one in real]\n"
        "from mppcqa.physics import histogram_charges\n"
        "from mppcqa.physics._kept import KEPT\n"
        "import numpy as np\n"
        "print(histogram_charges(np.arange(400.0)[:, None])[0].sum(), KEPT)\n"
    )
    surroundings = {key: value for key, value in os.environ.items() if "NUMBA" not in key}
    answer = subprocess.run(
        [sys.executable, "-c", program],
        env={**surroundings, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.startswith("400")
    assert str(tmp_path) in answer.stdout


def test_nothing_compiled_is_loaded_before_something_is_calculated() -> None:
    """It takes 60 MB: a process that writes reports knows the stages and needs none of it."""
    program = (
        "import sys\n"
        "from mppcqa import physics\n"
        "from mppcqa.stages import all_stages\n"
        "all_stages()\n"
        "print('numba' in sys.modules, 'scipy' in sys.modules)\n"
        "there = [getattr(physics, name) for name in physics.__all__]\n"
        "print('numba' in sys.modules, any(type(one) is type(sys) for one in there))\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert answer.stdout.split("\n")[:2] == ["False False", "True False"]


def test_what_is_seldom_needed_is_compiled_when_asked_for() -> None:
    """A fit stops at the first call of it, and begins again: it finds what it would have found."""
    rng = np.random.default_rng(5)
    charges = [simulate_charges(rng, 12000, mean_light_pe=light, gain=40.0) for light in (1, 2)]
    counts, edges, _ = histogram_charges(np.stack(charges, axis=1))
    before = fit_spectra(counts, edges)
    code = addresses()
    places = [NAMES.index(name) for name in LATER]
    code[places] = 0
    again = fit_spectra(counts, edges)
    assert code[NAMES.index("never_recorded")] != 0, "light alone needs it"
    assert (code[places] == 0).any(), "and not all of them"
    for name, value in vars(before).items():
        np.testing.assert_array_equal(getattr(again, name), value, name)
