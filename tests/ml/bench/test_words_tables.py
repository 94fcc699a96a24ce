"""Tables of new classes: every command parses, and a result finds its place in its page."""

import json
from pathlib import Path

import pytest

from ml.bench import _words_tables as tables
from ml.bench import icis, text2model
from ml.errors import ArtefactError

PARSERS = {"icis": icis._parser, "text2model": text2model._parser}
FIGURES = {"mean": 0.331, "sd": 0.01, "ci95": [0.32, 0.342]}


@pytest.mark.parametrize("one", tables.MEASUREMENTS, ids=lambda one: one.name)
def test_every_measurement_is_a_command_and_has_a_place_in_its_page(one: tables.Measurement) -> None:
    name, *argv = one.command.format(data="data").split()
    assert PARSERS[name]().parse_args([*argv, "--json"]).json
    assert one.begin in Path(f"docs/methods/{one.page}.md").read_text()


def report() -> dict[str, object]:
    methods = ("icis", "kernel", "blend", "ridge", "weighted_average", "conse", "oracle")
    gzsl = {"seen": 0.35, "unseen": 0.27, "h": 0.303, "ausuc": 0.13, "h_without_gamma": 0.299}
    return dict.fromkeys(methods, FIGURES) | {"leveled": {"icis": FIGURES}, "gzsl": gzsl}


def test_a_kept_result_is_written_between_its_marks_and_not_measured_again(tmp_path: Path) -> None:
    one = next(found for found in tables.MEASUREMENTS if found.page == "icis")
    (tmp_path / "icis.md").write_text(f"before\n{one.begin}\nold\n{tables.END}\nafter\n")
    (tmp_path / f"{one.name}.json").write_text(json.dumps(report()))
    assert tables._run(one, data=Path("nowhere"), out=tmp_path) == 0
    tables._write(one, out=tmp_path, pages=tmp_path)
    text = (tmp_path / "icis.md").read_text()
    assert "| icis | 33.1 ± 1.0 [32.0, 34.2] | 33.1 ± 1.0 [32.0, 34.2] |" in text
    assert "old" not in text
    assert text.startswith("before\n")
    assert text.endswith("after\n")


def test_a_page_without_a_place_is_an_error(tmp_path: Path) -> None:
    one = next(found for found in tables.MEASUREMENTS if found.page == "icis")
    (tmp_path / "icis.md").write_text("nothing")
    (tmp_path / f"{one.name}.json").write_text(json.dumps(report()))
    with pytest.raises(ArtefactError, match="no place"):
        tables._write(one, out=tmp_path, pages=tmp_path)
