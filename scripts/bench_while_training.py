"""What labeling costs while the machine learns: the same people at the same pace, alone and beside two busy workers.

    python scripts/bench_while_training.py --images 100000 --clients 8 --pause-ms 500 --seconds 15 --rounds 3

Seeds a project, starts the web process as `make run` does, one worker that embeds every image again with the demo
encoder and one that trains an adapter, over and over. In each round people label at a person's pace while the workers
stand still, then while they work, and then the workers go on without people: whatever else the machine does meets all
three alike. Writes the section "While it trains" of docs/benchmarks.md.
"""

import argparse
import io
import os
import platform
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from bench_seeding import Seeded, say, seed  # noqa: E402
from bench_service import Client, Figures, cpu_seconds, prepare, start_broker, start_database, start_web, wait_for, work  # noqa: E402  # noqa: E402

START, END = "<!-- while-training:start -->", "<!-- while-training:end -->"
SHOWN = ("annotation", "lease", "list", "browse")
WORK = ("images embedded", "runs ended", "training steps", "processor seconds")
TRAINING_QUEUE = "interactive"
WARM_PEOPLE_S = 2
SPREAD = 0.5
"""A pause is up to so much of itself longer or shorter. With one pace for all, whoever once waited behind another goes
on arriving with them, and what is measured is a queue of people."""
WARM_S = 20
"""What a worker takes to load its model; the clock runs after it."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--while-training", action="store_true", help="Chooses this benchmark in `make bench`.")
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--categories", type=int, default=20)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=15.0, help="Of each part of a round.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pause-ms", type=float, default=500.0, help="What a person takes for an image.")
    parser.add_argument("--port", type=int, default=8766)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "benchmarks.md")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="winnow-bench-") as folder:
        Path(folder).chmod(0o755)
        servers = [start_broker(Path(folder)), start_database(Path(folder))]
        try:
            prepare(Path(folder))
            found = measure(args)
        finally:
            for server in servers:
                server.stop()
    write_section(args, found)
    return 0


@dataclass
class Found:
    """What people met before there were workers, while those stood still and while they worked; and what the workers
    did with and without people."""

    before: Figures
    alone: Figures
    beside: Figures
    with_people: Counter[str]
    without: Counter[str]


def measure(args: argparse.Namespace) -> Found:
    say(f"seeding {args.images:,} images")
    seeded = seed(args.images, categories=args.categories, clients=args.clients)
    photograph(seeded)
    found = Found(*(Figures(args.images, args.pause_ms) for _ in range(3)), Counter(), Counter())
    web = start_web(args.port)
    workers: list[subprocess.Popen[bytes]] = []
    try:
        wait_for(args.port)
        say("warming up, then people before there are workers")
        label(seeded, args, Figures(args.images, args.pause_ms))
        label(seeded, args, found.before)
        workers = start_workers()
        stop = threading.Event()
        trainer = keep_busy(seeded, stop)
        time.sleep(WARM_S)
        for round_ in range(args.rounds):
            say(f"round {round_ + 1}")
            play_round(seeded, args, workers, found)
        stop.set()
        trainer.join()
    finally:
        web.terminate()  # and its workers with it
        web.wait()
        for process in workers:
            os.killpg(process.pid, signal.SIGKILL)  # with the decoders that it started
    tell(found)
    return found


def play_round(seeded: Seeded, args: argparse.Namespace, workers: list[subprocess.Popen[bytes]], found: Found) -> None:
    """People alone, people beside the workers, the workers alone."""
    for process in workers:
        os.killpg(process.pid, signal.SIGSTOP)
    label(seeded, args, found.alone)
    for process in workers:
        os.killpg(process.pid, signal.SIGCONT)
    before = progress(seeded, workers)
    label(seeded, args, found.beside)
    between = progress(seeded, workers)
    time.sleep(args.seconds)
    found.with_people.update(between - before)
    found.without.update(progress(seeded, workers) - between)


def tell(found: Found) -> None:
    for title, figures in (("before", found.before), ("alone", found.alone), ("beside", found.beside)):
        for name in SHOWN:
            p50, p95 = (figures.percentile(name, share) for share in (0.5, 0.95))
            say(f"  {title}: {name} p50 {p50:.1f} ms, p95 {p95:.1f} ms")
    say(f"  with people {dict(found.with_people)}, without {dict(found.without)}")


def photograph(seeded: Seeded) -> None:
    """Every image gets the bytes of one picture."""
    import numpy as np
    from PIL import Image as Picture

    from server.images.models import Image
    from server.images.storage import original_key

    rng, buffer = np.random.default_rng(0), io.BytesIO()
    Picture.fromarray(rng.integers(0, 256, (24, 32, 3), np.uint8)).resize((256, 192)).save(buffer, "JPEG", quality=90)
    state = Path(os.environ["WINNOW_STATE"]) / "media"
    state.mkdir(parents=True, exist_ok=True)
    source = state / "one"
    source.write_bytes(buffer.getvalue())
    Image.objects.filter(project_id=seeded.project).update(width=256, height=192)
    for digest in Image.objects.filter(project_id=seeded.project).values_list("sha256", flat=True):
        target = state / original_key(seeded.project, digest)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source, target)
        except OSError:  # a file has a limited number of names
            source = target.with_suffix(".more")
            source.write_bytes(buffer.getvalue())
            os.link(source, target)


def label(seeded: Seeded, args: argparse.Namespace, figures: Figures) -> None:
    """People label for so many seconds; what they met is added to `figures`."""
    clients = [Client(args.port, session, figures, args.pause_ms / 1000, SPREAD) for session in seeded.sessions]
    figures.begin = start = time.monotonic() + WARM_PEOPLE_S  # by then they are out of step
    with ThreadPoolExecutor(len(clients)) as pool:
        until = start + args.seconds
        busy = [pool.submit(enter, client, seeded, until) for client in clients]
        for future in busy:
            future.result()
    figures.seconds += time.monotonic() - start


def enter(client: Client, seeded: Seeded, until: float) -> None:
    """One after the other, or all would wait for each other at every image."""
    rng = random.Random(client.headers["Cookie"])
    time.sleep(rng.random() * client.pause_s)
    work(client, seeded, until, rng)


def start_workers() -> list[subprocess.Popen[bytes]]:
    """Two of the workers that `make run` starts one of, as it does. The second listens to a queue that is
    otherwise silent here, and gets the trainings: both would fill the space, and nobody train, for minutes."""
    from server.supervisor.process import CHILD
    from server.supervisor.programs import UNHURRIED, worker

    program, started = worker("ml", {}), []
    for queue in ("ml", TRAINING_QUEUE):
        names = {"ml": queue, "ml@%h": f"{queue}@%h"}
        command = [names.get(part, part) for part in program.command]
        wrapper = [
            sys.executable,
            str(CHILD),
            "--parent",
            str(os.getpid()),
            "--nice",
            str(program.nice),
            "--batch",
            "--",
        ]
        started.append(
            subprocess.Popen(
                [*wrapper, *command],
                cwd=ROOT,
                env={**os.environ, **program.env, **UNHURRIED},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        )
    return started


def keep_busy(seeded: Seeded, stop: threading.Event) -> threading.Thread:
    """Ask for the other encoder once, and for another training whenever the last one has ended."""
    from server.pipeline import flows
    from server.pipeline.kinds import KINDS
    from server.training.models import Trigger
    from server.training.options import options_from

    KINDS["train"] = replace(KINDS["train"], queue=TRAINING_QUEUE)
    flows.switch_encoder(seeded.project, name="demo", created_by=None)

    def train() -> None:
        options = options_from({"method": "adapter", "every": 0})
        while not stop.wait(0.5):
            flows.train(seeded.project, trigger=Trigger.MANUAL, options=options)

    thread = threading.Thread(target=train)
    thread.start()
    return thread


def progress(seeded: Seeded, workers: list[subprocess.Popen[bytes]]) -> Counter[str]:
    """Images embedded again, trainings that ended, their steps, and the processor time of it all."""
    from server.jobs.models import Job
    from server.training.models import Outcome, TrainingRun

    embedded = Job.objects.filter(project_id=seeded.project, kind="switch_encoder").values_list("done", flat=True)
    runs = TrainingRun.objects.filter(project_id=seeded.project)
    figures = (
        sum(embedded),
        runs.exclude(outcome=Outcome.PENDING).count(),
        sum(max(p, default=0) for p in _steps(runs)),
        round(sum(cpu_seconds(process.pid, tree=True) for process in workers)),
    )
    return Counter(dict(zip(WORK, figures, strict=True)))


def _steps(runs: Any) -> list[list[int]]:
    return [list(run.points.filter(name="loss").values_list("step", flat=True)) for run in runs]


def write_section(args: argparse.Namespace, found: Found) -> None:
    """Replace the section between its marks, or add it."""
    shown = (found.before, found.alone, found.beside)
    rows = ["| p50 / p95 | before | alone | beside | p95, beside to alone |", "|---|---|---|---|---|"]
    for name in SHOWN:
        cells = [f"{one.percentile(name, 0.5):.0f} / {one.percentile(name, 0.95):.0f} ms" for one in shown]
        ratio = found.beside.percentile(name, 0.95) / found.alone.percentile(name, 0.95)
        rows.append(f"| {name} | {' | '.join(cells)} | **{ratio:.2f}** |")
    counts = [f"{len(one.latency['annotation']):,}" for one in shown]
    rows += [f"| labels | {' | '.join(counts)} | |", ""]
    rows += ["| the two workers, in as long | beside people | without people |", "|---|---|---|"]
    for name in WORK:
        rows.append(f"| {name} | {found.with_people[name]:,} | {found.without[name]:,} |")
    text = "\n".join(
        [
            START,
            "## While it trains",
            "",
            f"{args.clients} people who take {args.pause_ms * (1 - SPREAD):g} to {args.pause_ms * (1 + SPREAD):g} ms an"
            f" image, {args.images:,} images,"
            f" {len(os.sched_getaffinity(0))} cores ({platform.machine()}) for all. {args.seconds:g} s before there are"
            f" workers; then {args.rounds} rounds, in each"
            f" {args.seconds:g} s alone, {args.seconds:g} s beside two workers, one of which fills the demo encoder's"
            " space while one trains adapters, and as long the workers alone. Asked: a p95 ratio of at most 1.5 for a"
            " label.",
            "",
            *rows,
            "",
            '`make bench ARGS="--while-training"` writes this table.',
            END,
        ]
    )
    old = args.out.read_text() if args.out.exists() else "# Benchmarks\n\n"
    if START in old:
        before, _, rest = old.partition(START)
        args.out.write_text(before + text + rest.partition(END)[2])
    else:
        args.out.write_text(old.rstrip() + "\n\n" + text + "\n")


if __name__ == "__main__":
    raise SystemExit(main())
