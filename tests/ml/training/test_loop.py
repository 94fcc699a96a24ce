"""The loop trains, stops when told, resumes exactly and keeps the best weights."""

from pathlib import Path

import numpy as np
import pytest
import torch

from ml.episodes.sampler import EpisodeSampler
from ml.errors import ArtefactError, ConfigError, NonFiniteError
from ml.training.augment import AUGMENTATIONS
from ml.training.callbacks import QuietCallback
from ml.training.episode import EpisodeLearner
from ml.training.evaluate import score_episodes
from ml.training.loop import TrainOptions, train
from ml.training.methods.registry import LearnerSpec, build_learner
from ml.training.schedules import Schedule
from ml.training.sources import BatchSource, EpisodeSource, Stage, Views
from ml.training.store import ImageStore


def make_store(n_classes: int = 8, each: int = 12, *, seed: int = 0) -> ImageStore:
    """Each class is a pattern of 16×16 pixels with noise."""
    generator = torch.Generator().manual_seed(seed)
    patterns = torch.randint(0, 200, (n_classes, 1, 1, 16, 16), generator=generator)
    noise = torch.randint(0, 55, (n_classes, each, 1, 16, 16), generator=generator)
    images = (patterns + noise).to(torch.uint8).flatten(0, 1)
    labels = np.repeat(np.arange(n_classes), each)
    return ImageStore(images, labels, tuple(f"class {i}" for i in range(n_classes)))


def learner() -> EpisodeLearner:
    return build_learner(LearnerSpec("protonet", "conv4-32", channels=1, size=16, seed=0))


def episode_source(store: ImageStore, *, seed: int = 0, ways: tuple[int, ...] = (4,)) -> EpisodeSource:
    views = Views.build(store, store.statistics(), augmentation=AUGMENTATIONS["drawing"], seed=seed)
    samplers = [
        EpisodeSampler(store.labels, n_way=way, k_shot=2, n_query=3, seed=seed + i) for i, way in enumerate(ways)
    ]
    return EpisodeSource(views, [Stage(s, until=(i + 1) / len(ways)) for i, s in enumerate(samplers)])


def accuracy_on(store: ImageStore, *, reference: ImageStore):
    views = Views.build(store, reference.statistics(), augmentation=AUGMENTATIONS["none"], seed=0)

    def evaluate(model: torch.nn.Module) -> dict[str, float]:
        sampler = EpisodeSampler(store.labels, n_way=4, k_shot=1, n_query=3, seed=9)
        return {"score": score_episodes(model, views=views, sampler=sampler, episodes=20).accuracy}

    return evaluate


class StopAt(QuietCallback):
    def __init__(self, step: int) -> None:
        self.left = step

    def should_cancel(self) -> bool:
        self.left -= 1
        return self.left <= 0


def weights(model: torch.nn.Module) -> torch.Tensor:
    return torch.cat([tensor.flatten().double() for tensor in model.state_dict().values()])


def test_training_learns_to_tell_unseen_classes_apart():
    store, unseen = make_store(seed=0), make_store(n_classes=5, seed=1)
    model = learner()
    evaluate = accuracy_on(unseen, reference=store)
    report = train(
        model, source=episode_source(store), options=TrainOptions(steps=40, evaluate_every=20), evaluate=evaluate
    )
    assert report.stopped == "steps" and report.step == 40
    assert report.best_score is not None and report.best_score > 0.6  # chance is 0.25


@pytest.mark.parametrize("schedule", ["cosine", "step", "plateau"])
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_an_interrupted_run_ends_with_the_very_same_weights(tmp_path: Path, schedule, optimizer):
    store = make_store()

    def run(*, interrupt: bool) -> torch.Tensor:
        checkpoint = tmp_path / "run.safetensors" if interrupt else None
        for cancel_after in (7, 1000) if interrupt else (1000,):
            model = learner()
            options = TrainOptions(
                steps=20,
                optimizer=optimizer,
                weight_decay=1e-3,
                schedule=Schedule(schedule, every=5, patience=1),
                evaluate_every=5,
                log_every=3,
            )
            train(
                model,
                source=episode_source(store, ways=(3, 4)),
                options=options,
                evaluate=accuracy_on(store, reference=store),
                callbacks=[StopAt(cancel_after)],
                checkpoint=checkpoint,
            )
        return weights(model)

    torch.testing.assert_close(run(interrupt=True), run(interrupt=False), rtol=0, atol=0)


