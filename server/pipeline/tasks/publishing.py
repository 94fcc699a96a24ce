"""Scores become the live predictions: one transaction for the run, its rows, and the swap."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from server.compute.predict import PoolScores
from server.embeddings.mapped import MappedSpace
from server.insights.accuracy import blind_scores, blind_total
from server.pipeline.handle import JobHandle
from server.pipeline.tasks.composition import SEED, Scene, compose
from server.predictions.heads import TrainedHead, artefacts_prune, trained_head_of
from server.predictions.models import PredictionRun
from server.predictions.services import Scores, run_create, run_note, run_publish, runs_prune
from server.projects.models import Project
from server.registry.models import EncoderVersion

RUNS_KEPT = 3


def publish_composed(handle: JobHandle, scene: Scene, head: TrainedHead, *, last_sequence: int) -> None:
    """Score with a trained head and every newcomer, and make that the live run."""
    composed = compose(scene, head)
    handle.check()
    with handle.commit(done=len(scene.pool.ids)):
        run = run_write(
            scene.project,
            scene.space,
            composed.category_ids,
            scene.pool,
            composed.scores,
            label_count=head.labels,
            details={
                "last_sequence": last_sequence,
                "words_sequence": scene.confirmed.last_sequence,
                "base": head.as_json(),
                "words": composed.words,
            },
            head_id=head.version,
            while_head=scene.project.active_head_id,
        )
    run_measure(run)
    recent = scene.project.prediction_runs.select_related("head").order_by("-pk")[:RUNS_KEPT]
    artefacts_prune(project_id=scene.project.pk, serving=[head, *filter(None, map(trained_head_of, recent))])
    handle.result = {
        "run": run.pk,
        "method": composed.scores.kind,
        "images": len(scene.pool.ids),
        "labels": head.labels,
        "words": sorted(int(category) for category in composed.words),
    }


def run_write(
    project: Project,
    space: EncoderVersion,
    category_ids: Sequence[int],
    pool: MappedSpace,
    scores: PoolScores,
    *,
    label_count: int,
    details: Mapping[str, Any],
    head_id: int | None,
    while_head: int | None,
) -> PredictionRun:
    """Write scores and make them live, in the caller's transaction, unless another head than `while_head` serves."""
    ids = np.asarray(category_ids, np.int64)
    run = run_create(
        project=project,
        space=space,
        method=scores.kind,
        category_ids=ids.tolist(),
        label_count=label_count,
        head_id=head_id,
        details={"temperature": scores.temperature, "seed": SEED, **details},
    )
    run_publish(
        run,
        while_head=while_head,
        scores=Scores(
            image_ids=np.asarray(pool.ids),
            categories=ids[scores.class_index],
            probabilities=scores.probability,
            margin=scores.margin,
            entropy=scores.entropy,
        ),
    )
    return run


def run_measure(run: PredictionRun) -> None:
    """Note how a new run does on the blind share, and drop the tables of old ones."""
    right, answered = blind_total(blind_scores(project_id=run.project_id, run_id=run.pk))
    run_note(run, blind={"right": right, "answered": answered})
    runs_prune(project=run.project)
