#!/usr/bin/env python3
"""`make check`: everything that can be judged without running the product. Goes on after a failure; ends non-zero."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import setup

BIN = setup.VENV / "bin"
PYTHON_CHECKS: dict[str, list[str | Path]] = {
    "ruff": [BIN / "ruff", "check", "."],
    "ruff format": [BIN / "ruff", "format", "--check", "."],
    "imports": [BIN / "lint-imports"],
    "migrations": [setup.PYTHON, "manage.py", "makemigrations", "--check", "--dry-run"],
}
LONGEST: dict[str, list[str | Path]] = {"mypy": [BIN / "mypy"]}
FRONTEND_CHECKS = {"biome, tsc": "check", "vitest": "test"}
FAILED = 1


@dataclass(frozen=True)
class Check:
    title: str
    command: list[str | Path]
    cwd: Path = setup.ROOT
    env: dict[str, str] = field(default_factory=dict)

    def passes(self) -> bool:
        """Runs it; prints one line, and what it said when it failed."""
        started = time.monotonic()
        done = subprocess.run(
            [str(part) for part in self.command],
            cwd=str(self.cwd),
            env={**os.environ, **self.env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        mark = "✗" if done.returncode else "✓"
        setup.say(f"  {mark} {self.title:<12} ({time.monotonic() - started:.1f} s)")
        if done.returncode:
            setup.say(done.stdout.decode(errors="replace").strip())
        return done.returncode == 0


def python_checks(commands: dict[str, list[str | Path]]) -> list[Check]:
    return [Check(title, command, env={"PYTHONPATH": "."}) for title, command in commands.items()]


def checks() -> list[Check]:
    found = python_checks(PYTHON_CHECKS)
    if (setup.FRONTEND / "package.json").exists():
        env = setup.node_environment()
        for title, script in FRONTEND_CHECKS.items():
            found.append(Check(title, setup.npm(env, "run", "--silent", script), cwd=setup.FRONTEND, env=env))
    return found


def main() -> int:
    """The longest check uses one core: all others run beside it, one after another."""
    setup.say("Checks")
    with ThreadPoolExecutor(1) as beside:
        longest = [beside.submit(check.passes) for check in python_checks(LONGEST)]
        results = [check.passes() for check in checks()]
        results += [one.result() for one in longest]
    return 0 if all(results) else FAILED


if __name__ == "__main__":
    sys.exit(main())
