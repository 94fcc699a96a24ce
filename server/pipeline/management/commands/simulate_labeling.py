"""Let simulated people label images through the real interface, and write what it cost as JSON and as a plot."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from server.acquisition.catalogue import BY_NAME, DEFAULT
from server.core.errors import ApplicationError
from server.pipeline.labeling_plot import curve_svg
from server.pipeline.labeling_simulation import Session, simulate_labeling


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("--images", type=Path, required=True, help="folder of class folders, archive or Parquet file")
        add("--label-column", help="of a Parquet file; by default the first of label, fine_label, name, …")
        add("--encoder", default="demo", help="as the registry names it")
        add("--annotators", type=int, default=4)
        add("--strategy", choices=sorted(BY_NAME), default=DEFAULT)
        add("--interface", choices=["page", "single"], default="page")
        add("--budget", type=int, default=1000, help="labels")
        add("--error-rate", type=float, default=0.02, help="of one judgement of somebody rested")
        add("--seed", type=int, default=0)
        add("--limit", type=int, default=2000, help="images drawn at random from all that are there")
        add("--held-out", type=float, default=0.2, help="share of images that measure and never teach")
        add("--workers", choices=["auto", "real", "inline"], default="auto", help="auto: real ones where they answer")
        add("--plot", type=Path, help="write the curve to this SVG file")
        add("--json", action="store_true", help="one JSON object and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        session = Session(**{name: options[name] for name in Session.__dataclass_fields__})
        try:
            report = simulate_labeling(session)
        except ApplicationError as error:
            raise CommandError(error.message) from error
        if options["plot"]:
            options["plot"].write_text(curve_svg(report), encoding="utf-8")
        if options["json"]:
            self.stdout.write(json.dumps(report))
            return
        self.stdout.write(
            f"{report['labels']} labels, {report['label_accuracy']:.1%} right, by {report['actions']} actions in"
            f" {report['modelled_s'] / 60:.0f} modelled minutes: {report['actions_per_label']} actions and"
            f" {report['seconds_per_label']} s a label; head {report['head_accuracy']:.1%} right"
        )
