"""Asking the process that fits: one line each way, and words where there is no answer."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mppcqa.runs.models import RunFile
from mppcqa.views import fitter
from mppcqa.views.fitter import FitRefused, NobodyFits, answer, ask, read_line
from mppcqa.views.spectrum import _correlation, _peaks, from_plain

PLAIN: dict[str, Any] = {
    "centres": [0.5, 1.5], "counts": {"light": [3, 4]}, "expected": {"light": [2.5, None]},
    "parameters": [["gain", 40.0, 0.1]], "correlation": [[1.0]], "peaks": [[0, 0.5]],
    "values": {"gain_adc": [40.0, 0.1]}, "not_finite": 2,
    "record": {"channel": 3, "at": {"bias_v": 71.0}, "fault": "", "chi2": 12.0, "ndf": 10},
}  # fmt: skip


@pytest.fixture(autouse=True)
def home(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    settings.MPPCQA_HOME = tmp_path
    monkeypatch.setattr(fitter, "LIMIT_S", 0.5)
    monkeypatch.setattr(fitter, "WAITING_S", 0.5)
    return tmp_path


@pytest.fixture
def process(home: Path) -> Iterator[SimpleNamespace]:
    """Somebody who listens, keeps what was asked and sends the bytes that a test chose."""
    told = SimpleNamespace(asked=[], said=b"null\n")
    with socket.socket(socket.AF_UNIX) as server, fitter.socket_address() as address:
        server.bind(address)
        server.listen()
        server.settimeout(5)

        def serve() -> None:
            link, _from = server.accept()
            with link:
                told.asked.append(json.loads(read_line(link)))
                link.sendall(told.said)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield told
        thread.join(5)


ROW = RunFile(id=7)


def test_where_no_process_is_it_is_said_how_to_start_one(home: Path) -> None:
    with pytest.raises(NobodyFits, match="`mppcqa run` and `mppcqa fitter` start it"):
        ask(ROW, 1, 2, 3, [{}])
    # One that has died leaves its socket behind.
    with socket.socket(socket.AF_UNIX) as dead, fitter.socket_address() as address:
        dead.bind(address)
    with pytest.raises(NobodyFits):
        ask(ROW, 1, 2, 3, [{}])


def test_what_is_asked_names_file_place_and_settings(process: SimpleNamespace) -> None:
    process.said = json.dumps({"spectra": [PLAIN, None]}).encode() + b"\n"
    first, second = ask(ROW, 1, 2, 3, [{"bins": 10}, {}])
    assert process.asked == [
        {"file": 7, "slot": 1, "column": 2, "point": 3, "chosen": [{"bins": 10}, {}]}
    ]
    assert second is None
    assert first is not None
    assert (first.values, first.fault) == ({"gain_adc": [40.0, 0.1]}, "")
    assert (first.said.channel, first.said.at["bias_v"]) == (3, 71.0)
    assert first.said.chi2_ndf == pytest.approx(1.2)


def test_a_refusal_of_the_process_is_told_in_its_words(process: SimpleNamespace) -> None:
    process.said = json.dumps({"fault": "The file is damaged."}).encode() + b"\n"
    with pytest.raises(FitRefused, match="The file is damaged"):
        ask(ROW, 1, 2, 3, [{}])


@pytest.mark.parametrize("said", [b"", b"null\n", b'{"spectra": [', b"not JSON\n"])
def test_a_process_that_ends_in_the_middle_has_given_up(
    process: SimpleNamespace, said: bytes
) -> None:
    process.said = said
    with pytest.raises(FitRefused, match="took longer than") as refused:
        ask(ROW, 1, 2, 3, [{}])
    assert not isinstance(refused.value, NobodyFits)


def test_a_line_ends_with_its_end_with_the_link_or_at_what_is_too_much(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for parts, line in (([b"ab", b"c\n"], b"abc\n"), ([b"abc"], b"abc"), ([], b"")):
        here, there = socket.socketpair()
        with here, there:
            for one in parts:
                there.sendall(one)
            there.shutdown(socket.SHUT_WR)
            assert read_line(here) == line
    monkeypatch.setattr(fitter, "MOST_BYTES", 10)
    here, there = socket.socketpair()
    with here, there:
        there.sendall(b"x" * 100)
        assert len(read_line(here)) > 10, "it comes back, and nobody waits for the rest"


def test_a_file_that_is_no_run_file_is_a_fault_in_words(campaign: SimpleNamespace) -> None:
    row = RunFile.objects.get()
    asked = {"file": row.pk, "slot": 1, "column": 0, "point": 0, "chosen": [{}]}
    said = answer(json.dumps(asked).encode())
    assert set(said) == {"fault"}
    assert said["fault"]


def test_a_spectrum_from_another_process_is_the_same_or_none() -> None:
    assert from_plain(None) is None
    found = from_plain(PLAIN)
    assert found is not None
    assert vars(found) == PLAIN


def test_peaks_are_named_where_they_hold_events_and_lie_in_the_spectrum() -> None:
    edges = np.arange(0.0, 101.0)
    counts = np.zeros(100, int)
    counts[[10, 30, 50, 70]] = (50, 3, 2, 40)
    assert _peaks(edges, counts, 10.2, 20.0) == [
        (0, 10.2), (1, pytest.approx(30.2)), (3, pytest.approx(70.2))
    ]  # fmt: skip
    assert _peaks(edges, counts, -9.8, 20.0) == [
        (1, pytest.approx(10.2)), (2, pytest.approx(30.2)), (4, pytest.approx(70.2))
    ]  # fmt: skip
    assert _peaks(edges, np.full(100, 9), 99.9, 0.2) == [(0, 99.9)], "the last edge is outside"
    assert len(_peaks(edges, np.full(100, 9), 0.0, 1.0)) == 16


def test_correlations_are_those_of_numpy_and_of_what_was_held_there_are_none() -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(size=(3, 50))
    found = _correlation(np.cov(x))
    assert np.array(found, float) == pytest.approx(np.corrcoef(x))
    held = np.cov(x)
    held[1] = held[:, 1] = 0.0
    rows = _correlation(held)
    assert [rows[0][1], rows[1][0], rows[1][1]] == [None, None, None]
    assert rows[0][2] == pytest.approx(np.corrcoef(x)[0, 2])
