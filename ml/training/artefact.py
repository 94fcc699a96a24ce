"""A trained learner on disk: safetensors weights with everything needed to use them in the header."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from ml.errors import ArtefactError
from ml.training.episode import EpisodeLearner
from ml.training.methods.registry import LearnerSpec, build_learner
from ml.training.networks.encoder import EncoderNetwork
from ml.training.store import Normalization

FORMAT = "winnow.learner/1"


def save_learner(
    path: Path,
    learner: EpisodeLearner,
    *,
    spec: LearnerSpec,
    normalization: Normalization,
    about: dict[str, Any] | None = None,
    half: bool = False,
) -> None:
    """Write weights, spec, preprocessing and free facts `about` the run. `half` stores float16 weights.

    Frozen weights of an encoder stay where they came from: a LoRA or last-block file holds what was trained.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    frozen = _frozen_names(learner)
    state = {name: tensor for name, tensor in learner.state_dict().items() if name not in frozen}
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    if half:
        weights = {name: w.half() if w.is_floating_point() else w for name, w in weights.items()}
    header = {"spec": asdict(spec), "normalization": asdict(normalization), "about": about or {}}
    save_file(weights, path, metadata={"format": FORMAT, "header": json.dumps(header)})


def load_learner(path: Path) -> tuple[EpisodeLearner, LearnerSpec, Normalization]:
    """The learner in evaluation mode, on the CPU. Raises ArtefactError for a file that is something else."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise ArtefactError(f"{path} is not a learner of format {FORMAT}; give the file that training wrote")
            header = json.loads(metadata["header"])
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, json.JSONDecodeError) as error:
        raise ArtefactError(f"{path} cannot be read as a learner: {error}") from error
    spec = LearnerSpec(**header["spec"])
    learner = build_learner(spec)
    weights = {name: w.float() if w.dtype == torch.float16 else w for name, w in weights.items()}
    try:
        frozen = _frozen_names(learner)
        base = {name: tensor for name, tensor in learner.state_dict().items() if name in frozen}
        learner.load_state_dict(base | weights)
    except RuntimeError as error:
        raise ArtefactError(f"{path} holds weights of another network: {error}") from error
    statistics = header["normalization"]
    return learner.eval(), spec, Normalization(tuple(statistics["mean"]), tuple(statistics["std"]))


def _frozen_names(learner: EpisodeLearner) -> set[str]:
    """Weights and statistics of an encoder that training leaves as they are."""
    if not isinstance(learner.network, EncoderNetwork):
        return set()
    trained = {f"network.{name}" for name, p in learner.network.named_parameters() if p.requires_grad}
    return {name for name in learner.state_dict() if name.startswith("network.")} - trained
