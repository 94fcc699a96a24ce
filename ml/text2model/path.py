"""The path past the trunk of a hypernetwork: a projection of each description, turned by a gate."""

import torch
from torch import Tensor, nn

from ml.heads.features import unit
from ml.text2model.layers import EquivariantLinear
from ml.text2model.projection import KernelSpace


class GatedPath(nn.Module):
    """scale · gate_j · p_j / ‖p_j‖, p_j the mean projection of what is told of j: (…, k, R) and trunk (…, k, W).

    The gate is a number for each class, 1 at the start. "Without stripes" has nearly the vector of "with stripes", so
    no projection tells them apart; the trunk can, and turns the gate negative. The projection itself is not trained:
    that was measured to cost unseen classes several points.
    """

    landmarks: Tensor
    weight: Tensor
    gamma: Tensor

    def __init__(self, text_dim: int, width: int, dim: int, landmarks: int) -> None:
        super().__init__()
        self.gate = EquivariantLinear(width, 1)
        self.scale = nn.Parameter(torch.tensor(1.0))
        self.register_buffer("landmarks", torch.zeros(landmarks, text_dim))
        self.register_buffer("weight", torch.zeros(landmarks, dim))
        self.register_buffer("gamma", torch.tensor(1.0))

    def start_from(self, space: KernelSpace) -> None:
        """Take over a projection and open every gate."""
        self.landmarks, self.weight = space.landmarks.clone(), space.weight.clone()
        self.gamma = torch.tensor(space.gamma)
        for layer in (self.gate.own, self.gate.shared):
            nn.init.zeros_(layer.weight)
        nn.init.ones_(self.gate.own.bias)

    @property
    def space(self) -> KernelSpace:
        return KernelSpace(self.landmarks, self.weight, float(self.gamma))

    def forward(self, projected: Tensor, z: Tensor) -> Tensor:
        turned: Tensor = self.scale * self.gate(z) * unit(projected)
        return turned
