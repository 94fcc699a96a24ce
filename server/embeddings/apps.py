from django.apps import AppConfig


class EmbeddingsConfig(AppConfig):
    name = "server.embeddings"
    label = "embeddings"
    default_auto_field = "django.db.models.BigAutoField"
