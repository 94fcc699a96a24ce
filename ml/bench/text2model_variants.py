"""The paper's network, its other target and its way to train, beside ours, on the same unseen tasks."""

import argparse
from collections.abc import Callable
from typing import Any

VARIANTS: dict[str, dict[str, Any]] = {
    "as above": {},
    "`--no-start`": {"no_start": True},
    "`--target IVEV`": {"target": "IVEV"},
    "`--mode delta`": {"mode": "delta"},
}


def measure_variants(run: Callable[[argparse.Namespace], dict[str, Any]], args: argparse.Namespace) -> dict[str, Any]:
    """The report of ours with `variants`: for each the rows of its table, trained with these arguments but for its own.

    The first lines, of ours, are as in every report.
    """
    reports = {name: run(argparse.Namespace(**vars(args) | changes)) for name, changes in VARIANTS.items()}
    return next(iter(reports.values())) | {"variants": {name: report["table"] for name, report in reports.items()}}


def variants_as_markdown(report: dict[str, Any]) -> str:
    """Unseen accuracy in percent, a variant a row, a kind of description and a number of ways a column."""
    rows = report["table"]
    one_way = len({row["n_way"] for row in rows}) == 1
    heads = [row["descriptions"] + ("" if one_way else f", {row['n_way']}") for row in rows]
    lines = [f"| | {' | '.join(heads)} |", "|---" * (len(rows) + 1) + "|"]
    for name, table in report["variants"].items():
        cells = [row["unseen_accuracy"] for row in table]
        lines.append(f"| {name} | {' | '.join(f'{100 * cell:.1f}' for cell in cells)} |")
    return "\n".join(lines)
