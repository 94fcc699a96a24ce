"""Published tables: every run can start, and results find their page."""

import json
from pathlib import Path

import pytest

from ml.errors import ArtefactError
from ml.reproduce.runs import RUNS, group_names, runs_of
from ml.reproduce.tables import BEGIN, END, write_tables
from ml.train import episodes, pmf, pretrain

PARSERS = {"episodes": episodes._parser, "pretrain": pretrain._parser, "pmf": pmf._parser}


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_every_run_is_a_command_that_exists(run):
    argv = run.argv(data="data", out="out", device="cpu", limits=True)
    args = PARSERS[argv[0]]().parse_args(argv[1:])
    assert (args.name, args.minutes) == (run.name, run.minutes or 0.0)
    assert "{" not in " ".join(argv)


def test_names_are_unique_and_every_run_has_a_page():
    assert len({run.name for run in RUNS}) == len(RUNS)
    for run in RUNS:
        assert Path(f"docs/methods/{run.page}.md").exists()
    assert sum(len(runs) for runs in runs_of(group_names()).values()) == len(RUNS)


def result(out: Path, name: str, accuracy: float, **more: float) -> None:
    figures = {"n_way": 5, "k_shot": 1, "episodes": 600, "accuracy": accuracy, "ci95": 0.004, **more}
    record = {"results": [figures], "training": {"seconds": 120.0, "step": 40}, "device": "a device"}
    (out / f"{name}.json").write_text(json.dumps(record))


def test_results_are_written_beside_the_papers_figure_and_replace_only_their_own(tmp_path):
    page = tmp_path / "maml.md"
    page.write_text(f"# MAML\n\n{BEGIN}\n{END}\n\nafterwards\n")
    result(tmp_path, "cifar-maml-1", 0.5)
    result(tmp_path, "cifar-maml-1-transductive", 0.58)
    assert write_tables(tmp_path, pages=tmp_path) == ["maml"]
    (tmp_path / "cifar-maml-1-transductive.json").unlink()
    result(tmp_path, "cifar-maml-1", 0.57)
    write_tables(tmp_path, pages=tmp_path)
    text = page.read_text()
    assert "| CIFAR-FS | 5-way 1-shot, 600 episodes | 58.9 | 57.0 ± 0.4 | `cifar-maml-1` | 40 | 2 | a device |" in text
    assert "50.0" not in text and "58.0 ± 0.4" in text
    assert text.startswith("# MAML") and text.endswith("afterwards\n")


def test_a_training_that_scored_its_start_says_what_that_reached(tmp_path):
    (tmp_path / "pmf.md").write_text(f"{BEGIN}\n{END}\n")
    result(tmp_path, "meta-1-cpu", 0.72, before=0.69, gain=0.03, gain_ci95=0.005)
    write_tables(tmp_path, pages=tmp_path)
    assert "| 72.0 ± 0.4 (before 69.0) |" in (tmp_path / "pmf.md").read_text()


def test_a_page_without_marks_is_refused(tmp_path):
    (tmp_path / "maml.md").write_text("# MAML\n")
    result(tmp_path, "cifar-maml-1", 0.5)
    with pytest.raises(ArtefactError, match="no place for results"):
        write_tables(tmp_path, pages=tmp_path)
