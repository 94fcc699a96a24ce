"""Speed of pages and of teaching: a seeded project, people over HTTP, a warm worker, a real PostgreSQL with fsync on.

    make bench ARGS="--teaching --images 100000 1000000"

Seeds clustered vectors, starts the web process, Redis and the interactive worker as `make run` does, and measures at
the clients: from a page's commit to the first page of the new scores, and leases and commits of many people at once.
Beside them stands the floor: the time that the bytes of the space take to come from memory. Writes the section
"Teaching" of docs/benchmarks.md.
"""

import argparse
import http.client
import json
import os
import platform
import random
import shutil
import tempfile
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from bench_service import DIM, ROOT, prepare, say, start_database, start_web, wait_for
from bench_teaching_seed import Seeded, seed

START, END = "<!-- teaching:start -->", "<!-- teaching:end -->"
IDLE_S = 3.0
TARGETS_S = {100_000: 1.0, 1_000_000: 3.0}


@dataclass
class Figures:
    """Seconds of each teaching by step, latencies in ms by operation."""

    size: int
    cold_s: float = 0.0
    teach_s: list[float] = field(default_factory=list)
    worker_ms: list[int] = field(default_factory=list)
    floor_s: float = 0.0
    latency: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    labels: int = 0
    seconds: float = 0.0
    ranked_s: float = 0.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--teaching", action="store_true")
    parser.add_argument("--images", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--categories", type=int, default=100)
    parser.add_argument("--commits", type=int, default=8, help="Pages committed one after the other.")
    parser.add_argument("--annotators", type=int, default=20, help="People at work at once.")
    parser.add_argument("--seconds", type=float, default=30.0, help="So long they work.")
    parser.add_argument("--page-s", type=float, default=4.0, help="A person looks at a page for so long.")
    parser.add_argument("--port", type=int, default=8766)
    parser.add_argument("--keep", type=Path, help="Seed once into this folder, and go on there the next time.")
    parser.add_argument("--seed-only", action="store_true", help="Seed the kept folder and measure nothing.")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "benchmarks.md")
    args = parser.parse_args()
    results = [apart(size, args) for size in args.images]
    if not args.seed_only:
        write_section(args.out, results, args)
    return 0


