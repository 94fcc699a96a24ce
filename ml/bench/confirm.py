"""`python -m ml.bench confirm`: what a project costs when pages teach the head and a certificate takes the rest.

Categories and a few labels are drawn, and the surest images are shown in pages of one category. After every few pages
the head is fitted again on all that was confirmed, and asked whether the rest would be cheaper proved than looked at;
when it would, the lot is fixed, audited and tested as the product does it. What is not proved then is looked at too.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ml.bench.episodes import vectors_of
from ml.data.labelled import LabelledImages, add_data_arguments, from_arguments
from ml.data.vectors import CACHE_FOLDER
from ml.encoders import load_encoder
from ml.evaluation.audit_costs import PAGE, pages_first
from ml.evaluation.certify import Goal, certify_lot, plan_lots
from ml.evaluation.intervals import exact_interval, mean_interval
from ml.heads import Examples, fit_head
from ml.types import FloatArray, IntArray

PAGES_A_FIT = 3
FEWEST_AUDITS = 10


@dataclass(frozen=True)
class Cost:
    """Shares of the pool: presses and what they were spent on, labels `accepted` unseen; was the promise `broken`.

    `repairs` is one press a wrong tile; `strokes` one for wrong tiles that lie side by side, most doubtful first, as
    a line drawn over them strikes them all.
    """

    presses: float
    audits: float
    pages: float
    repairs: float
    strokes: float
    accepted: float
    broken: bool


@dataclass
class Project:
    """`vectors` (P, D) of images with `truth` (P,), of which people know `known`; `rest` are open."""

    vectors: torch.Tensor
    truth: IntArray
    ways: int
    known: IntArray
    rest: IntArray
    background: torch.Tensor
    pages: int = 0
    repairs: int = 0
    strokes: int = 0
    said: dict[bytes, FloatArray] = field(default_factory=dict)
    """What heads said: two goals go the same way until one of them stops."""

    def probabilities(self) -> FloatArray:
        """(R, N) of what is open, by the default head on all that is known."""
        key = self.known.tobytes()
        if key not in self.said:
            self.said[key] = self._fitted()
        return self.said[key]

    def _fitted(self) -> FloatArray:
        examples = Examples.of(
            self.vectors[self.known], self.truth[self.known], n_classes=self.ways, background=self.background
        )
        head = fit_head("default", examples)
        found: FloatArray = torch.softmax(
            (head.logits(self.vectors[self.rest]) / head.temperature).double(), dim=1
        ).numpy()
        return found

    def confirm_page(self, said: FloatArray, *, most: int) -> NDArray[np.bool_]:
        """A page of the commonest category among the surest; which of the open images are left."""
        label, order = said.argmax(axis=1), np.argsort(-said.max(axis=1), kind="stable")
        asked = np.bincount(label[order[: 2 * PAGE]]).argmax()
        shown = order[label[order] == asked][:most]
        self.pages += 1
        wrong = self.truth[self.rest[shown]] != asked
        self.repairs += int(wrong.sum())
        self.strokes += int(np.count_nonzero(wrong[1:] & ~wrong[:-1]) + wrong[0])
        self.known = np.concatenate([self.known, self.rest[shown]])
        left = np.ones(len(self.rest), dtype=bool)
        left[shown] = False
        self.rest = self.rest[left]
        return left


def main(argv: Sequence[str]) -> int:
    """Measure and print one JSON object; shares lie in [0, 1]."""
    args = _parser().parse_args(argv)
    images = from_arguments(args)
    vectors = vectors_of(images, load_encoder(args.encoder, device="cpu"), cache=args.cache)
    costs: dict[float, list[Cost]] = {error: [] for error in args.error}
    started = time.perf_counter()
    for number in range(args.projects):
        project = drawn_project(images, vectors, ways=args.categories, shots=args.labels_per_class, seed=number)
        for error, found in costs.items():
            found.append(label_and_prove(replace(project), error=error, level=args.level, seed=number))
        print(f"{number + 1} of {args.projects}, {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
    report = {"categories": args.categories, "labels_per_class": args.labels_per_class, "projects": args.projects}
    report |= {"by_error": {str(error): _summary(found) for error, found in costs.items()}}
    print(json.dumps(report, indent=None if args.json else 2))
    return 0


def drawn_project(images: LabelledImages, vectors: torch.Tensor, *, ways: int, shots: int, seed: int) -> Project:
    """Categories and labels as `certify` draws them with the same seed 0."""
    rng = np.random.default_rng([0, seed])
    chosen = rng.permutation(len(images.class_names))[:ways]
    drawn = [rng.permutation(np.flatnonzero(images.labels == label)) for label in chosen]
    rows = np.concatenate([part[:shots] for part in drawn] + [part[shots:] for part in drawn])
    place = np.full(len(images.class_names), -1)
    place[chosen] = np.arange(ways)
    count, pool = ways * shots, vectors[rows]
    known, rest = np.arange(count), np.arange(count, len(rows))
    return Project(pool, place[images.labels[rows]], ways, known, rest, pool.mean(dim=0))


def label_and_prove(project: Project, *, error: float, level: float, seed: int) -> Cost:
    """Pages until proving the rest is forecast to cost less, then audits, then pages for what they did not prove."""
    pool = len(project.rest)
    goal = Goal(error, level, among=pool)
    accepted = broken = audits = 0
    said = project.probabilities()
    while len(project.rest):
        spending = pages_first(said.max(axis=1), goal=goal)
        if spending.looked == 0:
            audits, accepted, broken = _prove(project, said, goal=goal, audits=spending.audits, seed=seed)
            break
        due = min(PAGES_A_FIT * PAGE, spending.looked)
        while due > 0 and len(project.rest):
            before = len(project.rest)
            said = said[project.confirm_page(said, most=min(PAGE, due))]
            due -= before - len(project.rest)
        if len(project.rest):
            said = project.probabilities()
    presses = audits + project.pages + project.repairs
    return Cost(
        presses=presses / pool,
        audits=audits / pool,
        pages=project.pages / pool,
        repairs=project.repairs / pool,
        strokes=project.strokes / pool,
        accepted=accepted / pool,
        broken=broken > error * pool,
    )


def _prove(project: Project, said: FloatArray, *, goal: Goal, audits: int, seed: int) -> tuple[int, int, int]:
    """(audits, labels accepted unseen, wrong ones among those)."""
    sure, wrong = said.max(axis=1), said.argmax(axis=1) != project.truth[project.rest]
    number = min(max(audits, FEWEST_AUDITS), len(sure))
    plan = plan_lots(sure, goal=goal, audits=number)
    drawn = plan.draw(number, seed=seed)
    lot = certify_lot(plan, sure, audited=drawn, wrong=wrong[drawn], goal=goal)
    unseen = np.setdiff1d(plan.order[: lot.size], drawn)
    open_rows = np.setdiff1d(np.arange(len(sure)), np.union1d(drawn, unseen))
    project.rest = project.rest[open_rows]
    said = said[open_rows]
    while len(project.rest):
        said = said[project.confirm_page(said, most=PAGE)]
    return len(drawn), len(unseen), int(wrong[unseen].sum())


def _summary(found: list[Cost]) -> dict[str, Any]:
    columns = {name: np.array([asdict(cost)[name] for cost in found], np.float64) for name in asdict(found[0])}
    presses, drawn = (
        mean_interval(columns["presses"] - less) for less in (0.0, columns["repairs"] - columns["strokes"])
    )
    broken = exact_interval(int(columns["broken"].sum()), trials=len(found))
    return {
        **{name: round(float(values.mean()), 4) for name, values in columns.items()},
        "presses_95": [round(presses.low, 4), round(presses.high, 4)],
        "presses_drawn": round(drawn.value, 4),
        "presses_drawn_95": [round(drawn.low, 4), round(drawn.high, 4)],
        "broken_95": [round(broken.low, 4), round(broken.high, 4)],
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ml.bench confirm", description=__doc__)
    add_data_arguments(parser)
    parser.add_argument("--encoder", required=True, help="name or JSON specification of an encoder")
    parser.add_argument("--error", type=float, nargs="+", default=[0.02, 0.05], help="share that may be wrong")
    for name, value in (("categories", 5), ("labels-per-class", 15), ("projects", 40)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--level", type=float, default=0.95)
    parser.add_argument("--cache", type=Path, default=CACHE_FOLDER, help="folder of kept vectors")
    parser.add_argument("--json", action="store_true", help="one line instead of indented lines")
    return parser
