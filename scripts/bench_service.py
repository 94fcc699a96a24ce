"""Speed of the service: a seeded project, eight clients over HTTP, a real PostgreSQL with fsync on.

    python scripts/bench_service.py --images 10000 100000 --clients 8 --seconds 10

Seeds a project of each size (rows by COPY, random vectors, one small file for all images), starts the web process as
`make run` does, and measures at the clients. Writes the section "Service" of docs/benchmarks.md.
"""

import argparse
import hashlib
import http.client
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
import uuid
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from bench_seeding import DIM, LEASED_AT_HEAD, Seeded, say, seed  # noqa: E402

__all__ = ["DIM", "ROOT", "prepare", "say", "start_database", "start_web", "wait_for"]
MANIFEST_LINES = 10_000
WARM_S = 2.0
TARGETS = {"lease": 50, "annotation": 50, "list": 200, "browse": 200, "facets": 200, "overview": 200}
TARGETS |= {"facets of a filter": 200}
START, END = "<!-- service:start -->", "<!-- service:end -->"


@dataclass
class Figures:
    """Latencies in ms by operation, and rates."""

    size: int
    pause_ms: float
    latency: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    rates: dict[str, float] = field(default_factory=dict)
    begin: float = 0.0
    """What is asked from then on counts, by the monotonic clock."""
    seconds: float = 0.0
    cores: dict[str, float] = field(default_factory=dict)
    """Processor seconds a second, by who spent them."""

    @property
    def labels_s(self) -> float:
        return len(self.latency["annotation"]) / self.seconds

    def percentile(self, name: str, share: float) -> float:
        values = sorted(self.latency[name])
        return values[min(len(values) - 1, int(share * len(values)))] if values else float("nan")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--images", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--categories", type=int, default=100)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=10.0, help="Longer, and ten thousand images run out.")
    parser.add_argument("--pause-ms", type=float, nargs="+", default=[0.0, 100.0], help="Between a client's requests.")
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "benchmarks.md")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="winnow-bench-") as folder:
        Path(folder).chmod(0o755)
        servers = [start_broker(Path(folder)), start_database(Path(folder))]
        try:
            prepare(Path(folder))
            results = [one for size in args.images for one in measure(size, args, postgres=servers[1].pid)]
        finally:
            for server in servers:
                server.stop()
    write_section(args.out, results, args)
    return 0


def start_database(folder: Path) -> Any:
    """The product's own PostgreSQL, durable."""
    os.environ["WINNOW_STATE"] = str(folder / "state")
    os.environ["DJANGO_SETTINGS_MODULE"] = "server.config.settings"
    os.environ.setdefault("CELERY_BROKER_URL", "memory://")
    from server.supervisor.postgres import EmbeddedPostgres
    from server.supervisor.process import Process

    (folder / "state").mkdir(exist_ok=True)
    (folder / "postgres").mkdir(exist_ok=True)
    postgres = EmbeddedPostgres(folder / "postgres", durable=True)
    process = Process(postgres.program(), log_dir=folder, cwd=ROOT)
    postgres.wait_until_ready(process)
    postgres.create_database()
    os.environ["DATABASE_URL"] = postgres.url()
    return process


def start_broker(folder: Path) -> Any:
    """The product's own Redis: each label tells open pages of itself through it."""
    from server.supervisor.process import Process
    from server.supervisor.redis import EmbeddedRedis

    redis = EmbeddedRedis(folder / "redis")
    process = Process(redis.program(), log_dir=folder, cwd=ROOT)
    redis.wait_until_ready(process)
    os.environ["CELERY_BROKER_URL"] = redis.url
    return process


def prepare(folder: Path) -> None:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def measure(size: int, args: argparse.Namespace, *, postgres: int) -> list[Figures]:
    """One project, and clients that pause ever so long between their requests."""
    say(f"seeding {size:,} images × {args.categories} categories")
    seeded = seed(size, categories=args.categories, clients=args.clients)
    results = [Figures(size, pause) for pause in args.pause_ms]
    web = start_web(args.port)
    try:
        wait_for(args.port)
        for figures in results:
            say(f"clients at work, {figures.pause_ms:g} ms between two requests")
            drive(seeded, figures, args, {"web": web.pid, "PostgreSQL": postgres, "clients": os.getpid()})
            tell(figures)
        say("manifest")
        results[0].rates["manifest"] = manifest(seeded, args.port)
    finally:
        web.terminate()
        web.wait()
    say("export")
    results[0].rates["export"] = export(seeded)
    say(f"  {results[0].rates}")
    return results


