"""Keeps one program running: sees its death, waits a little longer each time, says so when it keeps dying."""

import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from server.supervisor.console import Problem, say
from server.supervisor.logs import LogFile

WINDOW_S = 60.0
TOO_MANY = 5
LONGEST_WAIT_S = 30.0


class Running(Protocol):
    """What a keeper needs of a process."""

    log: LogFile

    @property
    def pid(self) -> int: ...
    def returncode(self) -> int | None: ...
    def kill_group(self) -> None: ...
    def ask_to_stop(self) -> float: ...


class Keeper:
    """`start` makes a new process; it is called again after each death, on the caller's thread."""

    def __init__(self, name: str, start: Callable[[], Running], *, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self.process: Running | None = None
        self.restarts = 0
        self.started_at = 0.0
        self._start = start
        self._clock = clock
        self._deaths: deque[float] = deque()
        self._next_start = 0.0
        self._reported = False
        self._kill_at: float | None = None

    def first_start(self) -> Running:
        """The start that a person waits for: what is wrong is raised, not retried."""
        self.started_at = self._clock()
        self.process = self._start()
        return self.process

    def up_for(self) -> float:
        """Seconds since the last start; 0 while it is down."""
        return self._clock() - self.started_at if self.process else 0.0

    def tick(self) -> bool:
        """Looks once. True when a process was started."""
        if self.process is not None:
            code = self.process.returncode()
            if code is None:
                self._forget_old_deaths()
                self._kill_when_overdue()
                return False
            self._bury(self.process, code)
        if self._clock() < self._next_start:
            return False
        return self._try_start()

    def _try_start(self) -> bool:
        self.started_at = self._clock()
        try:
            self.process = self._start()
        except (OSError, Problem) as error:
            self._mourn(f"did not start ({error})", None)
            return False
        return True

    def _bury(self, process: Running, code: int) -> None:
        process.kill_group()
        self.process = None
        if self._kill_at is None:
            self._mourn(f"ended ({describe(code)})", process.log)
            return
        self._kill_at = None
        self._next_start = 0.0

    def _mourn(self, what: str, log: LogFile | None) -> None:
        self._deaths.append(self._clock())
        self._forget_old_deaths()
        self.restarts += 1
        wait = min(LONGEST_WAIT_S, 0.5 * 2 ** (len(self._deaths) - 1))
        if len(self._deaths) >= TOO_MANY:
            wait = LONGEST_WAIT_S
            self._report(what, log)
        else:
            say(f"  ! {self.name} {what}; starting it again in {wait:g} s")
        self._next_start = self._clock() + wait

    def _report(self, what: str, log: LogFile | None) -> None:
        if self._reported:
            return
        self._reported = True
        say(f"  ✗ {self.name} {what}, {TOO_MANY} times within a minute. Trying again every {LONGEST_WAIT_S:g} s.")
        if log is not None:
            say(f"    Its last words, in {log.path}:\n" + log.tail(12))

    def _forget_old_deaths(self) -> None:
        limit = self._clock() - WINDOW_S
        while self._deaths and self._deaths[0] < limit:
            self._deaths.popleft()
        if not self._deaths:
            self._reported = False

    def restart(self, why: str) -> None:
        """Asks the process to stop in its own time; a later tick starts another. Not counted as a death."""
        if self.process is None or self._kill_at is not None:
            return
        say(f"  ! {self.name}: {why}; starting it again")
        self.restarts += 1
        self._kill_at = self._clock() + self.process.ask_to_stop()

    def _kill_when_overdue(self) -> None:
        if self.process is not None and self._kill_at is not None and self._clock() > self._kill_at:
            self.process.kill_group()


def describe(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"status {code}"
