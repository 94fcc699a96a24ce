"""Image-only encoders through timm: DINOv2, MobileNet and the like. They have no text tower."""

from pathlib import Path
from typing import Any

import timm
import torch
from timm.data.config import resolve_model_data_config
from timm.models._hub import HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME

from ml.data.preprocess import Preprocessing, ResizeMode, scale_size
from ml.encoders.hub import hub_errors, hub_file
from ml.encoders.spec import EncoderSpec
from ml.encoders.towers import Towers
from ml.encoders.weights import load_strictly, read_safetensors
from ml.errors import ConfigError

_RESIZE_MODES: dict[str, ResizeMode] = {"center": "shortest", "squash": "squash", "border": "longest"}


def build_timm(spec: EncoderSpec, *, cache_dir: Path | None = None) -> Towers:
    """Build a timm model without its classifier, in float32 on the CPU, in eval mode.

    Raises:
        EncoderUnavailableError: The weights are neither cached nor reachable.
        ArtefactError: The weights do not fit the model.
    """
    kwargs = {**spec.model_kwargs, "num_classes": 0}
    if spec.source == "tag":
        model = _from_hub(spec, kwargs, cache_dir)
    elif spec.source == "random":
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            model = timm.create_model(spec.model, pretrained=False, **kwargs)
    else:
        model = _from_file(spec, kwargs)
    model.eval().requires_grad_(False)
    config = resolve_model_data_config(model)  # type: ignore[no-untyped-call]
    return Towers(module=model, image=model, preprocessing=_preprocessing(config))


def _from_hub(spec: EncoderSpec, kwargs: dict[str, Any], cache_dir: Path | None) -> Any:
    cfg = timm.get_pretrained_cfg(spec.model)
    with hub_errors(spec.name):
        if cfg is None or not cfg.hf_hub_id or cfg.hf_hub_filename or cfg.custom_load:
            return timm.create_model(spec.model, pretrained=True, cache_dir=cache_dir, **kwargs)
        path = hub_file(cfg.hf_hub_id, [HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME], cache_dir=cache_dir)
    return _filled(spec, kwargs, path)


def _from_file(spec: EncoderSpec, kwargs: dict[str, Any]) -> Any:
    if spec.weights is None:
        raise ConfigError(f"{spec.name}: a local timm encoder names its weights")
    return _filled(spec, kwargs, spec.weights)


def _filled(spec: EncoderSpec, kwargs: dict[str, Any], path: Path) -> Any:
    if path.suffix == ".safetensors":
        read_safetensors(path)  # its errors are clearer than those of the loader below
    empty = timm.create_model(spec.model, pretrained=False, **kwargs)
    overlay = {"file": str(path)}
    return load_strictly(
        empty,
        lambda: timm.create_model(spec.model, pretrained=True, pretrained_cfg_overlay=overlay, **kwargs),
        name=spec.name,
    )


def _preprocessing(config: dict[str, Any]) -> Preprocessing:
    size = tuple(config["input_size"][-2:])
    mode = _RESIZE_MODES.get(config["crop_mode"])
    if mode is None:
        raise ConfigError(f"crop mode {config['crop_mode']!r} of this model is not one of {sorted(_RESIZE_MODES)}")
    mean = tuple(config["mean"])
    return Preprocessing(
        size=size,
        resize_to=scale_size(size, config["crop_pct"]),
        mean=mean,
        std=tuple(config["std"]),
        interpolation=config["interpolation"],
        resize_mode=mode,
        fill=tuple(round(255 * value) for value in mean) if mode == "longest" else (0, 0, 0),
    )
