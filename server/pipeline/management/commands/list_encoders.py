"""Encoders that can be chosen: those known to work, and those that were added here."""

from typing import Any

from django.core.management.base import BaseCommand

from server.registry.selectors import encoders_offered


class Command(BaseCommand):
    help = __doc__ or ""

    def handle(self, *args: Any, **options: Any) -> None:
        for offer in encoders_offered():
            reads = "images and texts" if offer.has_text else "images"
            here = "here" if offer.available else "to be fetched"
            self.stdout.write(f"{offer.name:45} {offer.dim:>5} dimensions  {reads:17} {here:14} {offer.note}")
