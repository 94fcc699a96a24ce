"""Learning curves across the seam: labels in the order in which they came, blind answers to judge by, figures out."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.compute.train import Indices, Lesson, Vectors

TARGETS = (0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99)
ENOUGH = 20
"""Blind answers without which nothing is said."""
LEAST, POINTS = 10, 8
STEPS = POINTS


def curve_measure(
    lesson: Lesson, asked: Vectors, truth: Indices, *, more: int, kind: str, seed: int, after: Callable[[int], None]
) -> dict[str, Any]:
    """Teach with the first few labels, more, and all; judge each time on the blind images; fit how that goes on.

    `lesson` holds labels in the order in which they came; `asked` (n, D) blind images, `truth` (n,) their classes.
    Gains are those of `more` labels, in a category those of `more` labels of its own. `after` is told the fits done, at
    most `STEPS`. Figures that too little is known for are None.

    Raises:
        MlError: A vector is not finite.
    """
    from ml.evaluation.learning_curve import curve_sizes

    sizes = curve_sizes(len(lesson.class_index), least=LEAST, points=POINTS)
    right = np.zeros((len(sizes), len(truth)), bool)
    for at, size in enumerate(sizes.tolist()):
        right[at] = _taught_by(lesson, size, asked, kind=kind, seed=seed) == truth
        after(at + 1)
    own = np.stack(
        [np.bincount(lesson.class_index[:size], minlength=len(lesson.categories)) for size in sizes.tolist()]
    )
    return {
        "labels": len(lesson.class_index),
        "blind": len(truth),
        **_told(sizes, right, more=more, seed=seed),
        "categories": [
            {
                "category": int(name),
                "labels": int(own[-1, at]),
                **_told(own[:, at], right[:, truth == at], more=more, seed=seed),
            }
            for at, name in enumerate(lesson.categories)
        ],
    }


def _taught_by(lesson: Lesson, size: int, asked: Vectors, *, kind: str, seed: int) -> Indices:
    """(n,) classes said by a head that knows the first `size` labels, and the names of all where there are texts."""
    from ml.heads import Examples, fit_head

    classes = lesson.class_index[:size]
    names = np.unique(classes) if lesson.text is None else np.arange(len(lesson.categories))
    examples = Examples.of(
        np.asarray(lesson.support[:size], np.float32),
        np.searchsorted(names, classes),
        n_classes=len(names),
        text=lesson.text,
        text_scale=lesson.text_scale,
        background=lesson.background,
    )
    few = kind != "default" and len(np.unique(classes)) < len(names)
    head = fit_head("default" if few else kind, examples, seed=seed)
    said: NDArray[np.int64] = names[head.probabilities(np.asarray(asked, np.float32)).numpy().argmax(axis=1)]
    return said


def _told(sizes: NDArray[np.integer[Any]], right: NDArray[np.bool_], *, more: int, seed: int) -> dict[str, Any]:
    from ml.evaluation.intervals import wilson_interval
    from ml.evaluation.learning_curve import FEWEST_SIZES, learning_curve

    n = right.shape[1]
    spans = [wilson_interval(int(row.sum()), trials=n) for row in right] if n else []
    points = [
        {"labels": int(size), "value": span.value, "low": span.low, "high": span.high}
        for size, span in zip(sizes.tolist(), spans, strict=False)
    ]
    usable = sizes > 0
    if n < ENOUGH or len(np.unique(sizes[usable])) < FEWEST_SIZES:
        return {"n": n, "points": points, "now": None, "gain": None, "targets": []}
    curve = learning_curve(sizes[usable], right[usable], seed=seed)
    labels = int(sizes[-1])
    return {
        "n": n,
        "points": points,
        "now": asdict(curve.accuracy(labels)),
        "gain": {"labels": more, **asdict(curve.gain(labels, more=more))},
        "targets": [{"accuracy": goal, **asdict(curve.reach(goal))} for goal in TARGETS],
    }
