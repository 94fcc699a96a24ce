"""kill -9 between the trigger of a run and the switch: what serves is the old model or the new one, never a mixture.

A real worker stops at a named place; there it, PostgreSQL or Redis is killed. The sweeper and another worker take
over, and the weights are those of a run that nobody disturbed, bit for bit.

`make test` plays a few; WINNOW_ALL_FAILPOINTS=1 plays every place with every victim.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from server.supervisor.postgres import EmbeddedPostgres
from server.supervisor.process import Process
from server.supervisor.redis import EmbeddedRedis
from tests.installation import ROOT

PLACES = ("begun", "frozen", "training", "fitted", "judged", "stored", "scored", "flipping", "flipped")
VICTIMS = ("worker", "postgres", "redis")
ALL = [(place, victim) for place in PLACES for victim in VICTIMS]
SOME = [("training", "worker"), ("flipping", "postgres")]
CASES = ALL if os.environ.get("WINNOW_ALL_FAILPOINTS") else SOME
PATIENCE_S = 120
pytestmark = [pytest.mark.flows, pytest.mark.timeout(900 if CASES is SOME else 3600)]


class Workplace:
    """PostgreSQL, Redis, a sweeper, and one worker at a time."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.postgres, self.redis = EmbeddedPostgres(home / "postgres"), EmbeddedRedis(home / "redis")
        self.servers: dict[str, Process] = {}
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        self.env = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "WINNOW_TEST_RUN": str(home),
            "DATABASE_URL": self.postgres.url("postgres"),
            "CELERY_BROKER_URL": self.redis.url,
            "KILLING_ANSWER": str(home / "answer.json"),
            "WINNOW_FAILPOINT_DIR": str(home / "places"),
        }
        self.env.pop("PYTEST_XDIST_WORKER", None)
        (home / "places").mkdir()
        for name in VICTIMS[1:]:
            self.serve(name)

    def serve(self, name: str) -> None:
        kind = self.postgres if name == "postgres" else self.redis
        process = Process(kind.program(), log_dir=self.home, cwd=ROOT)
        kind.wait_until_ready(process)
        self.servers[name] = process

    def begin(self, name: str, *command: str, failpoint: str = "") -> None:
        log = (self.home / f"{name}.log").open("ab")
        env = {**self.env, "WINNOW_FAILPOINT": failpoint}
        self.children[name] = subprocess.Popen(
            [sys.executable, *command], cwd=ROOT, env=env, stdout=log, stderr=log, start_new_session=True
        )

    def work(self, *, failpoint: str = "") -> None:
        queues = "default,ml,interactive"
        options = ("-Q", queues, "--pool", "solo", "--loglevel", "WARNING", "--without-mingle", "--without-gossip")
        self.begin("worker", "-m", "celery", "-A", "server.config.celery:app", "worker", *options, failpoint=failpoint)

    def say(self, *arguments: str) -> dict[str, Any]:
        subprocess.run([sys.executable, "-m", "tests.flows.killing", *arguments], cwd=ROOT, env=self.env, check=True)
        return dict(json.loads(Path(self.env["KILLING_ANSWER"]).read_text()))

    def kill(self, victim: str) -> None:
        """kill -9, and for a server a fresh start on what is left."""
        if victim == "worker":
            self.end("worker", signal.SIGKILL)
            return
        old = self.servers[victim]
        os.killpg(old.pid, signal.SIGKILL)
        for child in subprocess.run(["pgrep", "-f", str(self.home / victim)], capture_output=True).stdout.split():
            os.kill(int(child), signal.SIGKILL)
        while old.returncode() is None:
            time.sleep(0.05)
        self.serve(victim)

    def end(self, name: str, how: signal.Signals = signal.SIGTERM) -> None:
        child = self.children.pop(name, None)
        if child is not None and child.poll() is None:
            os.killpg(child.pid, how)
            child.wait(60)

    def close(self) -> None:
        for name in list(self.children):
            self.end(name, signal.SIGKILL)
        for process in self.servers.values():
            process.stop()


def wait_for(condition: Callable[[], bool], what: str) -> None:
    give_up = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < give_up, what
        time.sleep(0.2)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    home = tmp_path_factory.mktemp("killed")
    for folder in (home, *home.parents):
        if folder.owner() == Path.home().owner() and str(folder).startswith("/tmp/"):
            folder.chmod(0o711)
    workplace = Workplace(home)
    yield workplace
    workplace.close()


@pytest.fixture(scope="module")
def undisturbed(place: Workplace) -> tuple[str, str]:
    """(project, digest of its head) of a run that nobody disturbed."""
    project = str(place.say("prepare")["project"])
    place.begin("beat", "-m", "tests.flows.killing", "beat")
    place.work()
    place.say("start", project)
    seen = settled(place, project)
    place.end("worker")
    assert seen["outcome"] == "promoted"
    return project, str(seen["digest"])


def settled(place: Workplace, project: str) -> dict[str, Any]:
    seen: dict[str, Any] = {}

    def quiet() -> bool:
        seen.update(place.say("state", project))
        whole(seen)
        return seen["outcome"] not in (None, "pending") and not seen["live_jobs"]

    wait_for(quiet, "the jobs did not end")
    return seen


def whole(seen: dict[str, Any]) -> None:
    """What serves and what the predictions come from are one model."""
    assert seen["head"] == seen["predictions"], seen


@pytest.mark.parametrize(("where", "victim"), CASES)
def test_the_old_model_or_the_new_one_serves_and_the_run_ends_as_if_nothing_had_been(
    place: Workplace, undisturbed: tuple[str, str], where: str, victim: str
) -> None:
    project, digest = undisturbed
    place.work()
    place.say("back", project)
    wait_for(lambda: not place.say("state", project)["live_jobs"], "the predictions did not follow")
    place.end("worker")
    for mark in (place.home / "places").iterdir():
        mark.unlink()
    place.say("start", project)
    place.work(failpoint=where)
    wait_for((place.home / "places" / where).exists, f"nobody came to {where}")
    place.kill(victim)
    whole(place.say("state", project))
    (place.home / "places" / f"{where}.go").touch()
    if victim == "worker":
        place.work()
    seen = settled(place, project)
    place.end("worker")
    assert (seen["outcome"], seen["digest"]) == ("promoted", digest)
    assert seen["head"] == seen["run_head"]