def apart(size: int, args: argparse.Namespace) -> Figures:
    """A size in a process of its own: Django keeps to the database that it has met first."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(measured, size, args).result()


@contextmanager
def folder_of(size: int, args: argparse.Namespace) -> Iterator[Path]:
    """A folder for each size that every user can pass through: PostgreSQL is another user than root."""
    if args.keep:
        folder = args.keep / str(size)
        folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(folder / "cache", ignore_errors=True)  # a worker starts without its copy of the space
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="winnow-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def measured(size: int, args: argparse.Namespace) -> Figures:
    """Start what `make run` starts, and measure one size."""
    with folder_of(size, args) as folder:
        os.environ["WINNOW_CACHE_DIR"] = str(folder / "cache")
        database = start_database(folder)
        broker = start_redis(folder)
        try:
            prepare(folder)
            seeded = seed_once(size, args, folder / "seeded.json")
            return Figures(size) if args.seed_only else measure(seeded, size, args, logs=folder)
        finally:
            broker.stop()
            database.stop()


def start_redis(folder: Path) -> Any:
    from server.supervisor.process import Process
    from server.supervisor.redis import EmbeddedRedis

    redis = EmbeddedRedis(folder / "redis")
    process = Process(redis.program(), log_dir=folder, cwd=ROOT)
    redis.wait_until_ready(process)
    os.environ["CELERY_BROKER_URL"] = redis.url
    return process


def seed_once(size: int, args: argparse.Namespace, note: Path) -> Seeded:
    """What a kept database was seeded with, or a new project."""
    from server.core import sql

    if note.exists():
        told = json.loads(note.read_text())
        truth = {int(image): category for image, category in told["truth"].items()}
        sql.execute("DELETE FROM labeling_pageplan")  # a shelf that is full asks no worker for anything
        return Seeded(told["project"], told["tokens"], truth)
    say(f"seeding {size:,} images × {args.categories} categories")
    seeded = seed(size, categories=args.categories, people=args.annotators)
    note.write_text(json.dumps(asdict(seeded)))
    return seeded


def measure(seeded: Seeded, size: int, args: argparse.Namespace, *, logs: Path) -> Figures:
    figures = Figures(size, floor_s=floor(size))
    teacher, web = start_worker(logs), start_web(args.port)
    try:
        wait_for(args.port)
        say("first scores of a cold worker")
        figures.cold_s = cold(seeded, args)
        say("one person")
        alone(seeded, figures, args)
        say(f"{args.annotators} people")
        together(seeded, figures, args)
    finally:
        web.terminate()
        teacher.stop()
        web.wait()
    say("a published ranking")
    figures.ranked_s = ranked(seeded, logs)
    say(f"  cold {figures.cold_s:.2f} s, floor {figures.floor_s:.3f} s, ranked {figures.ranked_s:.2f} s")
    say(f"  commit to page: {[round(one, 2) for one in figures.teach_s]} s, worker {figures.worker_ms} ms")
    for name, values in sorted(figures.latency.items()):
        say(f"  {name}: p50 {share(values, 0.5):.0f} ms, p95 {share(values, 0.95):.0f} ms, {len(values)} requests")
    return figures


def start_worker(logs: Path) -> Any:
    from server.supervisor.process import Process
    from server.supervisor.programs import worker

    return Process(worker("interactive", {}), log_dir=logs, cwd=ROOT)


def floor(size: int) -> float:
    """Seconds that every byte of the space takes to come from memory, on as many threads as there are cores."""
    import numpy as np

    threads = len(os.sched_getaffinity(0))
    held = np.ones((threads, size * DIM // 4 // threads), np.uint64)
    with ThreadPoolExecutor(threads) as pool:
        return min(_summed(pool, held) for _ in range(3)) if size else 0.0


def _summed(pool: ThreadPoolExecutor, held: Any) -> float:
    start = time.perf_counter()
    list(pool.map(lambda row: row.max(), held))
    return time.perf_counter() - start


class Person:
    """One browser: one connection, one token."""

    def __init__(self, port: int, token: str, seeded: Seeded) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.headers = {"Authorization": f"Token {token}", "Content-Type": "application/json"}
        self.base = f"/api/v1/projects/{seeded.project}"
        self.seeded = seeded
        self.took: dict[str, list[float]] = defaultdict(list)
        self.used = time.monotonic()

    def call(self, name: str, method: str, path: str, body: object = None) -> Any:
        start = time.perf_counter()
        if time.monotonic() - self.used > IDLE_S:
            self.connection.close()  # the server has closed it; the next request opens another
        self.used = time.monotonic()
        self.connection.request(method, self.base + path, json.dumps(body) if body is not None else None, self.headers)
        answer = self.connection.getresponse()
        text = answer.read()
        self.took[name].append((time.perf_counter() - start) * 1000)
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:500]!r}")
        return json.loads(text)

    def lease(self, count: int = 1) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Pages, and the single images between them."""
        told = self.call("lease", "POST", "/pages/lease", {"count": count, "tiles_max": 48})
        pages = [entry["page"] for entry in told["entries"] if entry["kind"] == "page"]
        return pages, [entry["item"] for entry in told["entries"] if entry["kind"] == "one"]

    def label(self, item: dict[str, Any]) -> None:
        image = item["image"]["id"]
        body = {"image": image, "kind": "label", "category": self.seeded.truth[image], "token": item["token"]}
        self.call("label", "PUT", f"/annotations/{uuid.uuid4()}", body)

    def commit(self, page: dict[str, Any]) -> int:
        """Strike what is wrong, confirm the rest."""
        tiles = [
            {
                "image": tile["image"]["id"],
                "verdict": "confirm" if self.seeded.truth[tile["image"]["id"]] == page["category"] else "strike",
            }
            for tile in page["tiles"]
        ]
        body = {"tiles": tiles, "duration_ms": 4000, "input": "keyboard"}
        return int(self.call("commit", "PUT", f"/pages/{page['id']}/commits/{uuid.uuid4()}", body)["labels"])

    def version(self) -> int:
        return int(self.call("teaching", "GET", "/teaching")["version"])


def wait_for_version(person: Person, beyond: int, *, at_most_s: float) -> None:
    until = time.monotonic() + at_most_s
    while person.version() <= beyond:
        if time.monotonic() > until:
            raise SystemExit(f"no new scores within {at_most_s} s")
        time.sleep(0.01)


def cold(seeded: Seeded, args: argparse.Namespace) -> float:
    """Seconds from the first look for a page to the first scores, with the copy of the space still to be made."""
    person = Person(args.port, seeded.tokens[0], seeded)
    before, start = person.version(), time.perf_counter()
    person.lease()
    wait_for_version(person, before, at_most_s=120)
    return time.perf_counter() - start


def alone(seeded: Seeded, figures: Figures, args: argparse.Namespace) -> None:
    """From a commit's first byte to the answer that holds a page of the scores that the commit caused."""
    person = Person(args.port, seeded.tokens[0], seeded)
    for _ in range(args.commits):
        (page,), _ = person.lease()
        before = person.version()
        start = time.perf_counter()
        person.commit(page)
        wait_for_version(person, before, at_most_s=60)
        if not person.lease()[0]:
            raise SystemExit("no page of the new scores")
        figures.teach_s.append(time.perf_counter() - start)
        figures.worker_ms.append(int(person.call("teaching", "GET", "/teaching")["duration_ms"]))
        time.sleep(0.5)


