"""The other ways to fit a head, across the seam: through an episodic adapter, or with pseudo-labels of the pool."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.compute.heads import Fitted
from server.compute.train import Lesson, examples_of

HELD_OUT = 0.2
POOL_AT_MOST = 50_000
Told = Callable[[str, int, float], None]


@dataclass(frozen=True)
class FitReport:
    """What was fitted, and what a person may want to know of how. All of `details` is JSON."""

    fitted: Fitted
    details: dict[str, Any] = field(default_factory=dict)


def adapter_fit(
    folder: Path, lesson: Lesson, *, space: str, seed: int, told: Told, stop: Callable[[], bool], checkpoint: Path
) -> FitReport:
    """Train an adapter with episodes of the lesson's own categories, then a head on what it makes of the vectors.

    `told(name, step, value)` hears the curves; `stop()` is asked after every step. Resumes from `checkpoint` exactly.

    Raises:
        MlError: Too few categories with enough examples, or a loss that became NaN or infinite.
    """
    from ml.heads import save_head
    from ml.training.adapt import fit_adapted
    from ml.training.adapter import AdapterOptions

    fit = fit_adapted(
        examples_of(lesson),
        options=AdapterOptions(),
        seed=seed,
        callbacks=[training_callback(told, stop)],
        checkpoint=checkpoint,
    )
    save_head(fit.head, folder, categories=list(lesson.categories), space=space)
    report = fit.trained.report
    details = {
        "adapter": {
            "helped": fit.trained.helped,
            "stopped": report.stopped,
            "steps": report.step,
            "held_out": [lesson.categories[i] for i in fit.trained.held_out],
            "accuracy": [[point["step"], point["score"]] for point in report.history],
        }
    }
    return FitReport(Fitted(fit.head.kind, float(fit.head.temperature), fit.head.dim), details)


def training_callback(told: Told, stop: Callable[[], bool]) -> Any:
    """A callback of `ml.training` that tells losses and held-out scores, and asks whether to stop."""
    from ml.training.callbacks import QuietCallback

    class Tell(QuietCallback):
        def on_step(self, *, step: int, steps: int, loss: float, learning_rate: float) -> None:
            told("loss", step, loss)

        def on_evaluation(self, *, step: int, metrics: dict[str, float], best: bool) -> None:
            told("held_out_accuracy", step, metrics["score"])

        def should_cancel(self) -> bool:
            return stop()

    return Tell()


def self_training_fit(
    folder: Path,
    lesson: Lesson,
    *,
    pool: NDArray[np.float16],
    pool_ids: NDArray[np.int64],
    taught: NDArray[np.int64],
    kind: str,
    space: str,
    seed: int,
) -> FitReport:
    """Add confident pseudo-labels of images that nobody judged, unless labels kept aside say that they do harm.

    Args:
        folder: Where the head is written.
        lesson: As for a plain fit.
        pool: (P, D) vectors of images without a judgement; blind ones are not among them.
        pool_ids: (P,) their ids, which the trail names.
        taught: (S,) image ids of the lesson's examples.
        kind: Of the head.
        space: Fingerprint.
        seed: Picks the labels kept aside and the noise.

    The trail in `details` names every pseudo-label with its confidence, round and teacher, used or rejected.
    """
    import torch

    from ml.heads import fit_head, save_head
    from ml.training.selftraining import Labelled, SelfTrainingOptions, self_train

    examples = examples_of(lesson)
    rng = np.random.default_rng(seed)
    aside = np.sort(rng.permutation(len(taught))[: max(1, round(HELD_OUT * len(taught)))])
    inside = np.setdiff1d(np.arange(len(taught)), aside)
    if len(pool) > POOL_AT_MOST:
        rows = np.sort(rng.choice(len(pool), POOL_AT_MOST, replace=False))
        pool, pool_ids = pool[rows], pool_ids[rows]
    vectors = torch.from_numpy(np.array(pool, np.float32))
    fewer = replace(examples, support=examples.support[inside], class_index=examples.class_index[inside])
    found = self_train(
        fewer,
        vectors,
        pool_ids=pool_ids,
        holdout=Labelled(examples.support[aside], examples.class_index[aside], taught[aside]),
        options=SelfTrainingOptions(kind=kind),
        seed=seed,
    )
    head = fit_head(kind, _with(examples, found.pseudo_labels, vectors, pool_ids), seed=seed)
    save_head(head, folder, categories=list(lesson.categories), space=space)
    names = lesson.categories
    trail = {name: [_line(label, names) for label in getattr(found, name)] for name in ("pseudo_labels", "rejected")}
    figures = {"holdout_accuracy": list(found.holdout_accuracy), "rolled_back": found.rolled_back}
    fitted = Fitted(f"self-trained {head.kind}", float(head.temperature), head.dim)
    return FitReport(fitted, {"self_training": {**figures, **trail}})


def _line(label: Any, categories: Sequence[int]) -> dict[str, Any]:
    """A pseudo-label as the audit trail keeps it."""
    values = asdict(label)
    return {"image": values.pop("item"), "category": categories[values.pop("class_index")], **values}


def _with(examples: Any, labels: Any, vectors: Any, pool_ids: NDArray[np.int64]) -> Any:
    """All examples with the pseudo-labels that were kept."""
    import torch

    if not labels:
        return examples
    place = {int(item): row for row, item in enumerate(pool_ids)}
    rows = torch.tensor([place[label.item] for label in labels])
    classes = torch.tensor([label.class_index for label in labels])
    return replace(
        examples,
        support=torch.cat([examples.support, vectors[rows]]),
        class_index=torch.cat([examples.class_index, classes]),
    )
