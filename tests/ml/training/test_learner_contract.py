"""What every episodic learner promises, whatever its paper."""

import dataclasses

import pytest
import torch

from ml.errors import ArtefactError, ConfigError, EmptyClassError, NonFiniteError, ShapeError
from ml.training.artefact import load_learner, save_learner
from ml.training.episode import Episode, EpisodeLearner
from ml.training.methods.registry import METHODS, LearnerSpec, build_learner
from ml.training.store import Normalization
from tests.ml.training.episodes import SIZE, make_episode

ORDER_MATTERS = {"matching-fce"}  # its LSTM reads the support set in order, as in the paper


def spec_of(method: str, seed: int = 0) -> LearnerSpec:
    network = "conv4-maps" if method == "relation" else "conv4-32"
    return LearnerSpec(method=method, network=network, channels=1, size=SIZE, seed=seed, inner_steps=2)


@pytest.fixture(params=sorted(METHODS))
def method(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def learner(method: str) -> EpisodeLearner:
    return build_learner(spec_of(method))


def change(episode: Episode, **values: object) -> Episode:
    return dataclasses.replace(episode, **values)


def test_probabilities_have_the_shape_of_queries_and_classes_and_sum_to_one(learner):
    probabilities = learner.predict(make_episode(n_way=3, n_query=2, n_episodes=2))
    assert probabilities.shape == (2, 6, 3)
    torch.testing.assert_close(probabilities.sum(-1), torch.ones(2, 6))


def test_the_same_seed_gives_the_same_answer_and_another_seed_does_not(method):
    episode = make_episode()
    answers = [build_learner(spec_of(method, seed)).predict(episode) for seed in (0, 0, 1)]
    torch.testing.assert_close(answers[0], answers[1], rtol=0, atol=0)
    assert (answers[0] - answers[2]).abs().max() > 1e-6


def test_renaming_the_classes_renames_the_answer(learner):
    episode = make_episode(n_way=3)
    new_name = torch.tensor([2, 0, 1])
    renamed = change(episode, support_labels=new_name[episode.support_labels])
    torch.testing.assert_close(learner.predict(renamed)[..., new_name], learner.predict(episode), rtol=1e-4, atol=1e-5)


def test_the_order_of_support_items_matters_only_to_context_embeddings(learner, method):
    episode = make_episode(n_way=3, k_shot=3)
    order = torch.randperm(9, generator=torch.Generator().manual_seed(1))
    shuffled = change(episode, support=episode.support[:, order], support_labels=episode.support_labels[:, order])
    difference = (learner.predict(shuffled) - learner.predict(episode)).abs().max()
    assert (difference > 1e-6) if method in ORDER_MATTERS else (difference < 1e-4)


def test_an_answer_does_not_depend_on_the_other_queries(learner):
    episode = make_episode(n_query=4)
    alone = change(episode, query=episode.query[:, 5:6], query_labels=episode.query_labels[:, 5:6])
    assert not learner.transductive
    torch.testing.assert_close(learner.predict(alone)[:, 0], learner.predict(episode)[:, 5], rtol=1e-4, atol=1e-5)


def test_episodes_computed_together_equal_episodes_computed_alone(learner):
    both = make_episode(n_episodes=2)
    parts = [Episode(*(getattr(both, f.name)[i : i + 1] for f in dataclasses.fields(both)[:4]), 3) for i in (0, 1)]
    alone = torch.cat([learner.predict(part) for part in parts])
    torch.testing.assert_close(learner.predict(both), alone, rtol=1e-4, atol=1e-5)


def test_duplicates_and_unbalanced_support_are_answered(learner):
    episode = make_episode(n_way=3, k_shot=3)
    kept = [0, 0, 1, 2, 3, 6, 6]  # four, one and two items, with two duplicates
    unbalanced = change(episode, support=episode.support[:, kept], support_labels=episode.support_labels[:, kept])
    assert torch.isfinite(learner.predict(unbalanced)).all()


def test_one_class_is_certain(learner):
    torch.testing.assert_close(learner.predict(make_episode(n_way=1)), torch.ones(1, 2, 1))


def test_a_class_without_support_is_an_error_that_names_it(learner):
    episode = make_episode(n_way=3)
    empty = change(episode, support_labels=torch.zeros_like(episode.support_labels))
    with pytest.raises(EmptyClassError, match="class 1 of episode 0"):
        learner.predict(empty)


def test_nan_and_wrong_shapes_are_errors(learner):
    episode = make_episode()
    broken = episode.query.clone()
    broken[0, 0, 0, 0, 0] = float("nan")
    with pytest.raises(NonFiniteError):
        learner.predict(change(episode, query=broken))
    with pytest.raises(ShapeError):
        learner.predict(change(episode, support_labels=episode.support_labels[:, :-1]))


def test_predicting_changes_nothing(learner):
    before = {name: tensor.clone() for name, tensor in learner.state_dict().items()}
    learner.train()
    learner.predict(make_episode())
    assert learner.training
    for name, tensor in learner.state_dict().items():
        torch.testing.assert_close(tensor, before[name], rtol=0, atol=0)


def test_a_training_step_lowers_the_loss_of_its_own_episode(learner):
    episode = make_episode(n_way=3, k_shot=2, n_query=3, n_episodes=2)
    optimizer = torch.optim.Adam(learner.parameters(), lr=1e-3)
    losses = []
    for _ in range(12):
        loss = learner.loss(episode)
        losses.append(float(loss.detach()))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert min(losses[-3:]) < losses[0]


def test_a_saved_learner_answers_as_before(learner, method, tmp_path):
    path = tmp_path / "learner.safetensors"
    save_learner(path, learner, spec=spec_of(method), normalization=Normalization((0.1,), (0.2,)))
    loaded, spec, normalization = load_learner(path)
    assert (spec, normalization) == (spec_of(method), Normalization((0.1,), (0.2,)))
    torch.testing.assert_close(loaded.predict(make_episode()), learner.predict(make_episode()), rtol=0, atol=0)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cpu_and_gpu_agree(learner):
    episode = make_episode()
    moved = Episode(*(getattr(episode, f.name).cuda() for f in dataclasses.fields(episode)[:4]), episode.n_way)
    expected = learner.predict(episode)
    torch.testing.assert_close(learner.cuda().predict(moved).cpu(), expected, rtol=1e-3, atol=1e-3)


def test_unknown_names_and_foreign_files_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="protonet"):
        build_learner(LearnerSpec("protonets", "conv4", 1, SIZE, 0))
    with pytest.raises(ConfigError, match="conv4-maps"):
        build_learner(LearnerSpec("relation", "conv4", 1, SIZE, 0))
    with pytest.raises(ConfigError, match="resnet12"):
        build_learner(LearnerSpec("protonet", "vgg", 1, SIZE, 0))
    (tmp_path / "other").write_bytes(b"nothing of ours")
    with pytest.raises(ArtefactError):
        load_learner(tmp_path / "other")
