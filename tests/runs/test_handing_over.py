"""What another user's program left is brought, as far as it can be; what may it get into."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mppcqa.queue import program_user as rooms
from mppcqa.queue.program_user import (
    Place,
    ProgramUser,
    ProgramUserFault,
    bring_left,
    program_user,
    refuse_unable,
    told_left,
)
from tests.other_user import NOBODY, UID, folder_of_nobody, only_root

pytestmark = only_root


@pytest.fixture
def user() -> Iterator[ProgramUser]:
    with folder_of_nobody() as folder:
        found = program_user(NOBODY, str(folder))
        assert found is not None
        yield found


def place_of(user: ProgramUser, here: Path, *names: str) -> Place:
    """As a program leaves it."""
    here.mkdir()
    place = Place(here, user)
    for name in names:
        (place.folder / name).parent.mkdir(exist_ok=True)
        (place.folder / name).write_text(name)
    for path in place.folder.rglob("*"):
        os.lchown(path, UID, -1)
    return place


def test_the_rest_is_brought_and_what_is_left_comes_once_it_can(
    user: ProgramUser, tmp_path: Path
) -> None:
    names = ("run.root", "a/b", "lock", "holes", "shut/x")
    place = place_of(user, tmp_path / "1-1", *names)
    here, there = place.here, place.folder
    (there / "lock").chmod(0)
    (there / "shut").chmod(0)
    (there / "key").symlink_to("/etc/shadow")
    os.truncate(there / "holes", 10 << 40)  # of which the disk has nothing
    left = place.bring()
    assert set(left) == {"lock", "holes", "shut"}
    assert "do not fit on the disk" in left["holes"]
    assert "'lock': Permission denied" in told_left(left, there)
    assert (here / "run.root").read_text() == "run.root"
    assert (here / "a" / "b").read_text() == "a/b"
    assert not (here / "key").exists()
    # What was brought does not lie there twice.
    assert sorted(path.name for path in there.iterdir() if path.is_file()) == [
        *("holes", "key", "lock")
    ]
    (there / "lock").chmod(0o600)
    (there / "shut").chmod(0o700)
    os.truncate(there / "holes", 5)
    assert bring_left(here, user) == {}
    assert (here / "shut" / "x").read_text() == "shut/x"
    assert not there.exists()
    assert bring_left(here, user) is None


def test_of_very_many_files_the_run_file_comes_first(
    user: ProgramUser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooms, "MAX_FILES", 5)
    place = place_of(user, tmp_path / "1-1", *(f"a{n}" for n in range(9)), "run.root")
    assert list(place.bring()) == ["..."]
    assert (place.here / "run.root").exists()
    assert bring_left(place.here, user) == {}
    assert len(list(place.here.glob("a?"))) == 9


def test_what_grows_or_does_not_come_is_given_up(
    user: ProgramUser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ProgramUserFault, match="larger than the room"):
        rooms._copy(["cat", "/dev/zero"], tmp_path / "a", 1 << 20)
    monkeypatch.setattr(rooms, "STALLED_S", 0.2)
    with pytest.raises(ProgramUserFault, match="nothing of it came"):
        rooms._copy(["sleep", "60"], tmp_path / "a", 1 << 20)
    monkeypatch.setattr(rooms, "HELPER_S", 0.01)
    with pytest.raises(ProgramUserFault, match="timed out"):
        user.ask("list", "/", "5", "x")


def test_who_hands_it_over_knows_nothing_of_our_environment(
    user: ProgramUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MPPCQA_DATABASE", "mysql://hunter2")
    around = user.ask("run", "/", "/usr/bin/env")
    assert b"PATH=" in around
    assert b"MPPCQA" not in around


def test_a_home_that_may_be_passed_through_and_open_files_are_refused(user: ProgramUser) -> None:
    with folder_of_nobody() as folder:
        os.chown(folder, 0, 0)
        settings = folder / "mppcqa.env"
        settings.touch(0o600)
        home = folder / "home"
        home.mkdir(0o700)
        (home / "db.sqlite3").touch()
        (home / "db.sqlite3").chmod(0o644)
        closed = [home, home / "db.sqlite3", settings]
        refuse_unable(user, closed)
        home.chmod(0o711)
        with pytest.raises(ProgramUserFault, match=r"home/db\.sqlite3"):
            refuse_unable(user, closed)
        home.chmod(0o700)
        settings.chmod(0o602)
        with pytest.raises(ProgramUserFault, match=r"chmod go= .*mppcqa\.env"):
            refuse_unable(user, closed)


def test_a_user_who_does_not_reach_its_folder_is_refused_at_the_start(tmp_path: Path) -> None:
    with folder_of_nobody() as folder:
        (closed := folder / "closed").mkdir(0o700)
        (work := closed / "work").mkdir(0o700)
        os.chown(work, UID, -1)
        user = program_user(NOBODY, str(work))
        assert user is not None
        with pytest.raises(ProgramUserFault, match=r"can't make a folder in .*chmod o\+x"):
            refuse_unable(user, [tmp_path])
        closed.chmod(0o711)
        refuse_unable(user, [tmp_path])
        assert list(work.iterdir()) == []
