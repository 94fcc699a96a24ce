"""Layers over a set of classes: the order in which classes are described must not matter.

Reference: Amosy et al., "Text2Model: Text-based Model Induction for Zero-shot Image Classification",
arXiv 2210.15182, section 4; the layers are those of deep sets (Zaheer et al., 2017).
"""

import torch
from torch import Tensor, nn


class EquivariantLinear(nn.Module):
    """z_j = A v_j + B mean_k(v_k) + c: (…, k, I) to (…, k, O); permuting the k inputs permutes the outputs."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.own = nn.Linear(inputs, outputs)
        self.shared = nn.Linear(inputs, outputs, bias=False)

    def forward(self, v: Tensor) -> Tensor:
        out: Tensor = self.own(v) + self.shared(v.mean(dim=-2, keepdim=True))
        return out


class InvariantLinear(nn.Module):
    """FC(ReLU(mean_j(A v_j + B mean_k(v_k)))): (…, k, I) to (…, O); permuting the k inputs changes nothing.

    The paper sums over j. The mean keeps one scale from 2 to 50 classes, so one network serves them all.
    """

    def __init__(self, inputs: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.inner = EquivariantLinear(inputs, hidden)
        self.out = nn.Linear(hidden, outputs)

    def forward(self, v: Tensor) -> Tensor:
        written: Tensor = self.out(torch.relu(self.inner(v).mean(dim=-2)))
        return written
