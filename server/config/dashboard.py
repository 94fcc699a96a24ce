"""How the admin dashboard looks and what stands in its margin (django-unfold)."""

from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy

# Lightness and chroma of the front end's accent, hue 165, from pale to dark.
GREEN = {
    "50": "oklch(97% .015 165)",
    "100": "oklch(94% .03 165)",
    "200": "oklch(88% .05 165)",
    "300": "oklch(80% .07 165)",
    "400": "oklch(74% .09 165)",
    "500": "oklch(60% .1 165)",
    "600": "oklch(47% .09 165)",
    "700": "oklch(41% .085 165)",
    "800": "oklch(35% .07 165)",
    "900": "oklch(29% .055 165)",
    "950": "oklch(22% .04 165)",
}


def _page(title: str, icon: str, model: str) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{model}_changelist")}


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Winnow, operations",
    "SITE_HEADER": "Winnow",
    "SITE_SUBHEADER": "Operations and taxonomies",
    "SITE_URL": "/",
    "SITE_ICON": lambda request: static("mark.svg"),
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("mark.svg")}],
    "COLORS": {"primary": GREEN},
    "STYLES": [lambda request: static("winnow_admin/winnow.css")],
    "DASHBOARD_CALLBACK": "server.api.admin.projects.first_page",
    "SIDEBAR": {
        "navigation": [
            {
                "title": "Projects",
                "items": [
                    {"title": "All projects", "icon": "grid_view", "link": reverse_lazy("admin:index")},
                    _page("Categories", "account_tree", "taxonomy_category"),
                    _page("Imports", "upload", "images_importbatch"),
                ],
            },
            {
                "title": "This installation",
                "items": [_page("People", "group", "accounts_user"), _page("Jobs", "pending_actions", "jobs_job")],
            },
            {"items": [{"title": "Back to Winnow", "icon": "arrow_back", "link": "/", "active": False}]},
        ]
    },
}
