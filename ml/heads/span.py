"""Few examples span few directions: fits that never leave the span run there."""

import torch
from torch import Tensor

EIGENVALUE_FLOOR = 1e-7


def span(z: Tensor) -> tuple[Tensor, Tensor | None]:
    """Coordinates (S, R) of `z` (S, D) in an orthonormal basis (D, R) of what it spans; itself where S ≥ D."""
    if z.shape[0] >= z.shape[1]:
        return z, None
    eigenvalues, vectors = torch.linalg.eigh((z @ z.T).double())
    kept = eigenvalues > EIGENVALUE_FLOOR * eigenvalues[-1]
    roots = eigenvalues[kept].sqrt()
    coordinates, basis = vectors[:, kept] * roots, z.T.double() @ (vectors[:, kept] / roots)
    return coordinates.float(), basis.float()
