"""A field guide of invented beetles and butterflies, drawn by the repository itself: the demo project and test fixture.

Two levels (8 families, 24 species), attributes that are drawn and told in the same words, pose, ground, light and
noise, near-duplicates, a long tail, a few wrong labels and a few pictures that nobody can name.
"""

from ml.data.fieldguide.catalog import other_species, species_catalog
from ml.data.fieldguide.drawing import draw, draw_scene, svg_of
from ml.data.fieldguide.folder import Plate, field_guide_plates, taxonomy_of, write_field_guide
from ml.data.fieldguide.scene import Scene, scene_sample
from ml.data.fieldguide.species import FAMILIES, Attributes, Family, Species

__all__ = [
    "FAMILIES",
    "Attributes",
    "Family",
    "Plate",
    "Scene",
    "Species",
    "draw",
    "draw_scene",
    "field_guide_plates",
    "other_species",
    "scene_sample",
    "species_catalog",
    "svg_of",
    "taxonomy_of",
    "write_field_guide",
]
