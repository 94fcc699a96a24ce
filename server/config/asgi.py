"""The web process. Must never load torch: see tests/architecture."""

import os

from django.core.asgi import get_asgi_application

from server.config.body_limit import limited

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.config.settings")

application = limited(get_asgi_application())
