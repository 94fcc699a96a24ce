"""Image-text encoders through open_clip: by tag, from the hub, or from a folder of ours."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import open_clip
import torch
from open_clip.factory import load_checkpoint
from open_clip.transform import PreprocessCfg
from torch import Tensor

from ml.data.preprocess import Preprocessing
from ml.encoders.spec import EncoderSpec
from ml.encoders.towers import Towers
from ml.encoders.weights import hub_errors, load_strictly, read_safetensors
from ml.errors import ConfigError


def build_open_clip(spec: EncoderSpec, *, cache_dir: Path | None = None) -> Towers:
    """Build and fill an open_clip model in float32 on the CPU, in eval mode.

    Raises:
        EncoderUnavailableError: The weights are neither cached nor reachable.
        ArtefactError: The weights do not fit the model.
    """
    cache = str(cache_dir) if cache_dir else None
    if spec.source == "file":
        model = _from_file(spec)
    elif spec.source == "random":
        model = _random(spec)
    else:
        model = _from_hub(spec, cache)
    model.eval().requires_grad_(False)
    return _towers(model, _tokenizer(spec, model, cache))


def _from_hub(spec: EncoderSpec, cache: str | None) -> Any:
    if spec.source == "tag":
        with hub_errors(spec.name):
            path = open_clip.download_pretrained(open_clip.get_pretrained_cfg(spec.model, spec.tag), cache_dir=cache)
        model_name, tag = spec.model, spec.tag
    else:
        with hub_errors(spec.name):
            path = open_clip.download_pretrained_from_hf(spec.model, cache_dir=cache)
        model_name, tag = f"hf-hub:{spec.model}", None
    if Path(path).suffix == ".safetensors":
        read_safetensors(Path(path))
    model = open_clip.create_model(model_name, tag, load_weights=False, pretrained_text=False, cache_dir=cache)
    load_strictly(model, lambda: load_checkpoint(model, str(path), weights_only=True), name=spec.name)
    return model


def _from_file(spec: EncoderSpec) -> Any:
    model = _empty(spec)
    weights = cast(Path, spec.weights)
    tensors = read_safetensors(weights)
    if not tensors:
        raise ConfigError(f"{weights} holds no tensors")
    load_strictly(model, lambda: load_checkpoint(model, str(weights), weights_only=True), name=spec.name)
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
    default = {"size": model.visual.image_size}
    open_clip.model.set_model_preprocess_cfg(model, open_clip.transform.merge_preprocess_dict(PreprocessCfg(), default))
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


def _tokenizer(spec: EncoderSpec, model: Any, cache: str | None) -> Any:
    if spec.tokenizer is not None or spec.model_cfg is not None:
        text_cfg = (spec.model_cfg or {}).get("text_cfg", {})
        merges = {"bpe_path": str(spec.tokenizer)} if spec.tokenizer else {}
        tokenizer = open_clip.SimpleTokenizer(context_length=text_cfg.get("context_length", 77), **merges)
        if text_cfg.get("vocab_size", 49408) < tokenizer.vocab_size:
            raise ConfigError(
                f"{spec.name}: the text tower knows {text_cfg['vocab_size']} tokens, its tokenizer makes "
                f"{tokenizer.vocab_size}; put the byte-pair merges it was trained with beside the weights"
            )
        return tokenizer
    name = f"hf-hub:{spec.model}" if spec.source == "hub" else spec.model
    with hub_errors(f"the tokenizer of {spec.name}"):
        return open_clip.get_tokenizer(name, cache_dir=cache)


def _towers(model: Any, tokenizer: Any) -> Towers:
    def tokenize(texts: Sequence[str]) -> Tensor:
        return cast(Tensor, tokenizer(list(texts)))

    bias = getattr(model, "logit_bias", None)
    return Towers(
        module=model,
        preprocessing=_preprocessing(PreprocessCfg(**model.visual.preprocess_cfg)),
        encode_image=model.encode_image,
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
