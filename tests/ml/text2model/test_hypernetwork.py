"""A written classifier depends on what is said of the classes, not on the order in which it is said."""

from dataclasses import replace

import pytest
import torch

from ml.errors import ConfigError, ShapeError, SpaceMismatchError
from ml.text2model.hypernetwork import Hypernetwork, HypernetworkConfig
from ml.text2model.layers import EquivariantLinear, InvariantLinear
from tests.ml.text2model.worlds import FEATURES, SMALL, random_texts

TARGETS = ["EV", "IVEV"]


def network(target: str) -> Hypernetwork:
    return Hypernetwork(replace(SMALL, target=target), seed=1)  # type: ignore[arg-type]


def test_the_equivariant_layer_equals_its_formula() -> None:
    layer = EquivariantLinear(1, 1)
    with torch.no_grad():
        layer.own.weight.fill_(2.0)
        layer.own.bias.fill_(0.5)
        layer.shared.weight.fill_(10.0)
    v = torch.tensor([[1.0], [3.0]])
    assert layer(v).flatten().tolist() == pytest.approx([2 + 20 + 0.5, 6 + 20 + 0.5])


def test_the_invariant_layer_hears_each_class_and_no_order() -> None:
    layer = InvariantLinear(3, 8, 5)
    v = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(layer(v), layer(v[[2, 0, 3, 1]]), atol=1e-6)
    assert not torch.allclose(layer(v), layer(v * torch.tensor([[1.0], [1.0], [1.0], [2.0]])), atol=1e-4)


@pytest.mark.parametrize("target", TARGETS)
def test_permuting_descriptions_permutes_logits_and_leaves_the_hidden_layer(target: str) -> None:
    writer = network(target)
    rng = torch.Generator().manual_seed(0)
    texts, images = random_texts(9), torch.randn(20, FEATURES, generator=rng)
    model = writer(texts)
    for _ in range(20):
        order = torch.randperm(9, generator=rng)
        permuted = writer(texts[order])
        assert (permuted.logits(images) - model.logits(images)[:, order]).abs().max() < 1e-5
        if target == "IVEV":
            assert (permuted.hidden_weight - model.hidden_weight).abs().max() < 1e-5
            assert (permuted.hidden_bias - model.hidden_bias).abs().max() < 1e-5


@pytest.mark.parametrize("target", TARGETS)
def test_one_network_serves_two_to_fifty_classes(target: str) -> None:
    writer = network(target)
    images = torch.randn(3, FEATURES, generator=torch.Generator().manual_seed(0))
    lengths = []
    for k in range(2, 51):
        model = writer(random_texts(k, seed=k))
        assert model.logits(images).shape == (3, k)
        lengths.append(float(model.weight.detach().norm(dim=-1).mean()))
    assert max(lengths) < 2 * min(lengths)


def test_a_class_is_read_beside_the_others() -> None:
    writer, texts = network("EV"), random_texts(3)
    beside = writer(texts[:2]).weight[0]
    assert not torch.allclose(beside, writer(texts[[0, 2]]).weight[0], atol=1e-4)


def test_tasks_in_one_batch_are_written_as_if_alone() -> None:
    writer, texts = network("IVEV"), random_texts(4, 5)
    images = torch.randn(4, 6, FEATURES, generator=torch.Generator().manual_seed(0))
    together = writer(texts).logits(images)
    assert torch.allclose(together[2], writer(texts[2]).logits(images[2]), atol=1e-5)


def test_identical_descriptions_get_identical_rows() -> None:
    texts = random_texts(3)[[0, 1, 1]]
    model = network("EV")(texts)
    assert torch.equal(model.weight[1], model.weight[2])
    assert model.bias[1] == model.bias[2]


def test_other_spaces_and_too_few_classes_are_refused() -> None:
    writer = network("EV")
    with pytest.raises(SpaceMismatchError, match="text vectors of length 24, got 25"):
        writer(torch.zeros(3, 25))
    with pytest.raises(ShapeError, match="at least two classes"):
        writer(random_texts(1))
    with pytest.raises(SpaceMismatchError, match="vectors of length 16"):
        writer(random_texts(3)).logits(torch.zeros(2, 17))
    with pytest.raises(ConfigError, match="EV or IVEV"):
        HypernetworkConfig(target="VE")  # type: ignore[arg-type]
