"""Who owns a data directory: one at a time, told by the kernel and by nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import pytest

from abi_engine.core.clock import ManualClock
from abi_engine.core.errors import DataDirectoryError, EngineBusy
from abi_engine.runtime.data_directory import LOCK_NAME, RETRY, DataDirectory

HOLD = """
import sys
from pathlib import Path
from abi_engine.runtime.data_directory import DataDirectory
directory = DataDirectory(Path(sys.argv[1]))
directory.acquire()
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def other(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that owns the directory until its stdin ends."""
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_the_directory_is_made_for_this_user_alone(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path / "a" / "b")
    directory.acquire()
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "a" / "b" / LOCK_NAME).stat().st_mode & 0o777 == 0o600
    directory.release()


def test_the_holder_is_told_by_its_process_id(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path)
    assert directory.holder() is None
    directory.acquire()
    assert directory.held
    assert DataDirectory(tmp_path).holder() == os.getpid()
    directory.release()
    assert not directory.held
    assert directory.holder() is None


def test_acquiring_and_releasing_twice_does_nothing(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path)
    directory.acquire()
    directory.acquire()
    directory.release()
    directory.release()
    other = DataDirectory(tmp_path)
    other.acquire()
    other.release()


def test_a_second_owner_is_refused_with_the_pid_of_the_first(
    tmp_path: Path, other: subprocess.Popen[bytes]
) -> None:
    with pytest.raises(EngineBusy, match=str(other.pid)) as caught:
        DataDirectory(tmp_path).acquire()
    assert caught.value.details == {"pid": other.pid}
    assert caught.value.retryable


def test_two_objects_in_one_process_are_two_owners(tmp_path: Path) -> None:
    first, second = DataDirectory(tmp_path), DataDirectory(tmp_path)
    first.acquire()
    with pytest.raises(EngineBusy):
        second.acquire()
    first.release()
    second.acquire()
    second.release()


def test_a_refusal_leaves_the_holders_name_as_it_was(
    tmp_path: Path, other: subprocess.Popen[bytes]
) -> None:
    for _ in range(3):
        with pytest.raises(EngineBusy):
            DataDirectory(tmp_path).acquire()
    assert DataDirectory(tmp_path).holder() == other.pid


def test_a_holder_that_is_killed_leaves_the_directory_free_whatever_the_file_says(
    tmp_path: Path, other: subprocess.Popen[bytes]
) -> None:
    other.send_signal(signal.SIGKILL)
    other.wait(10)
    assert (tmp_path / LOCK_NAME).read_text() == f"{other.pid}\n"
    directory = DataDirectory(tmp_path)
    assert directory.holder() is None
    directory.acquire()
    assert directory.holder() == os.getpid()
    directory.release()


def test_who_waits_gets_the_directory_when_its_holder_leaves(tmp_path: Path) -> None:
    first, waiting = DataDirectory(tmp_path), Event()
    first.acquire()

    def pause(_: float) -> None:
        waiting.set()
        Event().wait(0.001)

    second = DataDirectory(tmp_path, pause=pause)
    thread = Thread(target=second.acquire, args=(30.0,))
    thread.start()
    assert waiting.wait(10)
    first.release()
    thread.join(10)
    assert second.held
    second.release()


def test_who_waits_for_a_lock_that_is_replaced_gets_the_new_one(tmp_path: Path) -> None:
    first = DataDirectory(tmp_path)
    first.acquire()

    def pause(_: float) -> None:
        (tmp_path / LOCK_NAME).unlink()
        first.release()

    second = DataDirectory(tmp_path, pause=pause)
    second.acquire(30.0)
    with pytest.raises(EngineBusy):
        DataDirectory(tmp_path).acquire()
    assert second.holder() == os.getpid()
    second.release()


def test_the_waiting_ends_when_its_time_is_over(tmp_path: Path) -> None:
    clock, pauses = ManualClock(), []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        clock.advance(seconds)

    first = DataDirectory(tmp_path)
    first.acquire()
    with pytest.raises(EngineBusy):
        DataDirectory(tmp_path, clock=clock, pause=pause).acquire(1.0)
    assert 1.0 <= sum(pauses) <= 1.0 + 3 * RETRY
    first.release()


def test_a_look_at_the_holder_never_makes_an_owner_fail(tmp_path: Path) -> None:
    looker, owner, done = DataDirectory(tmp_path), DataDirectory(tmp_path), Event()
    owner.acquire()
    owner.release()

    def look() -> None:
        while not done.is_set():
            looker.holder()

    thread = Thread(target=look)
    thread.start()
    try:
        for _ in range(200):
            owner.acquire(5.0)
            owner.release()
    finally:
        done.set()
        thread.join()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_does_not_keep_what_its_parent_released(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path)
    directory.acquire()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        os.close(write)
        os.read(read, 1)
        os._exit(0)
    os.close(read)
    directory.release()
    assert directory.holder() is None
    os.close(write)
    os.waitpid(child, 0)


def test_a_place_that_is_a_file_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(DataDirectoryError, match="file") as caught:
            DataDirectory(path).acquire()
        assert "--data-dir" in caught.value.hint


def test_a_lock_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("keep")
    (tmp_path / LOCK_NAME).symlink_to(tmp_path / "victim")
    with pytest.raises(DataDirectoryError):
        DataDirectory(tmp_path).acquire()
    assert (tmp_path / "victim").read_text() == "keep"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can play another user")
def test_a_directory_that_this_user_cannot_write_is_refused() -> None:
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from abi_engine.runtime.data_directory import DataDirectory, DataDirectoryError\n"
        "os.setgroups([])\n"
        "os.setgid(65534)\n"
        "os.setuid(65534)\n"
        "try:\n"
        "    DataDirectory(Path(sys.argv[1])).acquire()\n"
        "except DataDirectoryError as error:\n"
        "    print(error.message)\n"
    )
    with tempfile.TemporaryDirectory(prefix="abi-") as place:
        Path(place).chmod(0o755)
        done = subprocess.run(
            [sys.executable, "-c", code, place],
            capture_output=True,
            text=True,
            timeout=30,
        )
    assert "Permission denied" in done.stdout, done.stderr


def test_what_stands_in_the_file_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / LOCK_NAME).write_text("not a number")
    assert DataDirectory(tmp_path).holder() is None
    first = DataDirectory(tmp_path)
    first.acquire()
    (tmp_path / LOCK_NAME).write_text("\x1b[31m")
    with pytest.raises(EngineBusy, match="another process"):
        DataDirectory(tmp_path).acquire()
    first.release()


def test_the_waiting_counts_anew_when_one_owner_follows_another(tmp_path: Path) -> None:
    clock = ManualClock()
    owners = [DataDirectory(tmp_path)]
    owners[0].acquire()

    def take_turns(_: float) -> None:
        clock.advance(4.0)
        lock = tmp_path / LOCK_NAME
        if clock.monotonic() < 1_100:  # far beyond the time-out of 10 s
            lock.write_text(f"{int(clock.monotonic())}\n")
        elif owners:
            owners.pop().release()

    waiting = DataDirectory(tmp_path, clock=clock, pause=take_turns)
    waiting.acquire(timeout=10.0)
    waiting.release()
