"""The whole loop over five seeds: photographs, simulated annotators, real workers, true labels and shuffled ones.

    python scripts/bench_loop.py --seeds 5

Starts Winnow as `make run` does, in a folder of its own, and plays `manage.py simulate_loop` for every set and seed.
A play that ended is kept in `reproduce/loop` and not played again. Writes the table of docs/methods/training-loop.md.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
START, END = "<!-- loop:start -->", "<!-- loop:end -->"
T_975 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
"""Student's quantile for 1, 2, … 9 degrees of freedom: a seed is one observation."""


@dataclass(frozen=True)
class Set:
    """Photographs, and the column that names them."""

    title: str
    file: str
    column: str
    numbers: bool = False


SETS = {
    "superclasses": Set("CIFAR-100, 20 superclasses", "cifar100.parquet", "coarse_label"),
    "classes": Set("CIFAR-100, 100 classes", "cifar100.parquet", "fine_label"),
    "classes-numbers": Set("CIFAR-100, 100 classes by number", "cifar100.parquet", "fine_label", numbers=True),
    "tiny-numbers": Set("Tiny-ImageNet, 160 classes by number", "tiny-imagenet-160.parquet", "wnid"),
    "tiny": Set("Tiny-ImageNet, 160 classes by name", "tiny-imagenet-160.parquet", "name"),
}


LABELS = {"true": False, "shuffled": True}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--loop", action="store_true", help="Chooses this benchmark in `make bench`.")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--labels", nargs="+", choices=LABELS, default=list(LABELS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--confirmations", type=int, default=500)
    parser.add_argument("--limit", type=int, default=850, help="Photographs of a play.")
    parser.add_argument("--kept", type=Path, default=ROOT / "reproduce" / "loop")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "methods" / "training-loop.md")
    args = parser.parse_args()
    args.kept.mkdir(parents=True, exist_ok=True)
    shuffles = [LABELS[labels] for labels in args.labels]
    plays = [(seed, name, shuffled) for seed in range(args.seeds) for name in args.sets for shuffled in shuffles]
    missing = [play for play in plays if not kept(args, *play).exists()]
    if missing:
        with installation() as environment:
            for play in missing:
                kept(args, *play).write_text(json.dumps(simulate(args, *play, environment=environment)))
                write_section(args)
    write_section(args)
    return 0


def kept(args: argparse.Namespace, seed: int, name: str, shuffled: bool) -> Path:
    """Where the report of a play lies."""
    folder: Path = args.kept
    return folder / f"{name}-{'shuffled' if shuffled else 'true'}-{args.confirmations}-{args.limit}-{seed}.json"


@contextmanager
def installation() -> Iterator[dict[str, str]]:
    """A Winnow of its own; yields the environment that leads a command to it."""
    with tempfile.TemporaryDirectory(prefix="winnow-loop-") as folder:
        Path(folder).chmod(0o755)
        state = Path(folder) / "state"
        env = {**os.environ, "WINNOW_STATE": str(state)}
        command = [sys.executable, "-m", "server.supervisor", "run", "--port", "0", "--no-demo"]
        with (Path(folder) / "log").open("w+b") as log:
            process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log)
            try:
                while b"Winnow is ready" not in (Path(folder) / "log").read_bytes():
                    if process.poll() is not None:
                        raise SystemExit((Path(folder) / "log").read_text())
                    time.sleep(0.2)
                told = {**env, **json.loads((state / "run.json").read_text())["environment"]}
                with second_worker(told):
                    yield told
            finally:
                process.terminate()
                process.wait()


@contextmanager
def second_worker(environment: dict[str, str]) -> Iterator[None]:
    """One more for embedding and training, which yields to nobody: on a shared machine the other hardly gets a turn."""
    from server.supervisor.programs import worker

    program = worker("ml", {})
    command = ["second@%h" if part == "ml@%h" else part for part in program.command]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**environment, **program.env, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def simulate(
    args: argparse.Namespace, seed: int, name: str, shuffled: bool, *, environment: dict[str, str]
) -> dict[str, Any]:
    played = SETS[name]
    command = [sys.executable, "manage.py", "simulate_loop", "--images", str(args.data / played.file)]
    command += ["--label-column", played.column, "--confirmations", str(args.confirmations)]
    command += ["--limit", str(args.limit), "--seed", str(seed), "--workers", "real", "--json"]
    command += ["--shuffle-labels"] if shuffled else []
    command += ["--numbers"] if played.numbers else []
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    report: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    runs = ", ".join(f"{run['labels']}: {run['outcome']}" for run in report["runs"])
    figures = [report[key] for key in ("accuracy_before", "accuracy_after", "paired_ci95", "seconds")]
    print(f"{time.strftime('%H:%M:%S')} {name} shuffled={shuffled} seed {seed}: {figures}; {runs}", flush=True)
    return report


def write_section(args: argparse.Namespace) -> None:
    """Put the table of what was played so far between its marks."""
    rows = ["| | before | after | difference, mean of the seeds | lowest seed | runs | promoted | refused |"]
    rows.append("|---|---|---|---|---|---|---|---|")
    for name in SETS:
        for shuffled in LABELS.values():
            paths = [kept(args, seed, name, shuffled) for seed in range(args.seeds)]
            reports = [json.loads(path.read_text()) for path in paths if path.exists()]
            if reports:
                title = SETS[name].title + (", labels shuffled" if shuffled else "")
                rows.append(row(f"{title} ({len(reports)} seeds)", reports))
    text = "\n".join([START, *rows, END])
    old = args.out.read_text()
    before, _, rest = old.partition(START)
    if rest:
        args.out.write_text(before + text + rest.partition(END)[2])


def row(title: str, reports: list[dict[str, Any]]) -> str:
    before, after = (
        100 * float(np.mean([report[key] for report in reports])) for key in ("accuracy_before", "accuracy_after")
    )
    gains = [100 * (report["accuracy_after"] - report["accuracy_before"]) for report in reports]
    lowest = min(reports, key=lambda report: report["paired_ci95"][0])["paired_ci95"]
    runs = [run for report in reports for run in report["runs"]]
    outcomes = [sum(run["outcome"] == outcome for run in runs) for outcome in ("promoted", "refused")]
    figures = [f"{before:.1f}", f"{after:.1f}", mean_interval(gains)]
    figures += [f"[{100 * lowest[0]:.1f}, {100 * lowest[1]:.1f}]", *map(str, (len(runs), *outcomes))]
    return f"| {title} | {' | '.join(figures)} |"


def mean_interval(values: list[float]) -> str:
    """The mean with Student's 95 % interval over seeds."""
    mean, n = float(np.mean(values)), len(values)
    if n < 2:
        return f"{mean:+.1f}"
    reach = T_975[min(n - 2, len(T_975) - 1)] * float(np.std(values, ddof=1)) / n**0.5
    return f"{mean:+.1f} [{mean - reach:.1f}, {mean + reach:.1f}]"


if __name__ == "__main__":
    raise SystemExit(main())
