"""Run files that real ROOT writes in a process of its own, whose libraries stay out of this one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.runfile.make import META

EXAMPLE = Path(__file__).parents[2] / "examples" / "write_run.C"

TUPLES = """
#include <ROOT/RNTupleModel.hxx>
#include <ROOT/RNTupleWriter.hxx>
#include <array>
void write_tuples(const char* path, const char* meta) {
    TFile file(path, "RECREATE");
    {
        auto model = ROOT::RNTupleModel::Create();
        auto point = model->MakeField<std::int32_t>("point");
        auto bias = model->MakeField<double>("bias_v");
        auto over = model->MakeField<double>("overvoltage_v");
        auto temperature = model->MakeField<double>("temperature_c");
        auto light = model->MakeField<double>("light");
        auto writer = ROOT::RNTupleWriter::Append(std::move(model), "condition", file);
        for (*point = 0; *point < 3; ++*point) {
            *bias = 70 + *point, *over = *point, *temperature = 20, *light = 0;
            writer->Fill();
        }
    }
    {
        auto model = ROOT::RNTupleModel::Create();
        auto point = model->MakeField<std::int32_t>("point");
        auto slot = model->MakeField<std::int32_t>("slot");
        auto charge = model->MakeField<std::array<float, 4>>("charge");
        auto writer = ROOT::RNTupleWriter::Append(std::move(model), "charge", file);
        for (int i = 0; i < 3000; ++i) {
            *point = i / 1000, *slot = 1 + 2 * (i % 2);
            for (int c = 0; c < 4; ++c) (*charge)[c] = 10 * i + c;
            writer->Fill();
        }
    }
    TObjString(meta).Write("meta");
}
"""


def in_root(folder: Path, code: str) -> None:
    """Run Python code that has ROOT."""
    script = folder / "in_root.py"
    script.write_text(
        "import warnings\n"
        "warnings.filterwarnings('ignore', message='\\\\s*This distribution of ROOT is in alpha')\n"
        "import ROOT\n" + code
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def write_trees(path: Path, *, events: int = 4000, seed: int = 3) -> Path:
    """What the C++ example writes: all trees, by ROOT's TTree."""
    arguments = f"{str(path)!r}, 5, 'pde-2', 'eva', 'GX-9', {events}, {seed}"
    in_root(
        path.parent,
        f"assert ROOT.gROOT.LoadMacro({str(EXAMPLE)!r}) == 0\nROOT.write_run({arguments})\n",
    )
    return path


def write_tuples(path: Path) -> Path:
    """Conditions and charges of 3000 triggers in two slots, by ROOT's RNTuple."""
    meta = json.dumps({**META, "layout": 2})
    in_root(
        path.parent,
        f"ROOT.gInterpreter.Declare({TUPLES!r})\nROOT.write_tuples({str(path)!r}, {meta!r})\n",
    )
    return path
