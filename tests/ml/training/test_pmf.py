"""Per-task fine-tuning: harmless by construction."""

import dataclasses

import pytest
import torch

from ml.errors import ConfigError, ShapeError
from ml.training.augment import AUGMENTATIONS
from ml.training.methods.pmf import FineTuning, choose_rate, finetune_gain, predict_finetuned, split_support, tune
from ml.training.methods.registry import LearnerSpec, build_learner
from ml.training.store import Normalization
from tests.ml.training.episodes import SIZE, make_episode


def options(**changes: object) -> FineTuning:
    values = {"steps": 3, "rates": (0.0, 1e-3, 1e-1), **changes}
    return FineTuning(Normalization((0.0,), (1.0,)), AUGMENTATIONS["none"], **values)


def learner(method: str = "protonet-cosine"):
    return build_learner(LearnerSpec(method, "conv4-32", channels=1, size=SIZE, seed=0))


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("method", ["protonet", "protonet-cosine"])
def test_rate_zero_is_the_prototypical_network_bit_for_bit(method):
    model, episode = learner(method), make_episode(k_shot=3)
    answer, choice = predict_finetuned(model, episode, options=options(rates=(0.0,)), generator=generator())
    assert choice.rate == 0.0
    assert torch.equal(answer, model.predict(episode))


@pytest.mark.parametrize("seed", range(6))
def test_the_chosen_rate_never_lowers_held_out_support_accuracy(seed):
    episode = make_episode(n_way=4, k_shot=4, seed=seed)
    noisy = dataclasses.replace(
        episode, support=episode.support + 2 * torch.randn(episode.support.shape, generator=generator())
    )
    choice = choose_rate(learner(), noisy, options=options(), generator=generator())
    assert set(choice.held_out) == {0.0, 1e-3, 1e-1}
    assert choice.held_out[choice.rate] == max(choice.held_out.values())
    assert choice.held_out[choice.rate] >= choice.held_out[0.0]


def test_a_task_with_one_shot_is_left_alone():
    model, episode = learner(), make_episode(k_shot=1)
    answer, choice = predict_finetuned(model, episode, options=options(), generator=generator())
    assert (choice.rate, choice.held_out) == (0.0, {})
    assert torch.equal(answer, model.predict(episode))


def test_the_learner_is_restored_exactly_after_a_task():
    model = learner()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    predict_finetuned(model, make_episode(k_shot=4), options=options(rates=(0.0, 1e-2)), generator=generator())
    tune(model, make_episode(k_shot=4), rate=0.1, options=options(), generator=generator())
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_tuning_lowers_the_loss_of_the_support_set():
    model, episode = learner().eval(), make_episode(k_shot=4, seed=2)
    support = dataclasses.replace(episode, query=episode.support, query_labels=episode.support_labels)
    tuned = tune(model, episode, rate=1e-2, options=options(steps=10), generator=generator())
    with torch.no_grad():
        assert tuned.loss(support) < model.loss(support)


def test_half_of_each_class_is_held_out():
    inner = split_support(make_episode(n_way=3, k_shot=5))
    assert inner is not None
    assert torch.bincount(inner.support_labels[0]).tolist() == [3, 3, 3]
    assert torch.bincount(inner.query_labels[0]).tolist() == [2, 2, 2]


def test_the_gain_is_a_paired_difference():
    gain, ci95 = finetune_gain([0.5, 0.6, 0.7, 0.8], [0.6, 0.6, 0.9, 0.9])
    assert gain == pytest.approx(0.1)
    # Differences .1, 0, .2, .1 have a standard deviation of 0.08165.
    assert ci95 == pytest.approx(1.96 * 0.08165 / 2, abs=1e-4)


def test_options_without_rate_zero_and_several_episodes_are_refused():
    with pytest.raises(ConfigError):
        options(rates=(1e-3,))
    with pytest.raises(ShapeError):
        predict_finetuned(learner(), make_episode(n_episodes=2), options=options(), generator=generator())
