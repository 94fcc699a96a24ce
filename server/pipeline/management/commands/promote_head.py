"""Make a head the one that serves, whatever the gate said of it. Predictions follow."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from server.core.errors import ApplicationError
from server.pipeline.promotion import head_make_live
from server.registry.models import HeadVersion


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("head", type=int, help="id of the head, as list_runs shows it")
        parser.add_argument("--reason", default="promoted by an operator")
        parser.add_argument("--dry-run", action="store_true", help="say what would change, change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        head = HeadVersion.objects.select_related("project").filter(pk=options["head"]).first()
        if head is None:
            raise CommandError(f"There is no head {options['head']}; manage.py list_runs shows those of a project.")
        if options["dry_run"]:
            self.stdout.write(
                f"{head.project.name}: head {head.pk} would serve instead of {head.project.active_head_id} (dry run)"
            )
            return
        try:
            made = head_make_live(head=head, by=None, reason=options["reason"])
        except ApplicationError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"{head.project.name}: head {head.pk} serves" + ("" if made else " already"))
