"""Measured tables inside a written page: a command replaces its own block and nothing else."""

from pathlib import Path

from ml.errors import ConfigError


def write_block(page: Path, name: str, text: str) -> None:
    """Put `text` between `<!-- NAME -->` and `<!-- /NAME -->`.

    Raises:
        ConfigError: The page has no such block.
    """
    written = page.read_text(encoding="utf-8")
    before, start, rest = written.partition(f"<!-- {name} -->")
    _, end, after = rest.partition(f"<!-- /{name} -->")
    if not start or not end:
        raise ConfigError(f"{page} has no block <!-- {name} --> … <!-- /{name} -->")
    page.write_text(f"{before}{start}\n{text.strip()}\n{end}{after}", encoding="utf-8")
