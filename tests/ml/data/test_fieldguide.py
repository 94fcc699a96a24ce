"""The field guide: the demo project and fixture that the repository draws itself."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.data.fieldguide import (
    FAMILIES,
    Species,
    draw,
    draw_scene,
    field_guide_plates,
    other_species,
    scene_sample,
    species_catalog,
    write_field_guide,
)
from ml.data.fieldguide.describing import described
from ml.errors import ConfigError


def _digest(folder: Path) -> dict[str, str]:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def _pixels(species: Species, *, seed: int = 5, size: int = 96) -> np.ndarray:
    return np.asarray(draw(species, seed=seed, size=size), dtype=np.int16)


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_field_guide(tmp_path / name, seed=3, scale=0.02)
    assert _digest(tmp_path / "one") == _digest(tmp_path / "two")
    assert len(_digest(tmp_path / "one")) > 48


def test_another_seed_writes_other_pictures(tmp_path: Path) -> None:
    species = species_catalog()[0]
    assert not np.array_equal(_pixels(species, seed=1), _pixels(species, seed=2))


def test_the_guide_has_eight_families_of_three_species_under_distinct_names() -> None:
    catalog = species_catalog()
    assert [sum(s.family.key == key for s in catalog) for key in FAMILIES] == [3] * 8
    assert (
        len({s.key for s in catalog}) == len({s.definition for s in catalog}) == len({s.latin for s in catalog}) == 24
    )


def test_the_long_tail_runs_from_120_pictures_to_6() -> None:
    plates = [p for p in field_guide_plates() if p.near_duplicate_of is None]
    counts = sorted(sum(p.species == s.key for p in plates) for s in species_catalog())
    assert (counts[0], counts[-1]) == (6, 120)
    assert 900 <= len(field_guide_plates()) <= 1200


def test_some_pictures_are_wrongly_filed_and_some_are_beyond_naming_and_the_manifest_says_which() -> None:
    plates = field_guide_plates()
    assert all((p.category != p.species) == p.mislabeled for p in plates)
    assert 5 <= sum(p.mislabeled for p in plates) <= 30
    assert 5 <= sum(p.unidentifiable for p in plates) <= 30
    assert len({p.file for p in plates}) == len(plates)
    families = {s.key: s.family.key for s in species_catalog()}
    assert all(families[p.category] == p.family for p in plates)


def test_near_duplicates_look_alike_and_are_not_the_same_bytes(tmp_path: Path) -> None:
    plates = write_field_guide(tmp_path, seed=0, scale=0.05)
    pairs = [p for p in plates if p.near_duplicate_of]
    assert pairs
    for plate in pairs[:3]:
        one, two = (
            np.asarray(Image.open(tmp_path / str(f)), np.float32) for f in (plate.file, plate.near_duplicate_of)
        )
        stranger = np.asarray(draw(species_catalog()[0], seed=99), np.float32)
        assert 0 < np.abs(one - two).mean() < 0.5 * np.abs(one - stranger).mean()


def test_the_taxonomy_file_names_every_folder_of_the_tree(tmp_path: Path) -> None:
    write_field_guide(tmp_path, seed=0, scale=0.02)
    taxonomy = json.loads((tmp_path / "taxonomy.json").read_text(encoding="utf-8"))
    children = [child for family in taxonomy["families"] for child in family["children"]]
    assert {c["key"] for c in children} == {p.name for p in (tmp_path / "images").iterdir()}
    assert all(c["family"] in {f["key"] for f in taxonomy["families"]} for c in children)
    assert all(c["definition"] and len(c["sentences"]) >= 5 for c in children)


@pytest.mark.parametrize("attribute", ["base", "accent", "trim", "pattern", "finish", "limbs"])
@pytest.mark.parametrize("plate", [0, 17])
def test_every_attribute_that_is_told_can_be_seen(attribute: str, plate: int) -> None:
    species = species_catalog()[plate]
    other = {
        "base": "turquoise", "accent": "white", "trim": "cream", "pattern": "plain", "limbs": "pink",
        "finish": "metallic" if species.family.order == "beetle" else "iridescent",
    }[attribute]  # fmt: skip
    changed = described(species.family, replace(species.attributes, **{attribute: other}), np.random.default_rng(0))
    scene = scene_sample(np.random.default_rng(4))
    one, two = (np.asarray(draw_scene(s, scene, size=96), np.int16) for s in (species, changed))
    assert (np.abs(one - two).max(axis=2) > 25).mean() > 0.004


def test_descriptions_name_the_colors_and_the_pattern_that_are_drawn() -> None:
    for species in [*species_catalog(), *other_species(50, 1)]:
        told = species.definition
        assert species.attributes.base in told and species.attributes.limbs in told and species.attributes.trim in told
        assert species.attributes.pattern == "plain" or species.attributes.accent in told


def test_other_species_are_distinct_and_none_is_in_the_guide() -> None:
    others = other_species(400, 11)
    assert len({s.definition for s in others}) == 400

    def build(species: Species) -> tuple[str, str, str]:
        return species.family.key, species.attributes.pattern, species.attributes.base

    assert not {build(s) for s in species_catalog()} & {build(s) for s in others}
    assert not {s.name for s in species_catalog()} & {s.name for s in others}
    assert [s.name for s in other_species(10, 11)] == [s.name for s in others[:10]]


def test_a_scale_that_cannot_be_drawn_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="scale"):
        write_field_guide(tmp_path, scale=0)


def test_processes_that_share_the_work_write_what_one_would(tmp_path: Path) -> None:
    write_field_guide(tmp_path / "one", seed=3, scale=0.02)
    for part in range(2):
        write_field_guide(tmp_path / "two", seed=3, scale=0.02, share=(part, 2))
    files = {path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.*")}
    assert files == {path.relative_to(tmp_path / "two") for path in (tmp_path / "two").rglob("*.*")}
    assert all((tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes() for name in files)


def test_a_share_is_one_of_n(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="0 ≤ i < n"):
        write_field_guide(tmp_path, scale=0.02, share=(2, 2))
