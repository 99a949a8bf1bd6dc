"""A package of somebody else's with one thing for every hook, built and installed by pip."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from mppcqa.plugins import HOOKS

GOOD = '''
from pathlib import Path

import numpy as np
from mppcqa.exchange.campaigns import Database
from mppcqa.exchange.writers import Writer
from mppcqa.queue.channels import Channel
from mppcqa.reports.kinds import ReportKind, Written
from mppcqa.reports.labels.printers import Printer
from mppcqa.reports.sections import AddedSection
from mppcqa.stages.records import RecordField, RecordKind
from mppcqa.statistics.matching_rules import MatchingRule
from mppcqa.tables.formats import Format
from mppcqa.tables.measured import Measured, at_condition
from mppcqa.tables.parts import conditions_of

OUT = Path(__file__).with_name("said.txt")


def looks(start, path):
    return start.startswith(b"THEIR SCOPE")


def read(path, mapping, limit=None):
    numbers = [float(line) for line in path.read_text().splitlines()[1:]]
    part = at_condition(conditions_of(mapping, path, {}).values)
    part.charges = np.array(numbers)[:, None]
    return [part]


def write(path, schema, batches):
    path.write_text("".join(f"{batch.num_rows}\\n" for batch in batches))


def say(told):
    with OUT.open("a") as file:
        file.write(f"{told.user.username}: {told.text}\\n")


def pairs(values, size, *, groups, classes, widest):
    """As they come, which is a rule as well."""
    n = len(values) // size if groups is None else groups
    return [range(i * size, (i + 1) * size) for i in range(n)]


reader = Format("theirscope", "Their scope", "charge", looks, read)
writer = Writer("theirs", "Their format", "theirs", write)
campaign = Database("theirdb", "Their database", (), lambda document, settings, service: iter(()))
report = ReportKind("theirs", "Their report", "inventory.tray", lambda *row: Written(b"", "T"))
section = AddedSection("theirs", "Their section", ("device",), lambda view: ["Kept dry by them."])
printer = Printer("epl", "Their printer (EPL)", "epl", "text/plain",
                  lambda labels, wide, high, dpi: f"N{len(labels)} {dpi}".encode())
rule = MatchingRule("as-they-come", "as they come", pairs)
channel = Channel("chat", "Their chat", say)
record = RecordKind(key="polishing", title="Polishing",
                    fields=(RecordField(key="grain_um", title="Grain", unit="µm"),))
'''
STAGE = """
from dataclasses import replace
from mppcqa.stages.iv import STAGE as IV
stage = replace(IV, key="their-iv", title="Their IV")
"""
BROKEN = """
raise RuntimeError("their library is not there, password=hunter2")
"""
FAILING = """
from mppcqa.exchange.writers import Writer
from mppcqa.queue.channels import Channel
from mppcqa.reports.labels.printers import Printer
from mppcqa.reports.sections import AddedSection
from mppcqa.statistics.matching_rules import MatchingRule
from mppcqa.tables.formats import Format

def fails(*a, **k):
    raise ZeroDivisionError("it fails when it is used")

def twice(values, size, **asked):
    return [[0] * size]

def beyond(values, size, **asked):
    return [[len(values), 0]]

reader = Format("failing", "Failing", "charge", fails, fails)
section = AddedSection("failing", "Failing", ("device",), fails)
printer = Printer("failing", "Failing printer", "x", "text/plain", fails)
rule = MatchingRule("failing", "failing rule", fails)
twice = MatchingRule("twice", "one device twice", twice)
beyond = MatchingRule("beyond", "one that is not there", beyond)
channel = Channel("failing", "Failing", fails)
"""
GOOD_NAMES = {
    "mppcqa.readers": "reader",
    "mppcqa.writers": "writer",
    "mppcqa.campaigns": "campaign",
    "mppcqa.reports": "report",
    "mppcqa.report_sections": "section",
    "mppcqa.labels": "printer",
    "mppcqa.matching": "rule",
    "mppcqa.notifications": "channel",
    "mppcqa.records": "record",
}
FAILING_NAMES = {
    "mppcqa.readers": ("reader",),
    "mppcqa.report_sections": ("section",),
    "mppcqa.labels": ("printer",),
    "mppcqa.matching": ("rule", "twice", "beyond"),
    "mppcqa.notifications": ("channel",),
}


def install(folder: Path) -> Path:
    """A folder for PYTHONPATH in which pip installed it."""
    package, target = folder / "theirs", folder / "site"
    (package / "mppcqa_theirs").mkdir(parents=True)
    modules = {"__init__": "", "good": GOOD, "stage": STAGE, "broken": BROKEN, "failing": FAILING}
    for name, text in modules.items():
        (package / "mppcqa_theirs" / f"{name}.py").write_text(text)
    lines = [
        "[build-system]",
        'requires = ["hatchling"]',
        'build-backend = "hatchling.build"',
        '[project]\nname = "mppcqa-theirs"\nversion = "3.1"',
    ]
    for group in HOOKS:
        lines.append(f'[project.entry-points."{group}"]')
        if name := GOOD_NAMES.get(group):
            lines.append(f'good = "mppcqa_theirs.good:{name}"')
        else:
            lines.append('good = "mppcqa_theirs.stage:stage"')
        lines.append('gone = "mppcqa_theirs.broken:thing"')
        lines.append('other = "mppcqa_theirs.good:OUT"')
        lines += [f'{one} = "mppcqa_theirs.failing:{one}"' for one in FAILING_NAMES.get(group, ())]
    (package / "pyproject.toml").write_text("\n".join(lines))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(target), str(package)], check=True, timeout=120)
    return target
