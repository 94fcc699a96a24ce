"""A lot is planned with the head that made the saving in the bench, not with the live one."""

import numpy as np
import pytest
import torch

from ml.heads import Examples
from ml.heads.pool_gda import fit_pool_gda
from server.pipeline.tasks.lot_candidates import candidates_of
from server.predictions.models import PredictionRun
from tests.server.builders import World, predicted, with_vectors, world

pytestmark = pytest.mark.django_db
SHOTS = 5


def clustered(images: int = 240, *, dim: int = 16, taught: int = 3, method: str = "gda") -> tuple[World, np.ndarray]:
    """Three clusters that overlap; the first images are labelled, the rest has live predictions."""
    rng = np.random.default_rng(0)
    truth = np.arange(images) % 3
    centers = np.eye(3, dim) * 1.2
    vectors = (centers[truth] + rng.normal(scale=0.45, size=(images, dim))).astype(np.float32)
    made = with_vectors(world(images=images), vectors)
    for place in range(SHOTS * 3):
        if truth[place] < taught:
            made.label(made.images[place], made.categories[truth[place]])
    predicted(made, {image: [made.categories[truth[place]]] for place, image in enumerate(made.images)})
    PredictionRun.objects.filter(pk=made.project.active_run_id).update(method=method)
    made.project.refresh_from_db()
    return made, vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_confidence_is_that_of_the_head_that_hears_the_pool() -> None:
    made, vectors = clustered()
    found = candidates_of(made.project)
    assert found.head.startswith("pool-gda on 15 labels")
    stored = torch.from_numpy(vectors.astype(np.float16).astype(np.float32))
    support, pool = stored[: SHOTS * 3], stored[SHOTS * 3 :]
    examples = Examples.of(support, np.arange(SHOTS * 3) % 3, n_classes=3, background=stored.mean(dim=0))
    head = fit_pool_gda(examples, pool)
    expected = torch.softmax((head.logits(pool) / head.temperature).double(), dim=1).max(dim=1)
    assert found.image_ids.tolist() == made.images[SHOTS * 3 :]
    assert found.confidence == pytest.approx(expected.values.numpy(), abs=2e-3)
    assert found.confidence == pytest.approx(1 / (1 + np.exp(-found.score)))
    assert len(np.unique(found.confidence)) < len(np.unique(found.score)) == len(pool)
    named = [made.categories[index] for index in expected.indices.tolist()]
    assert np.mean(found.category_ids == named) > 0.99


def test_what_the_head_cannot_know_stays_out_of_the_lot() -> None:
    made, _ = clustered(taught=2)
    found = candidates_of(made.project)
    assert found.head.startswith("pool-gda")
    assert set(found.category_ids.tolist()) <= set(made.categories[:2])
    live = {image for place, image in enumerate(made.images) if place % 3 == 2}
    assert not live & set(found.image_ids.tolist())


def test_with_one_category_or_a_better_head_the_live_run_speaks() -> None:
    assert candidates_of(clustered(taught=1)[0].project).head.startswith("gda, run")
    assert candidates_of(clustered(method="adapter+gda")[0].project).head.startswith("adapter+gda, run")
