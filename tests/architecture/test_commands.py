"""One command for each thing, and each says what it does."""

import json
import re
import subprocess

from tests.architecture.tree import ROOT

MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", MAKEFILE, re.MULTILINE))


def test_help_lists_every_target() -> None:
    said = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    listed = {line.split()[1] for line in said.splitlines()}
    assert listed == TARGETS


def test_every_target_is_a_command_and_not_a_file() -> None:
    declared = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert declared is not None
    assert set(declared.group(1).split()) == TARGETS


def test_continuous_integration_runs_what_a_newcomer_runs() -> None:
    lines = [line for line in (ROOT / ".ci" / "run").read_text().splitlines() if line and not line.startswith("#")]
    assert lines == ["set -euo pipefail", 'cd "$(dirname "$0")/.."', "exec make test"]


def test_versions_are_pinned_without_hosts_or_hashes() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.]+", line) for line in lines)


def test_the_front_ends_lock_is_whole() -> None:
    """A lock written where some platforms' packages could not be seen made `npm ci` refuse everywhere else."""
    packages = json.loads((ROOT / "frontend" / "package-lock.json").read_text())["packages"]
    wanted = {name for package in packages.values() for name in package.get("optionalDependencies", {})}
    assert {name for name in wanted if f"node_modules/{name}" not in packages} == set()
