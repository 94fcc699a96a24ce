"""One Winnow per state folder, and no stale lock after a crash."""

import os
import subprocess
import sys
from pathlib import Path

from server.supervisor.instance import Instance

ROOT = Path(__file__).resolve().parents[3]
HOLDER = (
    "import os, sys, time; from pathlib import Path; from server.supervisor.instance import Instance;"
    "i = Instance(Path(sys.argv[1])); assert i.acquire(); i.write_facts({'pid': os.getpid(), 'url': 'u'});"
    "print('held', flush=True); time.sleep(60)"
)


def holder(state: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(state)], cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    return process


def test_a_second_one_is_refused_and_learns_where_the_first_is(tmp_path: Path) -> None:
    first = holder(tmp_path)
    second = Instance(tmp_path)
    assert not second.acquire()
    assert second.is_running()
    assert second.facts()["url"] == "u"
    first.kill()
    first.wait()


def test_the_lock_of_a_killed_one_is_free_at_once(tmp_path: Path) -> None:
    first = holder(tmp_path)
    first.kill()
    first.wait()
    second = Instance(tmp_path)
    assert not second.is_running()
    assert second.acquire()
    assert second.facts() == {}
    second.release()


def test_asking_it_to_stop_waits_until_it_has(tmp_path: Path) -> None:
    first = holder(tmp_path)
    assert Instance(tmp_path).ask_to_stop()
    assert first.wait(5) == -15


def test_the_facts_are_for_this_account_alone(tmp_path: Path) -> None:
    instance = Instance(tmp_path)
    instance.acquire()
    instance.write_facts({"pid": os.getpid()})
    assert (tmp_path / "run.json").stat().st_mode & 0o777 == 0o600
    instance.release()
