"""`python -m ml.bench labeling`: what a label costs a modelled person, by interface and head accuracy."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.acquisition.neighbors import neighbor_graph
from ml.bench._curves import learner_of, use_one_thread
from ml.bench._page import write_block
from ml.bench._pools import LabelledVectors, Part, labelled_vectors
from ml.simulation.interfaces import Bench, Teacher, composed_pages, naive_pages, one_at_a_time
from ml.simulation.person import Person
from ml.types import TopK

SETS = "tiny-5,tiny-10,tiny-20,tiny-100,cifar-superclasses,field-guide,distinct-5,distinct-3"
CHOSEN = "distinct-"
"""Sets whose categories were picked for looking little alike: they have a table of their own."""
SHOTS = (1, 2, 4, 8, 16, 32, 64)
LEVELS = (0.75, 0.85, 0.93, 0.98)
NEAR = 0.04
"""Runs whose head is within four points of a level speak for it, the nearer the louder."""
INTERFACES = ("single", "naive", "pages")


@dataclass(frozen=True)
class Session:
    """One pool labelled to the end by one person through one interface, suggestions from one frozen head."""

    set: str
    shots: int
    seed: int
    head_accuracy: float
    interface: str
    labels: int
    actions_per_label: float
    seconds_per_label: float
    label_accuracy: float


def main(argv: Sequence[str]) -> int:
    """Label every pool through every interface; Markdown on stdout, all sessions as JSON with `--json FILE`."""
    args = _parser().parse_args(argv)
    use_one_thread()
    sessions = [session for name in args.sets.split(",") for session in sessions_of(name, args)]
    if args.json:
        args.json.write_text(json.dumps([asdict(session) for session in sessions], indent=1) + "\n")
    print(as_markdown(sessions))
    if args.write:
        write_block(args.write, "interfaces", as_markdown(sessions))
    return 0


def sessions_of(name: str, args: argparse.Namespace) -> list[Session]:
    """All sessions of one set; a line on stderr for each head."""
    found = []
    for seed in range(args.first_seed, args.first_seed + args.seeds):
        pool, _ = labelled_vectors(name, part=args.part, seed=seed).split(held_out=0, most=args.most, seed=seed)
        for shots in SHOTS:
            if shots * pool.classes > len(pool.labels) // 3:
                continue
            found += _label_all(pool, shots, seed, error_rate=args.error_rate, live=args.live)
            ours = " ".join(f"{s.interface} {s.actions_per_label:.2f}/{s.seconds_per_label:.2f}" for s in found[-3:])
            print(f"{name} {seed} {shots}: {100 * found[-1].head_accuracy:.1f} {ours}", file=sys.stderr, flush=True)
    return found


def _label_all(pool: LabelledVectors, shots: int, seed: int, *, error_rate: float, live: bool) -> list[Session]:
    rng = np.random.default_rng(seed)
    by_class = [rng.permutation(np.flatnonzero(pool.labels == c))[:shots] for c in range(pool.classes)]
    support = np.concatenate(by_class)
    rest = np.setdiff1d(np.arange(len(pool.labels)), support)
    teacher = _taught(pool, support, rest) if live else _frozen(pool, support, rest)
    vectors, truth, twins = pool.vectors[rest], pool.labels[rest], pool.twins[rest]
    top = teacher(np.empty(0, np.int64), np.empty(0, np.int64))
    graph = neighbor_graph(vectors)
    sessions = []
    for interface in INTERFACES:
        person = Person(error_rate, np.random.default_rng(seed))
        bench = Bench(vectors, truth, pool.classes, teacher, graph if interface == "pages" else None)
        if interface == "pages":
            composed_pages(bench, person, duplicate_group=twins)
        else:
            {"single": one_at_a_time, "naive": naive_pages}[interface](bench, person)
        tally = person.tally
        sessions.append(
            Session(
                set=pool.name,
                shots=shots,
                seed=seed,
                head_accuracy=float((top.class_index[:, 0] == truth).mean()),
                interface=interface,
                labels=tally.labels,
                actions_per_label=tally.actions / tally.labels,
                seconds_per_label=tally.seconds / tally.labels,
                label_accuracy=tally.right / tally.labels,
            )
        )
    return sessions


def _frozen(pool: LabelledVectors, support: NDArray[np.int64], rest: NDArray[np.int64]) -> Teacher:
    learner = learner_of(pool.vectors[support], pool.labels[support], background=pool.vectors.mean(axis=0))
    top = learner.topk(pool.vectors[rest])
    return lambda rows, labels: top


def _taught(pool: LabelledVectors, support: NDArray[np.int64], rest: NDArray[np.int64]) -> Teacher:
    """A head that is fitted anew on everything said so far whenever it is asked."""
    background, vectors = pool.vectors.mean(axis=0), pool.vectors[rest]

    def told(rows: NDArray[np.int64], labels: NDArray[np.int64]) -> TopK:
        known = np.concatenate([pool.vectors[support], vectors[rows]])
        said = np.concatenate([pool.labels[support], labels])
        return learner_of(known, said, background=background).topk(vectors)

    return told


def as_markdown(sessions: Sequence[Session]) -> str:
    """Times fewer at each accuracy of the head, over sets as they come and over chosen ones; and the means of each."""
    chosen = [session for session in sessions if session.set.startswith(CHOSEN)]
    lines = _levels([session for session in sessions if session not in chosen])
    if chosen:
        lines += ["", "Sets whose categories look little alike:", "", *_levels(chosen)]
    lines += ["", "| set | head right | one at a time | naive page | composed page | labels right (one / page) |"]
    lines.append("|---|---|---|---|---|---|")
    for name in dict.fromkeys(session.set for session in sessions):
        for shots in SHOTS:
            row = [session for session in sessions if (session.set, session.shots) == (name, shots)]
            if row:
                lines.append(_row(name, row))
    return "\n".join(lines)


def _levels(sessions: Sequence[Session]) -> list[str]:
    return [
        "| head right | sessions | naive: actions | naive: seconds | pages: actions | pages: seconds | labels right |",
        "|---|---|---|---|---|---|---|",
        *(_level(sessions, level) for level in LEVELS),
    ]


def _level(sessions: Sequence[Session], level: float) -> str:
    near = [s for s in sessions if abs(s.head_accuracy - level) <= NEAR and s.interface == "single"]
    if not near:
        return f"| {100 * level:.0f} % | 0 | | | | | |"
    cells = [f"{100 * level:.0f} %", str(len(near))]
    for interface in ("naive", "pages"):
        other = [_same(sessions, one, interface) for one in near]
        for figure in ("actions_per_label", "seconds_per_label"):
            ratios = np.log([getattr(a, figure) / getattr(b, figure) for a, b in zip(near, other, strict=True)])
            accuracies = np.asarray([one.head_accuracy for one in near])
            cells.append(f"{np.exp(_at(accuracies, ratios, level)):.2f}")
    right = np.mean([_same(sessions, one, "pages").label_accuracy for one in near])
    return "| " + " | ".join([*cells, f"{100 * right:.1f} %"]) + " |"


def _at(accuracies: NDArray[np.float64], values: object, level: float) -> float:
    """Value at `level` of a line through runs near it, weighed by nearness; their mean where they stand at one spot."""
    weight = 1 - np.abs(accuracies - level) / (1.25 * NEAR)
    if np.ptp(accuracies) < NEAR / 2:
        return float(np.average(np.asarray(values), weights=weight))
    return float(np.polyfit(accuracies - level, np.asarray(values), 1, w=np.sqrt(weight))[1])


def _same(sessions: Sequence[Session], one: Session, interface: str) -> Session:
    key = (one.set, one.shots, one.seed, interface)
    return next(s for s in sessions if (s.set, s.shots, s.seed, s.interface) == key)


def _row(name: str, row: Sequence[Session]) -> str:
    def mean(interface: str, figure: str) -> float:
        return float(np.mean([getattr(s, figure) for s in row if s.interface == interface]))

    costs = [
        f"{mean(interface, 'actions_per_label'):.2f} actions, {mean(interface, 'seconds_per_label'):.2f} s"
        for interface in INTERFACES
    ]
    right = f"{100 * mean('single', 'label_accuracy'):.1f} / {100 * mean('pages', 'label_accuracy'):.1f} %"
    return "| " + " | ".join([name, f"{100 * mean('single', 'head_accuracy'):.1f} %", *costs, right]) + " |"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ml.bench labeling", description=__doc__)
    parser.add_argument("--sets", default=SETS)
    parser.add_argument("--part", choices=Part.__args__, default="reported")  # type: ignore[attr-defined]
    for name, value in (("seeds", 5), ("first-seed", 0), ("most", 3000)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--live", action="store_true", help="the head learns from every label; else it stays")
    parser.add_argument("--error-rate", type=float, default=0.02)
    parser.add_argument("--json", type=Path, help="file for all sessions")
    parser.add_argument("--write", type=Path, help="put the tables into this page")
    return parser
