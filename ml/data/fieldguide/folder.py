"""The guide as a folder: an ImageFolder tree, `manifest.jsonl` and `taxonomy.json`."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ml.data.fieldguide.catalog import species_catalog
from ml.data.fieldguide.drawing import draw_scene
from ml.data.fieldguide.scene import Scene, scene_again, scene_ruined, scene_sample
from ml.data.fieldguide.species import FAMILIES, Species
from ml.errors import ConfigError

MOST, FEWEST = 120, 6
TWIN_SHARE, WRONG_SHARE, RUINED_SHARE = 0.08, 0.015, 0.015


@dataclass(frozen=True)
class Plate:
    """One picture of the guide. `category` is the label it is filed under, `species` what was drawn."""

    file: str
    category: str
    species: str
    family: str
    mislabeled: bool
    unidentifiable: bool
    near_duplicate_of: str | None
    scene: Scene


def write_field_guide(
    folder: Path | str, *, seed: int = 0, scale: float = 1.0, share: tuple[int, int] = (0, 1)
) -> list[Plate]:
    """Draw the guide into `folder/images/<species key>/<number>.jpg` and tell the truth in `manifest.jsonl`.

    At `scale` 1 about a thousand pictures: 120 of the commonest species down to 6 of the rarest. The same seed and
    scale give the same bytes. `taxonomy.json` holds families and species with definitions, sentences and attributes.
    `share` (i, n) draws every n-th picture from the i-th on, so that n processes can fill one folder together.

    Raises:
        ConfigError: `scale` is not in (0, 10], or `share` is not one of n.
    """
    part, parts = share
    if not 0 <= part < parts:
        raise ConfigError(f"a share (i, n) has 0 ≤ i < n, got {share}")
    if not 0 < scale <= 10:
        raise ConfigError(f"scale must lie in (0, 10], got {scale}; 1 draws about a thousand pictures.")
    root = Path(folder)
    catalog = species_catalog(seed=seed)
    plates = field_guide_plates(seed=seed, scale=scale)
    by_key = {species.key: species for species in catalog}
    for plate in plates[part::parts]:
        target = root / plate.file
        target.parent.mkdir(parents=True, exist_ok=True)
        draw_scene(by_key[plate.species], plate.scene).save(target, "JPEG", quality=plate.scene.quality)
    lines = [json.dumps({k: v for k, v in asdict(plate).items() if k != "scene"}) for plate in plates]
    (root / "manifest.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    text = json.dumps(taxonomy_of(catalog), indent=2, ensure_ascii=False)
    (root / "taxonomy.json").write_text(text + "\n", encoding="utf-8")
    return plates


def field_guide_plates(*, seed: int = 0, scale: float = 1.0) -> list[Plate]:
    """What `write_field_guide` would draw, without drawing it."""
    catalog = species_catalog(seed=seed)
    rng = np.random.default_rng([seed, 1])
    plates: list[Plate] = []
    for species, count in zip(catalog, _counts(len(catalog), scale, rng), strict=True):
        plates += _plates_of(species, count, catalog, rng)
    return plates


def _counts(n: int, scale: float, rng: np.random.Generator) -> list[int]:
    """A geometric long tail from MOST to FEWEST, dealt to the species by chance."""
    tail = MOST * (FEWEST / MOST) ** (np.arange(n) / (n - 1))
    return [max(2, round(float(c) * scale)) for c in rng.permutation(tail)]


def _plates_of(species: Species, count: int, catalog: list[Species], rng: np.random.Generator) -> list[Plate]:
    plates: list[Plate] = []
    for _ in range(count):
        scene = scene_sample(rng)
        ruined = bool(rng.random() < RUINED_SHARE)
        wrong = not ruined and bool(rng.random() < WRONG_SHARE)
        scene = scene_ruined(scene, rng) if ruined else scene
        category = _sibling(species, catalog, rng) if wrong else species.key
        plates.append(_plate(species, category, len(plates), scene, wrong, ruined, None))
        if not ruined and rng.random() < TWIN_SHARE:
            twin = scene_again(scene, rng)
            plates.append(_plate(species, category, len(plates), twin, wrong, False, plates[-1].file))
    return plates


def _plate(
    species: Species, category: str, number: int, scene: Scene, wrong: bool, ruined: bool, twin_of: str | None
) -> Plate:
    # The number counts within the species drawn, so a wrong label keeps its true species' initials out of its name.
    stem = (
        f"{species.latin.split()[0][:3].lower()}{number:03d}"
        if not wrong
        else f"x{species.attributes.base[:3]}{number:03d}"
    )
    return Plate(
        f"images/{category}/{stem}.jpg",
        category,
        species.key,
        species.family.key,
        wrong,
        ruined,
        twin_of,
        scene,
    )


def _sibling(species: Species, catalog: list[Species], rng: np.random.Generator) -> str:
    """The mistake an honest expert makes: another species of the same family."""
    family = [other.key for other in catalog if other.family == species.family and other != species]
    return family[int(rng.integers(len(family)))]


def taxonomy_of(catalog: list[Species]) -> dict[str, object]:
    """Families and their species as a JSON-ready tree."""
    families = []
    for family in FAMILIES.values():
        children = [species.to_json() for species in catalog if species.family == family]
        head = {"key": family.key, "name": family.name, "latin": family.latin, "order": family.order}
        families.append({**head, "definition": family.build, "sentences": list(family.clues), "children": children})
    return {"name": "Field guide of invented insects", "families": families}
