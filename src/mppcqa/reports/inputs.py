"""What a report of a device was made of, named so that it can be made again or told apart."""

from __future__ import annotations

import datetime as dt
from typing import Any

import mppcqa
from mppcqa.reports.look import PLAIN, Look
from mppcqa.views.device import DeviceView
from mppcqa.views.stage import StageView


def inputs_of(view: DeviceView, look: Look = PLAIN) -> dict[str, Any]:
    """Analysis, file, limits and numbers of each stage, our version, the look; plain JSON."""
    return {
        **look_inputs(look),
        "mppcqa": mppcqa.__version__,
        "stages": {
            stage.key: {
                "analysis": stage.source.analysis,
                "version": stage.source.version,
                "code": stage.source.code_version,
                "run": stage.source.run,
                "sha256": stage.source.sha256,
                "limits": stage.verdict.limits,
                "outcome": stage.verdict.outcome,
                **_numbers(stage),
            }
            for stage in view.stages
        },
    }


def _numbers(stage: StageView) -> dict[str, Any]:
    """What a stage says as texts, to tell a later report of the device from this one."""
    means = [
        [" ".join(filter(None, (str(head), row))), cell.text]
        for grid in stage.means
        for row, cells in grid.rows
        for head, cell in zip(grid.heads, cells, strict=True)
    ]
    return {
        "state": stage.verdict.state,
        "judged": [
            [f"{one.title} {one.condition}".strip(), one.worst, one.pass_band, one.outcome]
            for one in stage.judged
        ],
        "numbers": [[f"{one.title} {one.condition}".strip(), one.text] for one in stage.whole]
        + means,
    }


def look_inputs(look: Look) -> dict[str, Any]:
    """The institution's look as a part of what a report was made of."""
    return {} if look == PLAIN else {"look": look.identity}


def newest(view: DeviceView) -> dt.datetime:
    """When the newest thing that is said of a device happened."""
    waivers = [one.verdict.waiver for one in view.stages if one.verdict.waiver is not None]
    moments = [view.registered_at, *(stage.source.analysed_at for stage in view.stages)]
    moments += [one.at for one in waivers]
    moments += [one.at for one in view.sign_offs]
    moments += [one.at for one in view.handlings]
    moments += [one.at for one in view.renamings]
    moments += [one.changed_at for one in view.records]
    if view.assembly is not None and view.assembly.newest is not None:
        moments.append(view.assembly.newest)
    return max(moments + [one.sent_at for one in view.moves])
