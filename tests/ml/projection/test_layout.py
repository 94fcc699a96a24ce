"""Points that lie together in the space lie together on the map, every time at the same place."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ml.errors import ConfigError, NonFiniteError
from ml.projection import lay_out
from ml.projection.layout import framed, principal


def kinds(count: int = 90, dim: int = 12) -> np.ndarray:
    """Three well separated groups, image i in group i mod 3."""
    rng = np.random.default_rng(0)
    return (5 * np.eye(3, dim)[np.arange(count) % 3] + 0.3 * rng.normal(size=(count, dim))).astype(np.float32)


def gathered(points: np.ndarray) -> float:
    """Share of points whose nearest other one is of their group."""
    apart = np.linalg.norm(points[:, None] - points[None], axis=2) + 9 * np.eye(len(points))
    return float((apart.argmin(axis=1) % 3 == np.arange(len(points)) % 3).mean())


def by_a_process(folder: Path, vectors: np.ndarray, *options: str) -> subprocess.CompletedProcess[str]:
    """As workers do it; uncompiled, because compiling takes longer than laying out a few points."""
    np.save(folder / "in.npy", vectors)
    command = [sys.executable, "-m", "ml.projection", str(folder / "in.npy"), str(folder / "out.npy"), *options]
    env = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=env)


@pytest.mark.parametrize("method", ["tsne", "pca"])
def test_groups_stay_together_inside_the_unit_square(method: str) -> None:
    points, again = (lay_out(kinds(), method=method, seed=3) for _ in range(2))
    assert points.shape == (90, 2) and points.dtype == np.float32
    assert points.min() >= 0 and points.max() <= 1
    assert gathered(points) > 0.95
    np.testing.assert_array_equal(points, again)


def test_a_process_of_its_own_lays_out_by_umap(tmp_path: Path) -> None:
    said = by_a_process(tmp_path, kinds(36), "--method", "umap", "--seed", "1")
    assert said.returncode == 0, said.stderr
    points = np.load(tmp_path / "out.npy")
    assert points.shape == (36, 2)
    assert gathered(points) > 0.9


def test_the_principal_plane_finds_the_long_direction_and_its_sign_is_no_accident() -> None:
    line = np.outer(np.arange(5, dtype=np.float32), [0, 3, 4])
    axes = principal(line, 2)
    np.testing.assert_allclose(axes[:, 0], [-10, -5, 0, 5, 10], atol=1e-4)
    np.testing.assert_allclose(axes[:, 1], 0, atol=1e-4)


def test_one_scale_serves_both_directions() -> None:
    points = framed(np.array([[0, 0], [10, 0], [0, 5]], np.float32))
    sides = points.max(axis=0) - points.min(axis=0)
    assert sides[0] == pytest.approx(2 * sides[1], rel=0.02)


@pytest.mark.parametrize("count", [0, 1, 2, 9])
def test_few_points_have_a_map_too(count: int) -> None:
    assert np.isfinite(lay_out(kinds(count), method="umap", seed=0)).all()


def test_what_cannot_be_drawn_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no map 'globe'"):
        lay_out(kinds(), method="globe", seed=0)
    broken = kinds()
    broken[4, 4] = np.nan
    with pytest.raises(NonFiniteError, match="embed its image again"):
        lay_out(broken, method="pca", seed=0)
    said = by_a_process(tmp_path, broken, "--method", "pca")
    assert said.returncode == 1 and "embed its image again" in said.stderr
