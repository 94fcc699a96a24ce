"""`python -m ml.data.fieldguide OUT`: draw the guide into a folder; `--sheet` draws one picture of each species."""

import argparse
import sys
from pathlib import Path

from PIL import Image

from ml.data.fieldguide.catalog import species_catalog
from ml.data.fieldguide.drawing import draw
from ml.data.fieldguide.folder import write_field_guide


def main() -> int:
    """Write the folder, or a contact sheet."""
    parser = argparse.ArgumentParser(prog="python -m ml.data.fieldguide", description=__doc__)
    parser.add_argument("out", type=Path, help="folder to fill, or the image file of the sheet")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scale", type=float, default=1.0, help="1 draws about a thousand pictures")
    parser.add_argument("--share", default="0/1", metavar="I/N", help="draw every N-th picture from the I-th on")
    parser.add_argument("--sheet", action="store_true", help="one picture of each species on one sheet")
    options = parser.parse_args()
    if options.sheet:
        contact_sheet(seed=options.seed).save(options.out)
        return 0
    part, _, parts = options.share.partition("/")
    plates = write_field_guide(options.out, seed=options.seed, scale=options.scale, share=(int(part), int(parts)))
    sys.stdout.write(f"{len(plates)} pictures in {options.out}\n")
    return 0


def contact_sheet(*, seed: int = 0, columns: int = 6, cell: int = 240, gap: int = 4) -> Image.Image:
    """One picture of each species, RGB, in rows of `columns`."""
    catalog = species_catalog()
    step = cell + gap
    rows = -(-len(catalog) // columns)
    sheet = Image.new("RGB", (columns * step - gap, rows * step - gap), (250, 248, 243))
    for i, species in enumerate(catalog):
        picture = draw(species, seed=seed * 1000 + i, size=cell)
        sheet.paste(picture, (i % columns * step, i // columns * step))
    return sheet


if __name__ == "__main__":
    sys.exit(main())
