"""The one place that decides how an image-text encoder reads: which tokenizer, with which vocabulary."""

import json
from pathlib import Path
from typing import Any

import open_clip
from huggingface_hub import try_to_load_from_cache
from open_clip.constants import HF_CONFIG_NAME

from ml.encoders.hub import hub_errors, hub_file
from ml.encoders.spec import EncoderSpec
from ml.errors import ConfigError

_CLIP_CONTEXT = 77
_CLIP_VOCABULARY = 49408


def build_tokenizer(spec: EncoderSpec, *, cache_dir: Path | None = None) -> Any:
    """A callable from a list of B texts to (B, T) token ids.

    A spec with `tokenizer` set reads its own byte-pair merges (as the demo encoder does, whose vocabulary is cut
    down); otherwise the model's configuration decides, as in open_clip.

    Raises:
        ConfigError: The tokenizer makes ids that the text tower does not know.
        EncoderUnavailableError: A tokenizer of the hub is neither cached nor reachable.
    """
    text_cfg = _model_cfg(spec, cache_dir)["text_cfg"]
    context = text_cfg.get("context_length", _CLIP_CONTEXT)
    options = dict(text_cfg.get("tokenizer_kwargs", {}))
    hub_name = text_cfg.get("hf_tokenizer_name")
    if spec.tokenizer is None and hub_name:
        with hub_errors(f"the tokenizer of {spec.name}"):
            source = _cached_folder(hub_name, cache_dir)
            mode = text_cfg.get("tokenizer_mode")
            return open_clip.HFTokenizer(
                source, context_length=context, cache_dir=cache_dir, tokenizer_mode=mode, **options
            )
    if spec.tokenizer is not None:
        options["bpe_path"] = str(spec.tokenizer)
    tokenizer = open_clip.SimpleTokenizer(context_length=context, **options)
    known = text_cfg.get("vocab_size", _CLIP_VOCABULARY)
    if known < tokenizer.vocab_size:
        raise ConfigError(
            f"{spec.name}: the text tower knows {known} tokens, its tokenizer makes {tokenizer.vocab_size}; "
            "put the byte-pair merges that it was trained with beside the weights"
        )
    return tokenizer


def _model_cfg(spec: EncoderSpec, cache_dir: Path | None) -> dict[str, Any]:
    if spec.model_cfg is not None:
        return spec.model_cfg
    if spec.source == "hub":
        with hub_errors(spec.name):
            config = hub_file(spec.model, [HF_CONFIG_NAME], cache_dir=cache_dir)
        return dict(json.loads(config.read_text(encoding="utf-8"))["model_cfg"])
    return dict(open_clip.get_model_config(spec.model))


def _cached_folder(name: str, cache_dir: Path | None) -> str:
    """The folder of a cached tokenizer, so that a machine without a network does not wait for one."""
    found = try_to_load_from_cache(name, "tokenizer_config.json", cache_dir=cache_dir)
    return str(Path(found).parent) if isinstance(found, str) else name
