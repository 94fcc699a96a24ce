"""PostgreSQL, Redis, a sweeper and two workers that can each be killed, for the tests that do so."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from server.supervisor.postgres import EmbeddedPostgres
from server.supervisor.process import Process
from server.supervisor.programs import UNHURRIED
from server.supervisor.redis import EmbeddedRedis
from tests.installation import ROOT

PATIENCE_S = 240
HEARTBEAT_S = 0.5
WORKERS = ("worker-1", "worker-2")
CELERY = ("-m", "celery", "-A", "server.config.celery:app", "worker", "-Q", "ml", "--pool", "solo")


class Workplace:
    """Everything of an installation but the web, which these tests do not need."""

    def __init__(self, home: Path) -> None:
        self.home, self.places = home, home / "places"
        self.postgres, self.redis = EmbeddedPostgres(home / "postgres"), EmbeddedRedis(home / "redis")
        self.servers: dict[str, Process] = {}
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        self.env = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "WINNOW_TEST_RUN": str(home),
            "DATABASE_URL": self.postgres.url("postgres"),
            "CELERY_BROKER_URL": self.redis.url,
            "WINNOW_DEVICE": "cpu",
            "WINNOW_FAILPOINT_DIR": str(self.places),
            "WINNOW_HEARTBEAT_S": str(HEARTBEAT_S),
        }
        self.env.pop("PYTEST_XDIST_WORKER", None)
        for name in ("postgres", "redis"):
            self.serve(name)
        self.begin("ask", "-m", "tests.flows.killing", "ask")
        self.work()  # they take their time to start, and so does the next line
        self.ask("migrate")
        self.begin("sweep", "-m", "tests.flows.killing", "sweep")

    def serve(self, name: str) -> None:
        kind = self.postgres if name == "postgres" else self.redis
        process = Process(kind.program(), log_dir=self.home, cwd=ROOT)
        kind.wait_until_ready(process)
        self.servers[name] = process

    def begin(self, name: str, *command: str) -> None:
        log = (self.home / f"{name}.log").open("ab")
        pipe = subprocess.PIPE if name == "ask" else None
        self.children[name] = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env={**self.env, **(UNHURRIED if name in WORKERS else {})},
            stdin=pipe,
            stdout=pipe or log,
            stderr=log,
            start_new_session=True,
        )

    def work(self) -> None:
        """Two workers for the queue of embedding and training, where they are missing: one may be busy, one may die."""
        for name in WORKERS:
            if name not in self.children:
                quiet = ("-n", f"{name}@%h", "--loglevel", "WARNING", "--without-mingle", "--without-gossip")
                self.begin(name, *CELERY, *quiet)

    def ask(self, *question: Any) -> Any:
        """The answer of `tests.flows.killing` to one of its questions."""
        process = self.children["ask"]
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(json.dumps(question).encode() + b"\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        assert answer, self.last_words("ask")
        return json.loads(answer)

    def stop_at(self, place: str) -> None:
        """The next worker that comes to this place waits there; all others pass by."""
        for mark in self.places.iterdir():
            mark.unlink()
        self.want(place)

    def want(self, place: str) -> None:
        """The next worker that comes to this place waits there too."""
        (self.places / f"{place}.wanted").touch()

    def wait_at(self, place: str) -> int:
        """The worker that stands there, by its process id."""
        mark = self.places / place
        self.wait_for(lambda: mark.exists() and mark.read_text() != "", f"nobody came to {place}")
        return int(mark.read_text())

    def let_go(self) -> None:
        """Nobody waits anywhere any longer."""
        for wanted in self.places.glob("*.wanted"):
            wanted.with_suffix(".go").touch()
            wanted.unlink()

    def kill_worker(self, pid: int) -> None:
        """kill -9 with all that it started; another one takes its desk."""
        name = next(name for name in WORKERS if self.children[name].pid == pid)
        self.end(name)
        self.work()

    def kill_server(self, name: str) -> None:
        """kill -9 with all that belongs to it, then a fresh start on what is left."""
        old = self.servers[name]
        found = subprocess.run(["pgrep", "-f", str(self.home / name)], capture_output=True, check=False).stdout
        for pid in (old.pid, *map(int, found.split())):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.wait_for(lambda: old.returncode() is not None, f"{name} would not die")
        old.kill_group()
        self.serve(name)

    def end(self, name: str) -> None:
        child = self.children.pop(name, None)
        if child is not None and child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait(60)

    def close(self) -> None:
        for name in list(self.children):
            self.end(name)
        for process in self.servers.values():
            process.stop()

    def wait_for(self, condition: Callable[[], bool], what: str) -> None:
        give_up = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < give_up, "\n".join([what, *map(self.last_words, (*WORKERS, "sweep"))])
            time.sleep(0.1)

    def last_words(self, name: str) -> str:
        log = self.home / f"{name}.log"
        return log.read_text()[-3000:] if log.exists() else ""
