"""What an encoder is, before any weight is loaded: its name, where its weights lie, how it sees an image."""

import difflib
import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from ml.data.decode_rgb import DECODER
from ml.data.preprocess import Preprocessing, ResizeMode, scale_size
from ml.errors import ArtefactError, ConfigError, EncoderUnavailableError

DEMO_FOLDER = Path(__file__).parent / "demo"
DEMO_WEIGHTS = "weights.safetensors"
NAMING = "an encoder is named demo, open_clip:NAME/TAG, hf-hub:ORG/MODEL, timm:NAME or the path of a JSON spec"

Library = Literal["open_clip", "timm"]
Source = Literal["tag", "hub", "file", "random"]


@dataclass(frozen=True)
class EncoderSpec:
    """Identity of an encoder. `load_encoder` fills `preprocessing` and `weights_digest` where they were open.

    `source` says where the weights come from: a pretrained tag of the library (`tag`), a repository of the model hub
    (`model` is then its id), a local safetensors file (`weights`), or nowhere (`random`, for timing).
    """

    name: str
    library: Library
    model: str
    source: Source
    tag: str | None = None
    weights: Path | None = None
    model_cfg: dict[str, Any] | None = None  # an open_clip configuration that the library does not know by name
    model_kwargs: dict[str, Any] = field(default_factory=dict)
    tokenizer: Path | None = None  # byte-pair merges of a text tower with a vocabulary of its own
    preprocessing: Preprocessing | None = None
    overrides: dict[str, Any] = field(default_factory=dict)  # single preprocessing values of a JSON spec
    embedding_dim: int | None = None
    license: str | None = None
    dtype: str = "auto"
    weights_digest: str | None = None

    @property
    def fingerprint(self) -> str:
        """Hash of everything that moves a vector; equal fingerprints mean one space.

        Covers the weights, the preprocessing, the decoder with its resize, and the dtype policy. `auto` promises
        cosine ≥ 0.999 to float32 on whatever machine runs it, so it is one policy, not one per machine.
        """
        if self.weights_digest is None or self.preprocessing is None:
            raise ConfigError(f"encoder {self.name!r} is not loaded yet: load_encoder(...).fingerprint")
        identity = {
            "library": self.library,
            "model": self.model,
            "model_cfg": self.model_cfg,
            "model_kwargs": self.model_kwargs,
            "weights": self.weights_digest,
            "preprocessing": self.preprocessing.as_dict(),
            "decoder": DECODER,
            "dtype": self.dtype,
        }
        return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON: what a stored encoder version keeps of its encoder."""
        return {key: str(value) if isinstance(value, Path) else value for key, value in asdict(self).items()}


def resolve_spec(name: str | Path) -> EncoderSpec:
    """The spec behind a name. Reads names and small JSON files only: no network, no weights.

    Raises:
        ConfigError: The name is malformed, or a model or tag is unknown (the message names the nearest ones).
        EncoderUnavailableError: `demo` has no weights yet.
        ArtefactError: A JSON spec is broken or points at a missing file.
    """
    text = str(name)
    if text == "demo":
        return _demo_spec()
    scheme, _, rest = text.partition(":")
    if scheme == "open_clip" and rest:
        return _open_clip_spec(text, rest)
    if scheme == "timm" and rest:
        return _timm_spec(text, rest)
    if scheme == "hf-hub" and rest.count("/") == 1:
        return EncoderSpec(name=text, library="open_clip", model=rest, source="hub")
    path = Path(text)
    if path.suffix == ".json" and path.is_file():
        return _json_spec(path)
    if text and path.is_dir():
        return _folder_spec(path, name=text)
    raise ConfigError(f"no encoder is called {text!r}; {NAMING}")


def _demo_spec() -> EncoderSpec:
    if not (DEMO_FOLDER / DEMO_WEIGHTS).is_file():
        raise EncoderUnavailableError(f"the demo encoder has no weights in {DEMO_FOLDER}; run `make demo-encoder`")
    return _folder_spec(DEMO_FOLDER, name="demo")


def _open_clip_spec(name: str, rest: str) -> EncoderSpec:
    import open_clip

    model, _, tag = rest.partition("/")
    if model not in open_clip.list_models():
        raise ConfigError(f"open_clip has no model {model!r}; nearest: {_nearest(model, open_clip.list_models())}")
    if tag == "random":
        return EncoderSpec(name=name, library="open_clip", model=model, source="random")
    tags = open_clip.list_pretrained_tags_by_model(model)
    clean = tag.lower().replace("-", "_")
    if clean not in tags:
        raise ConfigError(f"{model} has no pretrained tag {tag!r}; valid: {_nearest(clean, tags)}")
    quick = bool(open_clip.get_pretrained_cfg(model, clean).get("quick_gelu", False))
    if quick != bool(open_clip.get_model_config(model).get("quick_gelu", False)):
        other = f"{model}-quickgelu" if quick else model.removesuffix("-quickgelu")
        raise ConfigError(f"the weights {tag!r} were trained with another activation: open_clip:{other}/{tag}")
    return EncoderSpec(name=name, library="open_clip", model=model, source="tag", tag=clean)


def _timm_spec(name: str, rest: str) -> EncoderSpec:
    import timm

    model, _, tag = rest.partition("/")
    if tag not in ("", "random"):
        raise ConfigError(f"{name!r}: a timm tag follows a dot, as in timm:vit_small_patch14_dinov2.lvd142m")
    if not timm.is_model(model):
        raise ConfigError(f"timm has no model {model!r}; nearest: {_nearest(model, timm.list_models())}")
    if tag == "random":
        return EncoderSpec(name=name, library="timm", model=model, source="random")
    if not timm.is_model_pretrained(model):
        pretrained = timm.list_models(pretrained=True)
        raise ConfigError(f"timm has no weights for {model!r}; nearest: {_nearest(model, pretrained)}")
    return EncoderSpec(name=name, library="timm", model=model, source="tag")


def _json_spec(path: Path) -> EncoderSpec:
    values = _read_json(path)
    library = values.get("library")
    if library not in ("open_clip", "timm") or "model" not in values or "weights" not in values:
        raise ArtefactError(f"{path} is no encoder spec: it needs library (open_clip or timm), model and weights")
    keys = ("image_size", "crop_pct", "interpolation", "resize_mode", "mean", "std")
    return EncoderSpec(
        name=str(path),
        library=library,
        model=str(values["model"]),
        source="file",
        weights=_safetensors_beside(path, values["weights"]),
        model_cfg=values.get("model_cfg"),
        model_kwargs=dict(values.get("model_kwargs", {})),
        tokenizer=_beside(path, values["tokenizer"]) if values.get("tokenizer") else None,
        overrides={key: values[key] for key in keys if key in values},
        embedding_dim=values.get("embedding_dim"),
        license=values.get("license"),
    )


def _folder_spec(folder: Path, *, name: str) -> EncoderSpec:
    """A folder in open_clip's layout: config.json (or open_clip_config.json), weights, optional byte-pair merges."""
    config = next((folder / c for c in ("config.json", "open_clip_config.json") if (folder / c).is_file()), None)
    weights = next(iter(sorted(folder.glob("*.safetensors"))), None)
    if config is None or weights is None:
        raise ArtefactError(f"{folder} needs config.json and one .safetensors file to be an encoder")
    values = _read_json(config)
    merges = next(iter(sorted(folder.glob("bpe*.txt.gz"))), None)
    return EncoderSpec(
        name=name,
        library="open_clip",
        model=str(values.get("name", folder.name)),
        source="file",
        weights=weights,
        model_cfg=values.get("model_cfg", values),
        tokenizer=merges,
        overrides=dict(values.get("preprocess_cfg", {})),
        license=values.get("license"),
    )


