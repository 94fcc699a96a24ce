#!/usr/bin/env python3
"""`make test`: the checks, then every test that needs no GPU, then one summary line over all of them.

First what can share the machine, on as many workers as it has cores; then, side by side, the tests in a browser and
those of real workers: each of the two waits for its own installation most of the time.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path
from typing import IO

sys.path.insert(0, str(Path(__file__).resolve().parent))
import check
import setup

ALWAYS_LEFT_OUT = "not slow and not gpu"
NOTHING_COLLECTED = 5
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
DEBIAN_PACKAGES = ("chromium", "fonts-dejavu-core", "fonts-noto-color-emoji")


def ensure_browser() -> None:
    """The pages are tested in a browser: installed as root on Debian; elsewhere those tests say why they skip."""
    if any(shutil.which(name) for name in BROWSERS):
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        setup.say("  … browser     installing Debian's chromium")
        quiet = {"env": dict(os.environ, DEBIAN_FRONTEND="noninteractive"), "stdout": subprocess.DEVNULL}
        subprocess.call(["apt-get", "update", "-qq"], **quiet)
        subprocess.call(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *DEBIAN_PACKAGES], **quiet)
    if not any(shutil.which(name) for name in BROWSERS):
        if os.environ.get("CI") == "true":
            setup.stop("The tests in a browser need chromium, and CI=true forbids to leave them out: install chromium.")
        setup.say("  - browser     no chromium found: the tests in a browser are left out")


def start_pytest(
    report: Path, selection: str, *options: str, output: IO[bytes] | None = None
) -> subprocess.Popen[bytes]:
    """One run of pytest; its counts go to `report`, what it says to `output` or the terminal."""
    command = [setup.PYTHON, "-m", "pytest", "-m", f"({selection}) and {ALWAYS_LEFT_OUT}", f"--junitxml={report}"]
    env = {"OMP_NUM_THREADS": "1", **os.environ}
    line = [str(part) for part in command] + list(options)
    return subprocess.Popen(line, cwd=str(setup.ROOT), env=env, stdout=output, stderr=subprocess.STDOUT)


def ended(run: subprocess.Popen[bytes]) -> int:
    code = run.wait()
    return 0 if code == NOTHING_COLLECTED else code


def counts(reports: list[Path]) -> Counter[str]:
    """How many tests passed, failed, were skipped or broke, over all reports."""
    total: Counter[str] = Counter()
    for report in reports:
        if not report.exists():
            continue
        for suite in ElementTree.parse(report).getroot().iter("testsuite"):
            found = {key: int(suite.get(key, "0")) for key in ("tests", "failures", "errors", "skipped")}
            total.update(failed=found["failures"], skipped=found["skipped"], errors=found["errors"])
            total.update(passed=found["tests"] - found["failures"] - found["errors"] - found["skipped"])
    return total


def summary(total: Counter[str], seconds: float) -> str:
    """The line that pytest itself would end with."""
    order = ("failed", "passed", "skipped", "errors")
    said = ", ".join(f"{total[key]} {key}" for key in order if total[key]) or "no tests ran"
    return f" {said} in {seconds:.2f}s ({int(seconds) // 60}:{int(seconds) % 60:02d}) ".center(80, "=")


def main() -> int:
    started = time.monotonic()
    failures = [check.main()]
    ensure_browser()
    with tempfile.TemporaryDirectory() as folder:
        unit, flows, pages = (Path(folder) / f"{name}.xml" for name in ("unit", "flows", "pages"))
        workers = str(min(os.cpu_count() or 1, 8))
        failures.append(ended(start_pytest(unit, "not e2e and not flows", "-q", "-n", workers, *sys.argv[1:])))
        with (Path(folder) / "flows.txt").open("w+b") as said:
            beside = start_pytest(flows, "flows", "-q", *sys.argv[1:], output=said)
            failures.append(ended(start_pytest(pages, "e2e", "-q", *sys.argv[1:])))
            failures.append(ended(beside))
            said.seek(0)
            setup.say(said.read().decode(errors="replace"))
        total = counts([unit, flows, pages])
    if failures[0]:
        setup.say("\nThe checks failed: see the lines marked ✗ above.")
    setup.say("\n" + summary(total, time.monotonic() - started))
    return 1 if any(failures) else 0


if __name__ == "__main__":
    sys.exit(main())
