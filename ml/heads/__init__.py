"""Heads turn vectors of one space into calibrated class probabilities."""

from ml.heads.base import Examples, Head
from ml.heads.fit import KINDS, default_kind, fit_head
from ml.heads.predict import predict_topk
from ml.heads.store import StoredHead, load_head, save_head

__all__ = [
    "KINDS",
    "Examples",
    "Head",
    "StoredHead",
    "default_kind",
    "fit_head",
    "load_head",
    "predict_topk",
    "save_head",
]
