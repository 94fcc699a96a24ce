"""Write openapi.json, from which the front end's types and the API's tests come."""

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from server.api.schema import openapi


def openapi_text() -> str:
    return json.dumps(openapi(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; fail where the file is out of date")

    def handle(self, *args: Any, **options: Any) -> None:
        target = Path(settings.BASE_DIR) / "openapi.json"
        text = openapi_text()
        if options["check"]:
            if not target.exists() or target.read_text(encoding="utf-8") != text:
                raise CommandError("openapi.json is out of date; run `manage.py write_openapi` and commit it.")
            return
        target.write_text(text, encoding="utf-8")
        self.stdout.write(f"wrote {target.name}, {len(text):,} characters")
