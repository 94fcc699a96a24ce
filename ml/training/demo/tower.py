"""The model: an open_clip CLIP whose image tower is a MobileNetV2 and whose text tower is a small transformer."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import open_clip
import timm
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

TRUNK = "mobilenetv2_100"
MEAN = STD = 0.5


def model_config(*, image_size: int, vocabulary: int, embed_dim: int = 256, text_layers: int = 3) -> dict[str, Any]:
    """The open_clip configuration of the demo encoder."""
    return {
        "embed_dim": embed_dim,
        "vision_cfg": {
            "timm_model_name": TRUNK,
            "timm_model_pretrained": False,
            "timm_pool": "avg",
            "timm_proj": "linear",
            "image_size": image_size,
        },
        "text_cfg": {
            "context_length": 64,
            "vocab_size": vocabulary,
            "width": 256,
            "heads": 4,
            "layers": text_layers,
            "mlp_ratio": 3.0,
        },
    }


def build_model(config: dict[str, Any], *, seed: int, drop_path: float = 0.0) -> Any:
    """A fresh CLIP; `drop_path` belongs to training only and is no part of the stored configuration."""
    vision = {**config["vision_cfg"], "timm_drop_path": drop_path or None}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return open_clip.CLIP(config["embed_dim"], vision, config["text_cfg"])


def load_teacher(encoders: Path, *, same_padding: bool) -> nn.Module:
    """The ImageNet MobileNetV2 of the shared data, in eval mode; `same_padding` is how its weights were trained."""
    options: dict[str, Any] = {"pad_type": "same"} if same_padding else {}
    teacher: nn.Module = timm.create_model(TRUNK, **options)
    teacher.load_state_dict(
        {name: tensor.float() for name, tensor in load_file(encoders / "mobilenetv2_100.imagenet.safetensors").items()}
    )
    return teacher.eval().requires_grad_(False)


@torch.no_grad()
def start_from_imagenet(model: Any, encoders: Path, batches: Iterable[Tensor]) -> None:
    """Fill the image tower with the ImageNet weights and give its folded BatchNorms live statistics.

    The stored BatchNorms are folded into their convolutions (mean 0, variance 1 − eps, weight 1). The mean m and
    variance v of what enters each are measured on `batches` (B, 3, H, W); with running_mean = m, running_var = v,
    weight = √(v + eps), bias += m the function is the same and training can go on. open_clip cannot ask timm for
    TensorFlow's padding, so the tower starts a little below its teacher and recovers within the first epoch.
    """
    trunk = model.visual.trunk
    source = load_teacher(encoders, same_padding=False).state_dict()
    trunk.load_state_dict({name: source[name] for name in trunk.state_dict()})
    trunk.eval()
    norms = [module for module in trunk.modules() if isinstance(module, nn.BatchNorm2d)]
    sums: dict[nn.Module, list[Tensor]] = {norm: [] for norm in norms}

    def note(module: nn.Module, inputs: tuple[Tensor, ...], _: Tensor) -> None:
        x = inputs[0].float()
        sums[module].append(torch.stack([x.mean((0, 2, 3)), x.square().mean((0, 2, 3))]))

    hooks = [norm.register_forward_hook(note) for norm in norms]
    for batch in batches:
        trunk(batch)
    for hook in hooks:
        hook.remove()
    for norm in norms:
        mean, square = torch.stack(sums[norm]).mean(0)
        variance = square - mean.square()
        gain = (variance + norm.eps).sqrt()
        assert norm.running_mean is not None
        assert norm.running_var is not None
        # As stored: y = x·w/√(1−eps+eps) + b, so the old weight is 1 and the old bias the convolution's.
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.bias.add_(mean)
        norm.weight.copy_(gain)


def normalized(pixels: Tensor) -> Tensor:
    """uint8 or float 0…255 pixels to what the tower sees."""
    return (pixels.float() / 255 - MEAN) / STD


def half_precision(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """float16 for matrices and filters; vectors (norms, biases, statistics) keep float32, a hundredth of the file."""
    return {
        name: (tensor.half() if tensor.is_floating_point() and tensor.ndim > 1 else tensor).contiguous().cpu()
        for name, tensor in state.items()
    }
