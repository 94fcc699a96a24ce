"""Teaching and pages across the seam: what people confirmed in, scores of a whole pool and pages out."""

from collections.abc import Mapping, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from server.compute.predict import TOP, PoolScores, background_of


@dataclass(frozen=True)
class PlannedPage:
    """`rows` of the pool, most doubtful first; `groups[i]` all rows that tile i stands for, itself first."""

    class_index: int
    rows: NDArray[np.int64]
    groups: list[NDArray[np.int64]]
    expected_precision: float
    reason: str


def pool_teach(
    vectors: NDArray[np.float16],
    *,
    support: NDArray[np.int64],
    class_index: NDArray[np.int64],
    n_classes: int,
    text: NDArray[np.float32] | None,
    text_scale: float,
    background: NDArray[np.float32],
    seed: int,
) -> PoolScores:
    """Fit the head that these confirmed rows call for and score every row of `vectors` (P, D).

    As `pool_predict`, with the support thinned where it is large (newest last in `support`), so that the answer is
    there for the next page.

    Raises:
        MlError: A class has neither example nor text, or a vector is not finite.
    """
    from ml.acquisition.teach import TAUGHT_BY_AT_MOST, rescore, taught_head, thinned
    from ml.heads import Examples

    if len(support) > TAUGHT_BY_AT_MOST:  # before their vectors are read
        kept = thinned(class_index, most=TAUGHT_BY_AT_MOST, seed=seed)
        support, class_index = support[kept], class_index[kept]
    examples = Examples.of(
        np.asarray(vectors[support], np.float32),
        class_index,
        n_classes=n_classes,
        text=text,
        text_scale=text_scale,
        background=background,
    )
    head = taught_head(examples, seed=seed)
    top = rescore(head, vectors, k=TOP)
    return PoolScores(
        kind=head.kind,
        temperature=float(head.temperature),
        class_index=np.asarray(top.class_index, np.int32),
        probability=np.asarray(top.probability, np.float32),
        margin=np.asarray(top.margin, np.float32),
        entropy=np.asarray(top.entropy, np.float32),
    )


def pool_background(vectors: NDArray[np.float16], *, seed: int) -> NDArray[np.float32]:
    """(D,) mean of the pool, from at most twenty thousand rows."""
    return background_of(vectors, seed)


def pool_pages(
    vectors: NDArray[np.float16],
    scores: PoolScores,
    *,
    eligible: NDArray[np.bool_],
    struck: Mapping[int, Set[int]],
    reliability: NDArray[np.float32],
    size: NDArray[np.int64],
    count: int,
    group: NDArray[np.int64],
    seed: int,
) -> list[PlannedPage]:
    """At most `count` pages, the most useful first; arrays as `ml.acquisition.pages.compose_pages` has them."""
    from ml.acquisition.pages import compose_pages

    plans = compose_pages(
        vectors=vectors,
        top_categories=scores.class_index,
        top_probabilities=scores.probability,
        eligible=eligible,
        struck=struck,
        reliability=reliability,
        size=size,
        count=count,
        duplicate_group=group,
        seed=seed,
    )
    return [
        PlannedPage(plan.category, plan.rows, list(plan.groups), plan.expected_precision, plan.reason) for plan in plans
    ]
