"""Packages with stages that can't be used, installed as any other for a child process."""

from __future__ import annotations

from pathlib import Path

BEGIN = """
from dataclasses import replace
from mppcqa.stages.iv import STAGE as IV
"""
MODULES = {
    "on_import": "raise RuntimeError('no licence, password=hunter2')\n",
    "exits": "import sys; sys.exit('this is a script')\n",
    "syntax": "def (\n",
    "no_stage": "STAGE = 7\n",
    "raising_property": (
        "class S:\n"
        "    def __getattr__(self, name):\n"
        "        raise ZeroDivisionError(name)\n"
        "STAGE = S()\n"
    ),
    "taken": f"{BEGIN}STAGE = IV\n",
    "odd_key": f"{BEGIN}STAGE = replace(IV, key='Odd key')\n",
    "odd_default": (
        f"{BEGIN}one = IV.parameters[0]\n"
        "one = replace(one, kind='number', default='x')\n"
        "STAGE = replace(IV, key='oddone', parameters=(one,))\n"
    ),
    "odd_chart": (
        f"{BEGIN}STAGE = replace(IV, key='oddchart',\n"
        "    charts=(replace(IV.charts[0], quantities=('no_such',)),))\n"
    ),
    "odd_lists": f"{BEGIN}STAGE = replace(IV, key='oddlists', quantities=7, limits=('x',))\n",
    "long_quantity": (
        f"{BEGIN}STAGE = replace(IV, key='longq', charts=(), limits=(),\n"
        "    quantities=(replace(IV.quantities[0], key='q' * 61),))\n"
    ),
    "good": f"{BEGIN}STAGE = replace(IV, key='other-iv', title='Other IV', version='7')\n",
}


def install(folder: Path, *names: str) -> Path:
    """A folder for PYTHONPATH with one package, whose entry points are these modules."""
    package = folder / "mppcqa_odd"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    for name in names:
        (package / f"{name}.py").write_text(MODULES[name])
    info = folder / "mppcqa_odd-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mppcqa-odd\nVersion: 1.2\n")
    points = "".join(f"{name} = mppcqa_odd.{name}:STAGE\n" for name in names)
    (info / "entry_points.txt").write_text(f"[mppcqa.stages]\n{points}")
    return folder
