"""No process of ours outlives us, and none leaves children behind."""

import ctypes
import os
import platform
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from server.supervisor.process import Process, Program

ROOT = Path(__file__).resolve().parents[3]
SLEEP = "import time; print('up', flush=True); time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
PARENT = "import subprocess, sys, time; p = subprocess.Popen(['sleep', '60']); print(p.pid, flush=True); time.sleep(60)"


def wait_for(condition: "object", seconds: float = 20) -> None:
    give_up = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < give_up, "waited in vain"
        time.sleep(0.02)


def is_gone(pid: int) -> bool:
    """True when the process is no more, or only an entry that its parent has yet to read."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


def started(code: str, tmp_path: Path, **options: object) -> Process:
    process = Process(Program("test", [sys.executable, "-c", code], **options), log_dir=tmp_path, cwd=ROOT)  # type: ignore[arg-type]
    wait_for(lambda: process.log.path.stat().st_size > 0)
    return process


def test_output_goes_to_the_log(tmp_path: Path) -> None:
    process = started(SLEEP, tmp_path)
    assert (tmp_path / "test.log").read_text() == "up\n"
    assert process.stop()


def test_what_computes_for_long_yields_to_whoever_runs(tmp_path: Path) -> None:
    policies = {}
    for batch in (True, False):
        folder = tmp_path / str(batch)
        folder.mkdir()
        process = started(SLEEP, folder, nice=3, batch=batch)
        policies[batch] = (os.sched_getscheduler(process.pid), os.getpriority(os.PRIO_PROCESS, process.pid))
        assert process.stop()
    niceness = policies[False][1]
    assert policies == {True: (os.SCHED_BATCH, niceness), False: (os.SCHED_OTHER, niceness)}


def test_whoever_wakes_waits_for_no_slice_of_it(tmp_path: Path) -> None:
    """Linux tells the slices of processes since it has had different ones (6.12)."""
    here = time_slice(os.getpid())
    if not here:
        pytest.skip("this system has one slice for all")
    process = started(SLEEP, tmp_path, nice=3, batch=True)
    assert time_slice(process.pid) == 100_000_000 > here
    assert process.stop()


def time_slice(pid: int) -> int:
    """Nanoseconds, by the system call sched_getattr; 0 where it does not say."""
    numbers = {"x86_64": 315, "aarch64": 275}
    if not sys.platform.startswith("linux") or platform.machine() not in numbers:
        return 0
    attributes = ctypes.create_string_buffer(56)
    ctypes.CDLL(None).syscall(numbers[platform.machine()], pid, attributes, 56, 0)
    return int(struct.unpack("IIQiIQQQII", attributes.raw)[5])


def test_one_that_ignores_the_signal_is_killed(tmp_path: Path) -> None:
    process = started(STUBBORN, tmp_path, stop_seconds=0.3)
    assert not process.stop()
    assert process.returncode() == -signal.SIGKILL


def test_its_children_end_with_it(tmp_path: Path) -> None:
    process = started(PARENT, tmp_path)
    child = int((tmp_path / "test.log").read_text())
    os.kill(process.pid, signal.SIGKILL)
    wait_for(lambda: process.returncode() is not None)
    assert not is_gone(child)
    process.kill_group()
    wait_for(lambda: is_gone(child))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells a process of its parent's death")
def test_it_ends_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from server.supervisor.process import Process, Program;"
        f"p = Process(Program('test', [sys.executable, '-c', {SLEEP!r}]), log_dir=Path({str(tmp_path)!r}), cwd=Path());"
        "print(p.pid, flush=True); time.sleep(60)"
    )
    supervisor = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE)
    assert supervisor.stdout is not None
    child = int(supervisor.stdout.readline())
    wait_for(lambda: (tmp_path / "test.log").stat().st_size > 0)
    supervisor.kill()
    supervisor.wait()
    wait_for(lambda: is_gone(child))
