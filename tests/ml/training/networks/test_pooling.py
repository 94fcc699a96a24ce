"""Pooling early: what it leaves as it is, and what it is for."""

import torch
from torch import nn
from torch.nn import functional as F

from ml.training.networks import build_network
from ml.training.networks.conv4 import Conv4


def test_relu_after_pooling_gives_the_maps_and_gradients_of_relu_before_it() -> None:
    network = Conv4(channels=3, size=32, width=8, generator=torch.Generator().manual_seed(0)).double()
    images = torch.randn((5, 3, 32, 32), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    weight = network.blocks[0][0].weight

    def as_published(maps: torch.Tensor) -> torch.Tensor:
        for block in network.blocks:
            convolution, norm = block[0], block[1]
            assert isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)
            maps = F.max_pool2d(F.relu(norm(convolution(maps))), 2)
        return maps.flatten(1)

    found, gradients = [], []
    for forward in (network, as_published):
        found.append(forward(images))
        gradients.append(torch.autograd.grad(found[-1].square().sum(), weight)[0])
    assert torch.equal(found[0], found[1])
    torch.testing.assert_close(gradients[0], gradients[1])


def test_the_pooled_network_gives_one_vector_an_image_whatever_its_size() -> None:
    network = build_network("pooled", channels=3, size=32, seed=0).eval()
    again = build_network("pooled", channels=3, size=32, seed=0).eval()
    images = torch.randn((2, 3, 32, 32), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert network(images).shape == (2, network.dimension) == (2, 512)
        assert network(images[:, :, :28, :28]).shape == (2, 512)
        assert torch.equal(network(images), again(images))
        assert not torch.equal(network(images)[0], network(images)[1])