def tell(figures: Figures) -> None:
    for name in sorted(figures.latency):
        say(
            f"  {name}: p50 {figures.percentile(name, 0.5):.1f} ms, p95 {figures.percentile(name, 0.95):.1f} ms,"
            f" {len(figures.latency[name])} requests"
        )
    say(f"  labels {figures.labels_s:.0f}/s, cores {figures.cores}")


def start_web(port: int) -> subprocess.Popen[bytes]:
    from server.supervisor.programs import web

    program = web("127.0.0.1", port, {})
    return subprocess.Popen(program.command, cwd=ROOT, env={**os.environ, **program.env})


def wait_for(port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/api/v1/health")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("the web process did not answer within 60 s")


def headers(session: str, content_type: str) -> dict[str, str]:
    csrf = "b" * 32
    cookies = f"sessionid={session}; csrftoken={csrf}"
    return {"Cookie": cookies, "X-CSRFToken": csrf, "Content-Type": content_type}


class Client:
    """One person's browser: one connection, one session."""

    def __init__(self, port: int, session: str, figures: Figures, pause_s: float, spread: float = 0.0) -> None:
        """`pause_s` between two requests, up to `spread` of it more or less: people with one pace fall into step."""
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.headers = headers(session, "application/json")
        self.figures = figures
        self.pause_s, self.spread = pause_s, spread
        self.rng = random.Random(session)

    def call(self, name: str, method: str, path: str, body: object = None) -> Any:
        data = json.dumps(body) if body is not None else None
        start = time.monotonic()
        self.connection.request(method, path, data, self.headers)
        answer = self.connection.getresponse()
        text = answer.read()
        if start >= self.figures.begin:
            self.figures.latency[name].append((time.monotonic() - start) * 1000)
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:500]!r}")
        time.sleep(self.pause_s * (1 + self.rng.uniform(-self.spread, self.spread)))
        return json.loads(text)


def work(client: Client, seeded: Seeded, until: float, rng: random.Random) -> None:
    """A round of a labeler: twenty images, a label for each, and a look at the grids now and then."""
    base = f"/api/v1/projects/{seeded.project}"
    while time.monotonic() < until:
        items = client.call("lease", "POST", f"{base}/queue/lease", {"count": 20})["items"]
        for item in items:
            if time.monotonic() > until:
                return
            body = {"image": item["image"]["id"], "kind": "label", "category": rng.choice(seeded.categories)}
            body |= {"token": item["token"], "duration_ms": 900, "evidence_details": {"rank": 1, "input": "digit"}}
            client.call("annotation", "PUT", f"{base}/annotations/{uuid.uuid4()}", body)
        category = rng.choice(seeded.categories)
        client.call("list", "GET", f"{base}/images?limit=60")
        client.call("browse", "GET", f"{base}/images?predicted={category}&order=margin&limit=60")
        if rng.random() < 0.2:
            client.call("facets", "GET", f"{base}/images/facets")
            everything = f"probability_min={rng.random() / 100:.6f}"  # another one each time, so that none is known
            client.call("facets of a filter", "GET", f"{base}/images/facets?{everything}")
            client.call("overview", "GET", f"{base}/overview")


def drive(seeded: Seeded, figures: Figures, args: argparse.Namespace, processes: dict[str, int]) -> None:
    clients = [Client(args.port, session, figures, figures.pause_ms / 1000) for session in seeded.sessions]
    figures.begin = time.monotonic() + WARM_S  # connections and plans are warm, and people out of step
    until = figures.begin + args.seconds
    with ThreadPoolExecutor(len(clients)) as pool:
        busy = [pool.submit(work, client, seeded, until, random.Random(i)) for i, client in enumerate(clients)]
        time.sleep(WARM_S)
        before = {name: cpu_seconds(pid, tree=name != "clients") for name, pid in processes.items()}
        for future in busy:
            future.result()  # a client that failed fails the run
    figures.seconds = time.monotonic() - figures.begin
    for name, pid in processes.items():
        figures.cores[name] = (cpu_seconds(pid, tree=name != "clients") - before[name]) / figures.seconds


