"""Near-duplicates are found by hashes that differ in a few bits, and nothing else is."""

import numpy as np

from server.images.duplicates import group_ids


def grouped(*hashes: int) -> list[int]:
    ids = np.arange(10, 10 + len(hashes))
    return group_ids(ids, np.array(hashes, dtype=np.uint64), max_bits=4).tolist()


def test_equal_hashes_are_one_group_named_by_its_first_image() -> None:
    assert grouped(7, 7, 0xFF << 40, 7) == [10, 10, 0, 10]


def test_four_bits_apart_is_near_and_five_is_not() -> None:
    assert grouped(0, 0b1111) == [10, 10]
    assert grouped(0, 0b11111) == [0, 0]


def test_bits_may_differ_anywhere() -> None:
    far_apart = 1 | 1 << 20 | 1 << 40 | 1 << 63
    assert grouped(0, far_apart) == [10, 10]


def test_it_finds_what_comparing_every_pair_finds() -> None:
    rng = np.random.default_rng(0)
    base = rng.integers(0, 2**63, 200, dtype=np.uint64)
    flips = np.array([sum(1 << int(bit) for bit in rng.choice(64, 3, replace=False)) for _ in range(100)], np.uint64)
    hashes = np.concatenate([base, base[:100] ^ flips])
    groups = group_ids(np.arange(1, 301), hashes, max_bits=4)
    distance = np.bitwise_count(hashes[:, None] ^ hashes[None, :])
    alone = (distance <= 4).sum(axis=1) == 1
    assert ((groups == 0) == alone).all()
    assert (groups[:100] == groups[200:]).all()
