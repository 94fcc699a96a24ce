"""One Winnow per state folder: who holds it, and how to ask that one to stop."""

import contextlib
import fcntl
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

STOP_SECONDS = 90.0


class Instance:
    """A lock that the kernel lets go of when its holder ends, however it ends: there is no stale lock to remove."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self._lock_path = state / "run.lock"
        self._facts_path = state / "run.json"
        self._lock: int | None = None

    def acquire(self) -> bool:
        """False when another process runs Winnow on this folder."""
        descriptor = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._lock = descriptor
        self._facts_path.unlink(missing_ok=True)
        return True

    def release(self) -> None:
        if self._lock is not None:
            self._facts_path.unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = None

    def is_running(self) -> bool:
        """True when some process holds the lock."""
        if not self._lock_path.exists():
            return False
        with self._lock_path.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def write_facts(self, facts: dict[str, Any]) -> None:
        """What `make status` shows. Readable by this account only, as it names sockets."""
        fresh = self._facts_path.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(facts, file, indent=1)
        fresh.replace(self._facts_path)

    def facts(self) -> dict[str, Any]:
        """Empty while the other process has not come so far."""
        with contextlib.suppress(OSError, json.JSONDecodeError):
            found: dict[str, Any] = json.loads(self._facts_path.read_text())
            return found
        return {}

    def ask_to_stop(self) -> bool:
        """Asks the running one to stop and waits for it. False when it did not."""
        pid = self.facts().get("pid")
        if pid is None:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGTERM)
        give_up = time.monotonic() + STOP_SECONDS
        while self.is_running():
            if time.monotonic() > give_up:
                return False
            time.sleep(0.1)
        return True
