"""Training teaches the writer to serve classes that it has never seen."""

from dataclasses import replace

import pytest
import torch

from ml.errors import ConfigError, NonFiniteError
from ml.text2model.descriptions import EVERY
from ml.text2model.hypernetwork import Hypernetwork
from ml.text2model.projection import choose_kernel, every_text, folds_of, left_out_bank, likeness
from ml.text2model.tasks import TaskSampler
from ml.text2model.training import TrainingConfig, inner_delta, task_loss, train, written
from tests.ml.text2model.worlds import SMALL, world

QUICK = TrainingConfig(steps=120, tasks=8, max_way=8, check_every=40, learning_rate=3e-3)


def unseen_accuracy(network: Hypernetwork, ways: int) -> float:
    tasks = TaskSampler(world(), torch.arange(32, 40), seed=9).draw(tasks=40, ways=ways, images=8, kind="sentences")
    with torch.no_grad():
        emitted = written(network, tasks, network.project(world().bank))
        guessed = emitted.logits(tasks.images).argmax(dim=-1)
    return float((guessed == tasks.target).float().mean())


CASES = [("EV", "direct", False), ("IVEV", "direct", False), ("EV", "delta", False), ("EV", "direct", True)]


@pytest.mark.parametrize(("target", "mode", "start"), CASES)
def test_unseen_classes_are_told_apart_after_training(target: str, mode: str, start: bool) -> None:
    network = Hypernetwork(replace(SMALL, target=target))  # type: ignore[arg-type]
    assert unseen_accuracy(network, 5) < 0.4
    config = replace(QUICK, mode=mode, inner_rate=0.1, start=start)  # type: ignore[arg-type]
    trained = train(network, world(), config=config, seed=0)
    assert start or trained.step > 0
    assert unseen_accuracy(trained.network, 5) > 0.5  # chance is 0.2
    assert unseen_accuracy(trained.network, 2) > 0.7


def test_a_start_from_a_projection_decides_as_the_projection() -> None:
    seen, network = world(), Hypernetwork(SMALL)
    space = choose_kernel(seen, folds=4, seed=0).space()
    network.start_from(space)
    tasks = TaskSampler(seen, torch.arange(32, 40), seed=9).draw(tasks=5, ways=4, images=8, kind="sentences")
    projected = torch.nn.functional.normalize(space.project(tasks.descriptions), dim=-1)
    found = network(tasks.descriptions).logits(tasks.images)
    assert torch.allclose(found, tasks.images @ projected.mT, atol=1e-5)
    with pytest.raises(ConfigError, match="only a linear target"):
        Hypernetwork(replace(SMALL, target="IVEV")).start_from(space)


def test_a_regression_equals_its_formula() -> None:
    fit = choose_kernel(world(), folds=4, seed=0)
    features = fit.class_means[fit.classes]
    kernel = likeness(fit.texts, fit.texts, fit.gamma) + fit.penalty * 3 * torch.eye(len(fit.texts))  # three sentences
    expected = torch.linalg.solve(kernel, features - features.mean(dim=0))
    assert torch.allclose(fit.space().weight, expected, atol=1e-4)
    text = fit.texts[:1]
    assert float(likeness(text, -text, 0.5)) == pytest.approx(torch.e**-2.0)  # two apart


def test_a_class_in_training_is_projected_as_if_the_texts_of_its_part_had_not_been_read() -> None:
    seen = world()
    regression, parts = choose_kernel(seen, folds=4, seed=0), folds_of(seen.train, folds=4, seed=0)
    assert sorted(torch.cat(parts).tolist()) == seen.train.tolist()
    found = left_out_bank(regression, seen.bank, parts).vectors["sentences"]
    full = regression.space().of_bank(seen.bank).vectors["sentences"]
    assert torch.equal(found[seen.val], full[seen.val])
    changed = regression.class_means.clone()
    changed[parts[2]] += 100.0  # whatever their images look like
    other = replace(regression, class_means=changed)
    assert torch.equal(left_out_bank(other, seen.bank, parts).vectors["sentences"][parts[2]], found[parts[2]])
    assert not torch.equal(other.space().of_bank(seen.bank).vectors["sentences"][parts[2]], full[parts[2]])


def test_few_classes_make_fewer_parts_so_that_each_holds_a_task() -> None:
    assert [len(part) for part in folds_of(torch.arange(7), folds=4, seed=0)] == [3, 2, 2]
    assert [len(part) for part in folds_of(torch.arange(3), folds=4, seed=0)] == [3]


@pytest.mark.parametrize("draws", [1, 2, EVERY])
def test_every_text_is_read_once_however_many_make_a_description(draws: int) -> None:
    seen = world()
    averaged = replace(seen, bank=replace(seen.bank, draws={"sentences": draws}))
    texts, classes, repeats = every_text(averaged, ("sentences",), seed=0)
    assert len(texts) == 3 * len(seen.train)
    assert torch.equal(torch.bincount(classes), torch.full((len(seen.train),), 3))
    assert repeats.unique().tolist() == [3]


def test_training_repeats_by_seed() -> None:
    config = replace(QUICK, steps=40)
    first, again = (train(Hypernetwork(SMALL), world(), config=config, seed=5) for _ in range(2))
    assert first.losses == again.losses


def test_one_plain_inner_step_gives_the_direct_gradient_times_its_rate() -> None:
    network = Hypernetwork(replace(SMALL, target="IVEV"))
    tasks = TaskSampler(world(), torch.arange(10), seed=0).draw(tasks=1, ways=4, images=3, kind="sentences")
    emitted = network(tasks.descriptions)
    direct = torch.autograd.grad(task_loss(emitted, tasks), list(network.parameters()), retain_graph=True)
    config = TrainingConfig(inner_steps=1, inner_rate=0.25, inner_momentum=0.0)
    delta = inner_delta(emitted, tasks, config)
    through = torch.autograd.grad(emitted.parts, list(network.parameters()), grad_outputs=delta)
    for expected, found in zip(direct, through, strict=True):
        assert torch.allclose(found, 0.25 * expected, atol=1e-6)


def test_inner_training_lowers_the_loss_of_each_task() -> None:
    network = Hypernetwork(SMALL)
    tasks = TaskSampler(world(), torch.arange(10), seed=0).draw(tasks=3, ways=4, images=3, kind="sentences")
    emitted = network(tasks.descriptions)
    delta = inner_delta(emitted, tasks, TrainingConfig(inner_rate=0.1))
    after = emitted.with_parts(tuple(part.detach() - d for part, d in zip(emitted.parts, delta, strict=True)))
    assert task_loss(after, tasks) < task_loss(emitted, tasks)


def test_data_that_cannot_be_trained_on_are_refused() -> None:
    seen = world()
    with pytest.raises(ConfigError, match="trains or validates"):
        replace(seen, val=seen.train)
    with pytest.raises(ConfigError, match="at least two classes"):
        replace(seen, val=seen.val[:1])
    with pytest.raises(NonFiniteError, match="features"):
        replace(seen, features=seen.features * float("inf"))
