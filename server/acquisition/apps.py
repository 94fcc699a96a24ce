from django.apps import AppConfig


class AcquisitionConfig(AppConfig):
    name = "server.acquisition"
    label = "acquisition"
    default_auto_field = "django.db.models.BigAutoField"
