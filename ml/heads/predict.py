"""A head over a whole pool in one pass, reduced inside each chunk: P×N is never held."""

import numpy as np
import torch
from torch import Tensor

from ml.errors import ShapeError
from ml.heads.base import Head
from ml.types import FloatArray, IntArray, TopK

DEFAULT_CHUNK = 8192


def predict_topk(
    head: Head, vectors: FloatArray, *, k: int = 5, chunk: int = DEFAULT_CHUNK, columns: IntArray | None = None
) -> TopK:
    """The k likeliest classes of each vector, with margin and entropy over all classes.

    Args:
        head: Any head; its device does the work.
        vectors: (P, D) float16 or float32, possibly a memory map; read `chunk` rows at a time.
        k: Classes kept; at most N are given.
        chunk: Rows at a time. 8,192 × 512 float32 stay in a last-level cache.
        columns: (M,) classes to choose among where some of the head's no longer count; answers are positions in it.

    Returns:
        `TopK` in the order of `vectors`. With one class margin is 1.

    Raises:
        SpaceMismatchError, NonFiniteError: As `Head.logits`.
    """
    if k < 1 or chunk < 1:
        raise ShapeError(f"k and chunk are at least 1, got {k} and {chunk}")
    k = min(k, head.n_classes if columns is None else len(columns))
    total = len(vectors)
    index = np.empty((total, k), np.int32)
    probability = np.empty((total, k), np.float32)
    margin, entropy = np.empty(total, np.float32), np.empty(total, np.float32)
    device = next(iter(head.tensors().values())).device
    kept = None if columns is None else torch.as_tensor(columns, dtype=torch.int64, device=device)
    with torch.inference_mode():
        for start in range(0, total, chunk):
            rows = slice(start, min(start + chunk, total))
            block = torch.from_numpy(np.array(vectors[rows])).to(device)  # a copy: memory maps are read-only
            logits = head.logits(block)
            parts = _reduced(logits if kept is None else logits[:, kept], temperature=head.temperature, k=k)
            for target, part in zip((index, probability, margin, entropy), parts, strict=True):
                target[rows] = part.cpu().numpy()
    return TopK(class_index=index, probability=probability, margin=margin, entropy=entropy)


def _reduced(logits: Tensor, *, temperature: float, k: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Top-k, their probabilities, margin and entropy of one chunk (B, N); overwrites `logits`.

    Entropy needs no table of p log p: with z the scaled logits it is log Z - E[z].
    """
    scaled = logits.div_(temperature)
    best, index = scaled.topk(min(max(k, 2), scaled.shape[1]), dim=1)
    scaled.sub_(best[:, :1])
    weights = scaled.exp()
    total = weights.sum(dim=1)
    entropy = total.log() - torch.linalg.vecdot(weights, scaled) / total
    probability = (best - best[:, :1]).exp_().div_(total[:, None])
    margin = probability[:, 0] - probability[:, 1] if probability.shape[1] > 1 else torch.ones_like(total)
    return index[:, :k], probability[:, :k], margin, entropy.clamp_(min=0)
