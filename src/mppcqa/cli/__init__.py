"""The command ``mppcqa``. Each subcommand lives in a file of its own and is loaded when called."""

from __future__ import annotations

import importlib
import os

import click

from mppcqa.database import age, local_files
from mppcqa.loading import loading

COMMANDS = {
    "audit": ("mppcqa.cli.audit:audit", "Check that no entry of what was changed was touched."),
    "assets": (
        "mppcqa.cli.assets:assets",
        "Fetch front-end packages, build the chart bundle.",
    ),
    "bell": ("mppcqa.cli.bell:bell", "Start what wakes stations that wait for work."),
    "backup": ("mppcqa.cli.backup:backup", "Back up database and files, or verify a backup."),
    "bundle": (
        "mppcqa.cli.bundle:bundle",
        "Shipments as signed files for partners, and those of partners in.",
    ),
    "check": ("mppcqa.cli.check:check", "Check ROOT run files, or the stages that are installed."),
    "columns": (
        "mppcqa.cli.columns:columns",
        "Bring the columnar copy up to date, make it anew, check it.",
    ),
    "demo": (
        "mppcqa.cli.demo:demo",
        "Run a simulated campaign and print its results.",
    ),
    "django": ("mppcqa.cli.django:django", "Run a management command of Django."),
    "deployment": (
        "mppcqa.cli.deployment:deployment",
        "Write what a server needs: systemd units, nginx, settings.",
    ),
    "export": ("mppcqa.cli.export:export", "Write lists as CSV, Excel, Parquet or ROOT."),
    "fsck": (
        "mppcqa.cli.fsck:fsck",
        "Check every stored file against its row, and mend what is safe.",
    ),
    "partner": ("mppcqa.cli.partner:partner", "Tables of Jefferson Lab's campaign, in and out."),
    "import": ("mppcqa.cli.import_:import_", "Bring in tables, and results from elsewhere."),
    "messages": ("mppcqa.cli.messages:messages", "Bring translations up to date."),
    "new-stage": (
        "mppcqa.cli.new_stage:new_stage",
        "Make a package with a stage of your own and its test.",
    ),
    "plugins": ("mppcqa.cli.plugins:plugins", "List and check what other packages add."),
    "report": ("mppcqa.cli.report:report", "Write the PDF report of devices."),
    "restore": ("mppcqa.cli.backup:restore", "Restore a backup into this or another database."),
    "run": ("mppcqa.cli.run:run", "Start web server, workers and scheduler on this machine."),
    "scheduler": ("mppcqa.cli.scheduler:scheduler", "Start what runs tasks at set times."),
    "send": ("mppcqa.cli.send:send", "Send values to the database of another campaign."),
    "station": ("mppcqa.cli.station:station", "Serve a station: all that its computer runs."),
    "states": ("mppcqa.cli.states:states", "Check devices' states, show the permitted moves."),
    "summaries": ("mppcqa.cli.summaries:summaries", "Check summaries against a recount."),
    "task": ("mppcqa.cli.tasks:task", "Show, follow, kill or repeat one task."),
    "tasks": ("mppcqa.cli.tasks:tasks", "List tasks."),
    "token": ("mppcqa.cli.token:token", "Make, list and take back tokens of stations and persons."),
    "user": ("mppcqa.cli.user:user", "Invite people, change what they may do and see."),
    "web": ("mppcqa.cli.web:web", "Start the web server alone, behind a proxy."),
    "worker": ("mppcqa.cli.worker:worker", "Start a worker, for a station or for shared work."),
    "workers": ("mppcqa.cli.workers:workers", "List workers."),
}
"""Name of a subcommand -> where it is and what it does; nothing is imported before it is needed."""


class LazyGroup(click.Group):
    """A group whose subcommands are imported by name, so that ``--help`` stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, function = COMMANDS[name][0].split(":")
        found: click.Command = getattr(importlib.import_module(module), function)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, what) for name, (_, what) in sorted(COMMANDS.items())])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="mppcqa")
def main() -> None:
    """Quality assurance of MPPCs: devices, tests, analysis, reports."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mppcqa.project.settings")
    local_files.allowed = True


def setup_django() -> None:
    """Load Django's apps; called by the subcommands that need the database."""
    import django

    with loading():
        django.setup()
    if age.is_too_old():
        raise click.ClickException(age.TOO_OLD)
