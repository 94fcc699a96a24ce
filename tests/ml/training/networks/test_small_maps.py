"""A convolution written as a matrix product is still the convolution."""

import pytest
import torch
from torch import nn

from ml.training.networks.small_maps import SmallMapConv2d


@pytest.mark.parametrize(("height", "width"), [(4, 4), (2, 3), (1, 1), (5, 4)])
def test_it_and_its_gradients_equal_those_of_the_library(height: int, width: int) -> None:
    generator = torch.Generator().manual_seed(0)
    reference = nn.Conv2d(6, 8, 3, padding=1, bias=False).double()
    ours = SmallMapConv2d(6, 8).double()
    ours.load_state_dict(reference.state_dict())
    maps = torch.randn((3, 6, height, width), generator=generator, dtype=torch.float64)
    images = [maps.clone().requires_grad_(), maps.clone().requires_grad_()]
    answers = [reference(images[0]), ours(images[1])]
    assert answers[1].shape == (3, 8, height, width)
    torch.testing.assert_close(answers[1], answers[0])
    for answer in answers:
        answer.square().sum().backward()
    torch.testing.assert_close(images[1].grad, images[0].grad)
    torch.testing.assert_close(ours.weight.grad, reference.weight.grad)
