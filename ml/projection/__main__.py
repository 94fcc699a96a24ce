"""Lay out the vectors of one .npy file into another: python -m ml.projection IN OUT --method umap --seed 0."""

import argparse
import sys
from pathlib import Path

import numpy as np

from ml.errors import MlError
from ml.projection.layout import METHODS, lay_out


def main(argv: list[str]) -> int:
    """Exit status 1 and the reason on standard error where it cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m ml.projection", description=__doc__)
    parser.add_argument("vectors", type=Path)
    parser.add_argument("points", type=Path)
    parser.add_argument("--method", choices=METHODS, default="umap")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args(argv)
    try:
        points = lay_out(np.load(asked.vectors), method=asked.method, seed=asked.seed, threads=asked.threads)
    except (MlError, OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    np.save(asked.points, points)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