def test_batches_resume_in_the_middle_of_an_epoch():
    store = make_store()

    def source() -> BatchSource:
        views = Views.build(store, store.statistics(), augmentation=AUGMENTATIONS["drawing"], seed=1)
        return BatchSource(views, batch_size=10, seed=2)

    first = source()
    for _ in range(12):  # 96 images: the second epoch has begun
        first.next(0.0)
    place, generator_state = first.state()
    expected = first.next(0.0)
    second = source()
    second.restore(place, generator_state)
    torch.testing.assert_close(second.next(0.0).images, expected.images, rtol=0, atol=0)


def test_cancelling_stops_at_once_and_says_so():
    report = train(
        learner(), source=episode_source(make_store()), options=TrainOptions(steps=50), callbacks=[StopAt(3)]
    )
    assert (report.step, report.stopped) == (3, "cancelled")


def test_training_stops_early_and_keeps_the_best_weights():
    store = make_store()
    scores = iter([0.5, 0.9, 0.7, 0.6, 0.5])
    seen: list[torch.Tensor] = []

    def evaluate(model: torch.nn.Module) -> dict[str, float]:
        seen.append(weights(model))
        return {"score": next(scores)}

    model = learner()
    options = TrainOptions(steps=50, evaluate_every=2, patience=2)
    report = train(model, source=episode_source(store), options=options, evaluate=evaluate)
    assert (report.stopped, report.best_step, report.step) == ("patience", 4, 8)
    torch.testing.assert_close(weights(model), seen[1], rtol=0, atol=0)


def test_a_run_that_time_ends_is_judged_by_its_last_weights():
    model, seen = learner(), []

    def evaluate(model: torch.nn.Module) -> dict[str, float]:
        seen.append(weights(model))
        return {"score": float(len(seen))}

    options = TrainOptions(steps=10**6, evaluate_every=10**6, minutes=0.01)
    report = train(model, source=episode_source(make_store()), options=options, evaluate=evaluate)
    assert (report.stopped, len(seen), report.best_step) == ("minutes", 1, report.step)
    torch.testing.assert_close(weights(model), seen[0], rtol=0, atol=0)


def test_starting_weights_that_are_better_are_kept():
    model = learner()
    before = weights(model)
    scores = iter([0.9, 0.2])
    options = TrainOptions(steps=4, evaluate_every=4, evaluate_first=True)
    train(model, source=episode_source(make_store()), options=options, evaluate=lambda _: {"score": next(scores)})
    torch.testing.assert_close(weights(model), before, rtol=0, atol=0)


def test_a_loss_that_is_not_a_number_ends_the_training():
    model = learner()
    model.get_parameter("network.blocks.0.0.weight").data.fill_(float("nan"))
    with pytest.raises(NonFiniteError, match="lower the learning rate"):
        train(model, source=episode_source(make_store()), options=TrainOptions(steps=5, log_every=1))


def test_a_curriculum_goes_from_few_ways_to_many():
    source = episode_source(make_store(), ways=(2, 4, 6))
    assert [source.next(progress).n_way for progress in (0.0, 0.3, 0.34, 0.6, 0.7, 1.0)] == [2, 2, 4, 4, 6, 6]


def test_schedules_follow_their_formulas():
    cosine, step = Schedule("cosine", warmup=10), Schedule("step", every=100, gamma=0.5)
    assert cosine.factor(0, progress=0.0) == pytest.approx(0.1)
    assert cosine.factor(50, progress=0.5) == pytest.approx(0.5)
    assert cosine.factor(99, progress=1.0) == pytest.approx(0.0)
    assert [step.factor(s, progress=0.0) for s in (99, 100, 250)] == [1.0, 0.5, 0.25]
    plateau = Schedule("plateau", patience=2, gamma=0.1)
    factors = []
    for score in (0.5, 0.4, 0.5, 0.6, 0.6, 0.6):
        plateau.observe(score)
        factors.append(plateau.factor(0, progress=0.0))
    assert factors == pytest.approx([1, 1, 0.1, 0.1, 0.1, 0.01])


def test_impossible_options_are_refused(tmp_path: Path):
    for options in ({"steps": 0}, {"steps": 1, "learning_rate": 0.0}, {"steps": 1, "optimizer": "lion"}):
        with pytest.raises(ConfigError):
            TrainOptions(**options)
    with pytest.raises(ConfigError):
        Schedule("linear")
    frozen = learner().requires_grad_(False)
    with pytest.raises(ConfigError, match="no parameter"):
        train(frozen, source=episode_source(make_store()), options=TrainOptions(steps=1))
    (tmp_path / "run").write_bytes(b"not a checkpoint")
    with pytest.raises(ArtefactError):
        train(
            learner(), source=episode_source(make_store()), options=TrainOptions(steps=1), checkpoint=tmp_path / "run"
        )