def cpu_seconds(pid: int, *, tree: bool) -> float:
    """Processor time of a process, with its children where `tree` says so; Linux only, as the benchmark is."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split() if tree else []
    ticks = sum(int(value) for value in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13])
    return ticks / os.sysconf("SC_CLK_TCK") + sum(cpu_seconds(int(child), tree=True) for child in children)


def manifest(seeded: Seeded, port: int) -> float:
    """Lines a second of one request. The bytes are there first: one file, linked under every name."""
    from server.images.storage import original_key

    state = Path(os.environ["WINNOW_STATE"]) / "media"
    source = state / "one"
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_bytes(b"x" * 1000)
    lines = []
    for i in range(MANIFEST_LINES):
        digest = hashlib.sha256(f"manifest/{seeded.project}/{i}".encode()).hexdigest()
        target = state / original_key(seeded.project, digest)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(source, target)
        entry = {
            "sha256": digest,
            "byte_size": 1000,
            "format": "jpeg",
            "width": 640,
            "height": 480,
            "name": f"m{i}.jpg",
        }
        lines.append(json.dumps(entry))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    sent = headers(seeded.sessions[0], "application/x-ndjson")
    start = time.perf_counter()
    connection.request("POST", f"/api/v1/projects/{seeded.project}/imports/manifest", "\n".join(lines), sent)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status >= 400 or json.loads(body)["registered"] != MANIFEST_LINES:
        raise SystemExit(f"manifest: {answer.status} {body[:500]!r}")
    return MANIFEST_LINES / (time.perf_counter() - start)


def export(seeded: Seeded) -> float:
    """Rows a second of a JSONL export: freezing the labels, writing the file, storing it."""
    from server.jobs.models import Job
    from server.pipeline import flows, tasks
    from server.pipeline.station import run_pending
    from server.projects.models import Project
    from server.snapshots.services import export_create

    assert tasks
    start = time.perf_counter()
    with flows.without_messages():
        made = export_create(project=Project.objects.get(pk=seeded.project), created_by=None, format="jsonl")
        job = flows.enqueue("export", project_id=seeded.project, params={"export": made.pk})
        run_pending(project_id=seeded.project, kinds={"export"})
    job = Job.objects.get(pk=job.pk)
    if job.state != "done" or made.snapshot is None:
        raise SystemExit(f"export: {job.state} {job.error}")
    return made.snapshot.item_count / (time.perf_counter() - start)


def write_section(path: Path, results: list[Figures], args: argparse.Namespace) -> None:
    """Replace the section between its marks, or add it."""
    pauses = {0.0: "no pause"}
    sizes = " | ".join(f"{one.size:,}, {pauses.get(one.pause_ms, f'{one.pause_ms:g} ms')}" for one in results)
    rows = [f"| | asked | {sizes} |", "|---|---|" + "---|" * len(results)]
    for name, target in TARGETS.items():
        cells = [f"{one.percentile(name, 0.5):.0f} / **{one.percentile(name, 0.95):.0f}** ms" for one in results]
        rows.append(f"| {name} p50 / p95 | p95 ≤ {target} ms | {' | '.join(cells)} |")
    labels = [f"{one.labels_s:,.0f}/s" for one in results]
    rows.append(f"| labels of {args.clients} clients together | | {' | '.join(labels)} |")
    for who in results[0].cores:
        shares = " | ".join(f"{one.cores[who]:.2f}" for one in results)
        rows.append(f"| cores that {who} kept busy meanwhile | | {shares} |")
    for name, target in (("manifest", "2,000"), ("export", "20,000")):
        cells = [f"{one.rates[name]:,.0f}/s" if name in one.rates else "" for one in results]
        rows.append(f"| {name} rows | ≥ {target}/s | {' | '.join(cells)} |")
    text = "\n".join(
        [
            START,
            "## Service",
            "",
            f"{args.clients} clients over HTTP for {args.seconds:g} s, with and without a pause before each request (a"
            " person looks at an image for longer than any of them), on the same"
            f" {len(os.sched_getaffinity(0))} cores as the server ({platform.machine()}, load average before the run"
            f" not subtracted), {args.categories} categories, half of the images labeled, up to {LEASED_AT_HEAD:,}"
            " leased items at the head of the queue, embedded PostgreSQL 18 with fsync on.",
            "",
            *rows,
            "",
            "`make bench` writes this table.",
            END,
        ]
    )
    old = path.read_text() if path.exists() else "# Benchmarks\n\n"
    if START in old:
        before, _, rest = old.partition(START)
        old = before + text + rest.partition(END)[2]
    else:
        old = old.rstrip() + "\n\n" + text + "\n"
    path.parent.mkdir(exist_ok=True)
    path.write_text(old)


if __name__ == "__main__":
    raise SystemExit(main())
