"""One table over several splits of the classes: means, and intervals that speak of other classes too."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ml.evaluation.intervals import student_interval

ACCURACIES = ("unseen_accuracy", "baseline_accuracy", "baseline_own_kind", "oracle")
CONSTANT = ("data", "target", "mode", "start", "seed", "seen_classes", "validation_classes", "unseen_classes")
LEADS = ("lead", "lead_over_shared")


def over_splits(reports: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The report of several splits; of a single one as it is. Intervals are Student's t over splits.

    The lead of a row is over whichever baseline is better in each split, the harder of two choices.
    """
    if len(reports) == 1:
        return reports[0]
    table = [_row([report["table"][i] for report in reports]) for i in range(len(reports[0]["table"]))]
    together = [_means([report["generalized"][i] for report in reports]) for i in range(len(reports[0]["generalized"]))]
    return {
        **table[0],
        **{key: reports[0][key] for key in CONSTANT},
        "splits": len(reports),
        "validation_accuracy": float(np.mean([report["validation_accuracy"] for report in reports])),
        "steps": [step for report in reports for step in report["steps"]],
        "training_seconds": round(sum(report["training_seconds"] for report in reports), 1),
        "gzsl": together[0] if together else None,
        "table": table,
        "generalized": together,
    }


def _row(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {key: float(np.mean([row[key] for row in rows])) for key in ACCURACIES}
    found["ci95"] = student_interval(np.array([row["unseen_accuracy"] for row in rows])).half_width
    for key in LEADS:
        interval = student_interval(np.array([row[key] for row in rows]))
        found |= {key: interval.value, f"{key}_ci95": [interval.low, interval.high]}
        found[f"{key}_splits"] = [row[key] for row in rows]
    return {"descriptions": rows[0]["descriptions"], "n_way": rows[0]["n_way"], **found, "tasks": rows[0]["tasks"]}


def _means(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    same = {key: rows[0][key] for key in ("descriptions", "classes")}
    return same | {key: float(np.mean([row[key] for row in rows])) for key in rows[0] if key not in same}
