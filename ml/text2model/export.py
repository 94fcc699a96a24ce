"""An emitted model as an ONNX file: one or two matrix products that run on a phone, without the hypernetwork."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from ml.errors import NonFiniteError, ShapeError
from ml.text2model.emitted import EmittedModel

OPSET = 17
INPUT, OUTPUT = "features", "logits"


def export_onnx(model: EmittedModel, path: Path, *, class_names: Sequence[str]) -> int:
    """Write `features` (B, D) → `logits` (B, k); class names and space are in the file's metadata. Returns its bytes.

    Raises:
        ShapeError: A model of several tasks, or another number of names than classes.
        NonFiniteError: NaN or infinity among the weights.
    """
    if model.weight.ndim != 2 or len(class_names) != model.n_classes:
        raise ShapeError(
            f"expected one task and a name for each of its {model.n_classes} classes, got weights "
            f"{tuple(model.weight.shape)} and {len(class_names)} names"
        )
    arrays = [part.detach().cpu().float().numpy() for part in model.parts]
    if not all(np.isfinite(array).all() for array in arrays):
        raise NonFiniteError("the emitted model holds NaN or infinity; look at its descriptions")
    content = _model(arrays, dim=model.dim, classes=model.n_classes)
    helper.set_model_props(content, {"class_names": json.dumps(list(class_names)), "space": model.space})
    onnx.checker.check_model(content)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.write_bytes(content.SerializeToString())


def _model(arrays: list[NDArray[np.float32]], *, dim: int, classes: int) -> Any:
    names = [f"part{index}" for index in range(len(arrays))]
    nodes, source = [], INPUT
    if len(arrays) == 4:
        nodes = [
            helper.make_node("Gemm", [INPUT, *names[:2]], ["inner"], transB=1),
            helper.make_node("Relu", ["inner"], ["hidden"]),
        ]
        source = "hidden"
    nodes.append(helper.make_node("Gemm", [source, *names[-2:]], [OUTPUT], transB=1))
    graph = helper.make_graph(
        nodes,
        "emitted_model",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["batch", dim])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["batch", classes])],
        [numpy_helper.from_array(array, name) for array, name in zip(arrays, names, strict=True)],
    )
    # IR 8 is what runtimes of the last years read.
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
