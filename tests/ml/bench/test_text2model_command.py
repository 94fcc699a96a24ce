"""The bench of written classifiers: what a report holds, and what it may not have looked at."""

import argparse
from pathlib import Path
from typing import Any

import pytest
import torch

from ml.bench.class_texts import text_bank
from ml.bench.text2model import _parser, as_markdown, experiment, last_of_each, measure
from ml.bench.text2model_score import _by_class
from ml.bench.text2model_splits import over_splits
from ml.bench.text2model_variants import measure_variants
from ml.episodes.splits import ClassSplit
from ml.errors import ConfigError
from ml.text2model.descriptions import Drawn
from ml.text2model.tasks import SeenClasses, Tasks
from tests.ml.text2model.worlds import world

ARGUMENTS = ["--data", "world.parquet", "--steps", "50", "--ways", "2,5", "--tasks", "40", "--components", "8"]
FIGURES = ("seen", "unseen", "h", "ausuc", "gamma")


@pytest.fixture(scope="module")
def seen() -> SeenClasses:
    return world(images=20)


@pytest.fixture(scope="module")
def reports(seen: SeenClasses) -> list[dict[str, object]]:
    args = _parser().parse_args(ARGUMENTS)
    split = ClassSplit(train=tuple(range(26)), val=tuple(range(26, 32)), test=tuple(range(32, 40)))
    return [experiment(seen.features, seen.class_index, seen.bank, split, args, seed=seed) for seed in (0, 1)]


def test_a_report_opens_with_its_first_cell_and_holds_seen_and_unseen_together(
    reports: list[dict[str, object]],
) -> None:
    first = reports[0]
    keys = ("unseen_accuracy", "baseline_accuracy", "ci95", "n_way", "descriptions")
    assert [first[key] for key in keys] == [first["table"][0][key] for key in keys]  # type: ignore[index]
    together = first["gzsl"]
    assert isinstance(together, dict)
    assert together["classes"] == 34
    assert all(0 < together[key] <= 1 for key in FIGURES if key != "gamma")
    s, u = together["seen"], together["unseen"]
    assert min(s, u) <= together["h"] <= max(s, u)
    assert together["unseen"] > 2 / 34  # twice chance, with the seen classes in the way


def test_several_splits_give_means_and_intervals_over_splits(reports: list[dict[str, object]]) -> None:
    both = over_splits(reports)
    rows = [report["table"][1] for report in reports]  # type: ignore[index]
    found = both["table"][1]
    assert found["lead"] == pytest.approx(sum(row["lead"] for row in rows) / 2)
    low, high = found["lead_ci95"]
    # Student's t with one degree of freedom: 12.7 standard errors.
    assert high - low == pytest.approx(12.706 * abs(rows[0]["lead"] - rows[1]["lead"]), rel=1e-3)
    assert both["splits"] == 2
    assert both["gzsl"]["h"] == pytest.approx(sum(report["gzsl"]["h"] for report in reports) / 2)  # type: ignore[index]
    assert over_splits(reports[:1]) is reports[0]
    assert "over splits |" in as_markdown(both).splitlines()[0]
    assert "over tasks | over classes |" in as_markdown(reports[0]).splitlines()[0]


def test_a_lead_over_classes_counts_each_class_once_however_often_it_was_drawn() -> None:
    classes = torch.tensor([[5, 7], [5, 9]])
    drawn = Tasks(
        drawn=Drawn("sentences", classes, classes[..., None]),
        descriptions=torch.zeros(2, 2, 3),
        images=torch.zeros(2, 4, 3),
        target=torch.tensor([[0, 0, 1, 1], [0, 0, 1, 1]]),
    )
    hits = torch.tensor([[1.0, 1, 0, 1], [1, 0, 0, 0]], dtype=torch.float64)
    assert _by_class(hits, drawn).tolist() == [0.75, 0.5, 0.0]


def test_variants_are_trained_with_their_own_arguments_and_shown_a_row_each() -> None:
    def run(args: argparse.Namespace) -> dict[str, Any]:
        accuracy = 0.5 + 0.1 * args.no_start + 0.2 * (args.target == "IVEV") + 0.3 * (args.mode == "delta")
        rows = [{"descriptions": kind, "n_way": 5, "unseen_accuracy": accuracy} for kind in ("names", "negated")]
        return {"table": rows, "unseen_accuracy": accuracy}

    report = measure_variants(run, _parser().parse_args([*ARGUMENTS, "--variants"]))
    assert report["unseen_accuracy"] == 0.5
    assert as_markdown(report).splitlines() == [
        "| | names | negated |",
        "|---|---|---|",
        "| as above | 50.0 | 50.0 |",
        "| `--no-start` | 60.0 | 60.0 |",
        "| `--target IVEV` | 70.0 | 70.0 |",
        "| `--mode delta` | 80.0 | 80.0 |",
    ]


def test_flips_are_a_table_of_their_own() -> None:
    ours = {"with": 0.888, "without": 0.718, "flips": 0.633, "ci95": 0.043}
    theirs = {"baseline_with": 0.814, "baseline_without": 0.294, "baseline_flips": 0.107}
    lines = as_markdown(ours | theirs).splitlines()
    assert lines[2:] == ["| text2model | 88.8 | 71.8 | 63.3 ± 4.3 |", "| shared space | 81.4 | 29.4 | 10.7 |"]


def test_the_last_images_of_each_class_are_kept_back() -> None:
    labels = torch.tensor([0, 1, 0, 1, 0, 0, 1, 0])
    assert last_of_each(labels, share=0.4).tolist() == [False, False, False, False, False, True, True, True]


def test_an_attribute_list_is_all_attributes_of_a_class_at_once(tmp_path: Path) -> None:
    texts = {"attributes": [["something with stripes", "something with a long tail"], ["something with wings"]]}
    bank = text_bank(texts, ["attributes", "attribute lists"], cache=tmp_path)
    both = bank.vectors["attributes"][0].mean(dim=0)
    drawn = bank.draw("attribute lists", torch.tensor([0, 1]), generator=torch.Generator().manual_seed(0))
    assert torch.allclose(bank.read(drawn)[0], both / both.norm(), atol=1e-6)
    assert torch.allclose(bank.read(drawn)[1], bank.vectors["attributes"][1, 0], atol=1e-6)
    with pytest.raises(ConfigError, match="no descriptions of kind 'smells'"):
        text_bank(texts, ["smells"], cache=tmp_path)


def test_a_named_split_is_not_drawn_again() -> None:
    args = _parser().parse_args([*ARGUMENTS, "--part-column", "part", "--splits", "3"])
    with pytest.raises(ConfigError, match="one split"):
        measure(args)
