"""Winnow's own processes and the order in which they matter."""

import os
import sys

from server.supervisor.process import Program

QUEUES = ("default", "ml", "interactive")
CELERY = [sys.executable, "-m", "celery", "--quiet", "-A", "server.config.celery:app"]
WORKER_STOP_SECONDS = 25.0
UNHURRIED = {"PGOPTIONS": "-c synchronous_commit=off"}
"""For the worker whose results can be computed again: its commits do not wait for the disk, and people's do not wait
behind them (docs/decisions/0064-what-can-be-computed-again-commits-unhurriedly.md)."""


def cores() -> int:
    """The cores this process may use, which a container may have cut down."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def web(host: str, port: int, env: dict[str, str]) -> Program:
    """Views of one process take turns, so there are as many as there are cores, up to four."""
    env = {"WEB_CONCURRENCY": os.environ.get("WEB_CONCURRENCY") or str(min(4, cores())), **env}
    command = [sys.executable, "-m", "uvicorn", "server.config.asgi:application", "--host", host, "--port", str(port)]
    # A person labels every few seconds: their browser's connection outlives the pause between two images.
    command += ["--timeout-keep-alive", "75"]
    # On a machine that is busy with something else a process may be silent for seconds; ended, it would answer nobody.
    command += ["--timeout-worker-healthcheck", "60"]
    command += ["--timeout-graceful-shutdown", "3", "--no-access-log", "--log-level", "warning"]
    return Program("web", command, env=env, stop_seconds=6)


def worker(queue: str, env: dict[str, str]) -> Program:
    """`default` is many small tasks; the other two keep a model warm and take one task at a time, without forking.

    They yield to the web process: a person waits for that one.
    """
    pool = ["--pool=prefork", "--concurrency=2"] if queue == "default" else ["--pool=solo"]
    threads = {"default": 1, "ml": cores(), "interactive": cores()}[queue]
    command = [*CELERY, "worker", "-Q", queue, "-n", f"{queue}@%h", *pool, "--loglevel=INFO"]
    command += ["--without-gossip", "--without-mingle"]
    return Program(
        f"worker-{queue}",
        command,
        env={"OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "PASSIVE", **env},
        nice={"default": 5, "ml": 10, "interactive": 3}[queue],
        batch=queue == "ml",
        stop_seconds=WORKER_STOP_SECONDS,
    )


def beat(env: dict[str, str]) -> Program:
    """The timetable in memory: Celery's default keeps it in a file of pickles, and all of ours recurs in minutes."""
    command = [*CELERY, "beat", "--scheduler", "celery.beat.Scheduler", "--pidfile=", "--loglevel=INFO"]
    return Program("beat", command, env=env, stop_seconds=5)
