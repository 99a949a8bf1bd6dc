"""A page of the reference: what a stage is made of, from the code."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any, get_args

ANNOTATED = re.compile(r"""(: |-> )(["'])(.*?)\2""")
"""A type in a signature, which Python shows as the text that it is."""

DECLARED = (
    *("DeclaredStage", "Parameter", "Quantity", "Chart", "LimitDefault", "Demonstration"),
    *("Axis", "Condition", "Step"),
)
READ = ("Waveforms", "IVCurve", "RateScan")
GIVEN = ("AnalysisResult", "Result", "Problem", "Fit")


def stage_parts_page() -> str:
    """All that a stage's author needs to know without looking into the package."""
    from mppcqa import runfile, stages, testing
    from mppcqa.stages import axes, base

    known = {**vars(stages), "DeclaredStage": base.DeclaredStage}
    shared = [(name, getattr(axes, name)) for name in sorted(vars(axes)) if name.endswith("_AXIS")]
    parts = [
        "# What a stage is made of\n\nFrom the code of this version. How to make one: "
        "[a stage of your own](../how-to/stage.md).\n",
        "## What it declares\n\nAll from `mppcqa.stages`, `DeclaredStage` from "
        "`mppcqa.stages.base`.\n",
        *(_source(known[name]) for name in DECLARED),
        "Axes that stages share, from `mppcqa.stages.axes`: "
        + ", ".join(f"`{name}` (`{one.key}`)" for name, one in shared)
        + ".\n",
        "## What its analysis gives\n",
        *(_source(known[name]) for name in GIVEN),
        "## Reading a run file\n\nFrom `mppcqa.runfile`.\n",
        *_methods(runfile.RunFile),
        *(_source(getattr(runfile, name)) for name in READ),
        "## Writing one\n\nFrom `mppcqa.runfile`; any other language writes it with plain ROOT: "
        "[the run file](../run-file.md).\n",
        *_methods(runfile.RunWriter),
        "## Testing it\n\nFrom `mppcqa.testing`.\n",
        *_methods(testing.SimulatedStation),
        *_methods(testing.StageProperties),
    ]
    return "\n".join(parts)


def client_page() -> str:
    """All that the client has, by signature."""
    from mppcqa import client

    kinds = (client.Client, client.StationRun, client.OwnRun, client.Measurements)
    return "\n".join(
        [
            "# The client, by signature\n\nFrom the code of this version. What it is for: "
            "[the Python client](../api/client.md).\n",
            *(line for kind in kinds for line in _methods(kind)),
            "## What it raises\n",
            *(_source(kind) for kind in (client.Refused, client.RunFailed, client.Fault)),
        ]
    )


def _source(kind: Any) -> str:
    """A class as it stands, and what the names of choices in it mean."""
    text = inspect.getsource(kind).strip()
    names = [f"`{name}`: {_choices(name)}." for name in ("Kind", "Scope") if f": {name}" in text]
    return f"### {kind.__name__}\n\n```python\n{text}\n```\n" + "".join(
        f"\n{one}\n" for one in names
    )


def _choices(name: str) -> str:
    from mppcqa.stages import protocol

    return ", ".join(f"`{one}`" for one in get_args(getattr(protocol, name)))


def _methods(kind: Any) -> Iterator[str]:
    """A class by its signature and those of its public methods, with their words."""
    yield f"### {kind.__name__}\n"
    told = [(kind.__name__, kind)]
    told += [(name, one) for name, one in vars(kind).items() if not name.startswith("_")]
    lines = []
    for name, one in told:
        words = inspect.getdoc(one.fget if isinstance(one, property) else one) or ""
        if isinstance(one, property):
            lines.append(f"{name}  # a property")
        elif callable(one):
            lines.append(f"{name}{_signature(one)}")
        else:
            continue
        lines += [f"    {line}".rstrip() for line in words.splitlines()]
        lines.append("")
    yield "```text\n" + "\n".join(lines).rstrip() + "\n```\n"


def _signature(one: Any) -> str:
    signature = inspect.signature(one)
    named = [value for key, value in signature.parameters.items() if key != "self"]
    return ANNOTATED.sub(r"\1\3", str(signature.replace(parameters=named)))
