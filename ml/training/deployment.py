"""A compact student as one ONNX file: pixels of any size in, probabilities out, the categories' names inside."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from ml.errors import ArtefactError
from ml.training.compact import SIZE, CompactStudent, prepared

OPSET = 20
LARGEST_DIFFERENCE = 1e-3
LARGEST_BYTES = 5_000_000
HALVED_FROM = 1024
"""Tensors of so many numbers are stored as float16; what is smaller saves nothing."""
PREPROCESSING = {
    "input": "uint8 RGB (B, H, W, 3), any size",
    "crop": "middle square",
    "resize": f"bicubic to {SIZE} x {SIZE}, without aliasing",
}


@dataclass(frozen=True)
class Deployed:
    """The file and how it compares: largest difference in probability to PyTorch, milliseconds an image, one thread."""

    path: Path
    size_bytes: int
    largest_difference: float
    milliseconds_per_image: float


class _Probabilities(nn.Module):
    def __init__(self, student: CompactStudent) -> None:
        super().__init__()
        self.student = student

    def forward(self, images: Tensor) -> Tensor:
        return self.student.forward(images).softmax(dim=1)


def deploy(student: CompactStudent, path: Path, *, labels: Sequence[Mapping[str, Any]], seed: int = 0) -> Deployed:
    """Write ONNX and run it in onnxruntime beside PyTorch on random pictures of several sizes.

    Input "images": uint8 (B, H, W, 3) RGB. Output "probabilities": (B, N), in the order of `labels`, which lie as JSON
    in the file's metadata beside what is done to the pixels.

    Raises:
        ArtefactError: The file answers otherwise than PyTorch by more than 1e-3.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    model = _Probabilities(student).eval()
    torch.onnx.export(
        model,
        (torch.rand((2, 3, SIZE, SIZE), generator=torch.Generator().manual_seed(seed)),),
        str(path),
        input_names=["pixels"],
        output_names=["probabilities"],
        dynamic_shapes={"images": {0: torch.export.Dim("batch", min=1, max=4096)}},
        opset_version=OPSET,
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    graph = onnx.load(str(path))
    _see_pictures(graph)
    _halve(graph)
    _forget_source(graph)
    notes = {"labels": json.dumps(list(labels)), "preprocessing": json.dumps(PREPROCESSING)}
    helper.set_model_props(graph, notes)
    onnx.checker.check_model(graph)
    onnx.save(graph, str(path))
    return _compared(model, path, seed=seed)


def student_probabilities(path: Path, pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """(B, N) of pictures (H, W, 3), as anyone who has the file gets them."""
    session = _session(path)
    rows = [session.run(None, {"images": picture[None]})[0] for picture in pictures]
    return np.concatenate(rows).astype(np.float32)


def _session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _compared(model: nn.Module, path: Path, *, seed: int) -> Deployed:
    rng = np.random.default_rng(seed)
    pictures = [rng.integers(0, 256, (*shape, 3), np.uint8) for shape in ((129, 129), (256, 341), (300, 200), (32, 32))]
    with torch.no_grad():
        wanted = model(torch.stack([prepared(torch.from_numpy(picture)) for picture in pictures])).numpy()
    difference = float(np.abs(student_probabilities(path, pictures) - wanted).max())
    if not difference <= LARGEST_DIFFERENCE:
        raise ArtefactError(
            f"the exported student differs from PyTorch by {difference:.2g}, more than {LARGEST_DIFFERENCE}: "
            "export it with the versions of constraints.txt"
        )
    session, batch = _session(path), np.stack([pictures[1]] * 8)
    session.run(None, {"images": batch})
    started = time.perf_counter()
    session.run(None, {"images": batch})
    milliseconds = (time.perf_counter() - started) / len(batch) * 1000
    return Deployed(path, path.stat().st_size, difference, milliseconds)


def _see_pictures(model: onnx.ModelProto) -> None:
    """Put before the network what `prepared` does: crop, resize, scale."""
    constants: dict[str, NDArray[Any]] = {
        "two": np.array([2], np.int64),
        "four": np.array([4], np.int64),
        "zero": np.array([0], np.int64),
        "axes": np.array([2, 3], np.int64),
        "target": np.array([SIZE, SIZE], np.int64),
        "black": np.array(0, np.float32),
        "white": np.array(255, np.float32),
    }
    node = helper.make_node
    steps = [
        node("Cast", ["images"], ["see.float"], to=TensorProto.FLOAT),
        node("Transpose", ["see.float"], ["see.planes"], perm=[0, 3, 1, 2]),
        node("Shape", ["see.planes"], ["see.shape"]),
        node("Slice", ["see.shape", "see.two", "see.four", "see.zero"], ["see.sides"]),
        node("Slice", ["see.shape", "see.zero", "see.two", "see.zero"], ["see.batch"]),
        node("ReduceMin", ["see.sides"], ["see.side"], keepdims=1),
        node("Sub", ["see.sides", "see.side"], ["see.spare"]),
        node("Div", ["see.spare", "see.two"], ["see.first"]),
        node("Add", ["see.first", "see.side"], ["see.last"]),
        node("Slice", ["see.planes", "see.first", "see.last", "see.axes"], ["see.square"]),
        node("Concat", ["see.batch", "see.target"], ["see.sizes"], axis=0),
        node(
            "Resize",
            ["see.square", "", "", "see.sizes"],
            ["see.resized"],
            mode="cubic",
            antialias=1,
            cubic_coeff_a=-0.5,
            exclude_outside=1,
        ),
        node("Clip", ["see.resized", "see.black", "see.white"], ["see.clipped"]),
        node("Div", ["see.clipped", "see.white"], ["pixels"]),
    ]
    graph = model.graph
    made = [numpy_helper.from_array(value, f"see.{name}") for name, value in constants.items()]
    graph.initializer.extend(made)
    for place, step in enumerate(steps):
        graph.node.insert(place, step)
    del graph.input[:]
    graph.input.append(helper.make_tensor_value_info("images", TensorProto.UINT8, ["batch", "height", "width", 3]))


def _forget_source(model: onnx.ModelProto) -> None:
    """Take out where in the Python source each node comes from: a third of a megabyte that nobody runs."""
    graph = model.graph
    del graph.value_info[:]
    del graph.metadata_props[:]
    for node in graph.node:
        del node.metadata_props[:]
        node.doc_string = ""


def _halve(model: onnx.ModelProto) -> None:
    """Store large weights as float16 and cast them when the file is loaded; they hold nothing finer anyway."""
    graph = model.graph
    for place, tensor in enumerate(list(graph.initializer)):
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < HALVED_FROM:
            continue
        half = values.astype(np.float16)
        if not np.array_equal(half.astype(np.float32), values):
            continue
        name = str(tensor.name)
        graph.initializer[place].CopyFrom(numpy_helper.from_array(half, f"{name}.half"))
        graph.node.insert(0, helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
