"""Training a part of a large network: its last block, or low-rank additions to its weights (LoRA, Hu et al. 2021)."""

import re
from collections.abc import Iterable
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from ml.errors import ConfigError

Tuning = Literal["all", "last-block", "lora", "none"]
BLOCK = re.compile(r"^(.*\b(?:blocks|resblocks|layers|stages))\.(\d+)$")
WEIGHTS = ("weight", "in_proj_weight")


class LowRank(nn.Module):
    """W + B A / r for a weight of any shape, seen as a matrix (outputs, everything else); B starts at 0."""

    def __init__(self, shape: torch.Size, *, rank: int, generator: torch.Generator) -> None:
        super().__init__()
        rows, columns = shape[0], shape[1:].numel()
        self.down = nn.Parameter(torch.randn((rank, columns), generator=generator) / columns**0.5)
        self.up = nn.Parameter(torch.zeros((rows, rank)))
        self.rank = rank

    def forward(self, weight: Tensor) -> Tensor:
        return weight + (self.up @ self.down).view(weight.shape) / self.rank


def add_lora(network: nn.Module, *, rank: int, generator: torch.Generator) -> nn.Module:
    """Freeze `network` and add rank-`rank` terms to its linear, attention and 1×1 convolution weights, in place.

    The network computes what it did before until the terms are trained. Raises ConfigError where nothing fits.
    """
    if rank < 1:
        raise ConfigError(f"a rank is at least 1, got {rank}")
    network.requires_grad_(False)
    targets = [(module, name) for module in network.modules() for name in _low_rank_weights(module)]
    if not targets:
        raise ConfigError("no linear, attention or 1×1 convolution weight to add to: tune the last block instead")
    for module, name in targets:
        shape = getattr(module, name).shape
        # unsafe: the check would run the whole module's weight once more and it cannot fail for an addition.
        parametrize.register_parametrization(module, name, LowRank(shape, rank=rank, generator=generator), unsafe=True)
    return network


def merge_lora(network: nn.Module) -> nn.Module:
    """Write the trained terms into the weights, in place: same function, no extra cost, plain state dict."""
    return _remove_lora(network, keep=True)


def drop_lora(network: nn.Module) -> nn.Module:
    """Take the terms away, in place: the base network, bit for bit."""
    return _remove_lora(network, keep=False)


def _remove_lora(network: nn.Module, *, keep: bool) -> nn.Module:
    for module in list(network.modules()):
        for name in [n for n in WEIGHTS if parametrize.is_parametrized(module, n)]:
            merged = getattr(module, name).detach().clone()
            parametrize.remove_parametrizations(module, name, leave_parametrized=False)
            if keep:
                getattr(module, name).data = merged
    return network


def _low_rank_weights(module: nn.Module) -> Iterable[str]:
    if isinstance(module, nn.MultiheadAttention) and module.in_proj_weight is not None:
        yield "in_proj_weight"
    elif isinstance(module, nn.Linear) or (
        isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1) and module.groups == 1
    ):
        yield "weight"


def unfreeze_last_block(network: nn.Module) -> nn.Module:
    """Freeze everything but the last of the network's blocks and what follows it, in place.

    Raises ConfigError where no numbered blocks ("blocks.3", "layers.11") are found.
    """
    found = [(match[1], int(match[2])) for name, _ in network.named_modules() if (match := BLOCK.match(name))]
    if not found:
        raise ConfigError("this network has no numbered blocks: tune all of it or add LoRA")
    outermost = min((stem for stem, _ in found), key=lambda stem: stem.count("."))
    last = f"{outermost}.{max(index for stem, index in found if stem == outermost)}"
    network.requires_grad_(False)
    names = [name for name, _ in network.named_parameters()]
    first = next(i for i, name in enumerate(names) if name.startswith(f"{last}."))
    for parameter in list(network.parameters())[first:]:
        parameter.requires_grad_(True)
    return network


def tune_part(network: nn.Module, tuning: Tuning, *, rank: int, generator: torch.Generator) -> nn.Module:
    """Leave trainable what `tuning` names, in place."""
    if tuning == "lora":
        return add_lora(network, rank=rank, generator=generator)
    if tuning == "last-block":
        return unfreeze_last_block(network)
    if tuning not in ("all", "none"):
        raise ConfigError(f'tuning is "all", "last-block", "lora" or "none", got {tuning!r}')
    return network.requires_grad_(tuning == "all")