def _safetensors_beside(path: Path, file_name: object) -> Path:
    if not str(file_name).endswith(".safetensors"):
        raise ArtefactError(f"{path}: weights are a .safetensors file, not {file_name}; convert them first")
    return _beside(path, file_name)


def _beside(path: Path, file_name: object) -> Path:
    found = path.parent / str(file_name)
    if not found.is_file():
        raise ArtefactError(f"{path} points at {file_name}, which is not beside it; put the file there")
    return found


def _read_json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ArtefactError(f"{path} is not readable JSON ({error})") from error
    if not isinstance(values, dict):
        raise ArtefactError(f"{path} holds {type(values).__name__}, an encoder spec is a JSON object")
    return values


def _nearest(word: str, words: list[str]) -> str:
    if not word:
        return ", ".join(sorted(words))
    return ", ".join(difflib.get_close_matches(word, words, n=5, cutoff=0.3) or sorted(words)[:12]) or "none"


def with_overrides(preprocessing: Preprocessing, overrides: dict[str, Any]) -> Preprocessing:
    """A library's preprocessing with the single values of a JSON spec (sizes, mean, std, …) laid over it."""
    if not overrides:
        return preprocessing
    size = overrides.get("image_size", overrides.get("size", preprocessing.size))
    height, width = (size, size) if isinstance(size, int) else tuple(size)
    crop_pct = overrides.get("crop_pct", preprocessing.size[0] / preprocessing.resize_to[0])
    mode: ResizeMode = overrides.get("resize_mode", preprocessing.resize_mode)
    return replace(
        preprocessing,
        size=(height, width),
        resize_to=scale_size((height, width), crop_pct),
        mean=tuple(overrides.get("mean", preprocessing.mean)),
        std=tuple(overrides.get("std", preprocessing.std)),
        interpolation=overrides.get("interpolation", preprocessing.interpolation),
        resize_mode=mode,
    )
