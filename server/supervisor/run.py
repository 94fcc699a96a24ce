"""`make run`: everything, in order, until a person or the machine says stop; then everything, in reverse."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType

from server.supervisor import health, preflight, programs
from server.supervisor.console import Problem, say, step
from server.supervisor.instance import Instance
from server.supervisor.keeper import Keeper
from server.supervisor.postgres import EmbeddedPostgres
from server.supervisor.process import Process, Program
from server.supervisor.redis import EmbeddedRedis

ROOT = Path(__file__).resolve().parents[2]
BREATH_S = 0.2
CHECK_EVERY_S = 30.0


class Stopped(BaseException):
    """A signal asked us to end."""


@dataclass(frozen=True)
class Options:
    """What `make run` may be told."""

    state: Path
    host: str = "127.0.0.1"
    port: int | None = None
    demo: bool = True


class Winnow:
    """One running installation."""

    def __init__(self, options: Options, instance: Instance) -> None:
        self.options = options
        self.instance = instance
        self.state = instance.state
        self.keepers: list[Keeper] = []
        self.env = {"WINNOW_STATE": str(self.state), "PYTHONUNBUFFERED": "1"}
        self.port = 0
        self.database_url = os.environ.get("DATABASE_URL", "")
        self._warned_of_disk = False

    # -- start

    def start(self) -> None:
        """Brings everything up; raises Problem with what is wrong."""
        started = time.monotonic()
        preflight.check_disk(self.state)
        self.port = preflight.choose_port(self.options.host, self.options.port)
        if not self.database_url:
            self._start_postgres()
        if not os.environ.get("CELERY_BROKER_URL"):
            self._start_redis()
        with step("migrations"):
            self._manage("migrate", "--no-input", "--verbosity", "0")
        self._start_programs()
        words = self._bootstrap()
        with step("web") as current:
            self._wait_for_web()
            current.detail = self.url
        self._write_facts()
        say(f"\nWinnow is ready after {time.monotonic() - started:.0f} s: {self.url}")
        say(words + ("\n" if words else "") + f"Logs: {self.state / 'logs'}   Stop: Ctrl-C")

    @property
    def url(self) -> str:
        shown = "localhost" if self.options.host in {"127.0.0.1", "0.0.0.0"} else self.options.host  # noqa: S104
        return f"http://{shown}:{self.port}/"

    def _start_postgres(self) -> None:
        postgres = EmbeddedPostgres(self.state / "postgres")
        with step("PostgreSQL") as current:
            fresh = not (postgres.data / "PG_VERSION").exists()
            process = self._keep("postgres", postgres.program)
            postgres.wait_until_ready(process)
            postgres.create_database()
            current.detail = "new, on a socket" if fresh else "on a socket"
        self.database_url = self.env["DATABASE_URL"] = postgres.url()

    def _start_redis(self) -> None:
        redis = EmbeddedRedis(self.state / "redis")
        with step("Redis"):
            redis.wait_until_ready(self._keep("redis", redis.program))
        self.env["CELERY_BROKER_URL"] = redis.url

    def _start_programs(self) -> None:
        self._keep("web", lambda: programs.web(self.options.host, self.port, self.env))
        for queue in programs.QUEUES:
            self._keep(f"worker-{queue}", partial(programs.worker, queue, self._worker_env(queue)))
        self._keep("beat", lambda: programs.beat(self.env))

    def _worker_env(self, queue: str) -> dict[str, str]:
        """A pooler before somebody else's PostgreSQL may refuse options, so only our own is given any."""
        ours = "DATABASE_URL" in self.env
        return {**programs.UNHURRIED, **self.env} if ours and queue == "ml" else self.env

    def _keep(self, name: str, program: Callable[[], Program]) -> Process:
        """Starts a program for the first time, and has it watched from now on."""
        keeper = Keeper(name, lambda: Process(program(), log_dir=self.state / "logs", cwd=ROOT))
        self.keepers.append(keeper)
        process = keeper.first_start()
        assert isinstance(process, Process)
        return process

    def _manage(self, *arguments: str) -> str:
        """Runs a management command; a failure shows what it said."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env={**os.environ, **self.env},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Problem(f"manage.py {arguments[0]} failed:\n{(done.stdout + done.stderr).strip()[-4000:]}")
        return done.stdout.strip()

    def _bootstrap(self) -> str:
        """The first user and the demo project, when there is none yet. Returns what a person should know of it."""
        if not any(ROOT.glob("server/*/management/commands/bootstrap.py")):
            return ""
        with step("first data"):
            return self._manage("bootstrap", *([] if self.options.demo else ["--no-demo"]))

    def _wait_for_web(self) -> None:
        keeper = next(keeper for keeper in self.keepers if keeper.name == "web")
        give_up = time.monotonic() + 60
        while not health.web_answers("127.0.0.1", self.port):
            self.tick()
            if time.monotonic() > give_up:
                log = self.state / "logs" / "web.log"
                last = keeper.process.log.tail(12) if keeper.process else ""
                raise Problem(f"The web process does not answer on port {self.port}. Its last words, in {log}:\n{last}")
            time.sleep(0.1)

    # -- watch

    def watch(self) -> None:
        """Until a signal comes."""
        next_check = time.monotonic() + CHECK_EVERY_S
        while True:
            self.tick()
            if time.monotonic() > next_check:
                self._check_deeper()
                next_check = time.monotonic() + CHECK_EVERY_S
            time.sleep(BREATH_S)

    def tick(self) -> None:
        """Restarts what has died. A new Redis is empty, and a worker may not notice: workers start again with it."""
        started = {keeper.name for keeper in self.keepers if keeper.tick()}
        if "redis" in started:
            for keeper in self.keepers:
                if keeper.name.startswith(("worker-", "beat")) and keeper.name not in started:
                    keeper.restart("Redis was started again")
        if started:
            self._write_facts()

    def _check_deeper(self) -> None:
        silent = health.silent_queues(self.database_url)
        for keeper in self.keepers:
            queue = keeper.name.removeprefix("worker-")
            if queue in silent and keeper.up_for() > health.STALE_S:
                keeper.restart(f"nothing came through its queue for {health.STALE_S:g} s")
        low = preflight.free_bytes(self.state) < preflight.LEAST_FREE_BYTES
        if low and not self._warned_of_disk:
            say(f"  ! the disk of {self.state} is nearly full: labels can soon no longer be saved. Free some space.")
        self._warned_of_disk = low

    def _write_facts(self) -> None:
        processes = {
            keeper.name: {"pid": keeper.process.pid if keeper.process else None, "restarts": keeper.restarts}
            for keeper in self.keepers
        }
        facts = {"pid": os.getpid(), "url": self.url, "processes": processes, "environment": self.env}
        self.instance.write_facts(facts)

    # -- stop

    def stop(self) -> None:
        """Web first, so that nothing new comes in; the workers finish what they hold; the stores go last."""
        if not self.keepers:
            return
        say("\nStopping: running work is finished or put back (Ctrl-C again to stop at once)")
        own = [keeper for keeper in self.keepers if keeper.name not in {"postgres", "redis"}]
        stores = [keeper for keeper in reversed(self.keepers) if keeper.name in {"postgres", "redis"}]
        running = [keeper.process for keeper in own if isinstance(keeper.process, Process)]
        limits = [time.monotonic() + process.ask_to_stop() for process in running]
        for process, until in zip(running, limits, strict=True):
            process.finish(until)
        for keeper in stores:
            if isinstance(keeper.process, Process):
                keeper.process.stop()
        say("Stopped.")


def run(options: Options) -> int:
    """The whole life of one `make run`. Returns the exit status."""
    instance = Instance(preflight.prepare_state(options.state))
    if not instance.acquire():
        url = instance.facts().get("url", "an address it has not yet named")
        say(f"Winnow is already running at {url} (state in {instance.state}; `make stop` ends it)")
        return 0
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _raise_stopped)
    winnow = Winnow(options, instance)
    status = 0
    try:
        winnow.start()
        winnow.watch()
    except Problem as problem:
        say(f"\n  ✗ {problem}")
        status = 1
    except Stopped:
        pass
    finally:
        signal.signal(signal.SIGINT, lambda *_: _kill_all(winnow))
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        winnow.stop()
        instance.release()
    return status


def _raise_stopped(number: int, frame: FrameType | None) -> None:
    raise Stopped


def _kill_all(winnow: Winnow) -> None:
    """The second Ctrl-C. PostgreSQL is still asked politely: it recovers from a kill, but more slowly."""
    for keeper in winnow.keepers:
        if isinstance(keeper.process, Process) and keeper.name != "postgres":
            keeper.process.send(signal.SIGKILL)
