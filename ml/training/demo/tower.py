"""The model: an open_clip CLIP whose image tower is a MobileNetV2 and whose text tower is a small transformer."""

from pathlib import Path
from typing import Any

import open_clip
import torch
from safetensors.torch import load_file
from torch import Tensor

TRUNK = "mobilenetv2_100"
MEAN = STD = 0.5


def model_config(*, image_size: int, vocabulary: int) -> dict[str, Any]:
    """The open_clip configuration of the demo encoder."""
    return {
        "embed_dim": 256,
        "vision_cfg": {
            "timm_model_name": TRUNK,
            "timm_model_pretrained": False,
            "timm_pool": "avg",
            "timm_proj": "mlp",
            "image_size": image_size,
        },
        "text_cfg": {
            "context_length": 64,
            "vocab_size": vocabulary,
            "width": 192,
            "heads": 4,
            "layers": 2,
            "mlp_ratio": 3.0,
        },
    }


def build_model(config: dict[str, Any], *, seed: int, encoders: Path) -> Any:
    """A CLIP with fresh head and text tower and the ImageNet MobileNetV2 as trunk.

    The trunk was trained with TensorFlow's padding, which open_clip cannot ask timm for. At a side of 32·n + 1 pixels
    every strided convolution sees an odd side, where that padding and the symmetric one are the same: at 129 pixels
    the network computes exactly what it was trained to.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = open_clip.CLIP(config["embed_dim"], config["vision_cfg"], config["text_cfg"])
    source = load_file(encoders / "mobilenetv2_100.imagenet.safetensors")
    trunk = model.visual.trunk
    trunk.load_state_dict({name: source[name].float() for name in trunk.state_dict()})
    return model


def normalized(pixels: Tensor) -> Tensor:
    """uint8 or float 0…255 pixels to what the tower sees."""
    return (pixels.float() / 255 - MEAN) / STD


def half_precision(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """float16 for matrices and filters; vectors (norms, biases, statistics) keep float32, a hundredth of the file."""
    return {
        name: (tensor.half() if tensor.is_floating_point() and tensor.ndim > 1 else tensor).contiguous().cpu()
        for name, tensor in state.items()
    }
