"""Names or labels, across the seam: what blind images say of a fit that nobody promoted."""

from typing import Any

import numpy as np

from server.compute.train import Indices, Lesson, Vectors, examples_of


def labels_beside_names(
    lesson: Lesson, *, blind: Vectors, truth: Indices, rule: dict[str, Any], seed: int
) -> tuple[int, int] | None:
    """(images that a fit on the labels has right and the names wrong, the other way round); None with too few images.

    `blind` (B, D) are vectors of images drawn at random and `truth` (B,) their classes in [0, N); `rule` holds the
    fields of the gate's rule.
    """
    from ml.evaluation.gate import GateRule
    from ml.evaluation.names import labels_beside_names as compare

    vectors = np.asarray(blind, np.float32)
    verdict = compare(examples_of(lesson), blind=vectors, truth=truth, rule=GateRule(**rule), seed=seed)
    return None if verdict is None else (verdict.better, verdict.worse)
