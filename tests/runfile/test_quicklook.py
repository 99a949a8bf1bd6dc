"""Histograms and fits as objects that ROOT and JSROOT show."""

from pathlib import Path

import numpy as np
import pytest
import uproot

from mppcqa.runfile import (
    Curve,
    Histogram,
    RunFile,
    RunFileError,
    charge_histograms,
    write_quicklook,
)
from tests.runfile.make import POINTS, SLOTS, charges, write_everything
from tests.runfile.test_interoperation import as_jsroot_reads, as_root_reads


def test_root_and_jsroot_show_spectra_and_fits(tmp_path: Path) -> None:
    run_path = write_everything(tmp_path / "run.root")
    with RunFile(run_path) as run:
        spectra = list(charge_histograms(run))
        some = list(charge_histograms(run, points=[4], slots=[3]))
    assert len(spectra) == len(POINTS) * len(SLOTS) * 4
    assert [h.name for h in some] == [f"charge/point-4/slot-3/ch-{c:02d}" for c in range(4)]
    x = np.linspace(-3, 3, 40)
    fit = Curve(name="fit", title="fit", x=x, y=np.exp(-(x**2) / 2))
    uneven = Histogram(
        name="gain",
        title="Gain of all channels",
        counts=[3, 0, 5],
        edges=[1.0, 2.0, 4.0, 8.0],
        x_title="gain [ADC]",
        curves=(fit,),
    )
    path = tmp_path / "quicklook.root"
    assert write_quicklook(path, [*spectra, uneven]) == len(spectra) + 2

    in_root = as_root_reads(path, tmp_path, ())
    in_jsroot = as_jsroot_reads(path)
    for spectrum in [*spectra, uneven]:
        np.testing.assert_array_equal(in_root[spectrum.name], spectrum.counts)
        np.testing.assert_allclose(in_root[spectrum.name + "/edges"], spectrum.edges, atol=1e-9)
        shown = in_jsroot["histograms"][spectrum.name]
        np.testing.assert_array_equal(shown["counts"], [0, *spectrum.counts, 0])
        assert shown["x"] == spectrum.x_title
    name = "charge/point-1/slot-3/ch-02"
    entries, mean, deviation = in_root[name + "/statistics"]
    put = charges(1, 3)[:, 2]
    assert entries == len(put)
    bin_width = np.ptp(put) / 69
    assert abs(mean - put.mean()) < bin_width
    assert abs(deviation - put.std()) < bin_width
    assert in_root[name + "/titles"][0] == "A-2 channel 2, bias_v 71, temperature_c 20.5, light 1"
    np.testing.assert_array_equal(in_root["gain_fit"], [fit.x, fit.y])
    np.testing.assert_array_equal(in_jsroot["graphs"]["gain_fit"]["y"], fit.y)


@pytest.mark.parametrize("scale", [1.0, 1e-12, 1e12])
def test_uneven_bins_are_kept_however_small_their_unit(tmp_path: Path, scale: float) -> None:
    """A spectrum in coulombs has bins of some 1e-13, which are not alike for being small."""
    edges = {"uneven": np.array([1.0, 2.0, 4.0, 8.0]), "even": np.linspace(3.0, 3.3, 4)}
    spectra = [
        Histogram(name=name, title="", counts=[3, 0, 5], edges=scale * some)
        for name, some in edges.items()
    ]
    write_quicklook(tmp_path / "q.root", spectra)
    with uproot.open(tmp_path / "q.root") as file:
        for name, some in edges.items():
            axis = file[name].axis()
            np.testing.assert_allclose(axis.edges(), scale * some)
            assert bool(len(axis.member("fXbins"))) == (name == "uneven")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"counts": [1, 2, 3]}, "one rising edge more"),
        ({"edges": [1.0, 1.0, 2.0]}, "one rising edge more"),
        ({"name": "a b"}, "no name of an object"),
        ({"curves": (Curve(name="fit", title="", x=[1, 2], y=[1]),)}, "differ"),
    ],
)
def test_what_can_not_be_shown_is_refused(tmp_path: Path, wrong: dict, words: str) -> None:
    good = {"name": "a", "title": "", "counts": [1, 2], "edges": [0.0, 1.0, 2.0]}
    with pytest.raises(RunFileError, match=words):
        write_quicklook(tmp_path / "q.root", [Histogram(**{**good, **wrong})])
    assert not (tmp_path / "q.root").exists()
