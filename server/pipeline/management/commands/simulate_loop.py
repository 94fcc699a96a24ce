"""Play the whole loop on labeled images: a simulated annotator labels, runs train, the gate decides."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from server.core.errors import ApplicationError
from server.pipeline.simulation import Play, simulate


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("--images", type=Path, required=True, help="folder of class folders, archive or Parquet file")
        add("--label-column", help="of a Parquet file; by default the first of label, fine_label, name, …")
        add("--encoder", default="demo", help="as the registry names it")
        add("--confirmations", type=int, default=500, help="labels that teach; blind answers come on top")
        add("--seed", type=int, default=0)
        add("--shuffle-labels", action="store_true", help="what teaches is drawn at random; blind answers stay true")
        add("--limit", type=int, default=1500, help="images drawn at random from all that are there")
        add("--every", type=int, default=100, help="newly confirmed labels between training runs")
        add("--blind-share", type=float, default=0.3)
        add("--workers", choices=["auto", "real", "inline"], default="auto", help="auto: real ones where they answer")
        add("--numbers", action="store_true", help="call categories by number, as where names tell an encoder nothing")
        add("--json", action="store_true", help="one JSON object and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        play = Play(**{name: options[name] for name in Play.__dataclass_fields__})
        try:
            report = simulate(play)
        except ApplicationError as error:
            raise CommandError(error.message) from error
        if options["json"]:
            self.stdout.write(json.dumps(report))
            return
        for run in report["runs"]:
            self.stdout.write(f"run {run['id']}: {run['labels']} labels, {run['outcome']}. {run['reason']}")
        self.stdout.write(
            f"Blind accuracy {report['accuracy_before']} → {report['accuracy_after']},"
            f" difference {report['paired_ci95']} on {report['blind']} images"
        )
