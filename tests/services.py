"""PostgreSQL for one test run: started by the first test that needs it, gone with the process that ran pytest.

python -m tests.services FOLDER PID
"""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from server.supervisor.postgres import EmbeddedPostgres
from server.supervisor.process import Process

ROOT = Path(__file__).resolve().parents[1]
READY = "postgres.ready"


def ensure_postgres(folder: Path, watched: int) -> None:
    """Starts the server of this run unless a neighbouring worker has; returns when it answers."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (folder / READY).exists():
            return
        log = (folder / "services.log").open("wb")
        command = [sys.executable, "-m", "tests.services", str(folder), str(watched)]
        server = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)
        while not (folder / READY).exists():
            if server.poll() is not None:
                raise RuntimeError("PostgreSQL for the tests did not start:\n" + (folder / "services.log").read_text())
            time.sleep(0.05)


def stop_services(folder: Path) -> None:
    """Ends what `ensure_postgres` started, if anything."""
    ready = folder / READY
    if not ready.exists():
        return
    pid = int(ready.read_text())
    os.kill(pid, signal.SIGTERM)
    while ready.exists():
        time.sleep(0.05)


def serve(folder: Path, watched: int) -> None:
    """Runs the server until SIGTERM, or until the process that ran pytest is no more."""
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    postgres = EmbeddedPostgres(folder / "postgres", durable=False)
    process = Process(postgres.program(), log_dir=folder, cwd=ROOT)
    try:
        postgres.wait_until_ready(process)
        (folder / READY).write_text(str(os.getpid()))
        while not stopping and is_alive(watched) and process.returncode() is None:
            time.sleep(0.2)
    finally:
        process.stop()
        (folder / READY).unlink(missing_ok=True)
        if not is_alive(watched):
            shutil.rmtree(folder, ignore_errors=True)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]))
