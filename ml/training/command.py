"""Options that the training commands share, and how they write what they measured."""

import argparse
import json
import platform
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from ml.errors import ConfigError
from ml.training.partition import DataSpec


def add_image_arguments(parser: argparse.ArgumentParser) -> None:
    """Where images come from and how they are decoded; read back by `data_spec`."""
    add = parser.add_argument
    add("--data", type=Path, required=True, help="ImageFolder or Parquet file")
    add("--label-column", action="append", default=[], help="Parquet column of the class; repeat to join")
    add("--split-column", help="Parquet column with train, val and test; else classes are split at random")
    add("--size", type=int, default=32, help="pixels a side")
    add("--grey", action="store_true", help="one channel")
    add("--invert", action="store_true", help="bright strokes on black")
    add("--rotations", action="store_true", help="each quarter turn of a class is a class")


def add_run_arguments(parser: argparse.ArgumentParser, *, name: str) -> None:
    add = parser.add_argument
    add("--seed", type=int, default=0)
    add("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    add("--name", default=name, help="of the files written")
    add("--out", type=Path, default=Path("reproduce"), help="folder for weights and figures")


def data_spec(args: argparse.Namespace) -> DataSpec:
    return DataSpec(
        path=args.data,
        label_columns=tuple(args.label_column),
        split_column=args.split_column,
        size=args.size,
        channels=1 if args.grey else 3,
        invert=args.invert,
        rotations=args.rotations,
        seed=args.seed,
    )


def open_device(name: str) -> torch.device:
    """TF32 and cuDNN's choice of kernels on a GPU; both leave accuracies as they are within seed noise."""
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = True
    return torch.device(name)


def way_shot(text: str) -> tuple[int, int]:
    """ "5w1s" to (5, 1)."""
    match = re.fullmatch(r"(\d+)w(\d+)s", text)
    if not match:
        raise ConfigError(f'a test is written like "5w1s", got {text!r}')
    return int(match[1]), int(match[2])


def write_record(args: argparse.Namespace, *, device: torch.device, record: dict[str, Any]) -> None:
    """`<out>/<name>.json`: the figures with command, device and versions."""
    gpu = device.type == "cuda"
    machine = torch.cuda.get_device_name(device) if gpu else platform.processor() or platform.machine()
    options = {name: str(value) for name, value in vars(args).items()}
    args.out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(
        {"name": args.name, **record, "options": options, "device": machine, "torch": torch.__version__},
        indent=1,
    )
    (args.out / f"{args.name}.json").write_text(text)


def run_command(parser: argparse.ArgumentParser, argv: list[str], run: Callable[..., dict[str, Any]]) -> int:
    """Parse, run, print one JSON object."""
    sys.stdout.write(json.dumps(run(parser.parse_args(argv))) + "\n")
    return 0
