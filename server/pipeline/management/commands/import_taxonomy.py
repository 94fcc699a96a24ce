"""Make categories from a file: JSON as a tree, or text with one name a line.

JSON: {"categories": [{"name", "key", "synonyms": [], "definition", "prompts": [], "sentences": [], "attributes": [],
"children": []}]}. Text: one name a line, indentation makes children, "name | synonym, synonym | definition".
"""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from server.core.errors import ApplicationError
from server.pipeline import flows
from server.pipeline.management.projects import project_named
from server.projects.models import Project
from server.taxonomy.bulk import categories_paste
from server.taxonomy.importing import taxonomy_import


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--project", required=True, help="name or id")
        parser.add_argument("--dry-run", action="store_true", help="say what would be made, make nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        project = project_named(options["project"])
        try:
            text = options["file"].read_text(encoding="utf-8")
            with transaction.atomic():
                line = self._import(project, text, tree=options["file"].suffix.lower() == ".json")
                if options["dry_run"]:
                    transaction.set_rollback(True)
                else:
                    flows.after_taxonomy_changed(project.pk)
        except (ApplicationError, OSError, ValueError, RecursionError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(line + (" (dry run: nothing was made)" if options["dry_run"] else ""))

    def _import(self, project: Project, text: str, *, tree: bool) -> str:
        if tree:
            made = taxonomy_import(project=project, tree=json.loads(text))
            return f"{made.created} categories made, {made.existing} were there"
        result = categories_paste(project=project, text=text)
        for problem in result.problems:
            self.stderr.write(f"line {problem['line']}: {problem['message']}")
        return f"{len(result.created)} categories made, {len(result.existing)} were there"
