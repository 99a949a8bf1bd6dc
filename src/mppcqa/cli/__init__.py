"""The command ``mppcqa``. Each subcommand lives in a file of its own and is loaded when called."""

from __future__ import annotations

import importlib
import logging
import os
import sys

import click

from mppcqa.cli.answers import as_wanted
from mppcqa.cli.tables import echo
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
    "fitter": ("mppcqa.cli.fitter:fitter", "Start what fits spectra anew on their pages."),
    "fsck": (
        "mppcqa.cli.fsck:fsck",
        "Check every stored file against its row, and mend what is safe.",
    ),
    "partner": ("mppcqa.cli.partner:partner", "Tables of Jefferson Lab's campaign, in and out."),
    "import": ("mppcqa.cli.import_:import_", "Bring in tables, and results from elsewhere."),
    "label": ("mppcqa.cli.label:label", "Write labels with codes of devices, trays, stations."),
    "list": ("mppcqa.cli.list_:list_", "List devices, runs, verdicts, tasks … by their filters."),
    "load": ("mppcqa.cli.load:load", "Put devices into a station, start a run of them."),
    "messages": ("mppcqa.cli.messages:messages", "Bring translations up to date."),
    "new-stage": (
        "mppcqa.cli.new_stage:new_stage",
        "Make a package with a stage of your own and its test.",
    ),
    "plugins": ("mppcqa.cli.plugins:plugins", "List and check what other packages add."),
    "register": ("mppcqa.cli.register:register", "Register devices, or bring them up to date."),
    "report": ("mppcqa.cli.report:report", "Write the PDF report of devices."),
    "restore": ("mppcqa.cli.backup:restore", "Restore a backup into this or another database."),
    "run": ("mppcqa.cli.run:run", "Start web server, workers and scheduler on this machine."),
    "schedule": ("mppcqa.cli.schedule:schedule", "Show what runs at set times, switch it."),
    "scheduler": ("mppcqa.cli.scheduler:scheduler", "Start what runs tasks at set times."),
    "send": ("mppcqa.cli.send:send", "Send values to the database of another campaign."),
    "ship": ("mppcqa.cli.ship:ship", "Pack boxes, receive them, show them."),
    "station": ("mppcqa.cli.station:station", "Serve a station: all that its computer runs."),
    "states": ("mppcqa.cli.states:states", "Check devices' states, show the permitted moves."),
    "summaries": ("mppcqa.cli.summaries:summaries", "Check summaries against a recount."),
    "task": ("mppcqa.cli.tasks:task", "Show, follow, kill or repeat one task."),
    "tasks": ("mppcqa.cli.tasks:tasks", "List tasks."),
    "token": ("mppcqa.cli.token:token", "Make, list and take back tokens of stations and persons."),
    "user": ("mppcqa.cli.user:user", "Invite people, change what they may do and see."),
    "web": ("mppcqa.cli.web:web", "Start the web server alone, behind a proxy."),
    "webhook": (
        "mppcqa.cli.webhook:webhook",
        "Tell other programs what happens here; see what they were told.",
    ),
    "worker": ("mppcqa.cli.worker:worker", "Start a worker, for a station or for shared work."),
    "workers": ("mppcqa.cli.workers:workers", "List workers."),
}
"""Name of a subcommand -> where it is and what it does; nothing is imported before it is needed."""

AREAS = {
    "Devices": "register import label list report export ship states",
    "Measuring": "load station check",
    "The queue": "tasks task schedule workers",
    "Partners": "bundle partner send webhook",
    "A program of yours": "new-stage plugins",
    "To try": "run demo",
    "Services": "web worker scheduler bell fitter deployment",
    "People": "user token",
    "Keeping": "backup restore fsck audit columns summaries",
    "Developing": "django messages assets",
}
"""Which commands stand together in ``--help``, so that it stays within a screen."""


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

    def invoke(self, ctx: click.Context) -> object:
        """A database that is not made, or of an older version, is told as what it is."""
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            raise as_wanted(error, ctx) from None
        except Exception as error:
            if (said := _of_another_version(error)) is None:
                raise
            raise click.ClickException(said) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(AREAS.items()))


def _of_another_version(error: Exception) -> str | None:
    """What to do where a command failed because the tables are not as this version wants them."""
    if "django.db.utils" not in sys.modules:
        return None
    from django.db import DatabaseError, connection
    from django.db.migrations.executor import MigrationExecutor

    if not isinstance(error, DatabaseError):
        return None
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:  # it is not reached at all
        return None
    if not missing:
        return None
    from django.conf import settings

    if not executor.loader.applied_migrations:
        return (
            f"there is no database yet for {settings.MPPCQA_HOME}. `mppcqa run` makes it, or "
            "`mppcqa django migrate`; MPPCQA_HOME and MPPCQA_DATABASE name another."
        )
    return "the database is of an older version; back it up, then: mppcqa django migrate"


def _say_all(context: click.Context, _option: click.Parameter, wanted: bool) -> None:
    """What each command does."""
    if wanted and not context.resilient_parsing:
        formatter = context.make_formatter()
        formatter.write_dl([(name, what) for name, (_, what) in sorted(COMMANDS.items())])
        echo(formatter.getvalue(), nl=False, lines=True)
        context.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="mppcqa")
@click.option(
    "--commands",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_say_all,
    help="Say what each command does.",
)
def main() -> None:
    """Quality assurance of MPPCs: devices, tests, analysis, reports."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mppcqa.project.settings")
    local_files.allowed = True


def tell_only_words() -> None:
    """What a command says itself stands in no line of the log beside it."""
    logger = logging.getLogger("mppcqa.people")
    before = logger.level
    logger.setLevel(logging.ERROR)
    click.get_current_context().call_on_close(lambda: logger.setLevel(before))


def setup_django() -> None:
    """Load Django's apps; called by the subcommands that need the database."""
    import django

    with loading():
        django.setup()
    if age.is_too_old():
        raise click.ClickException(age.TOO_OLD)
