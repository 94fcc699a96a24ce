"""The tables of ICIS and Text2Model: one bench each, kept as JSON and written between two marks of its page."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml.bench.text2model import as_markdown
from ml.errors import ArtefactError

GROUP = "words"
END = "<!-- end of results -->"


@dataclass(frozen=True, slots=True)
class Measurement:
    """One `python -m ml.bench` command with `{data}` for the folder, its page, and how its JSON reads as a table."""

    name: str
    page: str
    command: str
    table: Callable[[dict[str, Any]], str]

    @property
    def begin(self) -> str:
        return f"<!-- {self.name}: written by `make reproduce` -->"


def icis_table(report: dict[str, Any]) -> str:
    """Every method image-free and leveled, in percent with the 95 % interval of the mean over splits."""
    lines = ["| | image-free | leveled |", "|---|---|---|"]
    for name in ("icis", "kernel", "blend", "ridge", "weighted_average", "conse", "oracle"):
        cells = [_cell(report[name]), _cell(report["leveled"].get(name))]
        lines.append(f"| {name.replace('_', ' ')} | {' | '.join(cells)} |")
    g = report["gzsl"]
    lines += ["", "| S | U | H | AUSUC × 100 | H without gamma |", "|---|---|---|---|---|"]
    keys = ("seen", "unseen", "h", "ausuc", "h_without_gamma")
    lines.append("| " + " | ".join(f"{100 * g[key]:.1f}" for key in keys) + " |")
    return "\n".join(lines)


def _cell(found: dict[str, Any] | None) -> str:
    if found is None:
        return ""
    low, high = found["ci95"]
    return f"{100 * found['mean']:.1f} ± {100 * found['sd']:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


ICIS = "icis --data {data}/icis-imagenet.npz --splits 10 --descriptors"
TEXT = "text2model --tasks 1000 --data"
MEASUREMENTS = (
    Measurement(
        "text2model-cifar", "text2model", f"{TEXT} {{data}}/cifar100.parquet --part-column cifar_fs", as_markdown
    ),
    Measurement(
        "text2model-tiny",
        "text2model",
        f"{TEXT} {{data}}/tiny-imagenet-160.parquet --label-column wnid --splits 10",
        as_markdown,
    ),
    Measurement(
        "text2model-variants",
        "text2model",
        f"{TEXT} {{data}}/cifar100.parquet --part-column cifar_fs --ways 5 --variants",
        as_markdown,
    ),
    Measurement("text2model-awa", "text2model", "text2model --data {data}/awa-attributes.json", as_markdown),
    *(Measurement(f"icis-{kind}", "icis", f"{ICIS} {kind}", icis_table)
      for kind in ("conceptnet", "sentences", "conceptnet+sentences")),
)  # fmt: skip


def measure_words(*, data: Path, out: Path, pages: Path) -> list[dict[str, Any]]:
    """Run what has no result yet, one after the other, and write every table that has one; name and exit of each."""
    outcomes = []
    for one in MEASUREMENTS:
        exit_code = _run(one, data=data, out=out)
        if exit_code == 0:
            _write(one, out=out, pages=pages)
        outcomes.append({"name": one.name, "exit": exit_code})
    return outcomes


def _run(one: Measurement, *, data: Path, out: Path) -> int:
    result = out / f"{one.name}.json"
    if result.exists():
        return 0
    command = [sys.executable, "-m", "ml.bench", *one.command.format(data=data).split(), "--json"]
    with (out / f"{one.name}.log").open("a") as log:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=log, text=True, check=False)
    if done.returncode == 0:
        part = result.with_suffix(".part")
        part.write_text(done.stdout)
        part.replace(result)
    return done.returncode


def _write(one: Measurement, *, out: Path, pages: Path) -> None:
    """Raises ArtefactError for a page without the marks."""
    path = pages / f"{one.page}.md"
    text = path.read_text()
    found = re.search(re.escape(one.begin) + r"\n.*?" + re.escape(END), text, re.DOTALL)
    if found is None:
        raise ArtefactError(f"{path} has no place for results: put the lines {one.begin!r} and {END!r} into it")
    table = one.table(json.loads((out / f"{one.name}.json").read_text()))
    path.write_text(f"{text[: found.start()]}{one.begin}\n{table}\n{END}{text[found.end() :]}")
