#!/usr/bin/env python3
"""`make test`: the checks, then every test that needs no GPU, then one summary line over all of them.

First what can share the machine, on as many workers as it has cores; then, one at a time, what starts a whole
installation or a browser.
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


def run_pytest(report: Path, selection: str, *options: str) -> int:
    """One run of pytest; its counts go to `report`."""
    command = [setup.PYTHON, "-m", "pytest", "-m", f"({selection}) and {ALWAYS_LEFT_OUT}", f"--junitxml={report}"]
    env = {"OMP_NUM_THREADS": "1", **os.environ}
    code = subprocess.call([str(part) for part in command] + list(options), cwd=str(setup.ROOT), env=env)
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
        alone, together = Path(folder) / "alone.xml", Path(folder) / "together.xml"
        workers = str(min(os.cpu_count() or 1, 8))
        failures.append(run_pytest(together, "not e2e and not flows", "-q", "-n", workers, *sys.argv[1:]))
        failures.append(run_pytest(alone, "e2e or flows", "-q", *sys.argv[1:]))
        total = counts([together, alone])
    if failures[0]:
        setup.say("\nThe checks failed: see the lines marked ✗ above.")
    setup.say("\n" + summary(total, time.monotonic() - started))
    return 1 if any(failures) else 0


if __name__ == "__main__":
    sys.exit(main())
