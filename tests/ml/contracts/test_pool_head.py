"""A head that listens to the unlabelled pool."""

import numpy as np
import pytest
import torch

from ml.errors import SpaceMismatchError
from ml.heads import Examples, fit_head, save_head
from ml.heads.pool_gda import fit_pool_gda


def world(seed: int) -> tuple[Examples, torch.Tensor, torch.Tensor]:
    """Six clusters that vary far more along directions they share than between each other; two labels each."""
    generator = torch.Generator().manual_seed(seed)
    centers, shared = torch.randn(6, 64, generator=generator), torch.randn(5, 64, generator=generator)
    truth = torch.arange(6).repeat_interleave(150)
    common = torch.randn(900, 5, generator=generator) @ shared
    own = 0.8 * torch.randn(900, 64, generator=generator)
    vectors = torch.nn.functional.normalize(centers[truth] + common + own, dim=1)
    labeled = torch.arange(0, 900, 75)
    rest = torch.from_numpy(np.setdiff1d(np.arange(900), labeled.numpy()))
    examples = Examples.of(vectors[labeled], truth[labeled], n_classes=6, background=vectors.mean(dim=0))
    return examples, vectors[rest], truth[rest]


def test_hearing_a_pool_that_knows_nothing_new_costs_next_to_nothing() -> None:
    gains = []
    for seed in range(8):
        examples, pool, truth = world(seed)
        with torch.no_grad():
            alone, heard = fit_head("default", examples), fit_pool_gda(examples, pool)
            gains.append(
                float((heard.logits(pool).argmax(1) == truth).float().mean())
                - float((alone.logits(pool).argmax(1) == truth).float().mean())
            )
    assert min(gains) > -0.03


def test_the_order_of_the_pool_does_not_matter() -> None:
    examples, pool, _ = world(0)
    first, turned = fit_pool_gda(examples, pool), fit_pool_gda(examples, pool.flip(0))
    assert torch.allclose(first.probabilities(pool), turned.probabilities(pool), atol=1e-4)


def test_vectors_of_another_encoder_are_refused() -> None:
    examples, _, _ = world(0)
    with pytest.raises(SpaceMismatchError):
        fit_pool_gda(examples, torch.zeros(10, 25))


def test_it_is_kept_like_any_other_head(tmp_path) -> None:  # type: ignore[no-untyped-def]
    from ml.heads import load_head

    examples, pool, _ = world(1)
    head = fit_pool_gda(examples, pool)
    save_head(head, tmp_path / "head", categories=list(range(6)), space="s")
    stored = load_head(tmp_path / "head", space="s")
    assert torch.equal(stored.head.probabilities(pool), head.probabilities(pool))
