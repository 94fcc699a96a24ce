"""One child process: started in a group of its own, logged, and stopped with all that it started."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from server.supervisor.logs import LogFile

CHILD = Path(__file__).with_name("child.py")


@dataclass(frozen=True)
class Program:
    """What to run and how it likes to be stopped."""

    name: str
    command: Sequence[str]
    env: dict[str, str] = field(default_factory=dict)
    user: str = ""
    nice: int = 0
    batch: bool = False
    """It computes for long and nobody waits for it: when it wakes, whoever runs is left to finish."""
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10.0
    """After so long it is killed."""


class Process:
    """A running program. Its death is seen by `returncode()`; nothing here restarts it."""

    def __init__(self, program: Program, *, log_dir: Path, cwd: Path) -> None:
        self.program = program
        self.log = LogFile(log_dir / f"{program.name}.log")
        wrapper = [sys.executable, "-S", "-E", str(CHILD), "--signal", str(int(program.stop_signal))]
        wrapper += ["--parent", str(os.getpid()), "--user", program.user, "--nice", str(program.nice)]
        wrapper += [*(["--batch"] if program.batch else []), "--"]
        self._popen = subprocess.Popen(
            [*wrapper, *program.command],
            cwd=cwd,
            env={**os.environ, **program.env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.started = time.monotonic()
        assert self._popen.stdout is not None
        self._drain = self.log.drain(self._popen.stdout)

    @property
    def pid(self) -> int:
        return self._popen.pid

    def returncode(self) -> int | None:
        """None while it runs."""
        return self._popen.poll()

    def send(self, number: signal.Signals) -> None:
        """Signals the process itself, and not what it started: it knows best how to end those."""
        if self._popen.poll() is None:
            self._popen.send_signal(number)

    def wait(self, seconds: float) -> bool:
        """True when it has ended within `seconds`."""
        try:
            self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def finish(self, until: float) -> bool:
        """Waits for an end that was asked for until `until` on the monotonic clock, then kills the whole group.

        False when it had to be killed.
        """
        graceful = self.wait(max(0.0, until - time.monotonic()))
        self.kill_group()
        return graceful

    def stop(self) -> bool:
        """Asks, waits, kills. False when it had to be killed."""
        self.ask_to_stop()
        return self.finish(time.monotonic() + self.program.stop_seconds)

    def ask_to_stop(self) -> float:
        """Sends the signal that the program likes; returns how long it may take."""
        self.send(self.program.stop_signal)
        return self.program.stop_seconds

    def kill_group(self) -> None:
        """Ends whatever is left of its group: after a worker's death its pool children must not live on."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._popen.pid, signal.SIGKILL)
        self._popen.wait()
        self._drain.join(2)
