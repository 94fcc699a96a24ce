"""Real photographs, a few categories of them, as files under names that tell nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

PARQUET = Path(__file__).resolve().parents[3] / "shared" / "data" / "tiny-imagenet-160.parquet"
NAMES = [
    "goldfish",
    "monarch",
    "king penguin",
    "koala",
    "jellyfish",
    "tarantula",
    "African elephant",
    "school bus",
    "teapot",
    "lemon",
]


@dataclass(frozen=True)
class Photograph:
    name: str
    category: str
    content: bytes


def photographs(per_category: int, *, names: Sequence[str] = NAMES) -> list[Photograph]:
    """`per_category` images of each category, mixed; the file name does not say what is on it."""
    if not PARQUET.exists():
        pytest.skip("needs ../shared/data/tiny-imagenet-160.parquet, which is not here")
    table = pq.read_table(PARQUET, columns=["name", "image"])
    chosen = []
    for category in names:
        rows = table.filter(pc.equal(table["name"], category))["image"].slice(0, per_category).to_pylist()
        assert len(rows) == per_category, f"{category} has {len(rows)} images"
        chosen += [(category, content) for content in rows]
    order = sorted(range(len(chosen)), key=lambda at: (at * 7919) % len(chosen))
    return [Photograph(f"photo-{place:04}.jpg", *chosen[at]) for place, at in enumerate(order)]
