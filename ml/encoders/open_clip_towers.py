"""Image-text encoders through open_clip: by tag, from the hub, or from a folder of ours."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import open_clip
import torch
from open_clip.constants import HF_CONFIG_NAME, HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME
from open_clip.factory import load_checkpoint
from open_clip.model import set_model_preprocess_cfg
from open_clip.transform import PreprocessCfg, merge_preprocess_dict
from torch import Tensor

from ml.data.preprocess import Preprocessing
from ml.encoders.hub import hub_errors, hub_file
from ml.encoders.spec import EncoderSpec
from ml.encoders.tokenizer import build_tokenizer
from ml.encoders.towers import Towers
from ml.encoders.weights import load_strictly, read_safetensors
from ml.errors import ConfigError


def build_open_clip(spec: EncoderSpec, *, cache_dir: Path | None = None) -> Towers:
    """Build and fill an open_clip model in float32 on the CPU, in eval mode.

    Raises:
        EncoderUnavailableError: The weights are neither cached nor reachable.
        ArtefactError: The weights do not fit the model.
    """
    if spec.source == "file":
        model = _from_file(spec)
    elif spec.source == "random":
        model = _random(spec)
    elif spec.source == "tag":
        model = _from_tag(spec, cache_dir)
    else:
        model = _from_hub(spec, cache_dir)
    model.eval().requires_grad_(False)
    return _towers(model, build_tokenizer(spec, cache_dir=cache_dir))


def _from_tag(spec: EncoderSpec, cache_dir: Path | None) -> Any:
    cfg = open_clip.get_pretrained_cfg(spec.model, spec.tag)
    model = open_clip.create_model(spec.model, None, pretrained_text=False, **spec.model_kwargs)
    with hub_errors(spec.name):
        repository, _, name = cfg.get("hf_hub", "").rpartition("/")
        names = _weight_names(name)
        path = hub_file(repository, names, cache_dir=cache_dir) if repository else _by_address(cfg, cache_dir)
    _fill(model, path, name=spec.name)
    size = {"size": model.visual.image_size}
    set_model_preprocess_cfg(model, merge_preprocess_dict(merge_preprocess_dict(PreprocessCfg(), cfg), size))
    return model


def _from_hub(spec: EncoderSpec, cache_dir: Path | None) -> Any:
    with hub_errors(spec.name):
        config = hub_file(spec.model, [HF_CONFIG_NAME], cache_dir=cache_dir)
        path = hub_file(spec.model, _weight_names(""), cache_dir=cache_dir)
        model = open_clip.create_model(f"local-dir:{config.parent}", load_weights=False, pretrained_text=False)
    _fill(model, path, name=spec.name)
    return model


def _by_address(cfg: dict[str, Any], cache_dir: Path | None) -> Path:
    return Path(open_clip.download_pretrained(cfg, cache_dir=str(cache_dir) if cache_dir else None))


def _weight_names(name: str) -> list[str]:
    """File names to try, safetensors first."""
    name = name or HF_WEIGHTS_NAME
    safe = HF_SAFE_WEIGHTS_NAME if name == HF_WEIGHTS_NAME else f"{name.rpartition('.')[0]}.safetensors"
    return list(dict.fromkeys([safe, name]))


def _fill(model: Any, path: Path, *, name: str) -> None:
    if path.suffix == ".safetensors":
        read_safetensors(path)  # its errors are clearer than those of the loader below
    load_strictly(model, lambda: load_checkpoint(model, str(path), weights_only=True), name=name)


def _from_file(spec: EncoderSpec) -> Any:
    model = _empty(spec)
    _fill(model, cast(Path, spec.weights), name=spec.name)
    return model


def _random(spec: EncoderSpec) -> Any:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return _empty(spec)


def _empty(spec: EncoderSpec) -> Any:
    if spec.model_cfg is None:
        return open_clip.create_model(spec.model, None, pretrained_text=False, **spec.model_kwargs)
    cfg = {key: value for key, value in spec.model_cfg.items() if key in _MODEL_KEYS}
    missing = {"embed_dim", "vision_cfg", "text_cfg"} - set(cfg)
    if missing:
        raise ConfigError(f"{spec.name}: the model configuration lacks {sorted(missing)}")
    custom_text = cfg.pop("custom_text", False)
    model = (open_clip.CustomTextCLIP if custom_text else open_clip.CLIP)(**cfg, **spec.model_kwargs)
    set_model_preprocess_cfg(model, merge_preprocess_dict(PreprocessCfg(), {"size": model.visual.image_size}))
    return model


_MODEL_KEYS = {
    "embed_dim",
    "vision_cfg",
    "text_cfg",
    "quick_gelu",
    "custom_text",
    "init_logit_scale",
    "init_logit_bias",
    "nonscalar_logit_scale",
}


def _towers(model: Any, tokenizer: Any) -> Towers:
    def tokenize(texts: Sequence[str]) -> Tensor:
        return cast(Tensor, tokenizer(list(texts)))

    bias = getattr(model, "logit_bias", None)
    return Towers(
        module=model,
        preprocessing=_preprocessing(PreprocessCfg(**model.visual.preprocess_cfg)),
        image=model.visual,
        encode_text=model.encode_text,
        tokenize=tokenize,
        logit_scale=float(model.logit_scale.exp().mean()),
        logit_bias=None if bias is None else float(bias.mean()),
    )


def _preprocessing(cfg: Any) -> Preprocessing:
    size = (cfg.size, cfg.size) if isinstance(cfg.size, int) else tuple(cfg.size)
    return Preprocessing(
        size=size,
        resize_to=size,
        mean=tuple(cfg.mean),
        std=tuple(cfg.std),
        interpolation=cfg.interpolation,
        resize_mode=cfg.resize_mode,
        fill=(cfg.fill_color,) * 3 if isinstance(cfg.fill_color, int) else tuple(cfg.fill_color),
    )
