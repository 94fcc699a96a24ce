"""What a project's owner decides about pages, with what holds where nothing was decided."""

from dataclasses import dataclass

from server.projects.models import Project

ATTENTION_SHARE = 0.05
SIZE_MAX = 48
LEASE_MINUTES = 5.0


@dataclass(frozen=True)
class PageOptions:
    """`attention_share` of a page's tiles are known wrong; no page has more than `size_max` tiles."""

    attention_share: float
    size_max: int
    lease_s: float

    @classmethod
    def of(cls, project: Project) -> "PageOptions":
        """From `Project.options`."""
        told = project.options
        return cls(
            attention_share=float(told.get("attention_share", ATTENTION_SHARE)),
            size_max=int(told.get("page_size_max", SIZE_MAX)),
            lease_s=60.0 * float(told.get("lease_minutes", LEASE_MINUTES)),
        )
