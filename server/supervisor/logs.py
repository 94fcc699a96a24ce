"""A process's output in a file that cannot grow without end."""

import threading
from pathlib import Path
from typing import IO

MAX_BYTES = 5 * 1024 * 1024
KEPT = 3


class LogFile:
    """Appends lines; at `MAX_BYTES` the file becomes `name.1`, `name.1` becomes `name.2`, the oldest goes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=0)
        self._size = path.stat().st_size

    def write(self, line: bytes) -> None:
        if self._size + len(line) > MAX_BYTES:
            self._rotate()
        self._size += self._file.write(line) or 0

    def _rotate(self) -> None:
        self._file.close()
        for number in range(KEPT - 1, 0, -1):
            older = self.path.with_name(f"{self.path.name}.{number}")
            if older.exists():
                older.replace(self.path.with_name(f"{self.path.name}.{number + 1}"))
        self.path.replace(self.path.with_name(f"{self.path.name}.1"))
        self._file = self.path.open("ab", buffering=0)
        self._size = 0

    def tail(self, lines: int) -> str:
        """The last lines, for a message to a person."""
        with self.path.open("rb") as file:
            file.seek(max(0, self.path.stat().st_size - 16_384))
            return b"\n".join(file.read().splitlines()[-lines:]).decode(errors="replace")

    def drain(self, stream: IO[bytes]) -> threading.Thread:
        """Copies a process's output here until it closes. A full disk drops lines, never the process."""

        def copy() -> None:
            for line in iter(lambda: stream.readline(65_536), b""):
                try:
                    self.write(line)
                except OSError:
                    continue

        thread = threading.Thread(target=copy, daemon=True, name=f"log {self.path.name}")
        thread.start()
        return thread
