"""Rows of the queue. A task's row is the truth; the broker only carries "attempt n is ready"."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from mppcqa.queue.laboratory import Laboratory  # noqa: F401 (Django looks for it here)
from mppcqa.queue.noticed import Notice as Notice
from mppcqa.queue.rows import Row


class State(models.TextChoices):
    """Where a task stands. Changed only by `mppcqa.queue.transitions`."""

    WAITING = "waiting", _("waiting")
    QUEUED = "queued", _("queued")
    RUNNING = "running", _("running")
    SUCCEEDED = "succeeded", _("succeeded")
    FAILED = "failed", _("failed")
    KILLED = "killed", _("killed")
    TIMED_OUT = "timed_out", _("timed out")
    LOST = "lost", _("lost")
    EXPIRED = "expired", _("expired")


OPEN_STATES = (State.WAITING, State.QUEUED, State.RUNNING)
FINAL_STATES = (
    *(State.SUCCEEDED, State.FAILED, State.KILLED, State.TIMED_OUT, State.LOST),
    State.EXPIRED,
)


class Lane(Row):
    """A named queue. An exclusive one (a station) runs one task at a time and has a lock."""

    name = models.CharField(max_length=100, unique=True)
    exclusive = models.BooleanField(default=False)
    dedicated = models.BooleanField(
        default=False, help_text=_("Only a worker started for this lane may run its tasks.")
    )
    remote = models.BooleanField(
        default=False,
        help_text=_("Its computer asks the server for tasks; no broker carries them."),
    )
    holder = models.OneToOneField(
        "Task", null=True, blank=True, on_delete=models.SET_NULL, related_name="held_lane"
    )
    held_since = models.DateTimeField(null=True, blank=True)
    maintenance = models.CharField(
        max_length=200, blank=True, help_text=_("Why nothing may start; empty when in use.")
    )
    make_safe = models.JSONField(
        default=list, blank=True, help_text=_("Program that leaves the hardware safe after a kill.")
    )
    reserved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text=_("Only this person's tasks start until the reservation ends."),
    )
    reserved_until = models.DateTimeField(null=True, blank=True)
    calibrated_until = models.DateField(
        null=True, blank=True, help_text=_("After this day nothing starts without an override.")
    )

    def __str__(self) -> str:
        return lane_title(self.name)

    @property
    def is_reserved(self) -> bool:
        """Whether it is kept for one person now."""
        until = self.reserved_until
        return self.reserved_by_id is not None and (until is None or until > timezone.now())

    @property
    def broker_queue(self) -> str:
        """Queue of the broker: an own one only where the lane has its own computer."""
        if self.remote:
            return REMOTE_PREFIX + self.name
        if self.dedicated or not self.exclusive:
            return queue_name(self.name)
        return queue_name(DEFAULT_LANE)


DEFAULT_LANE = "work"
STATION_PREFIX = "station:"
REMOTE_PREFIX = "remote/"
"""Begins what stands in place of a broker's queue where none is: nobody is woken there."""


def lane_title(name: str) -> str:
    """What people call a lane: a station's lane has the station's name."""
    return name.removeprefix(STATION_PREFIX)


def queue_name(lane: str) -> str:
    """Name of a lane's queue at the broker."""
    return f"{settings.MPPCQA_QUEUE_PREFIX}.{lane.replace(':', '.')}"


def queue_title(queue: str) -> str:
    """What people call the lane of a queue at the broker."""
    own = queue.removeprefix(f"{settings.MPPCQA_QUEUE_PREFIX}.")
    return own.removeprefix(STATION_PREFIX.replace(":", "."))


class TaskGroup(Row):
    """Tasks that belong together; in a chain each waits for the one before it."""

    title = models.CharField(max_length=200)
    chain = models.BooleanField(default=False)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    about_model = models.CharField(max_length=100, blank=True)
    about_id = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    """When its last task ended; set once, by whoever ended that task."""

    class Meta:
        indexes = [models.Index(fields=["about_model", "about_id"])]

    def __str__(self) -> str:
        return self.title

    @property
    def state(self) -> State:
        """Worst state of the tasks: open while one is open, succeeded when all succeeded."""
        return group_state([task.state for task in without_repeated(self.tasks.all())])

    def current_tasks(self) -> models.QuerySet[Task]:
        """Its tasks without those whose place a repeat has taken."""
        repeated = self.tasks.exclude(repeat_of=None).order_by().values("repeat_of")
        return self.tasks.exclude(pk__in=repeated)


