"""Certificates across the seam: confidences and answers in, lots and proofs out, as plain numbers."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

CHUNK = 8_192


def pool_confidence(
    vectors: NDArray[np.float16],
    *,
    rows: NDArray[np.int64],
    support: NDArray[np.int64],
    class_index: NDArray[np.int64],
    n_classes: int,
    text: NDArray[np.float32] | None,
    text_scale: float,
    seed: int,
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Fit the head that hears the pool too, and say of `rows` (R,) of `vectors` (P, D), chunk by chunk, what each is
    and the log-odds of that: probabilities of easy images round to 1, and the order among those would be lost.

    Every class needs an example among `support` (S,) rows of classes `class_index` (S,).

    Raises:
        MlError: A class without an example.
    """
    import torch

    from ml.evaluation.confidence import log_odds
    from ml.heads import Examples
    from ml.heads.pool_gda import POOL_AT_MOST, fit_pool_gda

    heard = rows
    if len(rows) > POOL_AT_MOST:
        heard = np.sort(np.random.default_rng(seed).choice(rows, POOL_AT_MOST, replace=False))
    known, pool = np.asarray(vectors[support], np.float32), np.asarray(vectors[heard], np.float32)
    background = (known.sum(axis=0) + pool.sum(axis=0)) / (len(known) + len(pool))
    examples = Examples.of(
        known, class_index, n_classes=n_classes, text=text, text_scale=text_scale, background=background
    )
    head = fit_pool_gda(examples, torch.from_numpy(pool), seed=seed)
    for start in range(0, len(rows), CHUNK):
        part = torch.from_numpy(np.asarray(vectors[rows[start : start + CHUNK]], np.float32))
        logits = (head.logits(part).double() / head.temperature).numpy()
        yield logits.argmax(axis=1), np.asarray(log_odds(logits), np.float64)


def lots_plan(
    confidence: NDArray[np.float64],
    *,
    score: NDArray[np.float64],
    error: float,
    level: float,
    audits: int,
    seed: int,
    among: int | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.int64], dict[str, Any]]:
    """(rows of the region, surest by `score` first; places among those to audit; the plan as JSON).

    With `among` so many labels may be wrong as `error` of these are, the lot and what people look at together.
    """
    from ml.evaluation.audit_costs import fewest_presses, pages_first
    from ml.evaluation.certify import Goal, audits_for_lot, plan_lots

    goal = Goal(error, level, among)
    plan = plan_lots(confidence, goal=goal, audits=audits, score=score)
    region = np.asarray(plan.order[: plan.region], np.int64)
    place = np.empty(len(confidence), np.int64)
    place[plan.order] = np.arange(len(confidence))
    drawn = np.sort(place[plan.draw(audits, seed=seed)])
    cheapest = fewest_presses(plan, confidence, goal=goal)
    kept = {
        "region": int(plan.region),
        "sizes": plan.sizes.tolist(),
        "expected": [round(float(share), 6) for share in plan.expected],
        "audits_needed": audits_for_lot(plan, goal=goal).tolist(),
        "draw_seed": seed,
        "pool": len(confidence),
        **({} if among is None else {"among": among}),
        **({} if cheapest is None else {"cheapest": asdict(cheapest)}),
        "pages_first": asdict(pages_first(confidence, goal=goal)),
    }
    return region, drawn, kept


def lot_judge(
    confidence: NDArray[np.float64],
    *,
    place: NDArray[np.int64],
    wrong: NDArray[np.bool_],
    sizes: list[int],
    expected: list[float],
    error: float,
    level: float,
    among: int | None,
) -> dict[str, Any]:
    """The largest lot that answers at `place` prove, of the region's `confidence`, surest first.

    `bound` is a share of the labels that the promise is about.
    """
    from ml.evaluation.certify import Goal, LotPlan, certify_lot

    region = len(confidence)
    plan = LotPlan(np.arange(region), region, np.array(sizes), np.array(expected))
    lot = certify_lot(plan, confidence, audited=place, wrong=wrong, goal=Goal(error, level, among))
    unseen = lot.size - lot.audited
    return {
        "size": lot.size,
        "threshold": lot.threshold,
        "audited": lot.audited,
        "errors": lot.errors,
        "bound": lot.bound * unseen / (among or unseen) if unseen else lot.bound,
        "p_value": lot.p_value,
    }


def lot_bound(*, size: int, audited: int, errors: int, level: float, among: int | None) -> float:
    """At most so large a share is wrong, by one fixed sample of audits: of the labels that nobody looked at, or where
    it is given, of all labels `among` which those are."""
    from ml.evaluation.certify import remainder_upper

    unseen = max(size - audited, 1)
    return remainder_upper(errors, audited=audited, size=size, level=level) * unseen / (among or unseen)


def lot_standing(
    *, size: int, drawn: int, errors: int, unanswered: int, level: float, among: int | None
) -> tuple[float, float]:
    """Between which shares of wrong labels a lot lies by audits that keep coming, however often one looks: of its own
    `size` labels, or where it is given, of all labels `among` which those are."""
    from ml.evaluation.anytime import anytime_interval

    found = anytime_interval(errors, audited=drawn, size=size, level=level, unanswered=unanswered)
    part = size / (among or size)
    return found.low * part, found.high * part


def categories_judge(
    audits: list[tuple[int, int, int, int]], *, parents: Mapping[int, int | None], error: float, level: float
) -> list[dict[str, Any]]:
    """(category, size, audited, errors) of a lot → a verdict for each category or pool of small ones."""
    from ml.evaluation.category_certificates import CategoryAudit, certify_categories
    from ml.evaluation.certify import Goal

    found = certify_categories([CategoryAudit(*row) for row in audits], goal=Goal(error, level), parents=parents)
    return [
        {
            "node": verdict.node,
            "categories": list(verdict.categories),
            "size": verdict.size,
            "audited": verdict.audited,
            "errors": verdict.errors,
            "bound": verdict.bound,
            "certified": verdict.certified,
            "reason": verdict.reason,
        }
        for verdict in found
    ]
