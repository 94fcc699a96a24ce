"""Load an encoder by name or from a file, check it, and offer it to every project on this server."""

from dataclasses import asdict
from importlib import import_module
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from server.registry.services import EncoderFacts, encoder_register


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="demo, open_clip:NAME/TAG, hf-hub:ORG/MODEL, timm:NAME or a path")
        parser.add_argument("--dry-run", action="store_true", help="load and check it, add nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        # Only workers load models; this command is one for as long as it runs.
        seam = import_module("server.pipeline.tasks.embed")
        try:
            facts = EncoderFacts(**asdict(seam.encoder_describe(options["name"])))
        except seam.MlError as error:
            raise CommandError(str(error)) from error
        if not options["dry_run"]:
            encoder_register(facts)
        reads = "images and texts" if facts.has_text else "images"
        added = "checked (dry run)" if options["dry_run"] else "added"
        self.stdout.write(f"{facts.name}: {added}; reads {reads}, {facts.dim} dimensions, {facts.fingerprint[:12]}")