def group_state(states: list[str]) -> State:
    """State of a group from its tasks' states."""
    present = {State(state) for state in states}
    if State.RUNNING in present:
        return State.RUNNING
    if present & {State.QUEUED, State.WAITING}:
        return State.QUEUED if present <= {State.QUEUED, State.WAITING} else State.RUNNING
    for state in (State.LOST, State.TIMED_OUT, State.FAILED, State.EXPIRED, State.KILLED):
        if state in present:
            return state
    return State.SUCCEEDED


def without_repeated(tasks: Iterable[Task]) -> list[Task]:
    """Of all tasks of a group those whose place no repeat has taken."""
    tasks = list(tasks)
    repeated = {task.repeat_of_id for task in tasks}
    return [task for task in tasks if task.pk not in repeated]


def in_order(tasks: Iterable[Task]) -> list[Task]:
    """Tasks of a group as people read them: a repeat stands after what it repeats."""
    tasks = list(tasks)
    there = {task.pk: task for task in tasks}

    def first(task: Task) -> int:
        while (former := there.get(task.repeat_of_id or 0)) is not None:
            task = former
        return task.pk

    return sorted(tasks, key=lambda task: (first(task), task.pk))


class Task(Row):
    """One piece of work: a registered routine with its arguments."""

    name = models.CharField(max_length=100)
    arguments = models.JSONField(default=dict)
    lane = models.CharField(max_length=100, default=DEFAULT_LANE)
    priority = models.PositiveSmallIntegerField(default=5, help_text=_("0 is first, 9 is last."))
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    about_model = models.CharField(max_length=100, blank=True)
    about_id = models.CharField(max_length=64, blank=True)
    group = models.ForeignKey(
        TaskGroup, null=True, blank=True, on_delete=models.CASCADE, related_name="tasks"
    )
    after = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="followers"
    )
    repeat_of = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="repeats"
    )
    key = models.CharField(max_length=200, blank=True, help_text=_("Equal open tasks are one."))
    open_key = models.CharField(max_length=200, null=True, unique=True)  # noqa: DJ001
    """The key while the task is open, so that the database itself refuses a second one."""
    topic = models.CharField(
        max_length=50, blank=True, help_text=_("What its run times are compared by, as a stage.")
    )
    limit_s = models.FloatField(
        null=True, blank=True, help_text=_("Time limit; empty for the routine's own.")
    )

    served_by = models.CharField(max_length=120, blank=True)
    """The broker's queue that it was put into; workers take their tasks by it."""
    attempt = models.PositiveSmallIntegerField(default=0)
    worker = models.CharField(max_length=200, blank=True)
    host = models.CharField(max_length=200, blank=True)
    process_id = models.PositiveIntegerField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_s = models.FloatField(null=True)
    """How long its owner may be silent, where that is not the usual time of a worker."""

    created_at = models.DateTimeField(default=timezone.now)
    not_before = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)  # then it may not begin any more
    queued_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    run_s = models.FloatField(null=True, blank=True)
    """Run time of the last attempt by a clock that never jumps."""
    tallied = models.BooleanField(null=True)
    """Whether its run time is in the history: None while open, False once ended, then True."""

    progress_done = models.PositiveIntegerField(default=0)
    progress_total = models.PositiveIntegerField(default=0)
    progress_text = models.CharField(max_length=200, blank=True)
    result = models.JSONField(null=True, blank=True)
    exit_status = models.IntegerField(null=True, blank=True)
    error_class = models.CharField(max_length=100, blank=True)
    error_text = models.TextField(blank=True)
    traceback = models.TextField(blank=True)
    peak_memory_bytes = models.BigIntegerField(null=True, blank=True)

    kill_requested_at = models.DateTimeField(null=True, blank=True)
    kill_requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    kill_reason = models.CharField(max_length=200, blank=True)
    override = models.CharField(
        max_length=200,
        blank=True,
        help_text=_("Why it may start although the station's calibration has expired."),
    )
    supervisor_id = models.PositiveIntegerField(
        null=True, blank=True, help_text=_("Process that looks after the running program.")
    )
    hidden = models.BooleanField(default=False, help_text=_("Archived: left out of lists."))

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes = [
            models.Index(fields=["state", "served_by", "priority", "id"], name="queue_task_next"),
            models.Index(fields=["state", "-id"], name="queue_task_state"),
            models.Index(fields=["tallied"], name="queue_task_tallied"),
            models.Index(fields=["about_model", "about_id"], name="queue_task_about"),
            models.Index(fields=["key"], name="queue_task_key"),
            models.Index(fields=["name", "-id"], name="queue_task_name"),
        ]

    def __str__(self) -> str:
        return f"{self.name} #{self.pk}"

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def title(self) -> str:
        """What the routine is called on pages; its name if this program no longer has it."""
        from mppcqa.queue.registry import find

        found = find(self.name)
        return str(found.title) if found else self.name

    @property
    def seconds(self) -> float | None:
        """Run time so far, or of the whole attempt once it ended."""
        if self.started_at is None:
            return None
        if self.ended_at is not None and self.run_s is not None:
            return self.run_s
        return max(0.0, ((self.ended_at or timezone.now()) - self.started_at).total_seconds())

    @property
    def percent(self) -> int:
        if self.state == State.SUCCEEDED:
            return 100
        if not self.progress_total:
            return 0
        return min(100, 100 * self.progress_done // self.progress_total)


class Attempt(Row):
    """One try at a task that is over, with its own log file; the task's row has the running one."""

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    worker = models.CharField(max_length=200)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    error_text = models.TextField(blank=True)

    class Meta:
        ordering: ClassVar = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["task", "number"], name="queue_attempt_once")
        ]

    def __str__(self) -> str:
        return f"{self.task} attempt {self.number}"


