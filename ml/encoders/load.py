"""From a name to a working encoder."""

from dataclasses import replace
from pathlib import Path

import torch

from ml.encoders.encoder import Encoder
from ml.encoders.precision import DTYPES
from ml.encoders.spec import EncoderSpec, resolve_spec
from ml.encoders.weights import check_and_digest
from ml.errors import ConfigError


def load_encoder(
    name: str | Path | EncoderSpec,
    *,
    device: str | torch.device = "cpu",
    dtype: str | None = None,
    cache_dir: Path | None = None,
) -> Encoder:
    """Load an encoder, from the local cache where it is there.

    Args:
        name: `demo`, `open_clip:NAME/TAG`, `hf-hub:ORG/MODEL`, `timm:NAME`, the path of a JSON spec, or a spec.
        device: Where the model runs.
        dtype: `auto` (the default), `float32` or `bfloat16`, for images; a part of the fingerprint.
        cache_dir: Cache of the model hub; None takes the hub library's own.

    Raises:
        ConfigError: No such name, or an impossible device.
        EncoderUnavailableError: The weights are not here and cannot be fetched; the message names the next step.
        ArtefactError, ShapeError, NonFiniteError: The weights are not what they claim to be.
    """
    spec = name if isinstance(name, EncoderSpec) else resolve_spec(name)
    if dtype is not None:
        spec = replace(spec, dtype=dtype)
    if spec.dtype not in ("auto", *DTYPES):
        raise ConfigError(f"dtype is auto or one of {', '.join(DTYPES)}, not {spec.dtype!r}")
    target = torch.device(device)
    if target.type == "cuda" and not torch.cuda.is_available():
        raise ConfigError("device cuda was asked for, and torch sees no CUDA device; use device='cpu'")
    # Each library costs seconds to import, so only the one that is needed is.
    if spec.library == "open_clip":
        from ml.encoders.open_clip_towers import build_open_clip

        towers = build_open_clip(spec, cache_dir=cache_dir)
    else:
        from ml.encoders.timm_towers import build_timm

        towers = build_timm(spec, cache_dir=cache_dir)
    digest = check_and_digest(towers.module, name=spec.name)
    return Encoder(spec, towers, device=target, digest=digest)
