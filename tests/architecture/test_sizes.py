"""Files of one idea."""

from pathlib import Path

from tests.architecture.tree import ROOT, tracked

LIMIT = 400
LONGER_BY_NATURE: dict[str, int] = {}
"""Path → lines it may have. May only shrink: take a line out when its file is cut."""


def test_no_source_file_is_longer_than_a_person_reads() -> None:
    lengths = {path: len(Path(ROOT / path).read_text().splitlines()) for path in tracked(".py", ".ts", ".tsx", ".css")}
    too_long = {path: n for path, n in lengths.items() if n > LONGER_BY_NATURE.get(path, LIMIT)}
    assert too_long == {}


def test_the_list_of_exceptions_only_shrinks() -> None:
    lengths = {path: len((ROOT / path).read_text().splitlines()) for path in LONGER_BY_NATURE}
    assert lengths == LONGER_BY_NATURE
    assert all(n > LIMIT for n in lengths.values())
