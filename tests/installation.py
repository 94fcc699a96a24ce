"""A whole Winnow, started as a person starts it, for tests that need workers, a browser or a kill."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PERSON = ("ada", "a-long-passphrase-for-ada")
NOT_OURS = ("DATABASE_URL", "CELERY_BROKER_URL", "WINNOW_TEST_RUN", "DJANGO_SETTINGS_MODULE")


class Installation:
    """A terminal in which somebody typed `make run`."""

    def __init__(self, state: Path, *options: str) -> None:
        self.state = state
        self.options = options
        self.output = state.parent / f"{state.name}.out"
        self.env = {key: value for key, value in os.environ.items() if key not in NOT_OURS}
        self.env["WINNOW_STATE"] = str(state)
        self.process: subprocess.Popen[bytes] | None = None

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "server.supervisor", *arguments]

    def start(self) -> None:
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                self.command("run", "--port", "0", *self.options), cwd=ROOT, env=self.env, stdout=output, stderr=output
            )
        self.wait_for(lambda: "Winnow is ready" in self.said(), 300)

    def say(self, *arguments: str) -> str:
        """What another terminal shows for `make stop`, `make status` or a second `make run`."""
        done = subprocess.run(
            self.command(*arguments), cwd=ROOT, env=self.env, capture_output=True, text=True, check=False
        )
        return done.stdout

    def manage(self, *arguments: str, **env: str) -> str:
        """A management command on this installation's database and state."""
        command = [sys.executable, "manage.py", *arguments]
        environment = {**self.env, **self.facts()["environment"], **env}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.press_ctrl_c()

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


def processes_of(installation: Installation) -> list[str]:
    """The commands of all live processes that were started for this folder, by argument or by environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            told = (entry / "cmdline").read_bytes() + b"\0" + (entry / "environ").read_bytes()
        except (OSError, PermissionError):
            continue
        if str(installation.state).encode() in told and entry.name != str(os.getpid()):
            found.append(told.split(b"\0WINNOW")[0].decode(errors="replace"))
    return found
