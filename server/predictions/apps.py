from django.apps import AppConfig


class PredictionsConfig(AppConfig):
    name = "server.predictions"
    label = "predictions"
    default_auto_field = "django.db.models.BigAutoField"