class Message(Row):
    """A line with which a program or a routine asks for a person's attention."""

    class Level(models.TextChoices):
        INFO = "info", _("note")
        WARNING = "warning", _("warning")
        ERROR = "error", _("error")

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="messages")
    at = models.DateTimeField(default=timezone.now)
    level = models.CharField(max_length=10, choices=Level, default=Level.INFO)
    text = models.CharField(max_length=500)

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return f"{self.level}: {self.text}"


class Worker(Row):
    """A worker process, as it last reported."""

    name = models.CharField(max_length=200, unique=True)
    host = models.CharField(max_length=200)
    process_id = models.PositiveIntegerField()
    lanes = models.JSONField(default=list)
    concurrency = models.PositiveSmallIntegerField(default=1)
    version = models.CharField(max_length=50, blank=True)
    started_at = models.DateTimeField(default=timezone.now)
    heartbeat_at = models.DateTimeField(default=timezone.now)
    stopped_at = models.DateTimeField(null=True, blank=True)
    load = models.FloatField(null=True, blank=True, help_text=_("Load average of its host."))
    leaving = models.BooleanField(default=False)
    """It takes no more tasks and ends once its running ones have; the worker says so itself."""
    drain = models.BooleanField(
        default=False, help_text=_("Asked to end once its running tasks have ended.")
    )
    """Written by people alone."""

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def taking(cls) -> models.QuerySet[Worker]:
        """Those that take tasks now."""
        return cls.objects.filter(stopped_at=None, leaving=False, drain=False)

    @property
    def is_ending(self) -> bool:
        """Whether it ends once its running tasks have."""
        return self.drain or self.leaving

    def running(self) -> models.QuerySet[Task]:
        return Task.objects.filter(worker=self.name, state=State.RUNNING)


class LogPart(Row):
    """A piece of a log that was written on another computer, packed with zlib."""

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="log_parts")
    attempt = models.PositiveSmallIntegerField()
    offset = models.BigIntegerField()
    size = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        ordering: ClassVar = ["offset"]
        constraints = [
            models.UniqueConstraint(
                fields=["task", "attempt", "offset"], name="queue_log_part_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.task_id}-{self.attempt} from {self.offset}"


class TaskTally(Row):
    """How many tasks of a kind took how long, by week; pages of history read nothing else."""

    name = models.CharField(max_length=100)
    topic = models.CharField(max_length=50, blank=True)
    lane = models.CharField(max_length=100)
    state = models.CharField(max_length=10, choices=State)
    week = models.DateField()
    bucket = models.SmallIntegerField()
    n = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["week", "name", "topic", "lane", "state", "bucket"], name="queue_tally_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.state} {self.week}: {self.n}"


def about_key(instance: models.Model | None) -> dict[str, Any]:
    """How a task refers to the object it is about, without a foreign key to other rooms."""
    if instance is None:
        return {"about_model": "", "about_id": ""}
    return {"about_model": instance._meta.label_lower, "about_id": str(instance.pk)}
