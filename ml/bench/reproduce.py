"""`python -m ml.bench reproduce`: run the papers' tables, resuming, and write them into their pages."""

import argparse
import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch

from ml.bench._words_tables import GROUP, measure_words
from ml.reproduce.runs import Run, group_names, runs_of
from ml.reproduce.tables import write_tables


def main(argv: list[str]) -> int:
    args = _parser().parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    lanes = runs_of([group for group in args.groups if group != GROUP])
    if args.runs:
        lanes = {group: [run for run in runs if run.name in args.runs] for group, runs in lanes.items()}
    with ThreadPoolExecutor(args.parallel) as pool:
        outcomes = list(pool.map(lambda runs: [_run(run, args=args) for run in runs], lanes.values()))
    written = write_tables(args.out, pages=args.docs)
    if GROUP in args.groups:
        outcomes.append(measure_words(data=args.data, out=args.out, pages=args.docs))
    failed = [outcome["name"] for lane in outcomes for outcome in lane if outcome["exit"] != 0]
    print(json.dumps({"runs": [outcome for lane in outcomes for outcome in lane], "failed": failed, "pages": written}))
    return 1 if failed else 0


def _run(run: Run, *, args: argparse.Namespace) -> dict[str, Any]:
    """Groups run side by side, the runs of one group in order: later ones may need earlier weights."""
    result = args.out / f"{run.name}.json"
    if result.exists():
        return {"name": run.name, "exit": 0, "seconds": 0.0, "skipped": True}
    command = run.argv(data=str(args.data), out=str(args.out), device=args.device, limits=not args.no_limits)
    started = time.monotonic()
    exit_code = _call(command, log=args.out / f"{run.name}.log")
    if exit_code and "--graph" in command:
        # A driver that cannot capture the step still trains it, only slower.
        exit_code = _call([word for word in command if word != "--graph"], log=args.out / f"{run.name}.log")
    outcome = {"name": run.name, "exit": exit_code, "seconds": round(time.monotonic() - started, 1)}
    print(json.dumps(outcome), file=sys.stderr, flush=True)
    return outcome


def _call(command: list[str], *, log: Path) -> int:
    with log.open("a") as file:
        line = [sys.executable, "-m", "ml.train", *command]
        return subprocess.run(line, stdout=file, stderr=subprocess.STDOUT, check=False).returncode


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ml.bench reproduce", description=__doc__)
    add, groups = parser.add_argument, [*group_names(), GROUP]
    add("--data", type=Path, default=Path("../shared/data"), help="folder of the Parquet files")
    add("--out", type=Path, default=Path("reproduce"))
    add("--groups", nargs="*", choices=groups, default=groups, help="they run side by side")
    add("--runs", nargs="*", help="of these groups, only the runs of these names")
    add("--docs", type=Path, default=Path("docs/methods"), help="pages whose tables are rewritten")
    add("--parallel", type=int, default=1, help="groups at a time")
    add("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    add("--no-limits", action="store_true", help="train to the last step, however long it takes")
    return parser
