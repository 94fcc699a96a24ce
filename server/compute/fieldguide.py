"""The demo's pictures and taxonomy, drawn by ourselves."""

import json
from pathlib import Path
from typing import Any


def draw_field_guide(folder: Path, *, seed: int = 0, scale: float = 1.0) -> dict[str, Any]:
    """Write `folder/images/<species>/<number>.jpg` and return the taxonomy, families with species below."""
    from ml.data.fieldguide import write_field_guide

    write_field_guide(folder, seed=seed, scale=scale)
    taxonomy: dict[str, Any] = json.loads((folder / "taxonomy.json").read_text(encoding="utf-8"))
    return taxonomy
