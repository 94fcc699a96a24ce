"""`make run` as a person meets it: one address, safe to start twice, whole after a death, nothing left after Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.flows, pytest.mark.timeout(600)]
ROOT = Path(__file__).resolve().parents[2]
NOT_OURS = ("DATABASE_URL", "CELERY_BROKER_URL", "WINNOW_TEST_RUN", "DJANGO_SETTINGS_MODULE")


class Terminal:
    """A terminal in which somebody typed `make run`."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.output = state.parent / f"{state.name}.out"
        self.env = {key: value for key, value in os.environ.items() if key not in NOT_OURS}
        self.env["WINNOW_STATE"] = str(state)
        self.process: subprocess.Popen[bytes] | None = None

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "server.supervisor", *arguments]

    def start(self) -> None:
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                self.command("run", "--port", "0"), cwd=ROOT, env=self.env, stdout=output, stderr=output
            )
        self.wait_for(lambda: "Winnow is ready" in self.said(), 300)

    def say(self, *arguments: str) -> str:
        return subprocess.run(
            self.command(*arguments), cwd=ROOT, env=self.env, capture_output=True, text=True, check=False
        ).stdout

    def said(self) -> str:
        return self.output.read_text()

    def facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads((self.state / "run.json").read_text())
        return facts

    def pid_of(self, name: str) -> int | None:
        pid: int | None = self.facts()["processes"][name]["pid"]
        return pid

    def wait_for(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        give_up = time.monotonic() + seconds
        while not condition():
            assert self.process is not None
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < give_up, self.said()
            time.sleep(0.1)

    def press_ctrl_c(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(120)


def mentions(text: str) -> list[str]:
    """The commands of all live processes that were started for this folder, by argument or by environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            told = (entry / "cmdline").read_bytes() + b"\0" + (entry / "environ").read_bytes()
        except (OSError, PermissionError):
            continue
        if text.encode() in told and entry.name != str(os.getpid()):
            found.append(told.split(b"\0WINNOW")[0].decode(errors="replace"))
    return found


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path_factory.mktemp("run") / "state")
    terminal.start()
    yield terminal
    if terminal.process is not None and terminal.process.poll() is None:
        terminal.press_ctrl_c()


def test_it_prints_one_address_that_answers(terminal: Terminal) -> None:
    addresses = {word.rstrip() for word in terminal.said().split() if word.startswith("http://")}
    assert addresses == {terminal.facts()["url"]}
    with urllib.request.urlopen(terminal.facts()["url"] + "api/v1/health") as answer:
        assert answer.status == 200


def test_started_again_it_says_where_it_already_runs(terminal: Terminal) -> None:
    said = terminal.say("run")
    assert f"already running at {terminal.facts()['url']}" in said
    assert terminal.facts()["processes"]["web"]["restarts"] == 0


@pytest.mark.parametrize("name", ["worker-default", "worker-ml", "web"])
def test_a_killed_process_is_started_again(terminal: Terminal, name: str) -> None:
    old = terminal.pid_of(name)
    assert old is not None
    os.kill(old, signal.SIGKILL)
    terminal.wait_for(lambda: terminal.pid_of(name) not in {old, None})
    assert f"{name} ended (signal 9)" in terminal.said()


def test_a_killed_database_comes_back_with_its_rows(terminal: Terminal) -> None:
    import psycopg

    url = terminal.facts()["environment"]["DATABASE_URL"]
    with psycopg.connect(url) as connection:
        before = connection.execute("SELECT count(*) FROM django_migrations").fetchone()
    old = terminal.pid_of("postgres")
    assert old is not None
    os.kill(old, signal.SIGKILL)

    def answers() -> bool:
        try:
            with psycopg.connect(url) as connection:
                return connection.execute("SELECT count(*) FROM django_migrations").fetchone() == before
        except psycopg.OperationalError:
            return False

    terminal.wait_for(lambda: terminal.pid_of("postgres") not in {old, None} and answers())


def test_status_names_every_process(terminal: Terminal) -> None:
    said = terminal.say("status")
    for name in ("postgres", "redis", "web", "worker-default", "worker-ml", "worker-interactive", "beat"):
        assert name in said


def test_ctrl_c_leaves_nothing_behind_and_the_next_start_keeps_what_was_there(terminal: Terminal) -> None:
    assert terminal.press_ctrl_c() == 0
    assert "Stopped." in terminal.said()
    assert mentions(str(terminal.state)) == []
    terminal.start()
    assert "new, on a socket" not in terminal.said()
    terminal.say("stop")
    assert mentions(str(terminal.state)) == []


def test_a_second_death_of_the_terminal_itself_takes_all_along(terminal: Terminal) -> None:
    terminal.start()
    assert terminal.process is not None
    terminal.process.kill()
    terminal.process.wait()
    give_up = time.monotonic() + 60
    while mentions(str(terminal.state)):
        assert time.monotonic() < give_up, mentions(str(terminal.state))
        time.sleep(0.2)
