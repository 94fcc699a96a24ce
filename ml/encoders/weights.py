"""Weights on disk and in memory: what they hash to, and whether they can be trusted to be numbers."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ml.errors import ArtefactError, MlError, NonFiniteError

T = TypeVar("T")


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """Tensors of a safetensors file, on the CPU.

    Raises:
        ArtefactError: The file is missing, of another kind, cut off, or declares tensors that it does not hold.
    """
    if path.suffix != ".safetensors":
        raise ArtefactError(f"weights are a .safetensors file, not {path.name}; convert it with safetensors.torch")
    try:
        return load_file(path)
    except FileNotFoundError as error:
        raise ArtefactError(f"no weights at {path}") from error
    except (SafetensorError, OSError, ValueError, KeyError, RuntimeError) as error:
        raise ArtefactError(f"{path} is not a readable safetensors file ({error}); fetch it again") from error


def check_and_digest(module: nn.Module, *, name: str) -> str:
    """SHA-256 over names, shapes and bytes of every tensor, so that one set of weights has one digest in any file.

    Raises:
        NonFiniteError: A weight is NaN or infinite.
    """
    digest = hashlib.sha256()
    for key, tensor in sorted(module.state_dict().items()):
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise NonFiniteError(f"{name}: weight {key} holds NaN or infinity; fetch the weights again")
        values = tensor.detach().float() if tensor.is_floating_point() else tensor.detach()
        digest.update(f"{key}{tuple(values.shape)}{values.dtype}".encode())
        digest.update(values.contiguous().cpu().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def load_strictly(module: nn.Module, load: Callable[[], T], *, name: str) -> T:
    """Run a library's loader; a mismatch of names or shapes becomes one readable line."""
    try:
        return load()
    except MlError:
        raise
    except (RuntimeError, KeyError, ValueError, AttributeError, TypeError) as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        known = f"{type(module).__name__} expects {len(module.state_dict())} tensors"
        raise ArtefactError(
            f"{name}: these weights belong to another model ({' '.join(lines)[:400]}); {known}"
        ) from error
    except Exception as error:
        raise ArtefactError(f"{name}: the weights cannot be read without running code that came with them") from error
