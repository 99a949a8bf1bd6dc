"""Run by a process of its own: what real ROOT reads from a file, kept as NumPy's ``.npz``.

``read_with_root.py FILE OUT TREE...``; each column becomes ``TREE/COLUMN``, each document its text.
"""

import sys
import warnings

import numpy as np

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message="\\s*This distribution of ROOT is in alpha stage")
    import ROOT

KINDS = {"I": np.int32, "L": np.longlong, "D": np.float64, "F": np.float32, "S": np.int16}


def columns_of_tree(tree) -> dict[str, np.ndarray]:
    """Every branch of a TTree, through the addresses that a C++ program would set."""
    buffers = {}
    for branch in tree.GetListOfBranches():
        leaf = branch.GetListOfLeaves().At(0)
        kind = KINDS[branch.GetTitle()[-1]]
        buffers[branch.GetName()] = np.zeros(leaf.GetLen(), kind)
        tree.SetBranchAddress(branch.GetName(), buffers[branch.GetName()])
    rows = {name: [] for name in buffers}
    for entry in range(tree.GetEntries()):
        assert tree.GetEntry(entry) > 0
        for name, values in buffers.items():
            rows[name].append(values.copy() if len(values) > 1 else values[0])
    return {name: np.array(values, buffers[name].dtype) for name, values in rows.items()}


def columns_of_tuple(tree: str, path: str) -> dict[str, np.ndarray]:
    """Every field of an RNTuple; RDataFrame gives arrays as objects."""
    found = {}
    for name, values in ROOT.RDataFrame(tree, path).AsNumpy().items():
        plain = values.dtype != object
        found[name] = values if plain else np.array([np.asarray(value) for value in values])
    return found


path, out, *trees = sys.argv[1:]
columns: dict[str, np.ndarray] = {}


def shown(folder, prefix: str) -> dict[str, np.ndarray]:
    """Histograms and graphs of a folder and those inside it."""
    found = {}
    for key in folder.GetListOfKeys():
        if not key.GetClassName().startswith(("TH1", "TGraph", "TDirectory")):
            continue  # reading an RNTuple's key as an object ends the process
        it, name = key.ReadObj(), prefix + key.GetName()
        if isinstance(it, ROOT.TDirectory):
            found |= shown(it, name + "/")
        elif isinstance(it, ROOT.TH1):
            bins = range(1, it.GetNbinsX() + 1)
            found[name] = np.array([it.GetBinContent(i) for i in bins])
            edges = [it.GetBinLowEdge(i) for i in (*bins, len(bins) + 1)]
            found[name + "/edges"] = np.array(edges)
            found[name + "/statistics"] = np.array([it.GetEntries(), it.GetMean(), it.GetStdDev()])
            found[name + "/titles"] = np.array([it.GetTitle(), it.GetXaxis().GetTitle()])
        elif isinstance(it, ROOT.TGraph):
            found[name] = np.array([list(it.GetX()), list(it.GetY())])
    return found


file = ROOT.TFile.Open(path)
for tree in trees:
    there = file.Get(tree)
    found = (
        columns_of_tree(there) if isinstance(there, ROOT.TTree) else columns_of_tuple(tree, path)
    )
    columns |= {f"{tree}/{name}": values for name, values in found.items()}
columns |= shown(file, "")
for key in file.GetListOfKeys():
    if key.GetClassName() == "TObjString":
        columns[key.GetName()] = np.array(str(key.ReadObj().GetString()))
np.savez(out, **columns)
