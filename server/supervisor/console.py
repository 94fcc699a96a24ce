"""What a person at the terminal reads: one line per step, with its time, and plain problems."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Problem(Exception):
    """Something a person must act on. The message says what was expected, what is the case and what to do."""


def say(text: str = "") -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


class Step:
    """One line of progress; `detail` may be set while the step runs."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.detail = ""


@contextmanager
def step(title: str) -> Iterator[Step]:
    """Prints `  title … detail (1.2 s)` when the block ends well."""
    current = Step(title)
    started = time.monotonic()
    yield current
    seconds = time.monotonic() - started
    detail = f"{current.detail}  " if current.detail else ""
    say(f"  ✓ {title:<12} {detail}({seconds:.1f} s)")
