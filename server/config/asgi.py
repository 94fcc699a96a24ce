"""The web process. Must never load torch: see tests/architecture."""

import os

import django

from server.config.body_limit import limited

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.config.settings")
django.setup()

from server.config.threaded import ThreadedHandler  # noqa: E402  (needs the settings)

application = limited(ThreadedHandler())
