"""The files that the repository carries."""

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@cache
def all_tracked() -> tuple[str, ...]:
    """Tracked files and new ones that git would take; what is ignored or deleted is left out."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return tuple(sorted(path for path in set(listed.stdout.splitlines()) if (ROOT / path).is_file()))


def tracked(*suffixes: str, under: str = "") -> list[str]:
    """Paths relative to the root, with one of the endings, below the folder `under`."""
    return [path for path in all_tracked() if path.endswith(suffixes) and path.startswith(under)]
