"""What a report of a device was made of, named so that it can be made again or told apart."""

from __future__ import annotations

import datetime as dt
from typing import Any

import mppcqa
from mppcqa.reports.look import PLAIN, Look
from mppcqa.views.device import DeviceView


def inputs_of(view: DeviceView, look: Look = PLAIN) -> dict[str, Any]:
    """Analysis, file and limits of each stage, our version, and the look; plain JSON."""
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
            }
            for stage in view.stages
        },
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
