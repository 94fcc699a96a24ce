"""`python -m ml.bench near_duplicates GUIDE`: in how many bits the hashes of two shots of one scene may differ.

GUIDE is a folder that `python -m ml.data.fieldguide` drew: its manifest names the pairs that were taken a moment apart.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ml.data.inspection import inspect_image
from ml.types import IntArray

THRESHOLDS = (0, 2, 4, 6, 8, 10, 12, 14)


def main(argv: Sequence[str]) -> int:
    """Print precision and recall over pairs, threshold by threshold."""
    parser = argparse.ArgumentParser(prog="python -m ml.bench near_duplicates", description=__doc__)
    parser.add_argument("guide", type=Path)
    args = parser.parse_args(argv)
    plates = [json.loads(line) for line in (args.guide / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
    hashes = np.array([_hash(args.guide / plate["file"]) for plate in plates], np.int64).view(np.uint64)
    places = {plate["file"]: i for i, plate in enumerate(plates)}
    twins = [(i, places[p["near_duplicate_of"]]) for i, p in enumerate(plates) if p["near_duplicate_of"]]
    far = np.array([int(np.bitwise_count(hashes[i] ^ hashes[j])) for i, j in twins])
    histogram = _distances(hashes)
    print(f"{len(plates)} pictures, {len(twins)} pairs taken a moment apart")
    for bits in THRESHOLDS:
        found, right = int(histogram[: bits + 1].sum()), int((far <= bits).sum())
        precision, recall = right / max(found, 1), right / len(twins)
        print(f"≤ {bits:2d} bits: precision {precision:.3f}, recall {recall:.3f}, {found} pairs")
    return 0


def _hash(path: Path) -> int:
    return inspect_image(path.read_bytes(), max_pixels=50_000_000).perceptual_hash


def _distances(hashes: np.ndarray[tuple[int], np.dtype[np.uint64]]) -> IntArray:
    """How many pairs differ in 0, 1, … 64 bits: (65,)."""
    total = np.zeros(65, np.int64)
    for i in range(len(hashes) - 1):
        total += np.bincount(np.bitwise_count(hashes[i + 1 :] ^ hashes[i]).astype(np.int64), minlength=65)
    return total
