"""Self-training helps, leaves a trail, and undoes what harms."""

import dataclasses

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from ml.errors import ConfigError, ShapeError
from ml.heads import Examples
from ml.training.selftraining import (
    Labelled,
    PseudoLabel,
    SelfTrainingOptions,
    pseudo_label_precision,
    self_train,
    teacher_digest,
)

N, D = 4, 32


def items(count: int, *, seed: int, spread: float = 1.2) -> tuple[torch.Tensor, torch.Tensor]:
    """Unit vectors around four fixed directions, `count` a class."""
    centers = F.normalize(torch.randn((N, D), generator=torch.Generator().manual_seed(0)), dim=1)
    noise = torch.randn((N, count, D), generator=torch.Generator().manual_seed(seed)) * spread / D**0.5
    labels = torch.arange(N).repeat_interleave(count)
    return F.normalize((centers[:, None] + noise).flatten(0, 1), dim=1), labels


def run(options: SelfTrainingOptions, *, pool: torch.Tensor | None = None, spread: float = 1.2):
    support, classes = items(2, seed=1, spread=spread)
    vectors, _ = items(40, seed=2, spread=spread)
    held, truth = items(50, seed=3, spread=spread)
    return self_train(
        Examples.of(support, classes, n_classes=N),
        vectors if pool is None else pool,
        pool_ids=np.arange(len(vectors if pool is None else pool)) + 1000,
        holdout=Labelled(held, truth, np.arange(len(held))),
        options=options,
        seed=0,
    )


def test_confident_answers_for_the_pool_raise_accuracy_on_the_hold_out():
    trained = run(SelfTrainingOptions(kind="prototypes", threshold=0.35, per_class=40), spread=2.5)
    assert not trained.rolled_back
    assert trained.holdout_accuracy[-1] > trained.holdout_accuracy[0] + 0.1


def test_every_pseudo_label_is_on_the_trail_with_confidence_and_teacher():
    trained = run(SelfTrainingOptions(kind="prototypes", threshold=0.3, per_class=7, rounds=1))
    assert trained.pseudo_labels
    assert all(label.confidence >= 0.3 and 1000 <= label.item < 1160 for label in trained.pseudo_labels)
    assert len({label.teacher for label in trained.pseudo_labels}) == 1
    assert len({label.item for label in trained.pseudo_labels}) == len(trained.pseudo_labels)


def test_no_class_gets_more_pseudo_labels_than_its_cap():
    trained = run(SelfTrainingOptions(kind="prototypes", threshold=0.2, per_class=7, rounds=1))
    counts = np.bincount([label.class_index for label in trained.pseudo_labels], minlength=N)
    assert counts.max() == 7


def test_a_round_that_harms_is_undone():
    # Every pool item is two parts another class, so that pseudo-labels pull prototypes away from the truth.
    poison, _ = items(40, seed=9)
    shifted = F.normalize(poison + 2 * poison.roll(40, dims=0), dim=1)
    trained = run(SelfTrainingOptions(kind="prototypes", threshold=0.26, per_class=40), pool=shifted)
    before = run(SelfTrainingOptions(kind="prototypes", threshold=1.0), pool=shifted)
    assert trained.holdout_accuracy[-1] < trained.holdout_accuracy[-2]
    assert trained.rolled_back and trained.rejected
    assert teacher_digest(trained.head) == teacher_digest(before.head)
    assert trained.pseudo_labels == ()


def test_nothing_confident_means_nothing_changes():
    trained = run(SelfTrainingOptions(kind="prototypes", threshold=1.0))
    assert (trained.pseudo_labels, trained.rolled_back, len(trained.holdout_accuracy)) == ((), False, 1)


def test_the_same_seed_repeats_the_trail():
    options = SelfTrainingOptions(kind="prototypes", threshold=0.3)
    assert run(options).pseudo_labels == run(options).pseudo_labels


def test_hold_out_items_in_the_pool_are_refused():
    support, classes = items(2, seed=1)
    holdout = Labelled(support, classes, np.arange(8))
    arguments = {"holdout": holdout, "options": SelfTrainingOptions(kind="prototypes"), "seed": 0}
    examples = Examples.of(support, classes, n_classes=N)
    with pytest.raises(ConfigError, match="such as 3"):
        self_train(examples, support, pool_ids=np.arange(8) + 3, **arguments)
    with pytest.raises(ShapeError):
        self_train(examples, support, pool_ids=np.arange(7), **arguments)
    with pytest.raises(ConfigError):
        SelfTrainingOptions(threshold=0.0)


def test_precision_is_measured_on_what_a_person_checked():
    labels = tuple(PseudoLabel(i, i % 2, 0.9, 0, "t") for i in range(10))
    precision = pseudo_label_precision(labels, checked={0: 0, 2: 0, 4: 1, 1: 1})
    assert precision[0].value == pytest.approx(2 / 3)
    assert precision[1].value == 1.0 and precision[1].low < 0.5
    assert dataclasses.is_dataclass(precision[0])
