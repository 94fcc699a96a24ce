"""Pretext tasks: their losses by hand, and that they teach a network something."""

import pytest
import torch
from torch import nn

from ml.errors import ConfigError, ShapeError
from ml.training.augment import AUGMENTATIONS
from ml.training.features import embed_store, knn_accuracy
from ml.training.loop import TrainOptions, train
from ml.training.methods.selfsupervised import RotationTask, build_task, nt_xent, patches
from ml.training.networks import build_network
from ml.training.sources import Batch, BatchSource, Views
from tests.ml.training.test_loop import make_store


def task_on(name: str, *, seed: int = 0):
    network = build_network("conv4-32", channels=1, size=16, seed=seed)
    return build_task(name, network, dimension=32, channels=1, size=16, seed=seed)


@pytest.mark.parametrize("name", ["rotation", "contrastive", "masked"])
def test_a_pretext_loss_falls_and_repeats_by_seed(name):
    store = make_store(n_classes=6, each=20)

    def run() -> tuple[float, float]:
        task = task_on(name)
        views = Views.build(store, store.statistics(), augmentation=AUGMENTATIONS["drawing"], seed=0)
        source = BatchSource(views, batch_size=24, seed=1, views_per_image=task.views)
        losses: list[float] = []

        class Listen:
            def on_step(self, *, loss: float, **_: object) -> None:
                losses.append(loss)

            def on_evaluation(self, **_: object) -> None: ...

            def should_cancel(self) -> bool:
                return False

        train(task, source=source, options=TrainOptions(steps=40, log_every=10), callbacks=[Listen()])
        return losses[0], losses[-1]

    first, last = run()
    assert last < first
    assert run() == (first, last)


def test_labels_are_not_looked_at():
    images = torch.rand((8, 1, 16, 16), generator=torch.Generator().manual_seed(0))
    for name in ("rotation", "contrastive", "masked"):
        losses = [task_on(name).eval().loss(Batch(images, labels)) for labels in (torch.zeros(8), torch.arange(8))]
        torch.testing.assert_close(losses[0], losses[1])


def test_nt_xent_is_the_papers_formula():
    # Two images seen twice, on the axes: each row's partner has cosine 1, the two others cosine 0.
    projected = torch.tensor([[1.0, 0.0], [0.0, 1.0], [2.0, 0.0], [0.0, 3.0]])
    e = torch.exp(torch.tensor(1 / 0.5))
    torch.testing.assert_close(nt_xent(projected, temperature=0.5), -torch.log(e / (e + 2)))
    with pytest.raises(ShapeError):
        nt_xent(projected[:3], temperature=0.5)


def test_the_four_turns_are_told_apart_by_their_own_label():
    task = RotationTask(nn.Flatten(), dimension=4, generator=torch.Generator().manual_seed(0))
    task.head.weight.data = torch.eye(4)
    # The bright corner moves from the upper left against the clock: pixels 0, 2, 3, 1.
    corner = torch.tensor([[[[1.0, 0.0], [0.0, 0.0]]]])
    logits, turns = task.logits(corner)
    assert logits.argmax(dim=1).tolist() == [0, 2, 3, 1]
    assert turns.tolist() == [0, 1, 2, 3]


def test_patches_are_four_by_four():
    images = torch.arange(64.0).view(1, 1, 8, 8)
    assert patches(images).shape == (1, 4, 16)
    assert patches(images)[0, 0, :4].tolist() == [0.0, 1.0, 2.0, 3.0]


def test_neighbours_are_right_on_clean_features_and_at_chance_on_noise():
    labels = torch.arange(4).repeat_interleave(50)
    clean = nn.functional.one_hot(labels, 4).float()
    assert knn_accuracy(clean, labels.numpy(), neighbours=5, seed=0)[0] == 1.0
    noise = torch.randn((200, 16), generator=torch.Generator().manual_seed(0))
    accuracy, ci95 = knn_accuracy(noise, labels.numpy(), neighbours=5, seed=0)
    assert abs(accuracy - 0.25) < 2 * ci95


def test_rotation_teaches_features_that_know_more_than_chance():
    store = make_store(n_classes=4, each=30)
    task = task_on("rotation")
    views = Views.build(store, store.statistics(), augmentation=AUGMENTATIONS["none"], seed=0)
    train(task, source=BatchSource(views, batch_size=32, seed=0), options=TrainOptions(steps=20))
    features = embed_store(task.network, views)
    assert knn_accuracy(features - features.mean(0), store.labels, neighbours=5, seed=0)[0] > 0.8


def test_unknown_tasks_and_odd_sizes_are_refused():
    network = build_network("conv4-32", channels=1, size=18, seed=0)
    with pytest.raises(ConfigError, match="rotation"):
        build_task("jigsaw", network, dimension=32, channels=1, size=18, seed=0)
    with pytest.raises(ConfigError, match="divisible"):
        build_task("masked", network, dimension=32, channels=1, size=18, seed=0)
