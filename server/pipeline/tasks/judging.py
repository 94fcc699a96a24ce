"""What a run's candidate is measured against on the blind images: what serves, and a plain refit of the head."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.compute.heads import head_probabilities
from server.compute.methods import FitReport
from server.compute.train import Said, head_fit, models_compare, said_of, space_figures
from server.pipeline.handle import JobHandle
from server.pipeline.tasks.lesson import Material
from server.pipeline.tasks.settle import Judged
from server.registry.artefacts import head_folder
from server.registry.models import HeadVersion
from server.training.models import Method, TrainingRun
from server.training.options import TrainingOptions
from server.training.services import metric_point_add

HELD_OUT = 0.3
"""Share of the labeled categories that episodes are drawn from."""
REFIT_DOES_BETTER = "A plain refit of the head on the same labels is shown to do better; train that."


@dataclass(frozen=True)
class Rivals:
    """What others say of the blind images: the live one, with its `head` if it is one, and a plain refit of the head
    where the run does more than that."""

    live: Said
    head: HeadVersion | None
    refit: Said | None


def rivals(handle: JobHandle, run: TrainingRun, material: Material, options: TrainingOptions, place: Path) -> Rivals:
    """Ask them all. What serves is the live head. Before there is one, what the names alone say, whose head is left
    in `place`/names; with an encoder that reads no names, the most frequent category for every image."""
    refit = None
    if run.method != Method.HEAD:
        refit = _fitted(material, place / "refit", kind=options.head, seed=run.seed)
    head = handle.project.active_head
    if head is not None and head.space_id == material.space.pk:
        return Rivals(_said(material, head_folder(head), head.category_ids), head, refit)
    if material.lesson.text is not None:
        return Rivals(_fitted(material, place / "names", kind="zero-shot", seed=0), None, refit)
    counts = np.bincount(material.lesson.class_index, minlength=len(material.categories))
    shares = np.tile((counts / counts.sum()).astype(np.float32), (len(material.asked), 1))
    return Rivals(said_of(shares, material.lesson.categories), None, refit)


def judge(
    run: TrainingRun, material: Material, options: TrainingOptions, *, folder: Path, beside: Rivals, fit: FitReport
) -> Judged:
    """The gate's word on the candidate in `folder`, and the report that it stands on."""
    said = _said(material, folder, material.lesson.categories)
    live = beside.live
    rule = {"metric": options.metric, "needed": options.needed, "tolerance": options.tolerance}
    outcome, reason, summary = models_compare(material.truth, live=live, candidate=said, rule=rule, seed=run.seed)
    if beside.refit is not None:
        _, _, against = models_compare(material.truth, live=beside.refit, candidate=said, rule=rule, seed=run.seed)
        summary["refit"] = {name: against[name] for name in ("better", "worse", "difference")}
        summary["refit"] |= {"kind": options.head, "figures": against["live"]}
        if outcome == "promote" and against["outcome"] == "refuse":
            outcome, reason = "wait", f"{reason} {REFIT_DOES_BETTER}"
    summary["space"] = _space(material, seed=run.seed)
    stand_in = "names" if material.lesson.text is not None else "most frequent"
    summary["live_is"] = beside.head.pk if beside.head else stand_in
    summary["changed"] = int((said.category_ids != live.category_ids).sum())
    for name, figure in (("accuracy", "candidate"), ("live_accuracy", "live")):
        if summary[figure] is not None:
            metric_point_add(run=run, name=name, step=run.label_count, value=summary[figure]["accuracy"]["value"])
    return Judged(
        outcome=outcome,
        reason=reason,
        summary=summary | fit.details,
        items=_items(material, live, said),
        kind=fit.fitted.kind,
        live_head=beside.head,
    )


def _fitted(material: Material, folder: Path, *, kind: str, seed: int) -> Said:
    """What a head of this kind says that learned from the run's labels."""
    head_fit(folder, material.lesson, kind=kind, space=material.space.fingerprint, seed=seed)
    return _said(material, folder, material.lesson.categories)


def _said(material: Material, folder: Path, categories: Sequence[int]) -> Said:
    vectors = np.asarray(material.pool.vectors[material.asked], np.float32)
    return said_of(head_probabilities(folder, vectors, space=material.space.fingerprint), categories)


def _items(material: Material, live: Said, said: Said) -> list[list[Any]]:
    """A row for each blind image: which, what people said, and what the two models said, with their probabilities."""
    columns = (material.pool.ids[material.asked], material.truth, live.category_ids, live.probability)
    items = zip(*(np.asarray(column).tolist() for column in columns), strict=True)
    ours = zip(said.category_ids.tolist(), said.probability.tolist(), strict=True)
    return [
        [image, truth, was, round(was_p, 4), now, round(now_p, 4)]
        for (image, truth, was, was_p), (now, now_p) in zip(items, ours, strict=True)
    ]


def _space(material: Material, *, seed: int) -> dict[str, Any]:
    """How well the space itself keeps the labeled categories apart."""
    labels = np.asarray(material.lesson.categories, np.int64)[material.lesson.class_index]
    return space_figures(material.lesson.support, labels, held_out=_held_out(labels, seed=seed), seed=seed)


def _held_out(labels: NDArray[np.int64], *, seed: int) -> list[int]:
    """Categories that episodes are drawn from, by seed."""
    known = np.unique(labels)
    count = max(2, round(HELD_OUT * len(known)))
    return sorted(np.random.default_rng(seed).permutation(known)[:count].tolist())
