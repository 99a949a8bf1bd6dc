"""A repeat takes the place of what it repeats: in a group, and in a chain with all that follows."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client

import tests.queue.routines  # noqa: F401
from mppcqa.queue import Call, again, kill_group, resume, submit_chain, submit_group
from mppcqa.queue.errors import SubmitError
from mppcqa.queue.history import durations, tally
from mppcqa.queue.models import State, Task, TaskGroup, queue_name
from mppcqa.queue.runner import work
from mppcqa.queue.transitions import group_ended

pytestmark = pytest.mark.django_db(transaction=True)

ADD = Call("test.add", {"a": 1, "b": 2})


def run_all() -> int:
    return work("test:1", [queue_name("work")], lambda: False)


def states(group: TaskGroup) -> list[str]:
    return [str(task.state) for task in group.current_tasks().order_by("id")]


@pytest.fixture
def broken(tmp_path: Path) -> TaskGroup:
    """A chain whose second link failed; it succeeds once `tmp_path / "mended"` is there."""
    call = Call("test.once_mended", {"marker": str(tmp_path / "mended")})
    group = submit_chain([ADD, call, ADD, ADD], title="chain")
    run_all()
    assert states(group) == ["succeeded", "failed", "killed", "killed"]
    assert group.state == State.FAILED
    return group


def mend(tmp_path: Path) -> None:
    (tmp_path / "mended").touch()


def link(group: TaskGroup, number: int) -> Task:
    return group.tasks.order_by("id")[number]


@pytest.mark.parametrize("how", ["again", "resume"])
def test_a_repeated_link_takes_the_chain_up_again(
    broken: TaskGroup, tmp_path: Path, how: str
) -> None:
    person = User.objects.create_user("ana")
    tally()
    mend(tmp_path)
    failed = link(broken, 1)
    told: list[TaskGroup] = []

    def hear(group: TaskGroup, **_named: object) -> None:
        told.append(group)

    group_ended.connect(hear)
    if how == "again":
        repeated = again(failed, by=person)
    else:
        (repeated,) = resume(broken, by=person)
    broken.refresh_from_db()
    assert (broken.state, broken.ended_at) == (State.RUNNING, None)
    assert (repeated.group, repeated.repeat_of, repeated.after) == (
        broken,
        failed,
        link(broken, 0),
    )
    assert run_all() == 3
    group_ended.disconnect(hear)
    assert states(broken) == ["succeeded"] * 4
    broken.refresh_from_db()
    assert broken.state == State.SUCCEEDED
    assert broken.ended_at is not None
    assert told == [broken]
    started = broken.current_tasks().order_by("started_at")
    assert [task.pk for task in started][1] == repeated.pk
    # Nothing is told twice: what never began was not counted as killed after all.
    tally()
    found = {one.name: +Counter(one.outcomes) for one in durations()}
    assert found == {
        "test.add": {"succeeded": 3},
        "test.once_mended": {"succeeded": 1, "failed": 1},
    }


def test_a_repeat_that_fails_can_be_repeated(broken: TaskGroup, tmp_path: Path) -> None:
    again(link(broken, 1))
    run_all()
    assert broken.state == State.FAILED
    mend(tmp_path)
    # By the first failure's page: what stands in its place by now is meant.
    second = again(link(broken, 1))
    assert second.repeat_of == link(broken, 4)
    run_all()
    assert (broken.state, states(broken)) == (State.SUCCEEDED, ["succeeded"] * 4)


def test_a_chain_that_a_person_stopped_is_resumed(tmp_path: Path) -> None:
    group = submit_chain([ADD, ADD], title="two")
    assert kill_group(group, reason="lunch") == 2
    resume(group)
    assert run_all() == 2
    assert states(group) == ["succeeded"] * 2
    assert not group.current_tasks().exclude(kill_requested_at=None).exists()


def test_what_had_run_after_a_repeated_link_runs_again() -> None:
    group = submit_chain([ADD, ADD, ADD], title="three")
    run_all()
    again(link(group, 1))
    assert run_all() == 2
    assert states(group) == ["succeeded"] * 3
    rows = list(group.tasks.order_by("id"))
    assert [(row.repeat_of_id, row.after_id) for row in rows[3:]] == [
        (rows[1].pk, rows[0].pk),
        (rows[2].pk, rows[3].pk),
    ]
    again(rows[0])
    assert run_all() == 3
    assert (len(states(group)), group.state) == (3, State.SUCCEEDED)


def test_a_link_waits_for_nothing_that_can_not_come(broken: TaskGroup) -> None:
    with pytest.raises(SubmitError, match=r"comes after Once mended #\d+, which has not succeeded"):
        again(link(broken, 2))
    again(link(broken, 1))
    for number in (0, 1, 4):
        with pytest.raises(SubmitError, match="still under way"):
            again(link(broken, number))
    with pytest.raises(SubmitError, match="still under way"):
        resume(broken)
    assert broken.tasks.count() == 5


def test_a_group_resumes_what_did_not_succeed(tmp_path: Path) -> None:
    call = Call("test.once_mended", {"marker": str(tmp_path / "mended")})
    group = submit_group([ADD, call, call], title="side by side")
    run_all()
    assert group.state == State.FAILED
    mend(tmp_path)
    assert len(resume(group)) == 2
    assert run_all() == 2
    assert (group.state, len(states(group))) == (State.SUCCEEDED, 3)
    with pytest.raises(SubmitError, match="have succeeded"):
        resume(group)


def test_the_groups_page_resumes_it(
    broken: TaskGroup, tmp_path: Path, client: Client, operator: User
) -> None:
    client.force_login(operator)
    address = f"/queue/groups/{broken.pk}/"
    assert f"{address}resume/" in client.get(address).content.decode()
    mend(tmp_path)
    page = client.post(f"{address}resume/", follow=True).content.decode()
    assert "1 task goes on" in page
    assert "under way" in client.post(f"{address}resume/", follow=True).content.decode()
    run_all()
    page = client.get(address).content.decode()
    assert f"{address}resume/" not in page
    assert "4 / 4" in page
    assert page.count("run again") == 1
    assert page.index("the lamp is off") < page.index(f"/queue/{link(broken, 4).pk}/")
    assert page.index(f"/queue/{link(broken, 4).pk}/") < page.index(f"/queue/{link(broken, 2).pk}/")
