"""The speeds of heads are measured beside a library and written where they are read."""

import json
from pathlib import Path

from ml.bench import heads_speed


def test_three_speeds_are_printed_and_replace_their_own_block(tmp_path: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    page = tmp_path / "benchmarks.md"
    page.write_text("# Benchmarks\n<!-- speed-of-heads -->\nformer figures\n<!-- /speed-of-heads -->\nafterwards\n")
    sizes = "--threads 1 --repeats 1 --items 2000 --pool 3000"
    assert heads_speed.main([*sizes.split(), "--write", str(page)]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["gda_fit_2000x512x100"]["winnow_s"]["wall"] > 0
    assert report["predict_3000x512x100"]["table_never_held_bytes"] == 3000 * 100 * 4
    text = page.read_text()
    assert "former figures" not in text and text.endswith("afterwards\n")
    assert "easyfsl" in text and "| fit GDA on 2,000 × 512 with 100 classes |" in text
