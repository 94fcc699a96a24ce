"""An adapter on stored vectors: it starts as nothing, learns what episodes teach, and never hides that it did not."""

from pathlib import Path

import numpy as np
import pytest
import torch

from ml.errors import ArtefactError, ConfigError, NonFiniteError
from ml.heads import Examples, fit_head, load_head, save_head
from ml.heads.adapted import AdaptedHead, adapt
from ml.heads.features import unit
from ml.training.adapt import fit_adapted
from ml.training.adapter import Adapter, AdapterOptions, train_adapter
from ml.training.callbacks import QuietCallback

OPTIONS = AdapterOptions(width=16, episodes=160, at_once=4, evaluations=4, noise=0.0, learning_rate=3e-3)


def noisy_world(classes: int = 12, each: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """Classes differ in 6 dimensions of 24; the other 18 shout over them with the same noise for all."""
    rng = np.random.default_rng(0)
    centers = np.zeros((classes, 1, 24))
    centers[..., :6] = rng.normal(size=(classes, 1, 6))
    spread = np.r_[np.full(6, 0.3), np.full(18, 1.5)]
    vectors = (centers + spread * rng.normal(size=(classes, each, 24))).reshape(-1, 24)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32), np.repeat(np.arange(classes), each)


@pytest.mark.parametrize("width", [0, 8])
def test_an_untrained_adapter_only_centers(width: int) -> None:
    mean, x = torch.randn(12), torch.randn(5, 12)
    assert torch.allclose(Adapter(mean, width=width, seed=0)(x), unit(x - mean), atol=1e-6)


def test_episodes_teach_it_to_overlook_what_all_classes_share() -> None:
    vectors, labels = noisy_world()
    trained = train_adapter(vectors, labels, background=vectors.mean(axis=0), options=OPTIONS, seed=0)
    before, after = trained.report.history[0]["score"], trained.report.best_score
    assert after is not None and after > before + 0.02
    assert trained.helped and set(trained.held_out) < set(range(12))


def test_labels_without_meaning_leave_it_as_it_was() -> None:
    vectors, labels = noisy_world()
    shuffled = np.random.default_rng(1).permutation(labels)
    examples = Examples.of(vectors, shuffled, n_classes=12)
    fit = fit_adapted(examples, options=OPTIONS, seed=0)
    chance = 1 / 3
    assert all(abs(point["score"] - chance) < 0.12 for point in fit.trained.report.history)


def test_a_run_that_was_stopped_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    vectors, labels = noisy_world()
    whole = train_adapter(vectors, labels, background=vectors.mean(axis=0), options=OPTIONS, seed=3)

    class Stop(QuietCallback):
        steps = 0

        def should_cancel(self) -> bool:
            self.steps += 1
            return self.steps == 17

    for callbacks in ([Stop()], []):
        parts = train_adapter(
            vectors,
            labels,
            background=vectors.mean(axis=0),
            options=OPTIONS,
            seed=3,
            callbacks=callbacks,
            checkpoint=tmp_path / "adapter.safetensors",
        )
    for name, tensor in whole.adapter.state_dict().items():
        assert torch.equal(tensor, parts.adapter.state_dict()[name]), name


def test_a_head_through_an_adapter_reads_vectors_as_they_are_stored(tmp_path: Path) -> None:
    vectors, labels = noisy_world()
    examples = Examples.of(vectors, labels, n_classes=12, background=vectors.mean(axis=0))
    fit = fit_adapted(examples, options=OPTIONS, seed=0)
    head = fit.head
    assert isinstance(head, AdaptedHead) and head.kind == "adapter+gda"
    with torch.no_grad():
        expected = head.inner.logits(fit.trained.adapter(torch.from_numpy(vectors)))
    assert torch.allclose(head.logits(vectors), expected, atol=1e-5)
    save_head(head, tmp_path, categories=list(range(12)), space="s")
    again = load_head(tmp_path, space="s").head
    assert torch.equal(again.probabilities(vectors), head.probabilities(vectors))


def test_too_few_categories_are_named_before_anything_is_trained() -> None:
    vectors, labels = noisy_world(classes=5)
    with pytest.raises(ConfigError, match="needs 6 categories with 10 examples each"):
        train_adapter(vectors, labels, background=vectors[0], options=OPTIONS, seed=0)


def test_a_loss_that_is_no_number_stops_the_run() -> None:
    vectors, labels = noisy_world()
    vectors[5] = np.nan
    with pytest.raises(NonFiniteError):
        train_adapter(vectors, labels, background=np.zeros(24), options=OPTIONS, seed=0)


def test_only_a_linear_head_fits_inside() -> None:
    vectors, labels = noisy_world()
    head = fit_head("prototypes", Examples.of(vectors, labels, n_classes=12))
    with pytest.raises(ArtefactError, match="linear head"):
        adapt(head, mean=torch.zeros(24), down=torch.zeros(24, 24), up=None)
