"""What the embedding pipeline is measured against: the usual loop, and the device's own limit."""

import io
import time
from typing import Any

import open_clip
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from ml.encoders.spec import resolve_spec
from ml.errors import ConfigError


class _Images(Dataset[torch.Tensor]):
    def __init__(self, images: list[tuple[object, bytes]], transform: Any) -> None:
        self._images, self._transform = images, transform

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> torch.Tensor:
        pixels: torch.Tensor = self._transform(Image.open(io.BytesIO(self._images[index][1])))
        return pixels


class PlainLoop:
    """open_clip as its README uses it, with a DataLoader around it: model and transform as they come, float32 on a
    processor and autocast on a GPU, normalised features back on the host.

    Raises:
        ConfigError: The encoder is not one of open_clip's.
    """

    def __init__(self, encoder: str, *, device: torch.device, workers: int) -> None:
        model, self._transform = _as_the_readme_does(encoder)
        self._model, self._device, self._workers = model.eval().to(device), device, workers

    def rate(self, images: list[tuple[object, bytes]], *, batch_size: int = 64) -> float:
        """Images a second from bytes to vectors."""
        loader = DataLoader(_Images(images, self._transform), batch_size=batch_size, num_workers=self._workers)
        started = time.perf_counter()
        with torch.no_grad(), torch.autocast(self._device.type, enabled=self._device.type == "cuda"):
            vectors = [_features(self._model, batch.to(self._device)).cpu() for batch in loader]
        return sum(map(len, vectors)) / (time.perf_counter() - started)


def matmul_ceiling_tflops(device: torch.device, dtype: torch.dtype) -> float:
    """The best rate of one large square matrix product, in 10¹² operations a second."""
    side = 8192 if device.type == "cuda" else 2048
    generator = torch.Generator().manual_seed(0)
    left = torch.randn(side, side, generator=generator).to(device, dtype)
    right = torch.randn(side, side, generator=generator).to(device, dtype)
    best = 0.0
    for _ in range(5):
        repeats = 20 if device.type == "cuda" else 3
        _wait(device)
        started = time.perf_counter()
        for _ in range(repeats):
            left @ right
        _wait(device)
        best = max(best, repeats * 2 * side**3 / (time.perf_counter() - started))
    return best / 1e12


def _features(model: Any, batch: torch.Tensor) -> torch.Tensor:
    features: torch.Tensor = model.encode_image(batch)
    features /= features.norm(dim=-1, keepdim=True)
    return features


def _as_the_readme_does(encoder: str) -> tuple[Any, Any]:
    spec = resolve_spec(encoder)
    if spec.library != "open_clip":
        raise ConfigError(f"--baseline is open_clip's loop, and {encoder} is a {spec.library} encoder")
    if spec.model_cfg is not None:
        model = open_clip.CLIP(**spec.model_cfg)
        return model, open_clip.image_transform(model.visual.image_size, is_train=False)
    name = f"hf-hub:{spec.model}" if spec.source == "hub" else spec.model
    model, _, transform = open_clip.create_model_and_transforms(name, pretrained=spec.tag, pretrained_text=False)
    return model, transform


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
