"""Which number format the image tower runs in: the fastest one that gives the same vectors."""

import copy
import time
from dataclasses import dataclass

import torch
from torch import Tensor, nn

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
AGREEMENT = 0.999

_PROBE_IMAGES = 8


@dataclass(frozen=True)
class TunedTower:
    """An image tower in the number format it will run in."""

    module: nn.Module
    dtype: torch.dtype


def features_of(module: nn.Module, batch: Tensor) -> Tensor:
    """(B, D) features; towers that return more put them first."""
    out = module(batch)
    features: Tensor = out[0] if isinstance(out, tuple) else out
    return features


def tune_tower(image: nn.Module, *, size: tuple[int, int], device: torch.device, dtype: str) -> TunedTower:
    """Choose and prepare.

    Args:
        image: The tower in float32 on `device`.
        size: Height and width it sees.
        device: Where it runs.
        dtype: `float32`, `bfloat16`, or `auto`: bfloat16 where the processor has instructions for it, where it was
            faster on a probe just now, and where its vectors agree with float32 to a cosine of 0.999 or more.
    """
    if dtype == "auto" and not _has_bfloat16(device):
        dtype = "float32"
    if dtype == "float32":
        return TunedTower(_channels_last(image), torch.float32)
    half = _channels_last(copy.deepcopy(image)).to(torch.bfloat16)
    if dtype == "bfloat16":
        return TunedTower(half, torch.bfloat16)
    full = _channels_last(image)
    probe = probe_images(_PROBE_IMAGES, size=size, device=device)
    expected, full_s = _timed(full, probe)
    got, half_s = _timed(half, probe.to(torch.bfloat16))
    agreement = float(torch.nn.functional.cosine_similarity(got.float(), expected.float()).min())
    if half_s < full_s and agreement >= AGREEMENT:
        return TunedTower(half, torch.bfloat16)
    return TunedTower(full, torch.float32)


def probe_images(count: int, *, size: tuple[int, int], device: torch.device) -> Tensor:
    """Smooth coloured noise, already normalised: (count, 3, H, W) float32."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.randn(count, 3, 7, 7, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, size, mode="bicubic")
    return smooth.to(device).contiguous(memory_format=torch.channels_last)


def _channels_last(module: nn.Module) -> nn.Module:
    converted: nn.Module = module.to(memory_format=torch.channels_last)
    return converted


def _has_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu":
        return False
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def _timed(module: nn.Module, batch: Tensor) -> tuple[Tensor, float]:
    with torch.inference_mode():
        features = features_of(module, batch)
        best = float("inf")
        for _ in range(2):
            _wait(batch)
            started = time.perf_counter()
            features = features_of(module, batch)
            _wait(batch)
            best = min(best, time.perf_counter() - started)
    return features, best


def _wait(batch: Tensor) -> None:
    if batch.is_cuda:
        torch.cuda.synchronize(batch.device)
