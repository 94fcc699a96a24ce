"""Fitting and judging heads across the seam: arrays and folders in, figures and folders out."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.compute.heads import Fitted

EPISODES = 200
QUERIES = 5
Vectors = NDArray[np.floating[Any]]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Lesson:
    """What a head is fitted on: support (S, D) with classes (S,) in [0, N), text (N, D) or None, mean of the pool."""

    support: Vectors
    class_index: Indices
    categories: Sequence[int]
    text: Vectors | None
    text_scale: float
    background: Vectors


@dataclass(frozen=True)
class Said:
    """One model about n images: category (n,), -1 for none, and its probability (n,)."""

    category_ids: Indices
    probability: Vectors


def head_fit(folder: Path, lesson: Lesson, *, kind: str, space: str, seed: int) -> Fitted:
    """Fit a head and write it to `folder`. The same lesson and seed give the same bytes.

    Raises:
        MlError: A class has neither example nor text; the kind needs text that is not there; a vector is not finite.
    """
    from ml.heads import fit_head, save_head

    head = fit_head(kind, examples_of(lesson), seed=seed)
    save_head(head, folder, categories=list(lesson.categories), space=space)
    return Fitted(head.kind, float(head.temperature), head.dim)


def said_of(probabilities: Vectors, categories: Sequence[int]) -> Said:
    """The likeliest category of each row of (n, N)."""
    from ml.evaluation.report import Answers

    answers = Answers.of(np.asarray(probabilities), np.asarray(categories, np.int64))
    return Said(np.asarray(answers.predicted, np.int64), np.asarray(answers.confidence, np.float32))


def models_compare(
    truth: Indices, *, live: Said, candidate: Said, rule: dict[str, Any], seed: int
) -> tuple[str, str, dict[str, Any]]:
    """(outcome, reason, summary) of a candidate beside the live model on the same images.

    `rule` holds the fields of the gate's rule. The summary is JSON: both models' figures, the paired difference, the
    gain in the chosen metric, and both confusion matrices without their zeros. Without images it has no figures.
    """
    from ml.evaluation.gate import GateRule, judge
    from ml.evaluation.report import Answers, confusion_cells, model_figures

    verdict = judge(truth, live.category_ids, candidate.category_ids, rule=GateRule(**rule), seed=seed)
    summary: dict[str, Any] = {
        "images": len(truth),
        "rule": rule,
        "outcome": verdict.outcome,
        "better": verdict.better,
        "worse": verdict.worse,
        "difference": asdict(verdict.difference) if verdict.difference else None,
        "gain": asdict(verdict.gain) if verdict.gain else None,
    }
    for name, said in (("live", live), ("candidate", candidate)):
        figures = None
        if len(truth):
            figures = model_figures(truth, Answers(said.category_ids, said.probability))
            figures["confusion"] = confusion_cells(truth, said.category_ids)
        summary[name] = figures
    return verdict.outcome, verdict.reason, summary


def space_figures(vectors: Vectors, labels: Indices, *, held_out: Sequence[int], seed: int) -> dict[str, Any]:
    """Distances within and between classes of (S, D), and few-shot episodes over the classes `held_out`.

    Episodes are 5-way where there are so many classes, 5-shot where the classes have so many items; None where not
    even 2-way 1-shot can be drawn.
    """
    from ml.errors import EmptyClassError
    from ml.evaluation.confusion import class_distances

    figures: dict[str, Any] = {"distances": None, "episodes": None}
    try:
        found = class_distances(vectors, labels)
        figures["distances"] = {"intra": found.intra, "inter": found.inter, "ratio": found.ratio}
    except EmptyClassError:
        return figures
    figures["episodes"] = _episodes(vectors, labels, held_out=held_out, seed=seed)
    return figures


def _episodes(vectors: Vectors, labels: Indices, *, held_out: Sequence[int], seed: int) -> dict[str, Any] | None:
    import torch

    from ml.episodes import EpisodeSampler
    from ml.evaluation.episodes import evaluate_head

    counts = {name: int((labels == name).sum()) for name in held_out}
    usable = [name for name, count in counts.items() if count >= 1 + QUERIES]
    if len(usable) < 2:
        return None
    shots = min(5, min(counts[name] for name in usable) - QUERIES)
    ways = min(5, len(usable))
    sampler = EpisodeSampler(labels, n_way=ways, k_shot=shots, n_query=QUERIES, seed=seed, classes=usable)
    matrix = torch.from_numpy(np.asarray(vectors, np.float32))
    results = evaluate_head("prototypes", matrix, sampler.sample_batch(EPISODES), background=matrix.mean(dim=0))
    return {"ways": ways, "shots": shots, "count": EPISODES, "accuracy": asdict(results.accuracy)}


def examples_of(lesson: Lesson) -> Any:
    from ml.heads import Examples

    return Examples.of(
        np.asarray(lesson.support, np.float32),
        lesson.class_index,
        n_classes=len(lesson.categories),
        text=lesson.text,
        text_scale=lesson.text_scale,
        background=lesson.background,
    )


def peak_memory_mb() -> float:
    """The most memory that this process has held, in MB."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def library_versions() -> dict[str, str]:
    """What an artefact was made with."""
    import platform

    import torch

    return {"torch": torch.__version__, "numpy": np.__version__, "python": platform.python_version()}