def together(seeded: Seeded, figures: Figures, args: argparse.Namespace) -> None:
    """Everybody leases, looks, commits, until the time is over; they begin spread over one page's time."""
    people = [Person(args.port, token, seeded) for token in seeded.tokens]
    until = time.monotonic() + args.seconds
    counted = threading.Lock()

    def work(nth: int) -> None:
        rng, person = random.Random(nth), people[nth]
        time.sleep(rng.uniform(0, args.page_s))
        while time.monotonic() < until:
            pages, singles = person.lease()
            for page in pages:
                time.sleep(rng.uniform(0.5, 1.5) * args.page_s)
                labels = person.commit(page)
                with counted:
                    figures.labels += labels
            for item in singles:
                time.sleep(rng.uniform(0.5, 1.5))
                person.label(item)

    start = time.monotonic()
    with ThreadPoolExecutor(len(people)) as pool:
        list(pool.map(work, range(len(people))))
    figures.seconds = time.monotonic() - start
    for person in people:
        for name, values in person.took.items():
            figures.latency[name] += values


def ranked(seeded: Seeded, logs: Path) -> float:
    """From asking for predictions of the whole pool to their being live, by a worker that has done so once before."""
    from server.pipeline import flows
    from server.projects.models import Project
    from server.supervisor.process import Process
    from server.supervisor.programs import worker

    def live() -> int | None:
        return Project.objects.values_list("active_run_id", flat=True).get(pk=seeded.project)

    teller, took = Process(worker("ml", {}), log_dir=logs, cwd=ROOT), 0.0
    try:
        for _ in range(2):
            before, start = live(), time.perf_counter()
            flows.enqueue("predict", project_id=seeded.project, coalesce_key=f"predict:{seeded.project}")
            while live() == before:
                if time.perf_counter() - start > 120:
                    raise SystemExit("no predictions within 120 s")
                time.sleep(0.02)
            took = time.perf_counter() - start
            time.sleep(2)  # what follows a run is not what is asked here
    finally:
        teller.stop()
    return took


def share(values: list[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else float("nan")


def write_section(path: Path, results: list[Figures], args: argparse.Namespace) -> None:
    """Replace the section between its marks, or add it."""
    rows = [
        "| | asked | " + " | ".join(f"{one.size:,} images" for one in results) + " |",
        "|---|---|" + "---|" * len(results),
        "| commit → first page of the new scores, median / worst | "
        + " / ".join(f"≤ {TARGETS_S[one.size]:g} s" if one.size in TARGETS_S else "–" for one in results)
        + " | "
        + " | ".join(f"{share(one.teach_s, 0.5):.2f} / **{max(one.teach_s):.2f}** s" for one in results)
        + " |",
        "| of which the worker, median | | "
        + " | ".join(f"{share([float(ms) for ms in one.worker_ms], 0.5) / 1000:.2f} s" for one in results)
        + " |",
        "| floor: reading the space from memory once | | "
        + " | ".join(f"{one.floor_s:.3f} s" for one in results)
        + " |",
        "| first scores of a cold worker, copy of the space included | | "
        + " | ".join(f"{one.cold_s:.1f} s" for one in results)
        + " |",
        "| a ranking of the whole pool in the database, asked for to live | ≤ 6 s at a million | "
        + " | ".join(f"**{one.ranked_s:.2f}** s" for one in results)
        + " |",
    ]
    for name in ("lease", "commit"):
        cells = [
            f"{share(one.latency[name], 0.5):.0f} / **{share(one.latency[name], 0.95):.0f}** ms" for one in results
        ]
        rows.append(f"| {name} of {args.annotators} people, p50 / p95 | p95 ≤ 100 ms | {' | '.join(cells)} |")
    rows.append(
        "| labels of all together | | " + " | ".join(f"{one.labels / one.seconds:,.0f}/s" for one in results) + " |"
    )
    text = "\n".join(
        [
            START,
            "## Teaching",
            "",
            f"{len(os.sched_getaffinity(0))} cores ({platform.machine()}) for server, worker, database and clients"
            f" together, {args.categories} categories, {DIM} dimensions.",
            f"{args.commits} pages one after the other; then {args.annotators} people who look at a page for"
            f" {args.page_s:g} s each.",
            "",
            *rows,
            "",
            '`make bench ARGS="--teaching"` writes this table.',
            END,
        ]
    )
    old = path.read_text() if path.exists() else "# Benchmarks\n\n"
    if START in old:
        before, _, rest = old.partition(START)
        old = before + text + rest.partition(END)[2]
    else:
        old = old.rstrip() + "\n\n" + text + "\n"
    path.write_text(old)


if __name__ == "__main__":
    raise SystemExit(main())
