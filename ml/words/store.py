"""A kit on disk: tensors in safetensors, the rest as JSON in the header, the network of Text2Model in its own file."""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from ml.errors import ArtefactError, SpaceMismatchError
from ml.icis.autoencoders import IcisModel
from ml.text2model.writer import load_writer, save_writer
from ml.words.describe import TEXT_SPACE, Described
from ml.words.kit import WordsKit
from ml.words.rehearsal import Rehearsal
from ml.words.writers import Writers

FORMAT = "winnow.words/1"
KIT_FILE, NETWORK_FILE = "words.safetensors", "text2model.safetensors"


def save_kit(kit: WordsKit, folder: Path) -> None:
    """Write one or two files; the kit comes last, so that it proves the network is there."""
    folder.mkdir(parents=True, exist_ok=True)
    writers = kit.writers
    if writers.model is not None:
        save_writer(folder / NETWORK_FILE, writers.model)
    counts = torch.tensor([len(own) for own in writers.described.texts])
    tensors = {"metric": writers.metric, "center": kit.center, "texts": torch.cat(writers.described.texts)}
    tensors |= {"counts": counts} | {f"icis.{name}": part for name, part in writers.icis.tensors.items()}
    if writers.described.tower is not None:
        tensors["tower"] = writers.described.tower
    header = {
        "space": writers.described.space,
        "text_space": writers.described.text_space,
        "kernel": list(writers.kernel),
        "epochs": writers.icis.epochs,
        "network": writers.model is not None,
        "rehearsal": kit.rehearsal.as_json(),
    }
    kept = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    save_file(kept, folder / KIT_FILE, metadata={"format": FORMAT, "header": json.dumps(header)})


def load_kit(folder: Path, *, space: str) -> WordsKit:
    """Read a kit that `save_kit` wrote.

    Raises:
        ArtefactError: A file is missing, damaged or of another format.
        SpaceMismatchError: It belongs to another image encoder, or to another sentence encoder than this version's.
    """
    try:
        with safe_open(folder / KIT_FILE, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise ArtefactError(f"{folder} holds no kit of format {FORMAT}; let the project rehearse again")
            header = json.loads(metadata["header"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if header["space"] != space or header["text_space"] != TEXT_SPACE:
            raise SpaceMismatchError(
                f"these rows were learned in space {header['space']} from {header['text_space']}, not in {space} from "
                f"{TEXT_SPACE}; let the project rehearse again"
            )
        icis = {name.removeprefix("icis."): part for name, part in tensors.items() if name.startswith("icis.")}
        texts = list(torch.split(tensors["texts"], tensors["counts"].tolist()))
        writers = Writers(
            Described(texts, tensors.get("tower"), header["space"], header["text_space"]),
            IcisModel(icis, int(header["epochs"]), []),
            (float(header["kernel"][0]), float(header["kernel"][1])),
            load_writer(folder / NETWORK_FILE) if header["network"] else None,
            tensors["metric"],
        )
        return WordsKit(writers, tensors["center"], Rehearsal.of_json(header["rehearsal"]))
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise ArtefactError(f"{folder} cannot be read as a kit for new classes: {error}") from error
