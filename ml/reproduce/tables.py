"""Tables of published and measured figures, written between two marks of a page."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml.errors import ArtefactError
from ml.reproduce.runs import RUNS, Run

BEGIN, END = "<!-- results: written by `make reproduce` -->", "<!-- end of results -->"
HEADER = "| data | test | paper | ours | run | steps | minutes | device |\n|---|---|---|---|---|---|---|---|"


@dataclass(frozen=True, slots=True)
class Row:
    """One measured figure with what it is compared to; figures in [0, 1]."""

    data: str
    test: str
    paper: float | None
    ours: str
    run: str
    steps: str
    minutes: str
    device: str

    def line(self) -> str:
        paper = "" if self.paper is None else f"{100 * self.paper:.1f}"
        cells = (self.data, self.test, paper, self.ours, f"`{self.run}`", self.steps, self.minutes, self.device)
        return f"| {' | '.join(cells)} |"


def write_tables(out: Path, *, pages: Path) -> list[str]:
    """Rewrite the table of every page that has results in `out`; returns the names of the pages.

    Rows already in a page whose run has no result here stay. Raises ArtefactError for a page without the marks.
    """
    written = []
    for page in dict.fromkeys(run.page for run in RUNS):
        rows = [row for run in RUNS if run.page == page for row in rows_of(run, out)]
        path = pages / f"{page}.md"
        if rows and path.exists():
            path.write_text(_with_rows(path, rows))
            written.append(page)
    return written


def rows_of(run: Run, out: Path) -> list[Row]:
    """The rows of one run: none before it has ended."""
    path = out / f"{run.name}.json"
    if not path.exists():
        return []
    record = json.loads(path.read_text())
    results = _chosen(record["results"]) if run.command.startswith("pretrain") else record["results"]
    return [_row(run, record, result) for result in results]


def _row(run: Run, record: dict[str, Any], result: dict[str, Any]) -> Row:
    test = f"{result['n_way']}-way {result['k_shot']}-shot, {result['episodes']} episodes"
    training = record.get("training") or {}
    reports = training if isinstance(training, list) else [training]
    seconds = sum(report.get("seconds", 0.0) for report in reports)
    steps = sum(report.get("step", 0) for report in reports)
    return Row(
        data=run.data,
        test=test,
        paper=run.paper.get(f"{result['n_way']}w{result['k_shot']}s"),
        ours=_figure(result),
        run=run.name,
        steps=str(steps) if steps else "",
        minutes=f"{seconds / 60:.0f}" if seconds else "",
        device=str(record["device"]),
    )


def _figure(result: dict[str, Any]) -> str:
    if "gain" in result and "plain" in result:
        change = f"{100 * result['gain']:+.1f} ± {100 * result['gain_ci95']:.1f}"
        return f"{100 * result['plain']:.1f} → {100 * result['tuned']:.1f} ({change})"
    figure = f"{100 * result['accuracy']:.1f} ± {100 * result['ci95']:.1f}"
    if "before" in result:
        return f"{figure} (before {100 * result['before']:.1f})"
    return (
        f"{figure} ({result['transform']}{', mirrored' if result['flips'] else ''})"
        if "transform" in result
        else figure
    )


def _chosen(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of each test the transform that did best on validation classes, with its figure on test classes."""
    chosen = []
    for shots in dict.fromkeys(result["k_shot"] for result in results):
        same = [result for result in results if result["k_shot"] == shots]
        best = max((r for r in same if r["part"] == "val"), key=lambda r: r["accuracy"])
        key = (best["transform"], best["flips"])
        chosen += [r for r in same if r["part"] == "test" and (r["transform"], r["flips"]) == key]
    return chosen


def _with_rows(path: Path, rows: list[Row]) -> str:
    text = path.read_text()
    found = re.search(re.escape(BEGIN) + r"\n(.*?)" + re.escape(END), text, re.DOTALL)
    if found is None:
        raise ArtefactError(f"{path} has no place for results: put the lines {BEGIN!r} and {END!r} into it")
    names = {f"`{row.run}`" for row in rows}
    old = [line for line in found[1].splitlines()[2:] if line.startswith("|") and line.split(" | ")[4] not in names]
    table = "\n".join([HEADER, *old, *(row.line() for row in rows)])
    return f"{text[: found.start()]}{BEGIN}\n{table}\n{END}{text[found.end() :]}"
